//! Whether food was kept as it must be: units, what is in them, and every time that it was not.
//!
//! Temperatures are those of the FDA Food Code 2022 (3-501.16, 3-501.19) unless a unit has limits of its own. The readings
//! that an excursion rests on are [`crate::device::ReadingsTaken`]; an excursion names them by their sequence numbers.

use crate::{
    id::{LotId, Name, Sku},
    measure::Measure,
    record::{code, record},
    time::Timestamp,
};

code! {
    /// How food in a unit is kept.
    pub enum ColdGroup {
        /// At 5 °C or less.
        Chilled = 0 "chilled",
        /// At 57 °C or more.
        Hot = 1 "hot",
        /// At −18 °C or less.
        Frozen = 2 "frozen",
    }

    /// Which rule was broken.
    pub enum ColdRule {
        /// Warmer, or for hot food colder, than the limit for longer than the grace.
        Limit = 0 "limit",
        /// Outside the limit for so long in all that the food must go (3-501.19).
        Cumulative = 1 "cumulative",
        /// Nothing is known: the sensor has been silent.
        Unknown = 2 "unknown",
    }

    /// What became of the food.
    pub enum ColdVerdict {
        /// It was within what time as a control allows.
        Safe = 0 "safe",
        /// It must be thrown away.
        Discard = 1 "discard",
        /// A person has to judge: readings are missing.
        Judge = 2 "judge",
    }
}

record! {
    /// A unit, what it is for, and what is in it. Replaces what was said of it before.
    pub struct UnitDefined {
        /// Its name: a fridge, a counter, a freezer.
        1 open unit: Name,
        /// How food in it is kept.
        2 open group: ColdGroup,
        /// A limit of its own, in °C.
        3 open limit: Option<Measure>,
        /// How long it may be outside before that is an excursion, in seconds.
        4 open grace_s: Option<u32>,
        /// What is kept in it.
        5 open skus: Vec<Sku>,
        /// When it was said.
        6 open at: Timestamp,
        /// It is no more.
        7 open removed: Option<bool>,
    }

    /// A unit is not as it must be.
    pub struct ExcursionOpened {
        /// Its name, unique in the store, made from the unit and the record that it begins with.
        1 open excursion: Name,
        /// Where.
        2 open unit: Name,
        /// Which rule.
        3 open rule: ColdRule,
        /// The limit, in °C.
        4 open limit: Measure,
        /// What was measured, in °C; nothing when nothing was.
        5 open measured: Option<Measure>,
        /// Since when, by the readings.
        6 open since: Timestamp,
        /// The record of the first reading outside.
        7 open first_seq: u64,
        /// When it was noticed.
        8 open at: Timestamp,
    }

    /// A person has seen it.
    pub struct ExcursionAcknowledged {
        /// Which.
        1 open excursion: Name,
        /// Who.
        2 pseudonymous by: Name,
        /// What was done about it.
        3 open action: Option<Name>,
        /// When.
        4 open at: Timestamp,
    }

    /// A unit is as it must be again.
    pub struct ExcursionClosed {
        /// Which.
        1 open excursion: Name,
        /// The value furthest outside, in °C.
        2 open peak: Option<Measure>,
        /// How long it was outside, in seconds.
        3 open outside_s: u64,
        /// The record of the first reading inside.
        4 open last_seq: u64,
        /// What became of the food.
        5 open verdict: ColdVerdict,
        /// What was in it.
        6 open skus: Vec<Sku>,
        /// Which lots of that, as far as receipts say.
        7 open lots: Vec<LotId>,
        /// When.
        8 open at: Timestamp,
    }
}
