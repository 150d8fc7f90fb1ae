//! What a shopper does at a kiosk: a session from the first touch to the reset, and what it saw and chose.

use crate::{
    id::{CustomerRef, DeviceId, Name, SessionId, Sku},
    quantity::Quantity,
    record::{code, record},
    time::Timestamp,
};

code! {
    /// Where on the kiosk recommendations stand.
    pub enum Slot {
        /// The first page.
        Home = 0 "home",
        /// Beside one product.
        Product = 1 "product",
        /// Beside the basket.
        Basket = 2 "basket",
    }
    /// Which rung of the fallback chain answered.
    pub enum Rung {
        /// Items that sessions like this one went on to.
        SessionNeighbours = 0 "session-neighbours",
        /// Items bought with those in hand.
        ItemToItem = 1 "item-to-item",
        /// What sells now, in this store.
        Popular = 2 "popular",
        /// Headquarters' own list.
        Rules = 3 "rules",
        /// Anything that is in stock, when there is nothing else to go by.
        Catalogue = 4 "catalogue",
    }
    /// Why a session ended.
    pub enum EndReason {
        /// The basket was paid.
        CheckedOut = 0 "checked-out",
        /// Nobody touched the kiosk.
        Idle = 1 "idle",
        /// The shopper said so.
        Left = 2 "left",
    }
}

record! {
    /// A shopper touched a kiosk that was at rest.
    pub struct SessionStarted {
        /// The new session.
        1 pseudonymous session: SessionId,
        /// The kiosk, where it is known.
        2 open kiosk: Option<DeviceId>,
        /// The language of the page, as in BCP 47.
        3 open language: Option<Name>,
        /// When.
        4 open at: Timestamp,
        /// The arm of the running experiment, as `experiment/arm`.
        5 open arm: Option<Name>,
    }

    /// A product's page was opened.
    pub struct ProductViewed {
        /// By whom.
        1 pseudonymous session: SessionId,
        /// The product.
        2 open sku: Sku,
        /// When.
        3 open at: Timestamp,
    }

    /// Recommendations came into view.
    pub struct ItemsShown {
        /// To whom.
        1 pseudonymous session: SessionId,
        /// Where.
        2 open slot: Slot,
        /// Which, best first.
        3 open skus: Vec<Sku>,
        /// What chose them.
        4 open rung: Rung,
        /// The arm of the running experiment, as `experiment/arm`.
        5 open arm: Option<Name>,
        /// When.
        6 open at: Timestamp,
    }

    /// A recommendation was touched.
    pub struct ItemClicked {
        /// By whom.
        1 pseudonymous session: SessionId,
        /// Where it stood.
        2 open slot: Slot,
        /// The product.
        3 open sku: Sku,
        /// Its place in the list, from 0.
        4 open position: u32,
        /// The arm of the running experiment, as `experiment/arm`.
        5 open arm: Option<Name>,
        /// When.
        6 open at: Timestamp,
    }

    /// The quantity of one product in a session's basket is now this.
    pub struct BasketChanged {
        /// Whose basket.
        1 pseudonymous session: SessionId,
        /// The product.
        2 open sku: Sku,
        /// How much of it the basket now holds; zero takes it out.
        3 open quantity: Quantity,
        /// When.
        4 open at: Timestamp,
        /// The arm of the running experiment, as `experiment/arm`.
        5 open arm: Option<Name>,
    }

    /// A shopper searched.
    pub struct Searched {
        /// Who.
        1 pseudonymous session: SessionId,
        /// What they typed: free text, which may name a person.
        2 personal terms: Name,
        /// How many products were found.
        3 open hits: u32,
        /// When.
        4 open at: Timestamp,
    }

    /// The shopper said who they are, or asked to be forgotten.
    pub struct CustomerNamed {
        /// Who shops.
        1 pseudonymous session: SessionId,
        /// Who that is; nothing when the session is to forget it.
        2 personal customer: Option<CustomerRef>,
        /// Their tier of the loyalty programme.
        3 open tier: Option<Name>,
        /// When.
        4 open at: Timestamp,
    }

    /// A coupon was put to a basket, or taken away from it.
    pub struct CouponEntered {
        /// Whose basket.
        1 pseudonymous session: SessionId,
        /// The code, in capitals.
        2 pseudonymous code: Name,
        /// False when it was taken away.
        3 open entered: bool,
        /// When.
        4 open at: Timestamp,
    }

    /// The session is over; its basket is gone.
    pub struct SessionEnded {
        /// Which.
        1 pseudonymous session: SessionId,
        /// Why.
        2 open reason: EndReason,
        /// When.
        3 open at: Timestamp,
    }
}
