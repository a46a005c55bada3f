//! Which destinations may be called: checked for the URL as written, for every address it resolves to, and on every hop
//! (CONTRACT 6). Nothing private unless the operator named its range.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use ipnet::IpNet;
use url::{Host, Url};

use super::ranges::{folded, is_forbidden, is_metadata};

/// A destination that may not be called; does not reveal what a name resolves to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeniedDestination {
    /// Nobody may be called there.
    #[error(
        "destination not allowed: {host}. If it is meant to be called, the operator allows its range with --allow-net CIDR"
    )]
    Host {
        /// As it is written in the URL.
        host: String,
    },
    /// The host may be called, though not at this port.
    #[error(
        "destination not allowed: port {port} of {host}. Public hosts are called at ports 80, 443 and from 1024 on; if this \
         one is meant, the operator adds {port} to http.allow_ports"
    )]
    Port {
        /// As it is written in the URL.
        host: String,
        /// As it is written, or the scheme's.
        port: u16,
    },
}

/// Why a URL is refused before a connection is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum UrlError {
    /// Not allowed.
    Denied(DeniedDestination),
    /// Not a URL that can be called at all.
    Malformed(&'static str),
}

/// What the operator allows.
#[derive(Debug, Clone, Default)]
pub(super) struct Guard {
    allowed: Vec<IpNet>,
    /// Ports of public hosts besides the usual ones.
    ports: Vec<u16>,
    own: Vec<SocketAddr>,
    /// The ports of those on this machine: whatever its address, it is the same service.
    own_here: Vec<u16>,
}

/// Longer URLs are mistakes, bytes (CONTRACT 6). Presigned addresses have some thousands.
const URL_LENGTH: usize = 16 * 1_024;
/// Names of metadata services: never.
const METADATA_NAMES: [&str; 3] = ["metadata.google.internal", "metadata", "instance-data"];
/// Names that have a meaning only inside a network.
const INTERNAL_SUFFIXES: [&str; 9] = [
    ".localhost",
    ".local",
    ".internal",
    ".home.arpa",
    ".in-addr.arpa",
    ".ip6.arpa",
    ".svc",
    ".cluster.local",
    ".onion",
];

impl Guard {
    pub(super) fn new(allowed: Vec<IpNet>, own: Vec<SocketAddr>) -> Self {
        let own_here = own.iter().filter(|own| is_here(folded(own.ip()))).map(SocketAddr::port).collect();
        Self { allowed, ports: Vec::new(), own, own_here }
    }

    /// The same, with public hosts called at these ports too.
    pub(super) fn with_ports(self, ports: Vec<u16>) -> Self {
        Self { ports, ..self }
    }

    /// Checks a URL as it is written; names are checked again by what they resolve to.
    pub(super) fn url(&self, url: &Url) -> Result<(), UrlError> {
        let malformed = |problem| Err(UrlError::Malformed(problem));
        if !matches!(url.scheme(), "http" | "https") {
            return malformed("only http and https can be called");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return malformed("user name or password are in the URL; put them into the connector's credentials");
        }
        if url.as_str().len() > URL_LENGTH {
            return malformed("the URL is longer than 16,384 bytes");
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return malformed("the URL names no host");
        };
        let allowed = match host {
            Host::Ipv4(address) => self.literal(IpAddr::V4(address), port),
            Host::Ipv6(address) => self.literal(IpAddr::V6(address), port),
            Host::Domain(name) => self.name(name),
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        match allowed.filter(|_| port != 0) {
            Some(AllowedBy::Operator) => Ok(()),
            Some(AllowedBy::Default) if matches!(port, 80 | 443 | 1_024..) || self.ports.contains(&port) => Ok(()),
            Some(AllowedBy::Default) => Err(UrlError::Denied(DeniedDestination::Port { host, port })),
            None => Err(UrlError::Denied(DeniedDestination::Host { host })),
        }
    }

    fn literal(&self, address: IpAddr, port: u16) -> Option<AllowedBy> {
        if self.is_own(SocketAddr::new(address, port), None) {
            return None;
        }
        if self.is_named(address) {
            Some(AllowedBy::Operator)
        } else {
            self.address(address).then_some(AllowedBy::Default)
        }
    }

    /// A name that has a meaning only inside a network is allowed where the operator allows any range; what it resolves to
    /// then has to be in one.
    fn name(&self, name: &str) -> Option<AllowedBy> {
        match kind_of(name) {
            Name::Metadata => None,
            Name::Internal => (!self.allowed.is_empty()).then_some(AllowedBy::Operator),
            Name::Public => Some(AllowedBy::Default),
        }
    }

    /// Whether a name with these addresses may be called: one that is not allowed is enough to refuse it.
    pub(super) fn allows(&self, name: &str, addresses: &[IpAddr]) -> bool {
        let allowed = match kind_of(name) {
            Name::Metadata => false,
            Name::Internal => addresses.iter().all(|address| self.is_named(*address)),
            Name::Public => addresses.iter().all(|address| self.address(*address)),
        };
        allowed && !addresses.is_empty()
    }

    /// Checks the peer of a connection, which must not be this process either.
    pub(super) fn peer(&self, peer: SocketAddr, local: SocketAddr) -> bool {
        self.address(peer.ip()) && !self.is_own(peer, Some(local.ip()))
    }

    /// Whether an address is one of our own. A listener on the unspecified address also listens on the local address of a
    /// connection to itself.
    fn is_own(&self, remote: SocketAddr, local: Option<IpAddr>) -> bool {
        if self.own_here.contains(&remote.port()) && is_here(folded(remote.ip())) {
            return true;
        }
        let address = folded(remote.ip());
        let to_self = address.is_loopback() || local.is_some_and(|local| folded(local) == address);
        self.own.iter().any(|own| {
            own.port() == remote.port() && (folded(own.ip()) == address || (own.ip().is_unspecified() && to_self))
        })
    }

    /// Whether one address may be called.
    fn address(&self, address: IpAddr) -> bool {
        self.is_named(address) || !is_forbidden(address)
    }

    /// Whether the operator's ranges contain the address; a metadata service only by an entry for exactly its address.
    fn is_named(&self, address: IpAddr) -> bool {
        let address = folded(address);
        let whole = |net: &&IpNet| !is_metadata(address) || net.prefix_len() == net.max_prefix_len();
        self.allowed.iter().filter(whole).any(|net| net.contains(&address))
    }
}

/// Whether an address is one of this machine: the system lets nobody bind another one.
fn is_here(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified() || UdpSocket::bind((address, 0)).is_ok()
}

/// Why a destination is allowed.
enum AllowedBy {
    Default,
    Operator,
}

enum Name {
    Metadata,
    Internal,
    Public,
}

fn kind_of(name: &str) -> Name {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if METADATA_NAMES.contains(&name.as_str()) {
        Name::Metadata
    } else if !name.contains('.') || INTERNAL_SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
        Name::Internal
    } else {
        Name::Public
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: &Guard, url: &str) -> Result<(), UrlError> {
        guard.url(&Url::parse(url).unwrap_or_else(|e| panic!("{url}: {e}")))
    }

    fn denied(guard: &Guard, url: &str) -> bool {
        matches!(check(guard, url), Err(UrlError::Denied(_)))
    }

    #[test]
    fn own_services_are_closed_by_every_address_of_this_machine() {
        let all = ["127.0.0.0/8", "10.0.0.0/8", "::1/128"].map(|net| net.parse().unwrap()).to_vec();
        for own in ["127.0.0.1:5672", "[::1]:5672", "0.0.0.0:5672"] {
            let guard = Guard::new(all.clone(), vec![own.parse().unwrap()]);
            for host in ["127.0.0.1", "127.0.0.2", "127.255.255.254", "[::1]", "[::ffff:127.0.0.3]"] {
                assert!(denied(&guard, &format!("http://{host}:5672/")), "{host}, {own}");
                assert!(check(&guard, &format!("http://{host}:5673/")).is_ok(), "{host}, {own}");
            }
            let peer = |peer: &str| guard.peer(peer.parse().unwrap(), "127.0.0.1:40000".parse().unwrap());
            assert!(!peer("127.0.0.9:5672") && peer("127.0.0.9:5673") && peer("10.1.2.3:5672"), "{own}");
        }
    }

    #[test]
    fn loopback_in_every_notation_is_denied() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "017700000001",
            "127.0.0.1.",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "%31%32%37.0.0.1",
            "１２７.0.0.1",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "printer",
            "x.local",
            "metadata.google.internal",
            "api.internal",
            "web.default.svc",
            "db.cluster.local",
            "x.onion",
        ] {
            assert!(denied(&Guard::default(), &format!("http://{host}/")), "{host}");
        }
    }

    #[test]
    fn public_destinations_pass_and_low_ports_do_not() {
        for (url, expected) in [
            ("https://api.example.com/x", true),
            ("https://8.8.8.8/", true),
            ("http://api.example.com:8080/", true),
            ("http://api.example.com:25/", false),
            ("http://api.example.com:1023/", false),
            ("http://api.example.com:0/", false),
        ] {
            assert_eq!(check(&Guard::default(), url).is_ok(), expected, "{url}");
        }
        let guard = Guard::default().with_ports(vec![81, 0]);
        for (url, expected) in [
            ("http://api.example.com:81/", Ok(())),
            ("http://8.8.8.8:81/", Ok(())),
            ("https://api.example.com:444/", Err(["port 444 of api.example.com", "http.allow_ports"])),
            ("https://8.8.8.8:22/", Err(["port 22 of 8.8.8.8", "http.allow_ports"])),
            ("https://[2001:4860:4860::8888]:22/", Err(["port 22 of [2001:4860:4860::8888]", "http.allow_ports"])),
            // A port does not open a host, and its message does not speak of ports.
            ("http://10.0.0.1:81/", Err(["10.0.0.1.", "--allow-net"])),
            ("http://10.0.0.1:22/", Err(["10.0.0.1.", "--allow-net"])),
            ("http://localhost:81/", Err(["localhost.", "--allow-net"])),
            ("http://api.example.com:0/", Err(["api.example.com.", "--allow-net"])),
        ] {
            match (check(&guard, url), expected) {
                (Ok(()), Ok(())) => {}
                (Err(UrlError::Denied(denied)), Err(parts)) => {
                    let message = denied.to_string();
                    assert!(parts.iter().all(|part| message.contains(part)), "{url}: {message}");
                }
                (other, _) => panic!("{url}: {other:?}"),
            }
        }
        for url in ["ftp://api.example.com/", "https://u@api.example.com/", "https://u:p@api.example.com/"] {
            assert!(matches!(check(&Guard::default(), url), Err(UrlError::Malformed(_))), "{url}");
        }
    }

    #[test]
    fn a_url_has_sixteen_kibibytes() {
        let url = |length: usize| {
            format!("https://api.example.com/{}", "a".repeat(length - "https://api.example.com/".len()))
        };
        assert!(check(&Guard::default(), &url(URL_LENGTH)).is_ok());
        let refused = check(&Guard::default(), &url(URL_LENGTH + 1));
        assert_eq!(refused, Err(UrlError::Malformed("the URL is longer than 16,384 bytes")));
    }

    #[test]
    fn an_entry_opens_its_range_and_nothing_else() {
        let guard = Guard::new(vec!["10.1.0.0/16".parse().unwrap(), "169.254.0.0/16".parse().unwrap()], Vec::new());
        for (host, expected) in
            [("10.1.2.3:22", true), ("10.2.0.1", false), ("127.0.0.1", false), ("169.254.1.1", true)]
        {
            assert_eq!(check(&guard, &format!("http://{host}/")).is_ok(), expected, "{host}");
        }
        assert!(denied(&guard, "http://169.254.169.254/"), "a range does not open a metadata service");
        let named = Guard::new(vec!["169.254.169.254/32".parse().unwrap()], Vec::new());
        assert!(check(&named, "http://169.254.169.254/").is_ok());
    }

    #[test]
    fn our_own_addresses_are_denied_whatever_is_allowed() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let guard = Guard::new(
            vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap(), "10.0.0.0/8".parse().unwrap()],
            vec![address("127.0.0.1:5672"), address("0.0.0.0:8080")],
        );
        for (host, expected) in [
            ("127.0.0.1:5672", false),
            ("127.0.0.1:5673", true),
            ("2130706433:5672", false),
            ("127.0.0.2:8080", false),
            ("[::1]:8080", false),
            ("10.0.0.1:8080", true),
        ] {
            assert_eq!(check(&guard, &format!("http://{host}/")).is_ok(), expected, "{host}");
        }
        assert!(!guard.peer(address("10.0.0.7:8080"), address("10.0.0.7:40000")), "this is us");
        assert!(guard.peer(address("10.0.0.7:8080"), address("10.0.0.8:40000")));
        assert!(!guard.peer(address("192.168.0.1:80"), address("192.168.0.2:40000")));
    }

    #[test]
    fn one_bad_address_denies_a_name() {
        let guard = Guard::new(vec!["10.0.0.0/8".parse().unwrap()], Vec::new());
        let addresses = |list: &[&str]| list.iter().map(|a| a.parse().unwrap()).collect::<Vec<IpAddr>>();
        for (name, list, expected) in [
            ("a.example", vec!["8.8.8.8"], true),
            ("a.example", vec!["8.8.8.8", "127.0.0.1"], false),
            ("a.example", vec!["10.0.0.1"], true),
            ("erp.internal", vec!["10.0.0.1"], true),
            ("erp.internal", vec!["8.8.8.8"], false),
            ("metadata", vec!["10.0.0.1"], false),
            ("a.example", vec![], false),
        ] {
            assert_eq!(guard.allows(name, &addresses(&list)), expected, "{name} {list:?}");
        }
    }
}
