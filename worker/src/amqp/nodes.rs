//! The nodes of a broker: any of them will do, and the next one does when one is away.

use std::time::Duration;

use lapin::uri::{AMQPScheme, AMQPUri};
use secrecy::{ExposeSecret, SecretString};

use super::{Error, version};

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Consuming,
    Publishing,
}

impl Role {
    /// As broker and log call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Consuming => "consuming",
            Self::Publishing => "publishing",
        }
    }

    /// The largest frame to ask for, bytes, unless an address names another. The client rotates through buffers of 32
    /// frames for each direction, and with the usual 128 KiB no processor's cache holds them. But RabbitMQ hands on a
    /// message's headers in one frame, as large as the publisher's connection allowed: whoever consumes has to take
    /// the largest that the broker does.
    fn frame_max(self) -> u32 {
        match self {
            Self::Consuming => 1024 * 1024,
            Self::Publishing => 16 * 1024,
        }
    }
}

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
pub(super) fn nodes(urls: &SecretString, heartbeat: Duration, role: Role) -> Result<Vec<Node>, Error> {
    let node = |url: &str| {
        let mut uri: AMQPUri = url.trim().parse().map_err(Error::Url)?;
        uri.query.heartbeat = Some(u16::try_from(heartbeat.as_secs()).unwrap_or(15));
        uri.query.frame_max.get_or_insert(role.frame_max());
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
    fn frames_are_as_large_as_their_connection_needs_unless_an_address_says_otherwise() {
        let urls = SecretString::from("amqp://a,amqp://a?frame_max=131072");
        for (role, usual) in [(Role::Publishing, 16_384), (Role::Consuming, 1_048_576)] {
            let frames = nodes(&urls, Duration::ZERO, role).unwrap().into_iter().map(|node| node.0.query.frame_max);
            let frames: std::collections::BTreeSet<Option<u32>> = frames.collect();
            assert_eq!(frames, [Some(usual), Some(131_072)].into());
        }
    }

    #[test]
    fn nodes_are_listed_with_commas_and_each_of_them_may_be_the_first() {
        let urls = SecretString::from("amqp://a:5673/v, amqp://u:p%2Cq@b");
        let places = || {
            nodes(&urls, Duration::from_secs(9), Role::Consuming).unwrap().iter().map(Node::place).collect::<Vec<_>>()
        };
        let firsts: std::collections::BTreeSet<String> = (0..64).map(|_| places().remove(0)).collect();
        assert_eq!(firsts.into_iter().collect::<Vec<_>>(), ["a:5673", "b:5672"]);
        for urls in ["", "amqp://a,", "http://a"] {
            assert!(matches!(nodes(&urls.into(), Duration::ZERO, Role::Consuming), Err(Error::Url(_))), "{urls}");
        }
    }
}
