//! Stock positions, as administrators see them: no number without its bounds, its age and its reasons.

use super::device::PlaceName;
use aisle_event::{Quantity, Timestamp, device::Place};
use aisle_inventory::position::{Estimate, Position, SourceKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much of a product is where.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = StockPosition)]
pub(crate) struct PositionView {
    /// Which product.
    pub sku: String,
    /// Its name, when it is in the catalogue.
    pub name: Option<String>,
    /// What it is sold by; all amounts are in it.
    #[schema(example = "each")]
    pub unit: String,
    /// On the shelf.
    pub shelf: EstimateView,
    /// In the backroom.
    pub backroom: EstimateView,
    /// In the store, with what shoppers carry and have not paid.
    pub total: EstimateView,
    /// What the records alone say; nothing before the first count or delivery.
    pub book: Option<f64>,
    /// It can be sold.
    pub sellable: bool,
    /// The chance that the shelf is a gap while the backroom has some, in thousandths.
    #[schema(maximum = 1000)]
    pub gap_permille: u16,
    /// The chance that the book has goods that are not there, in thousandths.
    #[schema(maximum = 1000)]
    pub phantom_permille: u16,
    /// The chance that there is none to sell, in thousandths.
    #[schema(maximum = 1000)]
    pub none_permille: u16,
    /// What a count would be worth beyond its cost, in the unit of the configured costs; below zero it is not worth it.
    pub recount_value: f64,
    /// What it rests on.
    pub sources: Vec<SourceView>,
    /// Why, in words.
    pub why: String,
    /// The time of the last event that was taken in.
    #[serde(with = "aisle_devices::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
}

/// How much there is, as far as is known.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = StockEstimate)]
pub(crate) struct EstimateView {
    /// The best guess.
    pub value: f64,
    /// With chances 95 in 100 there is at least this.
    pub low: f64,
    /// With chances 95 in 100 there is at most this.
    pub high: f64,
    /// How sure the store is that it is from `low` to `high`, in thousandths.
    #[schema(maximum = 1000)]
    pub confidence_permille: u16,
}

/// What one source says of a place.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = StockSource)]
pub(crate) struct SourceView {
    /// `book`, `count`, `weight` or `tags`.
    #[schema(example = "weight")]
    pub source: String,
    /// Of which place.
    #[schema(value_type = PlaceName)]
    pub place: Place,
    /// How much it says.
    pub says: f64,
    /// When it last spoke.
    #[serde(with = "aisle_devices::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How long ago that is, in seconds of the store's own time.
    pub age_s: u64,
    /// How much it contributes to what is believed of the place, in percent.
    pub weight_percent: f64,
}

/// A count.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StockCount)]
pub(crate) struct CountBody {
    /// What was counted.
    #[schema(value_type = PlaceName)]
    pub place: Place,
    /// How much there was.
    #[schema(minimum = 0, maximum = 9999)]
    pub quantity: f64,
    /// Who counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256)]
    pub by: Option<String>,
}

/// Goods carried from one place to another.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StockMove)]
pub(crate) struct MoveBody {
    /// From where.
    #[schema(value_type = PlaceName)]
    pub from: Place,
    /// Where to.
    #[schema(value_type = PlaceName)]
    pub to: Place,
    /// How much.
    #[schema(exclusive_minimum = 0, maximum = 9999)]
    pub quantity: f64,
    /// Who carried them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256)]
    pub by: Option<String>,
}

impl PositionView {
    /// A position, with what the catalogue says of its product.
    pub(crate) fn of(position: &Position, name: Option<String>, sellable: bool) -> Self {
        let estimate = |it: &Estimate| EstimateView {
            value: units(position.quantity(it.pieces)),
            low: units(position.quantity(it.low)),
            high: units(position.quantity(it.high)),
            confidence_permille: permille(it.chance),
        };
        let piece = units(position.quantity(1));
        let sources = position.sources.iter().map(|source| SourceView {
            source: match source.kind {
                SourceKind::Book => "book",
                SourceKind::Count => "count",
                SourceKind::Weight => "weight",
                SourceKind::Tags => "tags",
            }
            .into(),
            place: source.place,
            says: source.pieces * piece,
            at: source.at,
            age_s: source.age_s,
            weight_percent: source.weight_percent,
        });
        Self {
            sku: position.sku.to_string(),
            name,
            unit: position.unit.to_string(),
            shelf: estimate(&position.shelf),
            backroom: estimate(&position.backroom),
            total: estimate(&position.total),
            book: position.book.map(|pieces| units(position.quantity(pieces))),
            sellable,
            gap_permille: permille(position.gap),
            phantom_permille: permille(position.phantom),
            none_permille: permille(position.none),
            recount_value: position.recount_value,
            sources: sources.collect(),
            why: position.why(),
            as_of: position.as_of,
        }
    }
}

fn units(quantity: Quantity) -> f64 {
    quantity.thousandths as f64 / 1000.0
}

fn permille(chance: f64) -> u16 {
    (chance.clamp(0.0, 1.0) * 1000.0).round() as u16
}
