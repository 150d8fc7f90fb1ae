//! The two that are measured in turns: the node, and Eclipse Mosquitto.

/// Whose broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The node's.
    Ours,
    /// Mosquitto.
    Theirs,
}

pub(crate) const SIDES: [Side; 2] = [Side::Ours, Side::Theirs];

impl Side {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "the node",
            Self::Theirs => "mosquitto",
        }
    }
}

/// A pair of what was measured of each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Both<T> {
    pub(crate) ours: T,
    pub(crate) theirs: T,
}

impl<T> Both<T> {
    pub(crate) const fn of(&mut self, side: Side) -> &mut T {
        match side {
            Side::Ours => &mut self.ours,
            Side::Theirs => &mut self.theirs,
        }
    }
}

/// Its configuration: anybody may do anything, nothing is kept and nothing held back.
pub(crate) const MOSQUITTO: &str = "allow_anonymous true
persistence false
max_inflight_messages 0
max_queued_messages 0
set_tcp_nodelay true
sys_interval 0
log_type error
";
