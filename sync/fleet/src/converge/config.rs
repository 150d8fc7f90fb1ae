//! What the machine goes by.

use crate::artefact::Kind;
use std::collections::BTreeMap;

/// How something that was put in place proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probation {
    /// For at least so long, in milliseconds of running.
    pub watch_ms: u64,
    /// With at least so many calls in live traffic; 0 for what is not called.
    pub calls_min: u64,
    /// So many faults of one kind are not yet a rule.
    pub faults_min: u64,
    /// The most calls of a million that may trap.
    pub traps_ppm_max: u64,
    /// The most calls of a million that may end in an error.
    pub errors_ppm_max: u64,
}

impl Probation {
    /// For what is called: a quarter of an hour and twenty calls, one trap in a hundred at most.
    #[must_use]
    pub const fn called() -> Self {
        Self {
            watch_ms: 15 * 60_000,
            calls_min: 20,
            faults_min: 3,
            traps_ppm_max: 10_000,
            errors_ppm_max: 50_000,
        }
    }

    /// For what is only looked at: five minutes.
    #[must_use]
    pub const fn timed() -> Self {
        Self { watch_ms: 5 * 60_000, calls_min: 0, ..Self::called() }
    }
}

/// What the machine goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The kinds that this node can apply, and how each proves itself. Others are not even fetched.
    pub kinds: BTreeMap<Kind, Probation>,
    /// The most artefacts that are fetched at once.
    pub fetches_max: usize,
    /// The first wait after a failure, in milliseconds; it doubles.
    pub retry_ms_min: u64,
    /// The longest wait, in milliseconds.
    pub retry_ms_max: u64,
    /// What fails so often in a row in being verified, tried or put in place is given up. What cannot be fetched or put back never is.
    pub tries_max: u32,
    /// So many starts that nobody ordered, while something is on probation, and it is given up.
    pub starts_max: u32,
    /// The same for starts after the whole machine went down. A loss of power says nothing of what is new, so there are more of them; an artefact that takes the machine
    /// along ends all the same.
    pub downs_max: u32,
    /// Which start of the machine this is: any number that is another one after each; nothing where that is not known, and then every stop counts as one of the node's own.
    pub boot: Option<u64>,
    /// Room that is left free on the disk, in bytes.
    pub disk_reserve_bytes: u64,
    /// What nobody tells about is looked at again after so long, in milliseconds.
    pub look_again_ms: u64,
    /// Reports follow each other no faster than this, in milliseconds.
    pub report_gap_ms: u64,
    /// Different nodes should have different ones, so that they do not try again all at once.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        let probation = |kind: Kind| match kind {
            Kind::Plugin | Kind::Model => Probation::called(),
            _ => Probation::timed(),
        };
        Self {
            kinds: Kind::ALL.into_iter().map(|kind| (kind, probation(kind))).collect(),
            fetches_max: 4,
            retry_ms_min: 5_000,
            retry_ms_max: 3_600_000,
            tries_max: 3,
            starts_max: 3,
            downs_max: 10,
            boot: None,
            disk_reserve_bytes: 64 << 20,
            look_again_ms: 60_000,
            report_gap_ms: 1_000,
            seed: 0,
        }
    }
}

impl Config {
    /// How long to wait after so many failures, in milliseconds: doubling, bounded, and up to a quarter less, so that a fleet spreads.
    pub(super) fn wait_ms(&self, tries: u32, salt: u64) -> u64 {
        let doubled = 1_u64.checked_shl(tries.saturating_sub(1)).unwrap_or(u64::MAX);
        let wait = self.retry_ms_min.saturating_mul(doubled).clamp(1, self.retry_ms_max.max(1));
        // SplitMix64 (Steele et al. 2014).
        let mut z = self.seed ^ salt.wrapping_add(u64::from(tries)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        wait - (z % (wait / 4 + 1))
    }
}
