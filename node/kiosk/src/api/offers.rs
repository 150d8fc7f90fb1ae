//! The JSON of what plugins make of a basket, before it is paid and on its receipt.

use crate::{
    api::views::{MoneyView, Price},
    plugins::{Denied, Why},
};
use aisle_event::{
    Name, Sku, Text,
    sale::{Adjustment, AdjustmentKind, Points, Repriced},
};
use serde::Serialize;
use utoipa::ToSchema;

/// Who decided something, and why.
#[derive(Serialize, ToSchema)]
#[schema(as = Why)]
pub(super) struct WhyView {
    /// The plugin.
    #[schema(example = "multi-buy")]
    plugin: String,
    /// Its version.
    #[schema(example = "1.2.0")]
    version: String,
    /// In words for the shopper.
    #[schema(example = "3 for 2")]
    reason: String,
}

impl WhyView {
    fn of(plugin: &Name, version: &Name, reason: &Text) -> Self {
        Self { plugin: plugin.to_string(), version: version.to_string(), reason: reason.to_string() }
    }
}

impl From<&Why> for WhyView {
    fn from(why: &Why) -> Self {
        Self::of(&why.plugin, &why.version, &why.reason)
    }
}

impl From<&Repriced> for WhyView {
    fn from(it: &Repriced) -> Self {
        Self::of(&it.plugin, &it.version, &it.reason)
    }
}

/// How an amount comes off.
#[derive(ToSchema)]
#[schema(as = AdjustmentKind, rename_all = "kebab-case")]
#[expect(dead_code, reason = "gives the schema; the event's own kind writes it")]
enum KindView {
    Discount,
    BasketDiscount,
    TakeBack,
}

/// An amount off, or put on again.
#[derive(Serialize, ToSchema)]
#[schema(as = Adjustment)]
pub(super) struct AdjustmentView {
    /// The line, from 1; `null` when it is on the basket as a whole.
    line: Option<u32>,
    /// A basket discount comes as the lines' shares.
    #[schema(value_type = KindView)]
    kind: AdjustmentKind,
    /// How much less it costs; below zero when it is taken back.
    #[schema(value_type = MoneyView)]
    amount: Price,
    #[serde(flatten)]
    why: WhyView,
}

impl From<&Adjustment> for AdjustmentView {
    fn from(it: &Adjustment) -> Self {
        let why = WhyView::of(&it.plugin, &it.version, &it.reason);
        Self { line: it.line, kind: it.kind, amount: Price(it.amount), why }
    }
}

/// Points for the customer.
#[derive(Serialize, ToSchema)]
#[schema(as = Points)]
pub(super) struct PointsView {
    /// How many.
    count: u32,
    #[serde(flatten)]
    why: WhyView,
}

impl From<&Points> for PointsView {
    fn from(it: &Points) -> Self {
        Self { count: it.count, why: WhyView::of(&it.plugin, &it.version, &it.reason) }
    }
}

/// A line that plugins do not let be sold.
#[derive(Serialize, ToSchema)]
#[schema(as = Refused)]
pub(super) struct RefusedView {
    /// Its place in the basket, from 1.
    line: u32,
    #[schema(example = "85123A")]
    sku: String,
    #[serde(flatten)]
    why: WhyView,
}

impl RefusedView {
    pub(super) fn new(line: u32, sku: &Sku, why: &Why) -> Self {
        Self { line, sku: sku.to_string(), why: why.into() }
    }
}

/// Why a basket cannot be paid: a plugin without whose word nothing is sold has none.
#[derive(Serialize, ToSchema)]
#[schema(as = Denied)]
pub(super) struct DeniedView {
    plugin: String,
}

impl From<&Denied> for DeniedView {
    fn from(denied: &Denied) -> Self {
        Self { plugin: denied.plugin.to_string() }
    }
}
