//! Who an address stands for. Whatever is bounded or counted by address goes by this.

use std::net::{IpAddr, Ipv6Addr};

/// An address of IPv4, also where it is written as one of IPv6; of IPv6 the network of 64 bits, where anybody has as many addresses as they like.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn a_network_of_ipv6_is_one_and_an_address_of_ipv4_is_the_same_in_both() {
        let of = |address: &str| network(address.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:0:0:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
