//! What every test needs: releases, nodes, seeds.

use aisle_event::{StoreId, Timestamp};
use aisle_fleet::{
    ArtefactSet, ContentHash, Labels, Member, Needs, NodeId, Release, Serial, Slot, Version, Want,
};

/// SplitMix64.
#[derive(Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end.max(1)
    }

    /// True so many times of a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Between 0 and 1, never 0.
    pub fn unit(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64 + f64::EPSILON
    }

    /// Normal, by Box and Muller.
    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

pub fn version(text: &str) -> Version {
    text.parse().unwrap()
}

pub fn slot(text: &str) -> Slot {
    text.parse().unwrap()
}

pub fn release(text: &str) -> Release {
    Release {
        version: version(text),
        hash: ContentHash::of(text.as_bytes()),
        bytes: 1_000_000,
        needs: Needs::default(),
    }
}

/// A release whose hash is also of a name, so that slots do not share contents.
pub fn release_of(name: &str, text: &str) -> Release {
    Release { hash: ContentHash::of(format!("{name} {text}").as_bytes()), ..release(text) }
}

pub fn want(text: &str) -> Want {
    Want::Release(release(text))
}

pub fn set(slots: &[(&str, &str)]) -> ArtefactSet {
    slots.iter().map(|(name, version)| (slot(name), Want::Release(release_of(name, version)))).collect()
}

pub fn store(text: &str) -> StoreId {
    StoreId::new(text).unwrap()
}

pub fn node(name: &str) -> NodeId {
    NodeId { store: store(name), serial: Serial::new("A1").unwrap() }
}

pub fn member(name: &str, labels: &[(&str, &str)]) -> Member {
    Member {
        id: node(name),
        labels: Labels::new(labels.iter().copied()).unwrap(),
        version: Some(version("1.0.0")),
    }
}

/// Milliseconds since 1970 of a time in UTC.
pub fn utc(text: &str) -> Timestamp {
    let at: jiff::Timestamp = text.parse().unwrap();
    Timestamp(at.as_millisecond())
}
