//! How much of each product is where, from many imperfect sources.
//!
//! [`Positions`] is a fold of the journal: events in, a [`View`] out, and what follows ([`Positions::wanted`], [`Positions::due`]).
//! No IO, no clock. Not here: what a payload means (`aisle-devices`), who does a task and when it is done ([`crate::task`]), forecasts.
//! Guards: whatever comes, an estimate is a finite number that is not negative; a fold that was decoded goes on exactly as the
//! one that was encoded; everything kept is bounded (`skus_max`, `placements_max`, `tags_per_sku_max`, 64 × 128 cells a product).
//!
//! # The belief
//!
//! Of each product: a joint distribution over *s*, pieces on the shelf, and *b*, pieces in the backroom, as a window of
//! cells (module `grid`). Joint, because what is known is mostly about sums and differences: a move that nobody entered raises *s* by what *b*
//! loses, a till only knows *s + b*, a scale only *s*. That inventory records are wrong, that a Bayesian belief instead
//! of a number is the remedy, and that it must hold a hidden process of loss, is due to DeHoratius, Mersereau and Schrage (2008,
//! "Retail Inventory Management When Records Are Inaccurate", M&SOM 10(2)); what undetected loss does to a shop that orders by
//! its book — it stops ordering — to Kang and Gershwin (2005, "Information inaccuracy in inventory systems", IIE Transactions 37).
//!
//! # What time does
//!
//! Time is counted in *busy hours*: hours weighted by how much the store usually sells in them, so that a night is
//! nothing. Over *x* of them every cell
//!
//! - **loses** a piece from the shelf with chance *ℓx* (theft, damage, misplacement; sometimes three at once, as armfuls go), a tenth of it from the backroom,
//!   and finds one with 0.15 *ℓx*. *ℓ* has a Gamma prior per product and is learned from counts (expected loss + what the count
//!   found missing, over the time since the last) and from weighed pieces that nobody paid for;
//! - **stays silent**: no sale in *x* has likelihood exp(−0.75 *λx*) in cells with *s* > 0 and 1 in the others, *λ* the product's own
//!   sales per busy hour (Gamma, learned only over time in which there was something to sell). 0.75, because demand is burstier than
//!   Poisson. This is how goods that only the book has are found without a sensor;
//! - **is not filled**: a shelf below a quarter of its capacity is filled at rate *φ* (Gamma, learned from weighed shelves) when *b* > 0. A filling
//!   is entered with chance *e* (Beta, learned where scales see fillings), so cells that want filling keep exp(−*φx*), and
//!   (1 − *e*) of the rest moves, unseen, to a full shelf. An empty shelf that nobody fills speaks for an empty backroom.
//!
//! # What events do
//!
//! | event | effect |
//! |---|---|
//! | sale of *n* | *s* − *n*; cells with *s* < *n* survive only as an unentered filling, a miscount, or a wrong scan (1 %) |
//! | delivery | *b* + *n*, or less or more by up to twice the learned mean error of notes, with the learned share of wrong notes (6 % before); perhaps + another one before it that nobody entered |
//! | move of *n* | *s* + *n*, *b* − *n*; cells in which that does not fit the shelf, or in which staff stopped short though *b* had more, become unlikely |
//! | count | likelihood 0.92 for exact, 0.032 for off by one, falling with the square; a count that the belief holds impossible replaces it |
//! | scale | N((w − tare)/u − z; n, σ²) with a floor for what is no weight of this product. σ is learned from successive readings, the zero *z* is followed by a one-dimensional Kalman filter while *n* is beyond doubt |
//! | RFID | binomial in the tags seen within the last scans, with strays, and detection learned (Beta) |
//!
//! Readings are not independent: a zero that is off now was off a minute ago, a tag against metal stays hidden. A likelihood that repeats itself is
//! therefore raised to the power Δt/τ (τ = 30 min for weights, 3 h for tags), and counts fully only when it changes. Tags are remembered
//! singly, so that one missed by this scan but not by the last is still there, unless a sale explains it.
//!
//! A complete scan speaks of what its reader looks at, which its placement says. Placed with a product, it looks at that product alone, and
//! what else it sees is a neighbour's. Placed without one it looks at all that has tags there. Several readers that look at a product in one
//! place share it: each speaks of the tags that it was the last to see, of those that no reader in use saw last, and of what it sees now.
//! A product of which it never saw a tag is then another reader's; only a reader that is alone says that there is none.
//!
//! A shelf that is weighed finely is *watched*: then sales do not move *s*, the scale does. A fall that nobody paid for yet waits in a
//! ledger, and a sale cancels it: the shelf falls when the piece is taken, the store's total when it is paid. Until then it is there with chance
//! (1 − *r*)e^(−*t*/τ) / (*r* + (1 − *r*)e^(−*t*/τ)), *r* the part of what goes that nobody pays for by the rates of loss and sale, τ = 15 min: who
//! has carried it for an hour is hardly going to pay. After two hours it is lost; a
//! sale that no fall explains within 45 minutes was a wrong scan. A rise is a filling or something put back, by
//! its size, by what was just taken, and by whether *b* has so much. A change that is no whole number of pieces, or more than the shelf
//! holds, is something else that was put down there: it is kept apart until it is taken away. What was lost singly may lie on another
//! shelf for a day or two; until then the store's total holds it as a Poisson few.
//!
//! # What follows
//!
//! The chance of a **gap** is P(*s* < facing, *b* > 0), of **phantom stock** P(total ≤ half the book and at least
//! `phantom_pieces_min` below it). A task is opened where acting costs less than waiting, p ≥ c/(c + benefit). A gap closes at half of that; phantom stock opens when
//! its chance has stayed above for 25 minutes (90 where shoppers' hands are not seen), and closes at a fifth,
//! which the count of it brings about. **Recounts** are
//! ranked by the value of perfect information (see `decide::recount_value`) minus the cost of the count.
//!
//! # How well it does
//!
//! Feature `evaluation` holds all this against three shops whose truth is known (`cargo nextest run -p aisle-inventory position::accuracy`).
//! What no sensor sees stays unknown, if not unheard of: a delivery that is not what its note says, until the backroom is empty or
//! counted; the shelf of a product that only the till knows. The belief of the backroom is as wide as wrong notes of this store make it: their
//! share (Beta), mean error (Gamma) and the share of deliveries that nobody enters (Beta) are learned at counts and where a weighed shelf is
//! filled with all that there was (module `item::delivery`).
//!
//! An interval of whole pieces with nine tenths in it mostly holds more; [`Estimate::chance`] says how much.

mod book;
mod clock;
mod config;
mod decide;
mod epc;
#[cfg(feature = "evaluation")]
pub mod evaluation;
mod grid;
mod item;
mod learned;
mod ledger;
mod reason;
mod rhythm;
mod scale;
mod snapshot;
mod store;
mod tags;
mod view;

pub use config::{Config, InvalidConfig};
pub use reason::Because;
pub use snapshot::InvalidSnapshot;
pub use view::{Estimate, Glance, Position, Source, SourceKind, View};

use aisle_event::{
    DeviceId, Event, Gtin, Name, Quantity, Sku, Timestamp, Unit,
    device::{DevicePlaced, Place, Reading, TagsRead},
    sale::SaleLine,
};
use clock::Clock;
use item::{Item, Published};
use minicbor::{Decode, Encode};
use std::{collections::BTreeMap, sync::Arc};
use store::Store;
use tags::Seen;

/// Products that are moved on by each event, beside the one that it is about.
const SWEEP: usize = 1;

/// Where a stream measures.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(array)]
struct Placement {
    #[n(0)]
    place: Place,
    /// The product that it is about; nothing for a reader of all that is there.
    #[n(1)]
    sku: Option<Sku>,
    /// It is a scale under that product.
    #[n(2)]
    weighs: bool,
    /// The number of a reader of tags, from its first scan on: tags remember by it who saw them last.
    #[n(3)]
    reader: Option<u32>,
}

impl Placement {
    /// What is weighed.
    fn weighed(self) -> Option<Sku> {
        self.sku.filter(|_| self.weighs)
    }
}

/// The positions of all products: a fold of the journal's events.
#[derive(Debug, Clone)]
pub struct Positions {
    config: Arc<Config>,
    items: imbl::OrdMap<Sku, Arc<Item>>,
    placements: BTreeMap<(DeviceId, Name), Placement>,
    /// Readers of tags that were ever heard, for their numbers.
    readers_ever: u32,
    gtins: BTreeMap<Gtin, Sku>,
    store: Store,
    clock: Clock,
    /// The last event that was applied.
    applied: u64,
    /// The product that was last moved on although nothing happened to it.
    swept: Option<Sku>,
    ignored: u64,
}

impl Item {
    /// An amount of this product: pieces, or tenths of what it is weighed or measured by.
    fn quantity(&self, pieces: i64) -> Quantity {
        let unit = self.unit.unwrap_or(Unit::Each);
        Quantity { thousandths: pieces.saturating_mul(grain(unit)), unit }
    }
}

/// Thousandths that the belief counts as one.
const fn grain(unit: Unit) -> i64 {
    match unit {
        Unit::Each => 1000,
        Unit::Kilogram | Unit::Litre | Unit::Metre => 100,
    }
}

impl Positions {
    /// Of a store that nothing is known of.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config: Arc::new(config),
            items: imbl::OrdMap::new(),
            placements: BTreeMap::new(),
            readers_ever: 0,
            gtins: BTreeMap::new(),
            store: Store::default(),
            clock: Clock::default(),
            applied: 0,
            swept: None,
            ignored: 0,
        }
    }

    /// What readers see.
    #[must_use]
    pub fn view(&self) -> View {
        View {
            items: self.items.clone(),
            config: self.config.clone(),
            now: self.clock.now(),
            passed_ms: self.clock.passed_ms(),
            entered: self.store.entered(),
            ignored: self.ignored,
        }
    }

    /// The last event that was applied; 0 before the first.
    #[must_use]
    pub const fn applied(&self) -> u64 {
        self.applied
    }

    /// Takes an event in. What contradicts, exceeds a bound or is of another unit is counted and changes nothing else.
    pub fn apply(&mut self, seq: u64, event: &Event) {
        self.applied = seq;
        match event {
            Event::SaleRecorded(sale) => {
                self.hear(sale.at);
                self.store.rhythm.sold(self.clock.now());
                self.lines(&sale.lines, |item, store, clock, pieces| {
                    item.sell(store, clock, pieces, sale.at);
                });
            }
            Event::ReturnRecorded(back) => {
                self.hear(back.at);
                self.lines(&back.lines, Item::give_back);
            }
            Event::StockReceived(received) => {
                self.hear(received.at);
                self.with(&received.sku, received.quantity, |item, store, clock, pieces| {
                    (pieces > 0).then(|| item.receive(store, clock, pieces, received.at))
                });
            }
            Event::StockCounted(counted) => {
                self.hear(counted.at);
                self.with(&counted.sku, counted.on_hand, |item, store, clock, pieces| {
                    (pieces >= 0).then(|| item.count(store, clock, None, pieces, counted.at))
                });
            }
            Event::PlaceCounted(counted) => {
                self.hear(counted.at);
                self.with(&counted.sku, counted.on_hand, |item, store, clock, pieces| {
                    (pieces >= 0).then(|| item.count(store, clock, Some(counted.place), pieces, counted.at))
                });
            }
            Event::StockAdjusted(adjusted) => {
                self.hear(adjusted.at);
                self.with(&adjusted.sku, adjusted.delta, |item, store, clock, pieces| {
                    item.adjust(store, clock, pieces);
                    Some(())
                });
            }
            Event::StockMoved(moved) => {
                self.hear(moved.at);
                self.with(&moved.sku, moved.quantity, |item, store, clock, pieces| {
                    let onto_shelf = moved.to == Place::Shelf;
                    (pieces > 0 && moved.from != moved.to)
                        .then(|| item.carry(store, clock, onto_shelf, pieces, moved.at))
                });
            }
            Event::ReadingsTaken(taken) => taken.readings.iter().for_each(|reading| self.read(reading)),
            Event::TagsRead(read) => self.scan(read),
            Event::DevicePlaced(placed) => self.place(placed),
            Event::DeviceRetired(retired) => self.retire(&retired.device),
            Event::AnomalyOpened(odd) => self.mark(&odd.device, &odd.stream, |item| {
                item.scales.mark(&odd.device, &odd.stream, odd.kind, true);
            }),
            Event::AnomalyClosed(usual) => self.mark(&usual.device, &usual.stream, |item| {
                item.scales.mark(&usual.device, &usual.stream, usual.kind, false);
            }),
            Event::ProductListed(listed) => {
                self.hear(listed.at);
                if let Some(gtin) = listed.gtin
                    && (self.gtins.len() < self.config.skus_max || self.gtins.contains_key(&gtin))
                {
                    self.gtins.insert(gtin, listed.sku.clone());
                }
                self.change(&listed.sku, |item, _, _| {
                    item.delisted = false;
                    item.unit.get_or_insert(listed.unit);
                });
            }
            Event::ProductDelisted(delisted) => {
                self.hear(delisted.at);
                if self.items.contains_key(&delisted.sku) {
                    self.change(&delisted.sku, |item, _, _| item.delisted = true);
                }
            }
            Event::PositionSensed(sensed) => {
                if self.items.contains_key(&sensed.sku) {
                    self.change(&sensed.sku, |item, _, _| {
                        let on_hand = sensed.on_hand.thousandths / grain(sensed.on_hand.unit);
                        item.published =
                            Some(Published { on_hand, sellable: sensed.sellable, at: sensed.at });
                    });
                }
            }
            _ => return,
        }
        self.sweep();
    }

    fn hear(&mut self, at: Timestamp) {
        self.clock.hear(at);
    }

    /// Changes a product, which is made when it is new and there is room.
    fn change(&mut self, sku: &Sku, change: impl FnOnce(&mut Item, &mut Store, &Clock)) {
        self.touch(sku, |item, store, clock| {
            change(item, store, clock);
            true
        });
    }

    /// As [`Positions::change`]; what follows from the belief stays as it is when the change says that it does.
    fn touch(&mut self, sku: &Sku, change: impl FnOnce(&mut Item, &mut Store, &Clock) -> bool) {
        if !self.items.contains_key(sku) {
            if self.items.len() >= self.config.skus_max {
                self.ignored += 1;
                return;
            }
            self.items.insert(sku.clone(), Arc::new(Item::new(&self.clock)));
        }
        if let Some(item) = self.items.get_mut(sku) {
            let item = Arc::make_mut(item);
            if change(item, &mut self.store, &self.clock) {
                item.outlook = decide::outlook(item, &self.config, &self.clock);
            }
        }
    }

    /// Changes a product by an amount, when that is of its unit and not absurd.
    fn with(
        &mut self,
        sku: &Sku,
        quantity: Quantity,
        change: impl FnOnce(&mut Item, &mut Store, &Clock, i64) -> Option<()>,
    ) {
        let pieces = (quantity.thousandths as f64 / grain(quantity.unit) as f64).round() as i64;
        let mut done = false;
        if pieces.abs() <= item::PIECES_EVENT_MAX {
            self.change(sku, |item, store, clock| {
                if *item.unit.get_or_insert(quantity.unit) == quantity.unit {
                    done = change(item, store, clock, pieces).is_some();
                }
            });
        }
        self.ignored += u64::from(!done);
    }

    fn lines(&mut self, lines: &[SaleLine], mut change: impl FnMut(&mut Item, &mut Store, &Clock, i64)) {
        for line in lines {
            self.with(&line.sku, line.quantity, |item, store, clock, pieces| {
                (pieces > 0).then(|| change(item, store, clock, pieces))
            });
        }
    }

    fn read(&mut self, reading: &Reading) {
        let key = (reading.device.clone(), reading.stream.clone());
        let Some(sku) = self.placements.get(&key).cloned().and_then(Placement::weighed) else { return };
        self.hear(reading.at);
        self.touch(&sku, |item, store, clock| {
            let grams = reading.value.units();
            item.scales.read(&reading.device, &reading.stream, grams, reading.at, clock.passed_ms())
                && item.weigh(store, clock)
        });
    }

    /// What a complete scan says is of what its reader looks at (see the module), and of nothing else.
    fn scan(&mut self, read: &TagsRead) {
        let key = (read.device.clone(), read.stream.clone());
        let Some(placement) = self.placements.get_mut(&key).filter(|placement| !placement.weighs) else {
            return;
        };
        // What is not a complete scan says nothing of what it does not list.
        let reader = if read.complete {
            let number = placement.reader.unwrap_or_else(|| {
                self.readers_ever = self.readers_ever.wrapping_add(1);
                self.readers_ever
            });
            placement.reader = Some(number);
            Some(number)
        } else {
            None
        };
        let (place, only) = (placement.place, placement.sku.clone());
        self.hear(read.at);
        let Some(reader) = reader else { return };
        let mut scans: BTreeMap<Sku, Vec<u32>> = BTreeMap::new();
        for tag in &read.tags {
            if let Some((gtin, serial)) = epc::tag(tag)
                && let Some(sku) =
                    self.gtins.get(&gtin).filter(|sku| only.as_ref().is_none_or(|of| of == *sku))
            {
                match scans.get_mut(sku) {
                    Some(serials) => serials.push(serial),
                    None => drop(scans.insert(sku.clone(), vec![serial])),
                }
            }
        }
        let readers = self.placements.values().filter(|of| of.place == place);
        let readers =
            readers.filter_map(|of| Some((of.reader.filter(|other| *other != reader)?, of.sku.as_ref())));
        let readers: Vec<(u32, Option<&Sku>)> = readers.collect();
        let others = |sku: &Sku| -> Vec<u32> {
            let looking = readers.iter().filter(|(_, of)| of.is_none_or(|of| of == sku));
            looking.map(|(other, _)| *other).collect()
        };
        // Of what it looks at and did not see, it saw none.
        let looked_at = self.items.iter().filter(|(sku, item)| {
            only.as_ref().is_none_or(|of| of == *sku)
                && item.tags.is_used()
                && !scans.contains_key(*sku)
                && item.tags.is_looked_at(place, &others(sku))
        });
        let unseen: Vec<Sku> = looked_at.map(|(sku, _)| sku.clone()).collect();
        scans.extend(unseen.into_iter().map(|sku| (sku, Vec::new())));
        let scans: Vec<(Sku, Vec<u32>, Vec<u32>)> = scans
            .into_iter()
            .map(|(sku, serials)| {
                let others = others(&sku);
                (sku, serials, others)
            })
            .collect();
        let tags_max = self.config.tags_per_sku_max;
        for (sku, mut serials, others) in scans {
            serials.sort_unstable();
            serials.dedup();
            let seen = Seen { place, reader, others: &others, serials: &serials, at: read.at };
            self.change(&sku, |item, store, clock| item.scan(store, clock, &seen, tags_max));
        }
    }

    fn place(&mut self, placed: &DevicePlaced) {
        self.hear(placed.at);
        let key = (placed.device.clone(), placed.stream.clone());
        if let Some(sku) = self.placements.remove(&key).and_then(Placement::weighed) {
            self.change(&sku, |item, _, _| item.scales.remove(&placed.device, &placed.stream));
        }
        let Some(place) = placed.place else { return };
        if self.placements.len() >= self.config.placements_max {
            self.ignored += 1;
            return;
        }
        let weighs = placed.unit_weight.is_some() && placed.sku.is_some();
        if let (Some(weighed), Some(unit_weight)) = (&placed.sku, placed.unit_weight) {
            let tare_g = placed.tare.map_or(0.0, aisle_event::Measure::units);
            let mut fits = false;
            // A scale in the backroom says nothing that can be used.
            if place == Place::Shelf {
                self.change(weighed, |item, _, _| {
                    fits = item.scales.place(&placed.device, &placed.stream, unit_weight.units(), tare_g);
                });
            }
            if !fits {
                self.ignored += 1;
                return;
            }
        }
        self.placements.insert(key, Placement { place, sku: placed.sku.clone(), weighs, reader: None });
    }

    fn retire(&mut self, device: &DeviceId) {
        let gone: Vec<_> = self.placements.keys().filter(|(placed, _)| placed == device).cloned().collect();
        for key in gone {
            if let Some(sku) = self.placements.remove(&key).and_then(Placement::weighed) {
                self.change(&sku, |item, _, _| item.scales.remove(&key.0, &key.1));
            }
        }
    }

    fn mark(&mut self, device: &DeviceId, stream: &Name, mark: impl FnOnce(&mut Item)) {
        let placement = self.placements.get(&(device.clone(), stream.clone()));
        if let Some(sku) = placement.cloned().and_then(Placement::weighed) {
            self.change(&sku, |item, _, _| mark(item));
        }
    }

    /// Lets time pass for products that nothing happened to, in turn, so that silence tells as much as it should.
    fn sweep(&mut self) {
        use std::ops::Bound::{Excluded, Unbounded};
        for _ in 0..SWEEP {
            let from = self.swept.clone().map_or(Unbounded, Excluded);
            let next = self.items.range((from, Unbounded)).next().map(|(sku, _)| sku.clone());
            self.swept.clone_from(&next);
            let Some(sku) = next else { return };
            let is_due = self.items.get(&sku).is_some_and(|item| item.is_behind(&self.clock));
            if is_due {
                self.touch(&sku, |item, store, clock| item.advance(store, clock, false));
            }
        }
    }
}
