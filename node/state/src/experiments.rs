//! What each arm of an experiment led to, counted from the events themselves.

use minicbor::{Decode, Encode};

/// The most arms that are counted; an event of a further arm is not counted.
pub(crate) const ARMS_MAX: usize = 64;

/// Counts of one arm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct ArmCounters {
    /// Sessions that were assigned to it.
    #[n(0)]
    pub sessions: u64,
    /// Products that were shown as recommendations.
    #[n(1)]
    pub impressions: u64,
    /// Recommendations that were touched.
    #[n(2)]
    pub clicks: u64,
    /// Times something was put into a basket.
    #[n(3)]
    pub adds: u64,
    /// Baskets that were paid.
    #[n(4)]
    pub purchases: u64,
}
