//! The bounds of a made-up world.

use crate::config::{Limits, Overflow};

/// What is fixed for one course.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World {
    pub limits: Limits,
    /// No queue is ever full, so nothing may be missing.
    pub roomy: bool,
}

pub(crate) fn of(byte: u8) -> World {
    let roomy = byte & 3 != 3;
    let tight = |few: usize, many: usize| if roomy { many } else { few };
    let limits = Limits {
        in_flight_max: [4, 1, 20, 2][usize::from(byte >> 2 & 3)],
        receive_max: [8, 1, 3, 20][usize::from(byte >> 4 & 3)],
        queue_messages_max: tight(3, 10_000),
        queue_bytes_max: tight(2_000, 8 << 20),
        queues_bytes_max: tight(3_000, 64 << 20),
        overflow: if byte & 64 == 0 { Overflow::DropOldest } else { Overflow::DropNewest },
        ..Limits::default()
    };
    World { limits, roomy }
}
