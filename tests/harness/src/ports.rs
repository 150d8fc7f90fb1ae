//! Ports for what is killed and comes back where it was.
//!
//! They lie below those that systems give connections by themselves: else somebody's connection may have one when it comes back.

use std::{
    io,
    net::{Ipv4Addr, TcpListener, UdpSocket},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

const FIRST: u32 = 10_000;
const MANY: u32 = 20_000;

/// One that nobody has now, neither for TCP nor for UDP.
///
/// # Errors
/// When there is none.
pub(super) fn free() -> io::Result<u16> {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    // Each test is a process of its own; two of them begin at other places.
    let begin = process::id().wrapping_mul(61);
    let ports = (0..MANY).map(|_| FIRST + begin.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % MANY);
    let is_free = |port: &u16| {
        let at = (Ipv4Addr::LOCALHOST, *port);
        TcpListener::bind(at).is_ok() && UdpSocket::bind(at).is_ok()
    };
    let found = ports.filter_map(|port| u16::try_from(port).ok()).find(is_free);
    found.ok_or_else(|| io::Error::from(io::ErrorKind::AddrInUse))
}
