//! Which path is tried first, and when QUIC gets another chance. Pure: times come in.
//!
//! Guards: a store behind a firewall that eats UDP is not made to wait for QUIC at each reconnect, and is not left on TLS for ever when the
//! firewall is gone.

use crate::Path;

/// So many QUIC connections that opened and then were silent before WELCOME count as one that did not open: some networks let the first
/// packets through and eat the rest.
const SILENT_MAX: u32 = 2;

/// What was learnt about the line.
#[derive(Debug, Default)]
pub(super) struct Preference {
    tls_until_ms: Option<u64>,
    silent: u32,
}

impl Preference {
    /// The path to try first.
    pub(super) fn first(&self, now_ms: u64) -> Path {
        match self.tls_until_ms {
            Some(until) if now_ms < until => Path::Tls,
            _ => Path::Quic,
        }
    }

    /// A connection opened. Where that was TLS although QUIC was tried, TLS is kept for so long.
    pub(super) fn opened(&mut self, path: Path, was_quic_tried: bool, now_ms: u64, keep_ms: u64) {
        match path {
            Path::Quic => self.tls_until_ms = None,
            Path::Tls if was_quic_tried => self.tls_until_ms = Some(now_ms.saturating_add(keep_ms)),
            Path::Tls => {}
        }
    }

    /// The hub answered on this path.
    pub(super) const fn welcomed(&mut self, path: Path) {
        if matches!(path, Path::Quic) {
            self.silent = 0;
        }
    }

    /// A QUIC connection fell silent before the hub answered.
    pub(super) fn fell_silent(&mut self, now_ms: u64, keep_ms: u64) {
        self.silent += 1;
        if self.silent >= SILENT_MAX {
            self.silent = 0;
            self.tls_until_ms = Some(now_ms.saturating_add(keep_ms));
        }
    }

    /// When QUIC should be tried beside a connection over TLS.
    pub(super) const fn probe_at(&self) -> Option<u64> {
        self.tls_until_ms
    }

    /// It was, and failed.
    pub(super) const fn probed_in_vain(&mut self, now_ms: u64, keep_ms: u64) {
        self.tls_until_ms = Some(now_ms.saturating_add(keep_ms));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_kept_for_a_while_after_quic_failed_and_then_quic_is_first_again() {
        let mut preference = Preference::default();
        assert_eq!(preference.first(0), Path::Quic);
        preference.opened(Path::Tls, true, 100, 1_000);
        assert_eq!((preference.first(1_099), preference.probe_at()), (Path::Tls, Some(1_100)));
        // A reconnect within that time prolongs nothing.
        preference.opened(Path::Tls, false, 900, 1_000);
        assert_eq!((preference.first(1_100), preference.probe_at()), (Path::Quic, Some(1_100)));
        preference.opened(Path::Quic, true, 1_200, 1_000);
        assert_eq!(preference.probe_at(), None);
    }

    #[test]
    fn quic_that_opens_and_then_says_nothing_twice_counts_as_closed() {
        let mut preference = Preference::default();
        preference.fell_silent(0, 1_000);
        assert_eq!(preference.first(1), Path::Quic);
        preference.fell_silent(1, 1_000);
        assert_eq!(preference.first(2), Path::Tls);
        preference.probed_in_vain(1_001, 1_000);
        assert_eq!(preference.first(1_500), Path::Tls);
    }
}
