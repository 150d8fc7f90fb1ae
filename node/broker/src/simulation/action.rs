//! One event of a course.

use crate::packet::{QoS, RetainHandling, SubscribeOptions};

/// Bytes for one event.
pub(crate) const ACTION_BYTES: usize = 5;
/// Clients there are. The first two always keep their sessions, and only they share subscriptions.
pub(crate) const CLIENTS: usize = 4;
pub(crate) const TOPICS: [&str; 5] = ["a", "a/b", "a/c", "b/c", "$x/a"];
pub(crate) const FILTERS: [&str; 9] =
    ["a", "a/b", "a/#", "+/c", "#", "+/+", "$x/#", "$share/g/a/#", "$share/g/+/c"];
const EXPIRIES_S: [u32; 4] = [0, 5, 60, u32::MAX];

#[derive(Debug, Clone)]
pub(crate) enum Action {
    Connect {
        client: usize,
        old: bool,
        clean: bool,
        expiry_s: u32,
        receive_max: u16,
        will: Option<WillAsked>,
    },
    Disconnect {
        client: usize,
        with_will: bool,
        expiry_s: Option<u32>,
    },
    Break {
        client: usize,
    },
    Publish {
        client: usize,
        qos: QoS,
        topic: usize,
        retain: bool,
        empty: bool,
        expiry_s: Option<u32>,
    },
    Resend {
        client: usize,
    },
    Release {
        client: usize,
        at: usize,
    },
    Subscribe {
        client: usize,
        filters: Vec<(usize, SubscribeOptions)>,
        id: Option<u32>,
    },
    Unsubscribe {
        client: usize,
        filter: usize,
    },
    Acknowledge {
        client: usize,
        at: usize,
        count: usize,
    },
    Nonsense {
        client: usize,
        kind: u8,
        packet_id: u16,
    },
    Flush {
        client: usize,
    },
    Commit {
        count: usize,
    },
    DiskFull,
    Retry,
    Wait {
        ms: u64,
    },
    Checkpoint,
    PowerCut {
        on_disk: usize,
        from_checkpoint: bool,
        ms: u64,
    },
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct WillAsked {
    pub topic: usize,
    pub qos: QoS,
    pub retain: bool,
    pub delay_s: u32,
}

fn qos(byte: u8) -> QoS {
    QoS::from_u8(byte % 3).unwrap_or_default()
}

fn options(byte: u8) -> SubscribeOptions {
    SubscribeOptions {
        // Mostly as surely as can be.
        qos: [QoS::ExactlyOnce, QoS::AtLeastOnce, QoS::ExactlyOnce, QoS::AtMostOnce][usize::from(byte & 3)],
        no_local: byte & 12 == 12,
        retain_as_published: byte & 16 != 0,
        retain_handling: match byte >> 5 & 3 {
            0 | 1 => RetainHandling::Send,
            2 => RetainHandling::SendIfNew,
            _ => RetainHandling::DoNotSend,
        },
    }
}

impl Action {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let (kind, a, b, c, d) = (bytes[0], bytes[1], bytes[2], bytes[3], bytes[4]);
        let client = usize::from(a) % CLIENTS;
        match kind % 32 {
            0..=3 => Self::Connect {
                client,
                old: a & 4 != 0,
                clean: a & 24 == 24,
                expiry_s: EXPIRIES_S[usize::from(a >> 5 & 3)],
                receive_max: [3, 1, 10, 65_535][usize::from(d & 3)],
                will: (b & 1 != 0).then(|| WillAsked {
                    topic: usize::from(b >> 1) % TOPICS.len(),
                    qos: qos(c),
                    retain: b & 128 != 0,
                    delay_s: [0, 3, 10, 100][usize::from(c >> 4 & 3)],
                }),
            },
            4 => Self::Disconnect {
                client,
                with_will: b & 1 != 0,
                expiry_s: (b & 6 == 6).then(|| EXPIRIES_S[usize::from(c & 3)]),
            },
            5 => Self::Break { client },
            6..=11 => Self::Publish {
                client,
                qos: qos(b),
                topic: usize::from(c) % TOPICS.len(),
                retain: d & 3 == 3,
                empty: d & 12 == 12,
                expiry_s: (d & 112 == 112).then_some(4),
            },
            12 => Self::Resend { client },
            13 | 14 => Self::Release { client, at: usize::from(b) },
            15 | 16 => Self::Subscribe {
                client,
                filters: if d & 1 == 0 {
                    vec![(usize::from(b) % FILTERS.len(), options(c))]
                } else {
                    vec![
                        (usize::from(b) % FILTERS.len(), options(c)),
                        (usize::from(d >> 1) % FILTERS.len(), options(b)),
                    ]
                },
                id: (d & 128 != 0).then_some(u32::from(b) + 1),
            },
            17 => Self::Unsubscribe { client, filter: usize::from(b) % FILTERS.len() },
            18..=22 => Self::Acknowledge { client, at: usize::from(b), count: usize::from(c % 4) + 1 },
            23 => Self::Nonsense { client, kind: b, packet_id: u16::from(c) % 12 + 1 },
            24 => Self::Flush { client },
            25..=27 => Self::Commit { count: usize::from(a % 6) + 1 },
            28 if a & 4 == 0 => Self::DiskFull,
            28 => Self::Retry,
            29 => Self::Wait { ms: u64::from(a) * 50 },
            30 => Self::Checkpoint,
            _ if a & 3 == 0 => {
                Self::PowerCut { on_disk: usize::from(b), from_checkpoint: c & 1 != 0, ms: u64::from(d) * 20 }
            }
            _ => Self::Commit { count: 20 },
        }
    }
}
