//! What happened on the floor, and how much of that the store's computer is told.

/// A part of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Where shoppers take from.
    Shelf,
    /// Where they do not.
    Backroom,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// What.
    pub what: What,
}

/// What happened, as it truly was and as it was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A shopper took pieces from the shelf and walks about with them.
    PickedUp {
        /// Of what.
        sku: String,
        /// How many.
        pieces: i64,
    },
    /// A shopper put pieces back where they belong.
    PutBack {
        /// Of what.
        sku: String,
        /// How many.
        pieces: i64,
    },
    /// A shopper paid.
    Sold {
        /// The number of the till's document.
        document: u64,
        /// What left the shop.
        sku: String,
        /// What was scanned: another product when the till was wrong.
        scanned: String,
        /// How many.
        pieces: i64,
    },
    /// A shopper brought pieces back, and they are on the shelf again.
    Returned {
        /// The number of the till's document.
        document: u64,
        /// Of what.
        sku: String,
        /// How many.
        pieces: i64,
    },
    /// A shopper wanted something that was not on its shelf.
    Missed {
        /// What.
        sku: String,
        /// How many.
        pieces: i64,
    },
    /// Goods came into the backroom.
    Received {
        /// What.
        sku: String,
        /// How many came.
        pieces: i64,
        /// How many the delivery note says; nothing when nobody entered it.
        noted: Option<i64>,
    },
    /// Staff carried pieces from one part of the shop to another.
    Moved {
        /// What.
        sku: String,
        /// From where.
        from: Place,
        /// To where.
        to: Place,
        /// How many.
        pieces: i64,
        /// Staff entered it.
        noted: bool,
    },
    /// Staff counted a place.
    Counted {
        /// What.
        sku: String,
        /// Where.
        place: Place,
        /// What they wrote down.
        noted: i64,
    },
    /// Somebody took pieces without paying.
    Stolen {
        /// What.
        sku: String,
        /// How many.
        pieces: i64,
    },
    /// A piece was put onto the shelf of something else.
    Misplaced {
        /// What.
        sku: String,
        /// On whose shelf it is now.
        onto: String,
    },
    /// Staff brought misplaced pieces back to their shelf.
    Tidied {
        /// What.
        sku: String,
        /// How many.
        pieces: i64,
    },
    /// Pieces were broken or spoiled and thrown away.
    Damaged {
        /// What.
        sku: String,
        /// How many.
        pieces: i64,
        /// Staff entered it.
        noted: bool,
    },
    /// The door of a unit was opened.
    DoorOpened {
        /// Of which unit.
        unit: String,
        /// For how long, in milliseconds.
        ms: u64,
    },
}

/// What the store's computer is told: what tills, delivery notes, move lists and counts say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told<'a> {
    /// The till sold.
    Sold {
        /// The number of the document.
        document: u64,
        /// What was scanned.
        sku: &'a str,
        /// How many.
        pieces: i64,
    },
    /// The till took back.
    Returned {
        /// The number of the document.
        document: u64,
        /// What.
        sku: &'a str,
        /// How many.
        pieces: i64,
    },
    /// A delivery was entered.
    Received {
        /// What.
        sku: &'a str,
        /// How many, by the note.
        pieces: i64,
    },
    /// A move was entered.
    Moved {
        /// What.
        sku: &'a str,
        /// From where.
        from: Place,
        /// To where.
        to: Place,
        /// How many.
        pieces: i64,
    },
    /// A count was entered.
    Counted {
        /// What.
        sku: &'a str,
        /// Where.
        place: Place,
        /// How many.
        pieces: i64,
    },
    /// Damage was entered.
    Damaged {
        /// What.
        sku: &'a str,
        /// How many.
        pieces: i64,
    },
}

impl Happening {
    /// What the store's computer is told of it; nothing when nobody wrote it down.
    #[must_use]
    pub fn told(&self) -> Option<Told<'_>> {
        Some(match &self.what {
            What::Sold { document, scanned, pieces, .. } => {
                Told::Sold { document: *document, sku: scanned, pieces: *pieces }
            }
            What::Returned { document, sku, pieces } => {
                Told::Returned { document: *document, sku, pieces: *pieces }
            }
            What::Received { sku, noted: Some(pieces), .. } => Told::Received { sku, pieces: *pieces },
            What::Moved { sku, from, to, pieces, noted: true } => {
                Told::Moved { sku, from: *from, to: *to, pieces: *pieces }
            }
            What::Counted { sku, place, noted } => Told::Counted { sku, place: *place, pieces: *noted },
            What::Damaged { sku, pieces, noted: true } => Told::Damaged { sku, pieces: *pieces },
            _ => return None,
        })
    }
}
