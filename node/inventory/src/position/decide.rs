//! What follows from a belief: how likely a gap or phantom stock is, what staff should do, what others should be told.

use super::{
    Positions,
    clock::Clock,
    config::Config,
    item::{Item, Outlook, PIECES_PER_SALE, Published},
    reason::Because,
};
use crate::task::{About, Wanted};
use aisle_event::{
    Event, Name, Sku, Timestamp,
    inventory::{PositionSensed, TaskKind},
};

/// Events of one call at most.
const SENSED_MAX: usize = 256;
/// Tasks of one call and kind at most; the likeliest first.
const WANTED_MAX: usize = 256;
/// A wrong conclusion stands about so many days until somebody stumbles over it.
const STANDS_DAYS: f64 = 3.0;
/// What a piece too many or too few in the records costs, in lost sales: it shifts an order by as much.
const ORDER_COST: f64 = 0.3;

/// Phantom stock of a weighed shelf is so for so long before anybody is sent, in milliseconds: the ledger has what shoppers carry, and the
/// belief how likely they still do.
const WATCHED_MS: i64 = 25 * 60_000;
/// As much for any other: what shoppers carry to the till is nowhere, and still in the book.
const CARRIED_MS: i64 = 90 * 60_000;

/// Looks at a belief.
pub(super) fn outlook(item: &Item, config: &Config, clock: &Clock) -> Outlook {
    let Some(grid) = &item.grid else { return Outlook::default() };
    let gap = if item.knows_shelf() {
        grid.chance(|shelf, back| shelf < config.facing_min && back > 0)
    } else {
        0.0
    };
    let none = grid.total().up_to(0);
    let total = item.sellable(grid);
    let deviation = total.variance().max(0.0).sqrt();
    let book = item.book.total();
    // Half of the book or less, and less by enough.
    let phantom = if item.book.is_open && book > 0 {
        total.up_to((book / 2).min(book - i64::from(config.phantom_pieces_min)))
    } else {
        0.0
    };
    // It opens when the chance has been high for a while, and closes when it is low, which it is after a count at once.
    const WELL_BELOW: f64 = 0.2;
    let threshold = config.phantom_threshold();
    let stood = item.outlook.wants_search(clock.passed_ms());
    let is_phantom =
        stood && phantom >= if item.outlook.is_phantom { WELL_BELOW * threshold } else { threshold };
    let phantom_from_ms = (phantom >= threshold).then(|| {
        let waits = if item.is_watched(clock) { WATCHED_MS } else { CARRIED_MS };
        item.outlook.phantom_from_ms.unwrap_or(clock.passed_ms().saturating_add(waits))
    });
    Outlook {
        gap: gap as f32,
        phantom: phantom as f32,
        none: none as f32,
        total: item.total(grid).mean().max(0.0) as f32,
        deviation: deviation as f32,
        is_gap: stays(item.outlook.is_gap, gap, config.gap_threshold()),
        is_phantom,
        phantom_from_ms,
    }
}

/// A task is opened at its threshold and closed at half of it: one that comes and goes costs more than either.
fn stays(stands: bool, chance: f64, threshold: f64) -> bool {
    chance >= if stands { threshold / 2.0 } else { threshold }
}

/// What a count is worth beyond its cost, in lost sales.
///
/// Without it the store goes on believing the likelier of "there is some" and "there is none", and the records stay off by as
/// much as they are. With it both are put right, so what is saved is (the expected value of perfect information, Raiffa and
/// Schlaifer 1961): the chance of the less likely of the two × the sales of the days until somebody would notice, and what
/// orders go wrong by E|records − truth|, where the records are the book, or the belief when there is no book.
pub(super) fn recount_value(item: &Item, config: &Config) -> f64 {
    let Some(grid) = &item.grid else { return -config.count_cost };
    let total = item.total(grid);
    let wrong = f64::from(item.outlook.none.min(1.0 - item.outlook.none)).max(0.0);
    let sales = item.demand.mean() * 24.0 * PIECES_PER_SALE * STANDS_DAYS;
    let believed = if item.book.is_open { item.book.total() } else { total.quantile(0.5) };
    let middle = total.quantile(0.5);
    let off = |from: i64| -> f64 {
        (total.first..)
            .zip(&total.chances)
            .map(|(pieces, chance)| (pieces - from).abs().min(1_000_000) as f64 * chance)
            .sum()
    };
    // What is off by a known amount needs no count; that much is subtracted.
    let known = (believed - middle).abs().min(1_000_000) as f64;
    let unknown = off(middle) + (off(believed) - known).max(0.0);
    wrong * sales + ORDER_COST * unknown - config.count_cost
}

impl Positions {
    /// What staff should do now, the likeliest first: fill shelves, look for what only the book has, count what is worth it.
    #[must_use]
    pub fn wanted(&self, now: Timestamp) -> Vec<Wanted> {
        let passed_ms = self.clock.passed_ms_at(now);
        let mut gaps = Vec::new();
        let mut phantoms = Vec::new();
        let mut recounts = Vec::new();
        for (sku, item) in self.items.iter().filter(|(_, item)| !item.delisted && item.grid.is_some()) {
            let (gap, phantom) = (f64::from(item.outlook.gap), f64::from(item.outlook.phantom));
            if item.outlook.is_gap {
                gaps.push((gap, sku, item));
            }
            if item.outlook.wants_search(passed_ms) {
                phantoms.push((phantom, sku, item));
            }
            // The sum is not made when it could not be worth it.
            let bound = f64::from(item.outlook.deviation) * 2.0 * ORDER_COST
                + item.demand.mean() * 24.0 * PIECES_PER_SALE * STANDS_DAYS * 0.5
                + (f64::from(item.outlook.total) - item.book.total() as f64).abs();
            if bound > self.config.count_cost {
                let value = recount_value(item, &self.config);
                if value > 0.0 {
                    recounts.push((value, sku, item));
                }
            }
        }
        let view = self.view();
        let mut wanted = Vec::new();
        for (kind, mut found, most) in [
            (TaskKind::FillShelf, gaps, WANTED_MAX),
            (TaskKind::FindPhantom, phantoms, WANTED_MAX),
            (TaskKind::Recount, recounts, self.config.recounts_max),
        ] {
            found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
            for (chance, sku, item) in found.into_iter().take(most) {
                let confidence = match kind {
                    TaskKind::Recount => 1.0 - self.config.count_cost / (self.config.count_cost + chance),
                    _ => chance,
                };
                let quantity = (kind == TaskKind::FillShelf).then(|| item.quantity(pieces_to_bring(item)));
                let because = view.position(sku).map(|position| position.because).unwrap_or_default();
                wanted.push(Wanted {
                    kind,
                    about: About::Sku(sku.clone()),
                    quantity,
                    confidence_permille: permille(confidence),
                    why: said(kind, &because),
                });
            }
        }
        wanted
    }

    /// What the rest of the store must be told: that a product can, or cannot, be sold now, or that its number moved far.
    /// At most 256 at once, and of one product at most one in `sensed_interval_s` unless it can or cannot be sold now.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Vec<Event> {
        let sensed = self.items.iter().filter_map(|(sku, item)| self.sensed(sku, item, now).map(Event::from));
        sensed.take(SENSED_MAX).collect()
    }

    fn sensed(&self, sku: &Sku, item: &Item, now: Timestamp) -> Option<PositionSensed> {
        let grid = item.grid.as_ref().filter(|_| !item.delisted)?;
        // It takes more to say that there is none than to go on saying what was said.
        let sellable =
            item.outlook.none < if item.published.is_none_or(|told| told.sellable) { 0.8 } else { 0.4 };
        let on_hand = f64::from(item.outlook.total).round() as i64;
        if let Some(Published { on_hand: told, sellable: told_sellable, at }) = item.published
            && told_sellable == sellable
        {
            let far = (told / 5).max(2);
            let recent =
                (now.0.saturating_sub(at.0)).unsigned_abs() < u64::from(self.config.sensed_interval_s) * 1000;
            if recent || (told - on_hand).abs() < far {
                return None;
            }
        }
        let total = item.total(grid);
        let (low, high) = (total.quantile(0.1), total.quantile(0.9));
        Some(PositionSensed {
            sku: sku.clone(),
            on_hand: item.quantity(on_hand),
            low: item.quantity(low),
            high: item.quantity(high),
            none_permille: permille(item.outlook.none.into()),
            sellable,
            at: now,
            unknown: aisle_event::Unknown::default(),
        })
    }
}

/// As many as the shelf takes and the backroom probably has.
fn pieces_to_bring(item: &Item) -> i64 {
    let Some(grid) = &item.grid else { return 0 };
    let room = f64::from(item.capacity()).round() as i64 - grid.shelf().quantile(0.5);
    grid.back().quantile(0.5).max(1).min(room.max(1))
}

fn permille(chance: f64) -> u16 {
    (chance.clamp(0.0, 1.0) * 1000.0).round() as u16
}

/// The reasons in words, as many as fit into a name.
fn said(kind: TaskKind, because: &[Because]) -> Name {
    let mut words = String::from(match kind {
        TaskKind::FillShelf => "the shelf is probably empty",
        TaskKind::FindPhantom => "the book has more than there probably is",
        _ => "knowing would be worth the walk",
    });
    for reason in because {
        let reason = reason.to_string();
        if words.len() + reason.len() + 2 > 250 {
            break;
        }
        words.push_str("; ");
        words.push_str(&reason);
    }
    // Made of short sentences without control characters, it is always a name; the fallback is never taken.
    Name::new(&words).or_else(|_| Name::new("stock")).unwrap_or_else(|_| unreachable!("`stock` is a name"))
}
