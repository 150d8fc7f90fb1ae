//! Stock positions as the staff board shows them: gaps, positions, and one product in full.

use super::board::Seen;
use aisle_event::{Sku, Timestamp, device::Place};
use aisle_inventory::position::{Estimate as Belief, Position, Source as Told, SourceKind};
use aisle_kiosk::staff::{Estimate, GapRow, PlaceRow, PositionPage, PositionRow, Product, Source, SourceRow};

/// A gap or phantom stock is shown from this chance on, in thousandths. Tasks have their own thresholds.
const SHOWN_PERMILLE: u16 = 300;

/// Shelves that are probably empty and stock that is probably not there, most probable first.
pub(super) fn gaps(seen: &Seen<'_>) -> Vec<GapRow> {
    let mut gaps: Vec<GapRow> =
        seen.view.positions.positions().filter_map(|position| gap(seen, &position)).collect();
    gaps.sort_by_key(|gap| std::cmp::Reverse(gap.empty_permille.max(gap.phantom_permille)));
    gaps
}

fn gap(seen: &Seen<'_>, position: &Position) -> Option<GapRow> {
    let (empty_permille, phantom_permille) = (permille(position.gap), permille(position.phantom));
    if empty_permille.max(phantom_permille) < SHOWN_PERMILLE {
        return None;
    }
    let as_of = newest(position);
    Some(GapRow {
        sku: position.sku.clone(),
        product: seen.product(position.sku.as_str()),
        shelf: estimate(position, &position.shelf, Some(Place::Shelf)),
        backroom: Some(estimate(position, &position.backroom, Some(Place::Backroom))),
        empty_permille,
        phantom_permille,
        since: as_of,
    })
}

/// Products of which the least is known first.
pub(super) fn rows(seen: &Seen<'_>) -> Vec<PositionRow> {
    let mut positions: Vec<Position> = seen.view.positions.positions().collect();
    positions.sort_by(|a, b| (b.total.high - b.total.low).cmp(&(a.total.high - a.total.low)));
    let row = |position: Position| PositionRow {
        product: seen.product(position.sku.as_str()),
        shelf: Some(estimate(&position, &position.shelf, Some(Place::Shelf))),
        backroom: Some(estimate(&position, &position.backroom, Some(Place::Backroom))),
        sellable: sellable(seen, &position.sku),
        sku: position.sku,
    };
    positions.into_iter().map(row).collect()
}

/// One product in full.
pub(super) fn page(seen: &Seen<'_>, sku: &Sku) -> Option<PositionPage> {
    let position = seen.view.positions.position(sku)?;
    let why = position.why();
    let place = |place, belief: &Belief| PlaceRow {
        place,
        estimate: estimate(&position, belief, Some(place)),
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

fn estimate(position: &Position, belief: &Belief, place: Option<Place>) -> Estimate {
    let of_place = position.sources.iter().filter(|source| place.is_none_or(|place| source.place == place));
    Estimate {
        value: position.quantity(belief.pieces),
        low: position.quantity(belief.low),
        high: position.quantity(belief.high),
        confidence_permille: permille(belief.chance),
        as_of: of_place.map(|source| source.at).max().unwrap_or(position.as_of),
    }
}

fn newest(position: &Position) -> Timestamp {
    position.sources.iter().map(|source| source.at).max().unwrap_or(position.as_of)
}

fn permille(chance: f64) -> u16 {
    (chance.clamp(0.0, 1.0) * 1000.0).round() as u16
}
