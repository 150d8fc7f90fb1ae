//! The lines between stores and hub: one for each store, over UDP and over TCP, which are cut and mended together.

use super::HubError;
use crate::link::{TcpLink, UdpLink, Weather};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// One store's line.
#[derive(Debug)]
struct Line {
    udp: UdpLink,
    tcp: TcpLink,
}

/// The lines of some stores. Clones share them; they are gone with the last one.
#[derive(Debug, Clone)]
pub struct Lines(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    lines: Vec<Line>,
    /// Since when they are cut, while they are.
    cut: Mutex<Option<Instant>>,
}

/// Where a store calls its hub: the ports of its own line on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The UDP port for QUIC.
    pub quic_port: u16,
    /// The TCP port for TLS.
    pub tls_port: u16,
}

impl Lines {
    /// So many lines to a hub, good for now.
    ///
    /// # Errors
    /// When there are no sockets for them.
    pub async fn start(count: usize, quic: SocketAddr, tls: SocketAddr, seed: u64) -> Result<Self, HubError> {
        let mut lines = Vec::new();
        for number in 0..count as u64 {
            let seed = seed.wrapping_add(number);
            let udp = UdpLink::start(quic, seed).await.map_err(HubError::Line)?;
            let tcp = TcpLink::start(tls, seed).await.map_err(HubError::Line)?;
            lines.push(Line { udp, tcp });
        }
        Ok(Self(Arc::new(Shared { lines, cut: Mutex::new(None) })))
    }

    /// Where each store calls.
    pub fn calls(&self) -> impl Iterator<Item = Call> + '_ {
        let call =
            |line: &Line| Call { quic_port: line.udp.address().port(), tls_port: line.tcp.address().port() };
        self.0.lines.iter().map(call)
    }

    /// For how long they have been cut; `None` while they are not.
    #[must_use]
    pub fn cut_for(&self) -> Option<Duration> {
        self.state().map(|since| since.elapsed())
    }

    /// Cuts them all: datagrams vanish, connections end, and nobody gets through.
    pub fn cut(&self) {
        let mut state = self.state();
        state.get_or_insert_with(Instant::now);
        let gone = Weather { is_blackhole: true, ..Weather::default() };
        for line in &self.0.lines {
            line.udp.set(gone);
            line.tcp.refuse(true);
            line.tcp.cut();
        }
    }

    /// Lets everything through again.
    pub fn mend(&self) {
        let mut state = self.state();
        for line in &self.0.lines {
            line.udp.set(Weather::default());
            line.tcp.refuse(false);
        }
        *state = None;
    }

    /// Cuts what is whole, and mends what is cut.
    pub fn toggle(&self) {
        if self.cut_for().is_some() { self.mend() } else { self.cut() }
    }

    fn state(&self) -> MutexGuard<'_, Option<Instant>> {
        // It is never half changed.
        self.0.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
