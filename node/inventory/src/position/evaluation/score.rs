//! How well conclusions fit the truth, and how that is written down.

use std::fmt::Write as _;

/// How well something is found.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Detection {
    /// Instants at which it was so and was said.
    pub hits: u64,
    /// Instants at which it was so and was not said.
    pub misses: u64,
    /// Instants at which it was said and was not so.
    pub false_alarms: u64,
    /// Episodes in which it was so for twenty minutes or longer.
    pub episodes: u64,
    /// Those of them in which it was said.
    pub episodes_found: u64,
    /// Alarms: runs of instants at which it was said.
    pub alarms: u64,
    /// Those of them in which it was so at some time.
    pub alarms_right: u64,
}

fn ratio(part: u64, of: u64) -> f64 {
    if of == 0 { 1.0 } else { part as f64 / of as f64 }
}

impl Detection {
    /// Of what was so, the part that was said at that instant.
    #[must_use]
    pub fn recall(&self) -> f64 {
        ratio(self.hits, self.hits + self.misses)
    }

    /// Of what was said, the part that was so at that instant.
    #[must_use]
    pub fn precision(&self) -> f64 {
        ratio(self.hits, self.hits + self.false_alarms)
    }

    /// Of the episodes, the part that was found.
    #[must_use]
    pub fn episode_recall(&self) -> f64 {
        ratio(self.episodes_found, self.episodes)
    }

    /// Of the alarms, the part that was right.
    #[must_use]
    pub fn alarm_precision(&self) -> f64 {
        ratio(self.alarms_right, self.alarms)
    }

    fn add(&mut self, other: &Self) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.false_alarms += other.false_alarms;
        self.episodes += other.episodes;
        self.episodes_found += other.episodes_found;
        self.alarms += other.alarms;
        self.alarms_right += other.alarms_right;
    }
}

/// Follows one product's instants and makes episodes of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch {
    so_for: u32,
    found: bool,
    said_for: u32,
    right: bool,
}

impl Watch {
    pub(super) fn see(&mut self, so: bool, said: bool, into: &mut Detection) {
        match (so, said) {
            (true, true) => into.hits += 1,
            (true, false) => into.misses += 1,
            (false, true) => into.false_alarms += 1,
            (false, false) => {}
        }
        if so {
            self.so_for += 1;
            self.found |= said;
        }
        if said {
            self.said_for += 1;
            self.right |= so;
        }
        self.end(!so, !said, into);
    }

    pub(super) fn end(&mut self, so_ends: bool, said_ends: bool, into: &mut Detection) {
        if so_ends {
            if self.so_for >= 3 {
                into.episodes += 1;
                into.episodes_found += u64::from(self.found);
            }
            (self.so_for, self.found) = (0, false);
        }
        if said_ends {
            if self.said_for > 0 {
                into.alarms += 1;
                into.alarms_right += u64::from(self.right);
            }
            (self.said_for, self.right) = (0, false);
        }
    }
}

/// How well a belief about a number fits.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Fit {
    pub(super) count: u64,
    pub(super) off: f64,
    pub(super) book_off: f64,
    pub(super) within: u64,
    pub(super) promised: f64,
    pub(super) inside: f64,
}

impl Fit {
    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.off += other.off;
        self.book_off += other.book_off;
        self.within += other.within;
        self.promised += other.promised;
        self.inside += other.inside;
    }

    /// Mean absolute error of the estimate, in pieces.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.off / self.count.max(1) as f64
    }

    /// Mean absolute error of the book, in pieces.
    #[must_use]
    pub fn book_error(&self) -> f64 {
        self.book_off / self.count.max(1) as f64
    }

    /// The part of instants at which the truth was within the 90 % interval of whole pieces.
    #[must_use]
    pub fn coverage(&self) -> f64 {
        self.within as f64 / self.count.max(1) as f64
    }

    /// What these intervals promised, on average: 0.9 or more, because whole pieces leave no closer bounds.
    #[must_use]
    pub fn promised(&self) -> f64 {
        self.promised / self.count.max(1) as f64
    }

    /// Coverage of the exact 90 % interval: where a bound falls within the chance of one number, that number is inside by the
    /// part of it that is (the non-randomised probability integral transform of Czado, Gneiting and Held 2009).
    #[must_use]
    pub fn exact_coverage(&self) -> f64 {
        self.inside / self.count.max(1) as f64
    }
}

/// How well it all fits.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// Shelf gaps.
    pub gap: Detection,
    /// Phantom stock.
    pub phantom: Detection,
    /// Pieces in the store.
    pub total: Fit,
    /// Pieces on the shelf.
    pub shelf: Fit,
    /// Pieces in the backroom.
    pub backroom: Fit,
    /// Phantom stock, as somebody sees it who knows all but what is in boxes.
    pub observed_phantom: Detection,
    pub(super) observed_off: f64,
}

impl Score {
    /// Both together.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        self.gap.add(&other.gap);
        self.phantom.add(&other.phantom);
        self.total.add(&other.total);
        self.shelf.add(&other.shelf);
        self.backroom.add(&other.backroom);
        self.observed_phantom.add(&other.observed_phantom);
        self.observed_off += other.observed_off;
        self
    }

    /// Mean absolute error in the store, in pieces, of somebody who knows all but what is in boxes.
    #[must_use]
    pub fn observed_error(&self) -> f64 {
        self.observed_off / self.total.count.max(1) as f64
    }
}

/// Scores as a Markdown table.
#[must_use]
pub fn table(scores: &[(String, Score)]) -> String {
    let mut table = String::from(
        "| | gap recall / precision (episodes) | gap (instants) | phantom recall / precision (episodes) | phantom (instants) | \
         90 % interval: exact, whole pieces (promised) | error in store, book | error on shelf, book | who knows all but boxes: error in store, phantom (episodes) |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for (name, score) in scores {
        let (gap, phantom, total, shelf) = (&score.gap, &score.phantom, &score.total, &score.shelf);
        // Writing to a `String` has no way to fail.
        let _ = writeln!(
            table,
            "| {name} | {:.2} / {:.2} of {} | {:.2} / {:.2} | {:.2} / {:.2} of {} | {:.2} / {:.2} | {:.3}, {:.3} ({:.3}) | {:.2}, {:.2} | {:.2}, {:.2} | {:.2}, {:.2} / {:.2} |",
            gap.episode_recall(),
            gap.alarm_precision(),
            gap.episodes,
            gap.recall(),
            gap.precision(),
            phantom.episode_recall(),
            phantom.alarm_precision(),
            phantom.episodes,
            phantom.recall(),
            phantom.precision(),
            total.exact_coverage(),
            total.coverage(),
            total.promised(),
            total.error(),
            total.book_error(),
            shelf.error(),
            shelf.book_error(),
            score.observed_error(),
            score.observed_phantom.episode_recall(),
            score.observed_phantom.alarm_precision(),
        );
    }
    table
}
