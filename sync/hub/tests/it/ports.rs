//! Ports for what is killed and comes back where it was.

use std::{
    net::{TcpListener, UdpSocket},
    process,
    sync::atomic::{AtomicU16, Ordering},
};

/// Below what systems give connections by themselves, so that nobody's connection has it when a hub comes back.
const FIRST: u16 = 10_000;
const MANY: u16 = 20_000;

/// One that is free for TCP and for UDP.
pub fn free() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    // Each test is a process of its own; two of them begin at other places.
    let begin = process::id().wrapping_mul(61) % u32::from(MANY);
    for _ in 0..MANY {
        let tried = u32::from(TRIED.fetch_add(1, Ordering::Relaxed));
        let port = FIRST + u16::try_from((begin + tried) % u32::from(MANY)).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
