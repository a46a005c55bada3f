//! The nodes of a broker: any of them will do, and the next one does when one is away.

use std::time::Duration;

use lapin::uri::{AMQPScheme, AMQPUri};
use secrecy::{ExposeSecret, SecretString};

use super::{Error, version};

/// The largest frame to ask for, bytes, unless an address names another. The client rotates through buffers of 32 frames
/// for each direction: with the usual 128 KiB they are 8 MB a connection, which no processor's cache holds.
const FRAME_MAX: u32 = 16 * 1024;
/// For a connection that has met a larger one: RabbitMQ hands a message's headers on in one frame, however large the
/// publisher's connection allowed it to be. It is the broker's own limit unless somebody raised that; then an address can
/// name the same. The client's buffers are made for what is asked for, whatever the broker agrees to.
const LARGE_FRAME_MAX: u32 = 128 * 1024;

/// One node's address, heartbeat included.
#[derive(Debug, Clone)]
pub(super) struct Node(pub(super) AMQPUri);

impl Node {
    /// Host and port, for people.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.0.authority.host, self.0.authority.port)
    }

    /// Refuses brokers that are away or too old; how old one is behind TLS is not asked.
    pub(super) async fn check(&self) -> Result<(), Error> {
        let (host, port) = (&self.0.authority.host, self.0.authority.port);
        match self.0.scheme {
            AMQPScheme::AMQP => version::check(host, port).await,
            AMQPScheme::AMQPS => version::is_there(host, port).await,
        }
    }
}

/// The nodes that `urls` lists with commas between them, beginning with any, so that workers spread over them.
pub(super) fn nodes(urls: &SecretString, heartbeat: Duration, large_frames: bool) -> Result<Vec<Node>, Error> {
    let node = |url: &str| {
        let mut uri: AMQPUri = url.trim().parse().map_err(Error::Url)?;
        uri.query.heartbeat = Some(u16::try_from(heartbeat.as_secs()).unwrap_or(15));
        let most = uri.query.frame_max.unwrap_or(FRAME_MAX);
        uri.query.frame_max = Some(if large_frames { most.max(LARGE_FRAME_MAX) } else { most });
        Ok(Node(uri))
    };
    let mut nodes = urls.expose_secret().split(',').map(node).collect::<Result<Vec<_>, Error>>()?;
    fastrand::shuffle(&mut nodes);
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_small_unless_an_address_says_otherwise() {
        let urls = SecretString::from("amqp://a,amqp://a?frame_max=131072");
        for (large, expected) in [(false, [16_384, 131_072]), (true, [131_072, 131_072])] {
            let nodes = nodes(&urls, Duration::ZERO, large).unwrap();
            let mut frames: Vec<u32> = nodes.iter().filter_map(|node| node.0.query.frame_max).collect();
            frames.sort_unstable();
            assert_eq!(frames, expected);
        }
    }

    #[test]
    fn nodes_are_listed_with_commas_and_each_of_them_may_be_the_first() {
        let urls = SecretString::from("amqp://a:5673/v, amqp://u:p%2Cq@b");
        let places =
            || nodes(&urls, Duration::from_secs(9), false).unwrap().iter().map(Node::place).collect::<Vec<_>>();
        let firsts: std::collections::BTreeSet<String> = (0..64).map(|_| places().remove(0)).collect();
        assert_eq!(firsts.into_iter().collect::<Vec<_>>(), ["a:5673", "b:5672"]);
        for urls in ["", "amqp://a,", "http://a"] {
            assert!(matches!(nodes(&urls.into(), Duration::ZERO, false), Err(Error::Url(_))), "{urls}");
        }
    }
}
