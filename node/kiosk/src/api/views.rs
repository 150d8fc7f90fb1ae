//! The JSON of answers. Borrowed from the snapshot, so that the hot path copies nothing.
//!
//! Wire types apart from domain types: a change there does not silently change the API.

use crate::{
    api::offers::{AdjustmentView, DeniedView, PointsView, RefusedView, WhyView},
    pricing::Priced,
    text,
};
use aisle_event::{Money, Name, Quantity, Sku, Timestamp, sale::SaleLine, shopper::Rung};
use aisle_state::{Product, Receipt, Session, Shop, Stock};
use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::value::RawValue;
use std::fmt::Display;
use utoipa::ToSchema;

fn as_text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub(crate) fn as_time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&text::Rfc3339(*time))
}

/// A quantity as a JSON number with the decimals it has, without going through a float.
pub(crate) fn as_number<S: Serializer>(quantity: &Quantity, serializer: S) -> Result<S::Ok, S::Error> {
    let number = text::number(*quantity);
    serde_json::from_str::<&RawValue>(&number).map_err(serde::ser::Error::custom)?.serialize(serializer)
}

fn as_number_or_null<S: Serializer>(quantity: &Option<Quantity>, serializer: S) -> Result<S::Ok, S::Error> {
    match quantity {
        Some(quantity) => as_number(quantity, serializer),
        None => serializer.serialize_none(),
    }
}

/// An amount of money.
#[derive(ToSchema)]
#[schema(as = Money)]
#[expect(dead_code, reason = "gives the schema; `Price` writes it")]
pub(crate) struct MoneyView {
    /// Minor units: pence, cents.
    #[schema(example = 255)]
    minor: i64,
    /// ISO 4217.
    #[schema(pattern = "^[A-Z]{3}$", example = "GBP")]
    currency: String,
    /// As people read it.
    #[schema(example = "£2.55")]
    text: String,
}

/// Writes [`MoneyView`] from the amount itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Price(pub(crate) Money);

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut money = serializer.serialize_struct("Money", 3)?;
        money.serialize_field("minor", &self.0.minor)?;
        money.serialize_field("currency", self.0.currency.as_str())?;
        money.serialize_field("text", &text::money(self.0))?;
        money.end()
    }
}

/// What a product is sold by.
#[derive(ToSchema)]
#[schema(as = Unit)]
#[expect(dead_code, reason = "gives the schema; the event's own unit writes it")]
enum UnitView {
    #[schema(rename = "each")]
    Each,
    #[schema(rename = "kg")]
    Kilogram,
    #[schema(rename = "l")]
    Litre,
    #[schema(rename = "m")]
    Metre,
}

/// Whether there is any.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum StockState {
    Unknown,
    InStock,
    OutOfStock,
}

/// How much is there, by the book.
#[derive(Serialize, ToSchema)]
#[schema(as = Stock)]
struct StockView {
    /// `unknown` goods can be sold.
    state: StockState,
    /// Units on hand, where the book knows.
    #[serde(serialize_with = "as_number_or_null", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, example = 12, nullable = false)]
    on_hand: Option<Quantity>,
    /// Why it is kept from being sold whatever is there, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    suppressed: Option<String>,
}

/// A product on offer.
#[derive(Serialize, ToSchema)]
#[schema(as = Product)]
pub(crate) struct ProductView<'a> {
    /// The chain's number of it.
    #[schema(value_type = String, example = "85123A")]
    sku: &'a Sku,
    /// Its name for shoppers.
    #[schema(value_type = String, example = "White hanging heart")]
    name: &'a Name,
    /// The price of one unit.
    #[schema(value_type = MoneyView)]
    price: Price,
    #[schema(value_type = UnitView)]
    unit: aisle_event::Unit,
    /// Its barcode number, as 14 digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9]{14}$", nullable = false)]
    gtin: Option<String>,
    /// The group it is found under.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    category: Option<&'a Name>,
    stock: StockView,
    /// Since when the price holds.
    #[serde(serialize_with = "as_time")]
    #[schema(value_type = String, format = DateTime)]
    price_as_of: Timestamp,
}

impl<'a> From<&'a Product> for ProductView<'a> {
    fn from(product: &'a Product) -> Self {
        let (state, on_hand) = match product.available() {
            Stock::Unknown if product.in_stock() => (StockState::Unknown, None),
            Stock::Unknown => (StockState::OutOfStock, None),
            Stock::Known { on_hand, .. } if product.in_stock() => (StockState::InStock, Some(on_hand)),
            Stock::Known { on_hand, .. } => (StockState::OutOfStock, Some(on_hand)),
        };
        Self {
            sku: &product.sku,
            name: &product.name,
            price: Price(product.price),
            unit: product.unit,
            gtin: product.gtin.map(aisle_event::Gtin::to_gtin14),
            category: product.category.as_ref(),
            stock: StockView {
                state,
                on_hand,
                suppressed: product.suppressed.as_ref().map(|it| it.reason.to_string()),
            },
            price_as_of: product.priced_at,
        }
    }
}

/// One page of products, in order of their numbers.
#[derive(Serialize, ToSchema)]
#[schema(as = Products)]
pub(crate) struct ProductsView<'a> {
    pub(crate) products: Vec<ProductView<'a>>,
    /// Give this as `after` to get the next page; `null` on the last.
    #[schema(value_type = Option<String>)]
    pub(crate) next: Option<&'a Sku>,
}

/// Products that were found, best first.
#[derive(Serialize, ToSchema)]
#[schema(as = Found)]
pub(crate) struct FoundView<'a> {
    pub(crate) products: Vec<ProductView<'a>>,
    /// How many match in all.
    pub(crate) total: usize,
}

/// What chose a recommendation, from the most to the least personal.
#[derive(ToSchema)]
#[schema(as = Rung, rename_all = "kebab-case")]
#[expect(dead_code, reason = "gives the schema; the event's own rung writes it")]
pub(super) enum RungView {
    SessionNeighbours,
    ItemToItem,
    Popular,
    Rules,
    Catalogue,
}

/// One recommendation.
#[derive(Serialize, ToSchema)]
#[schema(as = Recommendation)]
pub(crate) struct RecommendationView<'a> {
    pub(crate) product: ProductView<'a>,
    #[schema(value_type = RungView)]
    pub(crate) rung: Rung,
    /// Why this one, in the language asked for.
    #[schema(example = "Often bought with Paper cups")]
    pub(crate) reason: String,
}

/// Recommendations for one place on the kiosk.
#[derive(Serialize, ToSchema)]
#[schema(as = Recommendations)]
pub(crate) struct RecommendationsView<'a> {
    /// Best first; never out of stock.
    pub(crate) items: Vec<RecommendationView<'a>>,
    /// The most personal rung that gave an item.
    #[schema(value_type = RungView)]
    pub(crate) rung: Rung,
    /// True when a better rung would have answered but could not.
    pub(crate) degraded: bool,
    /// How new the model is that chose them.
    #[serde(serialize_with = "as_time")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) as_of: Timestamp,
    /// The number of that model; 0 before the first.
    pub(crate) model: u64,
    /// The arm of the running experiment, as `experiment/arm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub(crate) arm: Option<&'a Name>,
}

/// A session that has just begun.
#[derive(Serialize, ToSchema)]
#[schema(as = Started)]
pub(crate) struct StartedView {
    /// Its id: give it with every request of this shopper.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    pub(crate) session: aisle_event::SessionId,
    /// The arm of the running experiment that it was assigned to, as `experiment/arm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    pub(crate) arm: Option<Name>,
    #[serde(serialize_with = "as_time")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) started_at: Timestamp,
}

/// An open session.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionView<'a> {
    #[schema(value_type = String)]
    session: &'a aisle_event::SessionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    language: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    arm: Option<&'a Name>,
    #[serde(serialize_with = "as_time")]
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// The numbers of the products that were looked at, oldest first.
    #[schema(value_type = Vec<String>)]
    viewed: &'a [Sku],
    /// Left out while the shopper has not said who they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    customer: Option<CustomerView<'a>>,
    basket: BasketView<'a>,
}

/// What is known of who shops. What stands for them is not told again.
#[derive(Serialize, ToSchema)]
#[schema(as = Customer)]
struct CustomerView<'a> {
    /// The tier of the loyalty programme.
    #[schema(value_type = Option<String>)]
    tier: Option<&'a Name>,
}

impl<'a> SessionView<'a> {
    pub(crate) fn new(session: &'a Session, basket: BasketView<'a>) -> Self {
        Self {
            session: &session.id,
            language: session.language.as_ref(),
            arm: session.arm.as_ref(),
            started_at: session.started_at,
            viewed: &session.viewed,
            customer: session.customer.as_ref().map(|customer| CustomerView { tier: customer.tier.as_ref() }),
            basket,
        }
    }
}

/// One line of a basket.
#[derive(Serialize, ToSchema)]
#[schema(as = BasketLine)]
struct BasketLineView<'a> {
    /// At the catalogue's price.
    product: ProductView<'a>,
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = f64, exclusive_minimum = 0, example = 2)]
    quantity: Quantity,
    /// The price of one unit in this basket, where it is not the catalogue's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MoneyView>, nullable = false)]
    unit_price: Option<Price>,
    /// Who set that price, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    priced_by: Option<WhyView>,
    /// The sum before adjustments; `null` when it does not fit into 64 bits.
    #[schema(value_type = Option<MoneyView>)]
    total: Option<Price>,
    /// What the line comes to after its adjustments, its shares of basket discounts included; left out when it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MoneyView>, nullable = false)]
    charged: Option<Price>,
}

/// A basket at the prices of this moment.
#[derive(Serialize, ToSchema)]
#[schema(as = Basket)]
pub(crate) struct BasketView<'a> {
    lines: Vec<BasketLineView<'a>>,
    /// Numbers of products in the basket that are no longer on offer; they have to be taken out before checkout.
    #[schema(value_type = Vec<String>)]
    unavailable: Vec<&'a Sku>,
    /// What is taken off; left out when nothing is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    adjustments: Vec<AdjustmentView>,
    /// Lines that plugins do not let be sold; they have to be changed or taken out before checkout.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    refused: Vec<RefusedView>,
    /// Points that a purchase gives.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    points: Vec<PointsView>,
    /// The codes of coupons that were entered.
    #[serde(skip_serializing_if = "<[Name]>::is_empty")]
    #[schema(value_type = Vec<String>, required = false)]
    coupons: &'a [Name],
    /// Why the basket cannot be paid at all, where it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    denied: Option<DeniedView>,
    /// True when offers could not be looked up: these are the catalogue's prices. A checkout looks again.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    without_offers: bool,
    /// What is to be paid. `null` while the basket is empty.
    #[schema(value_type = Option<MoneyView>)]
    total: Option<Price>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl<'a> BasketView<'a> {
    pub(crate) fn new(session: &'a Session, priced: &Priced<'a>) -> Self {
        let lines = priced
            .lines
            .iter()
            .map(|line| BasketLineView {
                product: line.product.into(),
                quantity: line.quantity,
                unit_price: line.new_price.as_ref().map(|price| Price(price.unit_price)),
                priced_by: line.new_price.as_ref().map(|price| (&price.why).into()),
                total: line.total.map(Price),
                charged: priced.charged(line).map(Price),
            })
            .collect();
        let refused = priced.lines.iter().filter_map(|line| {
            line.refused.as_ref().map(|why| RefusedView::new(line.number, &line.product.sku, why))
        });
        Self {
            lines,
            unavailable: priced.gone.clone(),
            adjustments: priced.adjustments.iter().map(AdjustmentView::from).collect(),
            refused: refused.collect(),
            points: priced.points.iter().map(PointsView::from).collect(),
            coupons: &session.coupons,
            denied: priced.denied.as_ref().map(DeniedView::from),
            without_offers: priced.lost,
            total: priced.total.map(Price),
        }
    }
}

/// One line of a receipt.
#[derive(Serialize, ToSchema)]
#[schema(as = ReceiptLine)]
struct ReceiptLineView<'a> {
    line: u32,
    #[schema(value_type = String)]
    sku: &'a Sku,
    /// The product's name today; left out when it is no longer on offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false)]
    name: Option<&'a Name>,
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = f64, exclusive_minimum = 0, example = 2)]
    quantity: Quantity,
    #[schema(value_type = UnitView)]
    unit: aisle_event::Unit,
    /// The price of one unit, before adjustments.
    #[schema(value_type = MoneyView)]
    unit_price: Price,
    /// The catalogue's price, where it was another.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MoneyView>, nullable = false)]
    list_price: Option<Price>,
    /// Who set that price, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    priced_by: Option<WhyView>,
    /// The sum before adjustments; `null` when it does not fit into 64 bits.
    #[schema(value_type = Option<MoneyView>)]
    total: Option<Price>,
}

/// What was sold.
#[derive(Serialize, ToSchema)]
#[schema(as = Receipt)]
pub(crate) struct ReceiptView<'a> {
    /// Its number.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    document: &'a aisle_event::DocumentId,
    /// The sequence number of the sale in the journal.
    seq: u64,
    #[serde(serialize_with = "as_time")]
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    lines: Vec<ReceiptLineView<'a>>,
    /// What was taken off; left out when nothing was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    adjustments: Vec<AdjustmentView>,
    /// Points that it gave.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    points: Vec<PointsView>,
    /// What was paid.
    #[schema(value_type = MoneyView)]
    total: Price,
}

impl<'a> ReceiptView<'a> {
    pub(crate) fn new(receipt: &'a Receipt, shop: &'a Shop) -> Self {
        let line = |line: &'a SaleLine| ReceiptLineView {
            line: line.line,
            sku: &line.sku,
            name: shop.product(line.sku.as_str()).map(|product| &product.name),
            quantity: line.quantity,
            unit: line.quantity.unit,
            unit_price: Price(line.unit_price),
            list_price: line.repriced.as_ref().map(|it| Price(it.list_price)),
            priced_by: line.repriced.as_ref().map(WhyView::from),
            total: line.quantity.price(line.unit_price).map(Price),
        };
        Self {
            document: &receipt.document,
            seq: receipt.seq,
            at: receipt.at,
            lines: receipt.lines.iter().map(line).collect(),
            adjustments: receipt.adjustments.iter().map(AdjustmentView::from).collect(),
            points: receipt.points.iter().map(PointsView::from).collect(),
            total: Price(receipt.total),
        }
    }
}

/// A record of the journal that holds what was sent.
#[derive(Serialize, ToSchema)]
#[schema(as = Recorded)]
pub(crate) struct RecordedView {
    /// Its sequence number. It is durable.
    pub(crate) seq: u64,
}
