//! The port through which the kiosk asks plugins: what a basket costs, and in which order recommendations stand.
//!
//! The node implements it with its plugin host; without it everything is sold at the catalogue's prices. The kiosk does not trust what
//! comes back: an answer that names an unknown line, makes a price negative or gives more than a line costs is not used, and a call that
//! panics or takes too long is given up (`pricing`, `engine`).
//!
//! Not here: sandboxes, limits, breakers, the order of plugins (`aisle-plugin-host`, `aisle-node`).
//! Guards invariant 4 at the shop's front: whatever a plugin does, the shopper gets an answer, and no basket is paid dearer than it was
//! shown.

pub use aisle_event::sale::{Adjustment, Points};
pub use aisle_state::Customer;

use aisle_event::{Currency, Event, Money, Name, Quantity, SessionId, Sku, Text, Timestamp};
use aisle_state::{Product, Shop};
use std::{future::Future, pin::Pin, sync::Arc};

/// A future that the caller may send to another thread.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What the kiosk asks plugins. Calls may block their thread: the kiosk makes them beside its runtime.
pub trait Plugins: Send + Sync + 'static {
    /// True while there is anything that prices baskets. Asked for every basket, so it has to be cheap.
    fn prices(&self) -> bool;

    /// True when a basket must not be paid without the plugins' word, because one of them denies the sale when it fails. Decides what
    /// happens when this port itself panics or takes too long.
    fn denies(&self) -> bool;

    /// What a basket costs, to be shown. Nothing comes of it: what plugins write meanwhile is forgotten.
    ///
    /// # Errors
    /// When a plugin failed without whose word the basket must not be paid.
    fn price(&self, basket: &Basket) -> Result<Offers, Denied>;

    /// What a basket costs, to be paid now. Whatever must not be used by two sales, such as a coupon that is good for one, is
    /// held from here until the [`Hold`] is told or dropped; another sale waits for it here.
    ///
    /// # Errors
    /// When a plugin failed without whose word the basket must not be paid.
    fn sell<'a>(&'a self, basket: &'a Basket) -> Later<'a, Result<Selling, Denied>>;

    /// True while there is anything that ranks lists. Asked for every list, so it has to be cheap.
    fn ranks(&self, place: Place) -> bool;

    /// The order in which a list is shown; `None` leaves it as it is.
    fn rank(&self, list: &List) -> Option<Vec<Ranked>>;
}

/// A basket that is shown or about to be paid.
#[derive(Debug, Clone)]
pub struct Basket {
    /// Whose.
    pub session: SessionId,
    /// The shop as it is now. Lines hold products of it.
    pub shop: Arc<Shop>,
    /// When, by the node's clock.
    pub now: Timestamp,
    /// The currency of every amount.
    pub currency: Currency,
    /// Who is buying, where that is known.
    pub customer: Option<Customer>,
    /// The codes of coupons that were entered, in capitals.
    pub coupons: Vec<Name>,
    /// What is in it, by place; at least one line.
    pub lines: Vec<Line>,
}

/// One line of a basket.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its place in the basket, from 1. What an answer says of a line, it says by this number.
    pub number: u32,
    /// The product, at the price of the catalogue.
    pub product: Arc<Product>,
    /// How much of it.
    pub quantity: Quantity,
}

/// What plugins make of a basket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offers {
    /// Other prices of one unit, at most one for a line.
    pub prices: Vec<NewPrice>,
    /// Amounts off, in the order in which they were given: discounts above zero, what is taken back below. Basket discounts come as the
    /// lines' shares.
    pub adjustments: Vec<Adjustment>,
    /// Lines that must not be sold like this.
    pub refusals: Vec<Refusal>,
    /// Points for the customer.
    pub points: Vec<Points>,
}

/// Who decided something, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The plugin.
    pub plugin: Name,
    /// Its version.
    pub version: Name,
    /// Why, in words for the shopper: at most 120 characters.
    pub reason: Text,
}

/// Another price of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPrice {
    /// The line.
    pub line: u32,
    /// What one unit costs; not below zero.
    pub unit_price: Money,
    /// Who says so.
    pub why: Why,
}

/// A line that must not be sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The line.
    pub line: u32,
    /// Who says so.
    pub why: Why,
}

/// A basket that is about to be sold.
pub struct Selling {
    /// What it costs.
    pub offers: Offers,
    /// What is committed together with the sale: what plugins keep.
    pub events: Vec<Event>,
    /// What is held until the sale is durable.
    pub hold: Box<dyn Hold>,
}

/// Something that one sale has to itself. Dropped without [`Hold::committed`], the sale did not come about.
pub trait Hold: Send {
    /// The sale and its events are durable; the last of them has this sequence number.
    fn committed(self: Box<Self>, last: u64);
}

/// Why a basket cannot be paid: a plugin failed without whose word it must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The plugin.
    pub plugin: Name,
    /// How it failed, for the people who look after it.
    pub reason: Text,
    /// It may well answer in a moment.
    pub passing: bool,
}

/// Where on the kiosk a list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// The first page.
    Home,
    /// Beside one product.
    Product,
    /// Beside the basket.
    Basket,
    /// In place of a product that is out of stock.
    Substitute,
}

/// A list that is about to be shown.
#[derive(Debug, Clone)]
pub struct List {
    /// Where.
    pub place: Place,
    /// The shop as it is now. Candidates are products of it.
    pub shop: Arc<Shop>,
    /// When, by the node's clock.
    pub now: Timestamp,
    /// The product that is being looked at, or that is out of stock.
    pub subject: Option<Arc<Product>>,
    /// The products in the basket.
    pub basket: Vec<Sku>,
    /// What may be shown, best first; more than what is shown.
    pub candidates: Vec<Candidate>,
    /// How many are shown.
    pub count: usize,
}

/// One product that may be shown.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The product.
    pub product: Arc<Product>,
    /// How sure the recommender is, in thousandths of its best; falling with the place in the list.
    pub score_permille: u16,
    /// Headquarters pinned it to its place: there it stays, whatever the answer says.
    pub pinned: bool,
}

/// One place of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    /// Which candidate, by its place in the list, from 0.
    pub candidate: usize,
    /// Why, in words for the shopper, where the plugin has some of its own.
    pub reason: Option<Text>,
}
