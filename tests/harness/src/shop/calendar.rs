//! Days of the plan: which weekday and season they are, when people come and how many.
//!
//! The shop keeps UTC. The times of day are those of a neighbourhood grocery: a noon peak, a larger one after work,
//! Saturdays the busiest, Sundays short.

use super::{
    assortment::Season,
    plan::{Plan, PlanError},
};
use aisle_event::Timestamp;
use rand::{Rng, RngExt, seq::IndexedRandom};

pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;
/// From the first touch to the end of a visit: what takes longer is cut short.
pub(crate) const VISIT_MS_MAX: i64 = 30 * MINUTE_MS;

/// An hour of the day, 0 to 23.
pub(crate) type Hour = u32;

/// Shoppers by hour from 7 to 21, relative to each other. The doors close at 22:00 with the last visits done.
const HOURS: &[(Hour, f64)] = &[
    (7, 3.0),
    (8, 5.0),
    (9, 5.0),
    (10, 6.0),
    (11, 7.0),
    (12, 10.0),
    (13, 9.0),
    (14, 6.0),
    (15, 6.0),
    (16, 8.0),
    (17, 12.0),
    (18, 13.0),
    (19, 9.0),
    (20, 5.0),
    (21, 1.5),
];

/// The days of a plan.
#[derive(Debug)]
pub(crate) struct Calendar {
    first_day: i64,
    visits_per_day: u32,
    end: Timestamp,
}

impl Calendar {
    pub(crate) fn new(plan: &Plan) -> Result<Self, PlanError> {
        if plan.days == 0 || plan.days > Plan::DAYS_MAX {
            return Err(PlanError::Days { days: plan.days, days_max: Plan::DAYS_MAX });
        }
        let first_day = plan.end.0.div_euclid(DAY_MS) - i64::from(plan.days) + 1;
        if first_day < 0 {
            return Err(PlanError::End { end_ms: plan.end.0, days: plan.days });
        }
        Ok(Self { first_day, visits_per_day: plan.visits_per_day, end: plan.end })
    }

    /// The day with this index, from 0.
    pub(crate) fn day(&self, index: u32) -> Day {
        let number = self.first_day + i64::from(index);
        Day {
            index,
            start: number * DAY_MS,
            end: self.end,
            weekday: Weekday((number + 3).rem_euclid(7)),
            year_part: (number as f64 / 365.2425).fract(),
            visits: f64::from(self.visits_per_day),
        }
    }
}

/// A day of the week, Monday is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weekday(i64);

impl Weekday {
    pub(crate) const THURSDAY: Self = Self(3);

    const fn busyness(self) -> f64 {
        match self.0 {
            0 => 0.85,
            1 => 0.85,
            2 => 0.9,
            3 => 1.0,
            4 => 1.2,
            5 => 1.4,
            _ => 0.8,
        }
    }

    /// The day's turn among so many parts of the week, as for counting a part of the shop each day.
    pub(crate) const fn turn(self, parts: usize) -> usize {
        self.0 as usize % parts
    }
}

/// One day of trade.
#[derive(Debug)]
pub(crate) struct Day {
    /// Its place in the plan, from 0.
    pub(crate) index: u32,
    pub(crate) weekday: Weekday,
    start: i64,
    end: Timestamp,
    year_part: f64,
    visits: f64,
}

impl Day {
    /// The time so many milliseconds into the day.
    pub(crate) const fn at(&self, ms: i64) -> Timestamp {
        Timestamp(self.start + ms)
    }

    /// True when the plan ends before this time.
    pub(crate) fn is_over(&self, at: Timestamp) -> bool {
        at > self.end
    }

    pub(crate) fn is_weekend(&self) -> bool {
        self.weekday.0 >= 5
    }

    /// How much better or worse a category sells at this time of the year: 0.6 to 1.4.
    pub(crate) fn season(&self, season: Season) -> f64 {
        // The warmest day is near the end of July.
        let warmth = ((self.year_part - 0.57) * std::f64::consts::TAU).cos();
        match season {
            Season::Even => 1.0,
            Season::Summer => 1.0 + 0.4 * warmth,
            Season::Winter => 1.0 - 0.4 * warmth,
        }
    }

    /// When the day's visits begin, in order; none that would go on after the plan's end.
    pub(crate) fn arrivals(&self, rng: &mut impl Rng) -> Vec<Timestamp> {
        let visits = (self.visits * self.weekday.busyness() * rng.random_range(0.9..1.1)).round() as usize;
        let mut arrivals: Vec<Timestamp> = (0..visits)
            .filter_map(|_| {
                let (hour, _) = HOURS.choose_weighted(rng, |(_, weight)| *weight).ok()?;
                Some(self.at(i64::from(*hour) * HOUR_MS + rng.random_range(0..HOUR_MS)))
            })
            .filter(|at| !self.is_over(at.saturating_add_ms(VISIT_MS_MAX)))
            .collect();
        arrivals.sort_unstable();
        arrivals
    }

    /// The hour of a time on this day.
    pub(crate) const fn hour(&self, at: Timestamp) -> Hour {
        (at.0 - self.start).div_euclid(HOUR_MS) as Hour
    }
}
