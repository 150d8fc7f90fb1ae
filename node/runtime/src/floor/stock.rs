//! Stock positions as the staff board shows them: gaps, positions, and one product in full.

use super::board::Seen;
use aisle_event::{Sku, device::Place, inventory::TaskKind};
use aisle_inventory::{
    position::{Estimate as Belief, Glance, Position, Source as Told, SourceKind},
    task::About,
};
use aisle_kiosk::staff::{Estimate, GapRow, PlaceRow, PositionPage, PositionRow, Product, Source, SourceRow};
use std::cmp::Ordering;

/// A gap or phantom stock is shown from this chance on, in thousandths. Tasks have their own thresholds.
const SHOWN_PERMILLE: u16 = 300;

/// Shelves that are probably empty and stock that is probably not there, most probable first: so many of them, and how many there are.
pub(super) fn gaps(seen: &Seen<'_>, rows_max: usize) -> (Vec<GapRow>, usize) {
    let chance = |glance: &Glance<'_>| permille(glance.gap().max(glance.phantom()));
    let glances = seen.view.positions.glances().filter(|glance| !glance.is_delisted());
    let likely = glances.filter(|glance| chance(glance) >= SHOWN_PERMILLE).collect();
    let (first, all) =
        first(likely, rows_max, |a, b| chance(b).cmp(&chance(a)).then_with(|| a.sku().cmp(b.sku())));
    (first.iter().map(|glance| gap(seen, glance)).collect(), all)
}

fn gap(seen: &Seen<'_>, glance: &Glance<'_>) -> GapRow {
    let shelf = glanced(glance, Place::Shelf);
    let about = About::Sku(glance.sku().clone());
    let asked = seen.view.tasks.open.iter().filter(|task| task.about == about);
    let asked = asked.filter(|task| matches!(task.kind, TaskKind::FillShelf | TaskKind::FindPhantom));
    GapRow {
        sku: glance.sku().clone(),
        product: seen.product(glance.sku().as_str()),
        shelf,
        backroom: Some(glanced(glance, Place::Backroom)),
        empty_permille: permille(glance.gap()),
        phantom_permille: permille(glance.phantom()),
        // Since somebody was asked to do something about it, which is soon after it began.
        since: asked.map(|task| task.opened_at).min().unwrap_or(shelf.as_of),
    }
}

/// Products of which the least is known first: so many of them, and how many there are.
pub(super) fn rows(seen: &Seen<'_>, rows_max: usize) -> (Vec<PositionRow>, usize) {
    let (first, all) = first(seen.view.positions.glances().collect(), rows_max, |a, b| {
        b.deviation().total_cmp(&a.deviation()).then_with(|| a.sku().cmp(b.sku()))
    });
    let row = |glance: &Glance<'_>| PositionRow {
        product: seen.product(glance.sku().as_str()),
        shelf: Some(glanced(glance, Place::Shelf)),
        backroom: Some(glanced(glance, Place::Backroom)),
        sellable: sellable(seen, glance.sku()),
        sku: glance.sku().clone(),
    };
    (first.iter().map(row).collect(), all)
}

/// The first of them in order, and how many there are: only what is shown is sorted and made.
fn first<T>(mut all: Vec<T>, rows_max: usize, order: impl Fn(&T, &T) -> Ordering) -> (Vec<T>, usize) {
    let count = all.len();
    if count > rows_max && rows_max > 0 {
        all.select_nth_unstable_by(rows_max - 1, &order);
    }
    all.truncate(rows_max);
    all.sort_by(order);
    (all, count)
}

fn glanced(glance: &Glance<'_>, place: Place) -> Estimate {
    let belief = glance.estimate(place);
    Estimate {
        value: glance.quantity(belief.pieces),
        low: glance.quantity(belief.low),
        high: glance.quantity(belief.high),
        confidence_permille: permille(belief.chance),
        as_of: glance.as_of(place),
    }
}

/// One product in full.
pub(super) fn page(seen: &Seen<'_>, sku: &Sku) -> Option<PositionPage> {
    let position = seen.view.positions.position(sku)?;
    let why = position.why();
    let place = |place, belief: &Belief| PlaceRow {
        place,
        estimate: estimate(&position, belief, place),
        sources: sources(&position, place),
        why: if place == Place::Shelf && !why.is_empty() { vec![why.clone()] } else { Vec::new() },
    };
    Some(PositionPage {
        product: Product { sku: sku.clone(), name: seen.product(sku.as_str()) },
        sellable: sellable(seen, sku),
        empty_permille: permille(position.gap),
        phantom_permille: permille(position.phantom),
        as_of: position.as_of,
        places: vec![place(Place::Shelf, &position.shelf), place(Place::Backroom, &position.backroom)],
    })
}

fn sources(position: &Position, place: Place) -> Vec<SourceRow> {
    let mut told: Vec<&Told> = position.sources.iter().filter(|source| source.place == place).collect();
    told.sort_by(|a, b| b.weight_percent.total_cmp(&a.weight_percent));
    told.into_iter()
        .map(|source| SourceRow {
            source: match source.kind {
                SourceKind::Book => Source::Book,
                SourceKind::Count => Source::Count,
                SourceKind::Weight => Source::Weight,
                SourceKind::Tags => Source::Tags,
            },
            says: Some(position.quantity(source.pieces.round() as i64)),
            weight_permille: permille(source.weight_percent / 100.0),
            as_of: source.at,
        })
        .collect()
}

fn sellable(seen: &Seen<'_>, sku: &Sku) -> bool {
    seen.shop.product(sku.as_str()).is_some_and(|product| product.in_stock())
}

fn estimate(position: &Position, belief: &Belief, place: Place) -> Estimate {
    let of_place = position.sources.iter().filter(|source| source.place == place);
    Estimate {
        value: position.quantity(belief.pieces),
        low: position.quantity(belief.low),
        high: position.quantity(belief.high),
        confidence_permille: permille(belief.chance),
        as_of: of_place.map(|source| source.at).max().unwrap_or(position.as_of),
    }
}

fn permille(chance: f64) -> u16 {
    (chance.clamp(0.0, 1.0) * 1000.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn the_first_of_many_are_those_of_the_whole_in_order() {
        let all: Vec<u32> = (0..1000_u32).map(|n| n.wrapping_mul(2_654_435_761) >> 7).collect();
        let mut sorted = all.clone();
        sorted.sort_unstable();
        for rows_max in [0, 1, 100, 999, 1000, 2000] {
            let (some, count) = first(all.clone(), rows_max, u32::cmp);
            assert_eq!((some.as_slice(), count), (sorted.get(..rows_max.min(1000)).unwrap(), 1000));
        }
    }
}
