//! What is known of where goods are, beyond the book: moves, counts of a place, what was concluded, and what staff are to do.
//!
//! Not here: the book itself ([`crate::stock`], [`crate::sale`]) and how conclusions are drawn (`aisle-inventory`).

use crate::{
    device::Place,
    id::{DeviceId, Name, Sku},
    quantity::Quantity,
    record::{code, record},
    time::Timestamp,
};

code! {
    /// What staff are to do.
    pub enum TaskKind {
        /// Bring goods from the backroom to the shelf.
        FillShelf = 0 "fill_shelf",
        /// Look for goods that the book has and the shop probably has not.
        FindPhantom = 1 "find_phantom",
        /// Count, because knowing would be worth the walk.
        Recount = 2 "recount",
        /// Look after a cold chain unit.
        CheckUnit = 3 "check_unit",
        /// Look after a device.
        CheckDevice = 4 "check_device",
        /// Do what a plugin asks for; why it does is said with it.
        Plugin = 5 "plugin",
    }

    /// How a task ended.
    pub enum TaskEnd {
        /// It was done.
        Done = 0 "done",
        /// A person says that there is nothing to do.
        Dismissed = 1 "dismissed",
        /// What it was for is over.
        Obsolete = 2 "obsolete",
    }
}

record! {
    /// Goods were moved within the store.
    pub struct StockMoved {
        /// What.
        1 open sku: Sku,
        /// Where they were.
        2 open from: Place,
        /// Where they are.
        3 open to: Place,
        /// How much.
        4 open quantity: Quantity,
        /// When.
        5 open at: Timestamp,
        /// Who.
        6 pseudonymous by: Option<Name>,
    }

    /// Somebody counted what is in one place.
    pub struct PlaceCounted {
        /// What.
        1 open sku: Sku,
        /// Where.
        2 open place: Place,
        /// How much there was.
        3 open on_hand: Quantity,
        /// When.
        4 open at: Timestamp,
        /// Who.
        5 pseudonymous by: Option<Name>,
    }

    /// What the store concludes about a product, written when the answer to "can it be sold" changed or the numbers moved far.
    pub struct PositionSensed {
        /// Which product.
        1 open sku: Sku,
        /// The best estimate of what is in the store.
        2 open on_hand: Quantity,
        /// With nine chances in ten there is at least this.
        3 open low: Quantity,
        /// With nine chances in ten there is at most this.
        4 open high: Quantity,
        /// The chance that there is none, in thousandths.
        5 open none_permille: u16,
        /// It can be sold.
        6 open sellable: bool,
        /// When.
        7 open at: Timestamp,
    }

    /// Staff are asked for something.
    pub struct TaskOpened {
        /// Its name, unique in the store, made from what it is about.
        1 open task: Name,
        /// What.
        2 open kind: TaskKind,
        /// Of which product.
        3 open sku: Option<Sku>,
        /// Which cold chain unit.
        4 open unit: Option<Name>,
        /// Which device.
        5 pseudonymous device: Option<DeviceId>,
        /// How much, where that is known: pieces to bring.
        6 open quantity: Option<Quantity>,
        /// How sure the store is that it is needed, in thousandths.
        7 open confidence_permille: u16,
        /// Why, in words.
        8 open why: Name,
        /// When.
        9 open at: Timestamp,
    }

    /// A task is over.
    pub struct TaskClosed {
        /// Which.
        1 open task: Name,
        /// How.
        2 open end: TaskEnd,
        /// Who.
        3 pseudonymous by: Option<Name>,
        /// When.
        4 open at: Timestamp,
    }
}
