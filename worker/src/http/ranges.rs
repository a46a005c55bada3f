//! Addresses that are nobody's public server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 ranges: network and prefix length.
const V4: [([u8; 4], u32); 20] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([168, 63, 129, 16], 32),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 31, 196, 0], 24),
    ([192, 52, 193, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([192, 175, 48, 0], 24),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
    ([255, 255, 255, 255], 32),
];

/// IPv6 ranges inside `2000::/3`; everything outside of it is forbidden as a whole.
const V6: [([u16; 4], u32); 4] =
    [([0x2001, 0, 0, 0], 23), ([0x2001, 0xdb8, 0, 0], 32), ([0x2002, 0, 0, 0], 16), ([0x3fff, 0, 0, 0], 20)];

/// Services that hand out a machine's own credentials: opened only by an entry for exactly that address.
const METADATA: [IpAddr; 6] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// The address that is really meant: IPv4 inside IPv6 is IPv4.
pub(super) fn folded(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => embedded_v4(v6).map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// v4-mapped, v4-compatible and SIIT addresses; `::` and `::1` are addresses of their own.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., high, low] = address.segments();
    let v4 = || {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0xffff | 0, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => Some(v4()),
        _ => None,
    }
}

/// Whether an address is private, local, reserved, or carries such a one.
pub(super) fn is_forbidden(address: IpAddr) -> bool {
    match folded(address) {
        IpAddr::V4(v4) => V4.iter().any(|(network, length)| v4_in(v4, *network, *length)),
        IpAddr::V6(v6) => {
            let [first, ..] = v6.segments();
            let is_global = first & 0xe000 == 0x2000;
            !is_global || V6.iter().any(|(network, length)| v6_in(v6, *network, *length)) || is_isatap(v6)
        }
    }
}

/// Whether an address hands out a machine's own credentials.
pub(super) fn is_metadata(address: IpAddr) -> bool {
    METADATA.contains(&folded(address))
}

fn v4_in(address: Ipv4Addr, network: [u8; 4], length: u32) -> bool {
    let shift = 32 - length;
    u32::from(address) >> shift == u32::from(Ipv4Addr::from(network)) >> shift
}

fn v6_in(address: Ipv6Addr, network: [u16; 4], length: u32) -> bool {
    let [a, b, c, d] = network;
    let shift = 128 - length;
    u128::from(address) >> shift == u128::from(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)) >> shift
}

/// An interface id that carries an IPv4 address (RFC 5214).
fn is_isatap(address: Ipv6Addr) -> bool {
    matches!(address.segments(), [_, _, _, _, 0 | 0x0200, 0x5efe, _, _])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbidden(text: &str) -> bool {
        is_forbidden(text.parse().unwrap_or_else(|_| panic!("{text}")))
    }

    #[test]
    fn one_of_every_forbidden_range() {
        for address in [
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.31.196.1",
            "192.52.193.1",
            "192.88.99.1",
            "192.168.0.1",
            "192.175.48.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:7f00:1",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "100:0:0:1::1",
            "2001::1",
            "2001:10::1",
            "2001:20::1",
            "2001:2::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2400:cb00::5efe:7f00:1",
            "4000::1",
        ] {
            assert!(forbidden(address), "{address}");
        }
    }

    #[test]
    fn their_neighbours_are_public() {
        for address in [
            "1.0.0.0",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.1",
            "192.0.1.0",
            "192.0.3.0",
            "192.31.195.255",
            "192.31.197.0",
            "192.52.192.255",
            "192.52.194.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "192.175.47.255",
            "192.175.49.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "2001:200::1",
            "2001:db7::1",
            "2001:db9::1",
            "2003::1",
            "2606:4700::1111",
            "3ffe::1",
            "2a00:1450:4001::200e",
        ] {
            assert!(!forbidden(address), "{address}");
        }
    }

    #[test]
    fn metadata_services_are_known_in_every_dress() {
        for address in ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "168.63.129.16"] {
            assert!(is_metadata(address.parse().unwrap()), "{address}");
        }
        assert!(!is_metadata("169.254.1.1".parse().unwrap()));
    }
}
