//! The endpoints of a broker: a connection uses any of them, and the next one when a node is down.

use std::time::Duration;

use lapin::uri::{AMQPScheme, AMQPUri};
use secrecy::{ExposeSecret, SecretString};

use super::{Error, handshake};

/// The largest frame to ask for, bytes, unless a URL names another. The client rotates through buffers of 32 frames for
/// each direction: with the usual 128 KiB they are 8 MB a connection, more than a processor's cache.
const FRAME_MAX: u32 = 16 * 1024;
/// For a connection that has met a larger one: RabbitMQ delivers a message's headers in one frame, however large the
/// publisher's connection allowed it to be. It is the broker's own limit unless that was raised; then a URL can name the
/// same. The client sizes its buffers by its own request, whatever the broker agrees to.
const LARGE_FRAME_MAX: u32 = 128 * 1024;

/// The URI of one node, with the heartbeat and the frame size to negotiate.
#[derive(Debug, Clone)]
pub(super) struct Endpoint(pub(super) AMQPUri);

impl Endpoint {
    /// `host:port`, for messages.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.0.authority.host, self.0.authority.port)
    }

    /// Refuses brokers that are unreachable or too old; behind TLS the version is not checked.
    pub(super) async fn check(&self) -> Result<(), Error> {
        match self.0.scheme {
            AMQPScheme::AMQP => handshake::check_version(&self.address()).await,
            AMQPScheme::AMQPS => handshake::check_reachable(&self.address()).await,
        }
    }
}

/// The endpoints in `urls`, which commas separate, in random order, so that workers spread over them.
pub(super) fn endpoints(urls: &SecretString, heartbeat: Duration, large_frames: bool) -> Result<Vec<Endpoint>, Error> {
    let endpoint = |url: &str| {
        let mut uri: AMQPUri = url.trim().parse().map_err(Error::Url)?;
        uri.query.heartbeat = Some(u16::try_from(heartbeat.as_secs()).unwrap_or(15));
        let frame_max = uri.query.frame_max.unwrap_or(FRAME_MAX);
        uri.query.frame_max = Some(if large_frames { frame_max.max(LARGE_FRAME_MAX) } else { frame_max });
        Ok(Endpoint(uri))
    };
    let mut endpoints = urls.expose_secret().split(',').map(endpoint).collect::<Result<Vec<_>, Error>>()?;
    fastrand::shuffle(&mut endpoints);
    Ok(endpoints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_small_unless_a_url_says_otherwise() {
        let urls = SecretString::from("amqp://a,amqp://a?frame_max=131072");
        for (large, expected) in [(false, [16_384, 131_072]), (true, [131_072, 131_072])] {
            let endpoints = endpoints(&urls, Duration::ZERO, large).unwrap();
            let mut frames: Vec<u32> = endpoints.iter().filter_map(|endpoint| endpoint.0.query.frame_max).collect();
            frames.sort_unstable();
            assert_eq!(frames, expected);
        }
    }

    #[test]
    fn each_of_several_endpoints_may_be_the_first() {
        let urls = SecretString::from("amqp://a:5673/v, amqp://u:p%2Cq@b");
        let addresses = || {
            let endpoints = endpoints(&urls, Duration::from_secs(9), false).unwrap();
            endpoints.iter().map(Endpoint::address).collect::<Vec<_>>()
        };
        let firsts: std::collections::BTreeSet<String> = (0..64).map(|_| addresses().remove(0)).collect();
        assert_eq!(firsts.into_iter().collect::<Vec<_>>(), ["a:5673", "b:5672"]);
        for urls in ["", "amqp://a,", "http://a"] {
            assert!(matches!(endpoints(&urls.into(), Duration::ZERO, false), Err(Error::Url(_))), "{urls}");
        }
    }
}
