//! What a refusal means for a message: whether another attempt can succeed.

use crate::stand_in::local::PublishError;
use aisle_broker::packet::Reason;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Why a message did not cross, for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Refusal {
    /// No rule is for it, or nothing is left of its topic.
    NoRule,
    /// It was here before, or crossed this bridge before.
    Circle,
    /// It crossed too many bridges.
    TooManyHops,
    /// It is longer than the receiver takes.
    TooLarge,
    /// It is no longer of use.
    Expired,
    /// Its topic is not taken.
    Topic,
    /// The bridge may not publish it.
    NotAllowed,
    /// There was no room, and it had QoS 0.
    NoRoom,
    /// The receiver does not say why.
    Other,
}

/// Whether another attempt can succeed.
#[derive(Debug)]
pub(super) enum Verdict {
    Never(Refusal),
    Later,
}

impl Refusal {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::NoRule => "no-rule",
            Self::Circle => "circle",
            Self::TooManyHops => "too-many-hops",
            Self::TooLarge => "too-large",
            Self::Expired => "expired",
            Self::Topic => "topic",
            Self::NotAllowed => "not-allowed",
            Self::NoRoom => "no-room",
            Self::Other => "other",
        }
    }

    /// Out of the reason code of a receiver that will not take the message.
    pub(super) const fn of(reason: Reason) -> Self {
        match reason {
            Reason::NOT_AUTHORIZED => Self::NotAllowed,
            Reason::TOPIC_NAME_INVALID => Self::Topic,
            Reason::PACKET_TOO_LARGE => Self::TooLarge,
            _ => Self::Other,
        }
    }
}

/// What the node's own broker means.
pub(super) fn judge(error: &PublishError) -> Verdict {
    match error {
        PublishError::Refused(reason) => Verdict::Never(Refusal::of(*reason)),
        PublishError::Busy => Verdict::Later,
    }
}

/// One log line for each reason in so long.
const QUIET: Duration = Duration::from_secs(60);

/// Which reasons were logged when, and how many were not since.
#[derive(Debug, Default)]
pub(super) struct Quiet(HashMap<Refusal, (Instant, u64)>);

impl Quiet {
    /// How many were kept silent since the last line, when it is time for another.
    pub(super) fn speak(&mut self, refusal: Refusal) -> Option<u64> {
        let now = Instant::now();
        match self.0.get_mut(&refusal) {
            None => {
                self.0.insert(refusal, (now, 0));
                Some(0)
            }
            Some((at, silent)) if now.duration_since(*at) >= QUIET => {
                *at = now;
                Some(std::mem::take(silent))
            }
            Some((_, silent)) => {
                *silent += 1;
                None
            }
        }
    }
}
