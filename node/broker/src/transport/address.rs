//! Which of a machine's addresses belong to the store.
//!
//! Guards the rule that nothing listens on a public address unless its address was written down.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6},
};

/// An address of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The address.
    pub ip: IpAddr,
    /// The index of its interface, which a link-local IPv6 address needs to be told apart.
    pub interface: u32,
}

/// Loopback and private addresses (RFC 1918, RFC 4193, link-local) with a port, each once, loopback first.
pub fn private_addresses(candidates: &[Candidate], port: u16) -> Vec<SocketAddr> {
    let mut addresses: Vec<SocketAddr> = candidates
        .iter()
        .filter(|candidate| is_private(candidate.ip))
        .map(|candidate| match candidate.ip {
            IpAddr::V6(ip) if ip.is_unicast_link_local() => {
                SocketAddrV6::new(ip, port, 0, candidate.interface).into()
            }
            ip => SocketAddr::new(ip, port),
        })
        .collect();
    addresses.sort_by_key(|address| (!address.ip().is_loopback(), *address));
    addresses.dedup();
    addresses
}

/// The addresses that this machine has now.
pub fn system_addresses() -> io::Result<Vec<Candidate>> {
    let interfaces = if_addrs::get_if_addrs()?;
    Ok(interfaces
        .iter()
        .map(|interface| Candidate { ip: interface.ip(), interface: interface.index.unwrap_or(0) })
        .collect())
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_private_v4(ip),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(ip) => is_private_v4(ip),
            None => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        },
    }
}

fn is_private_v4(ip: Ipv4Addr) -> bool {
    ip.is_loopback() || ip.is_private() || ip.is_link_local()
}
