//! A product as the shop offers it now: description, price, stock.

use aisle_event::{
    Day, Gtin, Money, Name, Quantity, Sku, Text, Timestamp, Unit,
    inventory::PositionSensed,
    plugin::ProductSuppressed,
    stock::{PriceChanged, ProductListed, StockReceived},
};
use minicbor::{Decode, Encode};
use std::{cmp::Reverse, iter};

/// Plugins that keep one product from being sold at a time, at most; of more, what would end first is forgotten. Their reasons then
/// fit into one row.
const HOLDS_MAX: usize = 6;

/// How much of a product is there, by the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Stock {
    /// Nobody has counted it and none was received.
    #[n(0)]
    Unknown,
    /// Counted or received, less what was sold since.
    #[n(1)]
    Known {
        /// What is left; negative when more was sold than the book had.
        #[n(0)]
        on_hand: Quantity,
        /// The latest event that changed it.
        #[n(1)]
        as_of: Timestamp,
    },
}

/// What the store's sensors make of the book: an estimate, drawn from every source there is (`aisle-inventory`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Sensed {
    /// The best estimate of what is in the store.
    #[n(0)]
    pub on_hand: Quantity,
    /// The chance that there is none, in thousandths.
    #[n(1)]
    pub none_permille: u16,
    /// It can be sold.
    #[n(2)]
    pub sellable: bool,
    /// When this was concluded.
    #[n(3)]
    pub as_of: Timestamp,
}

/// A product is kept from being sold, until events say that it may be sold again. What lasts longest stands for all of it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Suppressed {
    /// When the node is to let it be sold again. Nothing here looks at a clock: the node writes an event then.
    #[n(0)]
    pub until: Timestamp,
    /// Why.
    #[n(1)]
    pub reason: Text,
    /// The plugin that wants it.
    #[n(2)]
    pub plugin: Name,
    /// Since when.
    #[n(3)]
    pub since: Timestamp,
    /// What other plugins want, the latest end first; none ends later than the one above.
    #[n(4)]
    #[cbor(default)]
    pub others: Vec<Hold>,
}

/// What one plugin keeps from being sold.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Hold {
    /// Until when.
    #[n(0)]
    pub until: Timestamp,
    /// Why.
    #[n(1)]
    pub reason: Text,
    /// The plugin that wants it.
    #[n(2)]
    pub plugin: Name,
    /// Since when.
    #[n(3)]
    pub since: Timestamp,
}

/// One product on offer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Product {
    /// Its number.
    #[n(0)]
    pub sku: Sku,
    /// Its name for shoppers.
    #[n(1)]
    pub name: Name,
    /// The price of one unit.
    #[n(2)]
    pub price: Money,
    /// What it is sold by.
    #[n(3)]
    pub unit: Unit,
    /// Its barcode number.
    #[n(4)]
    pub gtin: Option<Gtin>,
    /// The group it is found under.
    #[n(5)]
    pub category: Option<Name>,
    /// When it was first offered.
    #[n(6)]
    pub listed_at: Timestamp,
    /// Since when the price holds.
    #[n(7)]
    pub priced_at: Timestamp,
    /// Until when headquarters vouches for the price.
    #[n(8)]
    pub price_valid_until: Option<Timestamp>,
    /// How much is there, by the book.
    #[n(9)]
    pub stock: Stock,
    /// What is sensed beyond the book, where anything is. A count, a receipt or a correction ends it: until the next conclusion
    /// the book knows better. So does a sale that leaves nothing of the estimate.
    #[n(10)]
    pub sensed: Option<Sensed>,
    /// The last day of sale of what was received: the soonest that was not over, in the store's zone, when something was received
    /// last; where all were, the latest. Forgotten when there is none left by the book.
    #[n(11)]
    pub expires: Option<Day>,
    /// Where it is kept from being sold. Its row lies beside the product's, because it outlasts a delisting.
    #[cbor(skip)]
    pub suppressed: Option<Suppressed>,
}

impl Suppressed {
    /// What there is after an event; `None` when the product may be sold again. Each plugin holds for itself: whatever it asks for
    /// takes the place of what it asked for before, and leaves what others hold back as it is.
    #[must_use]
    pub fn after(before: Option<&Self>, event: &ProductSuppressed) -> Option<Self> {
        let before = before.into_iter().flat_map(Self::holds);
        let mut holds: Vec<Hold> = before.filter(|hold| hold.plugin != event.plugin).collect();
        holds.extend(event.until.map(|until| Hold {
            until,
            reason: event.reason.clone(),
            plugin: event.plugin.clone(),
            since: event.at,
        }));
        holds.sort_by_key(|hold| Reverse(hold.until));
        holds.truncate(HOLDS_MAX);
        let mut holds = holds.into_iter();
        let Hold { until, reason, plugin, since } = holds.next()?;
        Some(Self { until, reason, plugin, since, others: holds.collect() })
    }

    /// What each plugin wants, the latest end first.
    pub fn holds(&self) -> impl Iterator<Item = Hold> {
        let longest = Hold {
            until: self.until,
            reason: self.reason.clone(),
            plugin: self.plugin.clone(),
            since: self.since,
        };
        iter::once(longest).chain(self.others.iter().cloned())
    }

    /// When the first of them ends.
    #[must_use]
    pub fn first_end(&self) -> Timestamp {
        self.others.last().map_or(self.until, |soonest| soonest.until)
    }

    /// Whether a plugin is among those that want it.
    #[must_use]
    pub fn is_by(&self, plugin: &Name) -> bool {
        self.plugin == *plugin || self.others.iter().any(|hold| hold.plugin == *plugin)
    }
}

impl Stock {
    /// False only when the book knows that there is none left.
    #[must_use]
    pub const fn may_be_sold(self) -> bool {
        match self {
            Self::Unknown => true,
            Self::Known { on_hand, .. } => on_hand.thousandths > 0,
        }
    }

    /// After a count.
    #[must_use]
    pub(crate) const fn counted(on_hand: Quantity, at: Timestamp) -> Self {
        Self::Known { on_hand, as_of: at }
    }

    /// After goods came (positive) or went (negative); `None` when the units differ or it does not fit. Goods that come where
    /// nothing was known make it known: what was not known to be there is not counted on.
    pub(crate) fn moved(self, delta: Quantity, at: Timestamp) -> Option<Self> {
        match self {
            Self::Unknown if delta.thousandths > 0 => Some(Self::Known { on_hand: delta, as_of: at }),
            Self::Unknown => Some(Self::Unknown),
            Self::Known { on_hand, as_of } => {
                Some(Self::Known { on_hand: on_hand.checked_add(delta)?, as_of: as_of.max(at) })
            }
        }
    }
}

impl Product {
    /// True when it can be sold: nothing keeps it from being sold, and neither is it concluded nor, without a conclusion, known by
    /// the book that there is none left.
    #[must_use]
    pub const fn in_stock(&self) -> bool {
        self.suppressed.is_none()
            && match self.sensed {
                Some(sensed) => sensed.sellable,
                None => self.stock.may_be_sold(),
            }
    }

    /// True when somebody who has it in the basket may pay for it. A shelf that is empty since then may be so because they took what was
    /// on it: that the book has some is enough.
    #[must_use]
    pub const fn may_be_paid(&self) -> bool {
        self.in_stock() || (self.suppressed.is_none() && self.stock.may_be_sold())
    }

    /// How much is there, by the best knowledge: what is sensed, else the book.
    #[must_use]
    pub const fn available(&self) -> Stock {
        match self.sensed {
            Some(Sensed { on_hand, as_of, .. }) => Stock::Known { on_hand, as_of },
            None => self.stock,
        }
    }

    /// After a movement in the book: what is sensed follows a sale, and is set aside by anything that brings news.
    pub(crate) fn moved(&self, delta: Quantity, at: Timestamp) -> Option<Self> {
        let stock = (self.unit == delta.unit).then(|| self.stock.moved(delta, at)).flatten()?;
        let follows = |sensed: Sensed| {
            if !sensed.sellable && delta.thousandths < 0 {
                // What is paid now was taken before; that leaves no more than there was.
                return Some(sensed);
            }
            let on_hand = sensed.on_hand.checked_add(delta).filter(|_| delta.thousandths < 0)?;
            (on_hand.thousandths > 0).then_some(Sensed { on_hand, ..sensed })
        };
        let expires = if delta.thousandths < 0 { self.expires_with(stock) } else { self.expires };
        Some(Self { stock, sensed: self.sensed.and_then(follows), expires, ..self.clone() })
    }

    /// After goods arrived, on this day in the store's zone.
    pub(crate) fn received(&self, event: &StockReceived, today: Day) -> Option<Self> {
        let arrived = self.moved(event.quantity, event.at)?;
        let days = || [arrived.expires, event.expires].into_iter().flatten();
        let expires = days().filter(|day| *day >= today).min().or_else(|| days().max());
        Some(Self { expires, ..arrived })
    }

    /// After a count or a correction: the book knows better.
    pub(crate) fn booked(&self, stock: Stock) -> Self {
        Self { stock, sensed: None, expires: self.expires_with(stock), ..self.clone() }
    }

    /// What is not there does not expire.
    const fn expires_with(&self, stock: Stock) -> Option<Day> {
        if stock.may_be_sold() { self.expires } else { None }
    }

    /// After a conclusion.
    pub(crate) fn sensed(&self, event: &PositionSensed) -> Option<Self> {
        let PositionSensed { on_hand, none_permille, sellable, at, .. } = *event;
        let sensed = Sensed { on_hand, none_permille, sellable, as_of: at };
        (self.unit == on_hand.unit).then(|| Self { sensed: Some(sensed), ..self.clone() })
    }

    /// A product from its listing; what an earlier listing knew of stock and first day stays.
    pub(crate) fn listed(
        event: &ProductListed,
        before: Option<&Self>,
        suppressed: Option<&Suppressed>,
    ) -> Self {
        Self {
            sku: event.sku.clone(),
            name: event.name.clone(),
            price: event.price,
            unit: event.unit,
            gtin: event.gtin,
            category: event.category.clone(),
            listed_at: before.map_or(event.at, |product| product.listed_at),
            priced_at: event.at,
            price_valid_until: None,
            stock: before.map_or(Stock::Unknown, |product| product.stock),
            sensed: before.and_then(|product| product.sensed),
            expires: before.and_then(|product| product.expires),
            suppressed: suppressed.cloned(),
        }
    }

    pub(crate) fn repriced(&self, event: &PriceChanged) -> Self {
        Self { price: event.price, priced_at: event.at, price_valid_until: event.valid_until, ..self.clone() }
    }
}
