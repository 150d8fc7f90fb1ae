//! What a refusal means for a message: whether another attempt can succeed.

use aisle_broker::{local::RequestError, packet::Reason};
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
    /// There was no room, and it had QoS 0 or was to be retained.
    NoRoom,
    /// The receiver does not say why.
    Other,
}

/// Whether another attempt can succeed.
#[derive(Debug)]
pub(super) enum Verdict {
    Never(Refusal),
    Later,
    /// Nothing can be published any more by this client.
    Gone,
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

/// A retained message is tried so many times when there is no room. It may be that only the room for retained messages is
/// full, and then it would hold up all that come after it.
const RETAINED_ATTEMPTS_MAX: u32 = 8;

/// What the node's own broker means by its `attempts`th refusal of a message.
pub(super) fn judge(error: &RequestError, retained: bool, attempts: u32) -> Verdict {
    match error {
        RequestError::Gone { .. } => Verdict::Gone,
        RequestError::Refused { reason: Reason::QUOTA_EXCEEDED, .. }
            if retained && attempts >= RETAINED_ATTEMPTS_MAX =>
        {
            Verdict::Never(Refusal::NoRoom)
        }
        error if error.is_transient() => Verdict::Later,
        RequestError::Refused { reason, .. } => Verdict::Never(Refusal::of(*reason)),
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
