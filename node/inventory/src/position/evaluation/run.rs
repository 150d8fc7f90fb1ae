//! One shop's four weeks: what happens becomes the events that a node would have, and conclusions meet the truth.

use super::{
    observer::Observer,
    scenario::Scenario,
    score::{Fit, Score, Watch},
};
use crate::position::{Config, Positions, grid::Marginal, item::Item};
use aisle_device::floor::{
    Floor, Happening, Place as FloorPlace, Told,
    sensor::{Reader, Scale},
};
use aisle_event::{
    Currency, DeviceId, DocumentId, Event, Gtin, Measure, Money, Name, Quantity, Sku, SourceName, Text,
    Timestamp, Unit, Unknown,
    device::{DevicePlaced, Place, Reading, ReadingsTaken, TagsRead},
    inventory::{PlaceCounted, StockMoved},
    sale::{ReturnRecorded, SaleLine, SaleRecorded},
    stock::{AdjustReason, ProductListed, StockAdjusted, StockReceived},
};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
const DAYS: i64 = 28;
/// What is learned in these is not scored.
const DAYS_BEFORE: i64 = 7;

/// Which sources the engine is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sources {
    /// Counts.
    pub counts: bool,
    /// Moves that staff entered.
    pub moves: bool,
    /// Scales.
    pub weight: bool,
    /// RFID.
    pub tags: bool,
}

impl Sources {
    /// All that the scenario has.
    pub const ALL: Self = Self { counts: true, moves: true, weight: true, tags: true };
    /// Tills and deliveries.
    pub const TILL: Self = Self { counts: false, moves: false, weight: false, tags: false };
}

/// Lets the shop live and scores the engine. `each` is given every event that the engine is given, with its number.
pub fn run(scenario: &Scenario, seed: u64, sources: Sources, mut each: impl FnMut(u64, &Event)) -> Score {
    let mut floor = Floor::new(&scenario.floor, seed);
    let mut positions = Positions::new(Config::default());
    let mut seq = 0;
    let mut tell = |positions: &mut Positions, event: Event| {
        seq += 1;
        each(seq, &event);
        positions.apply(seq, &event);
    };
    for event in opening(scenario, &floor) {
        tell(&mut positions, event);
    }
    let skus: Vec<Sku> = scenario.floor.items.iter().filter_map(|item| Sku::new(&item.sku).ok()).collect();
    let mut scales: Vec<Scale> =
        (0..scenario.weighed).map(|n| Scale::new(&scenario.scale, seed * 1000 + n as u64)).collect();
    let mut readers = scenario
        .readers
        .as_ref()
        .map(|reader| [Reader::new(reader, seed * 1000 + 998), Reader::new(reader, seed * 1000 + 999)]);
    let mut score = Score::default();
    let mut observer = Observer::default();
    let mut watches = vec![Watches::default(); skus.len()];
    let start = floor.now_ms();
    for minute in (0..DAYS * 24 * 60).step_by(2) {
        let happened = floor.advance(2 * MINUTE_MS as u64);
        happened.iter().for_each(|happening| observer.see(&happening.what));
        happened.iter().for_each(|happening| observer.see_filled(&happening.what, &floor));
        for happening in happened {
            if let Some(event) = told(&happening, sources) {
                tell(&mut positions, event);
            }
        }
        let now = floor.now_ms();
        let of_day = (now - start).rem_euclid(DAY_MS) / MINUTE_MS;
        // At night sensors would say the same again and again.
        if !(7 * 60..=21 * 60).contains(&of_day) {
            continue;
        }
        if sources.weight {
            let readings = scales.iter_mut().enumerate().filter_map(|(n, scale)| {
                let grams = scale.read(floor.shelf_weight_g(&scenario.floor.items.get(n)?.sku), now)?;
                reading(n, grams, now)
            });
            tell(
                &mut positions,
                ReadingsTaken { readings: readings.collect(), unknown: Unknown::default() }.into(),
            );
        }
        if sources.tags
            && minute % 16 == 0
            && let Some([shelf, back]) = &mut readers
        {
            let on_shelf: Vec<String> = floor.tags(FloorPlace::Shelf).collect();
            let in_back: Vec<String> = floor.tags(FloorPlace::Backroom).collect();
            for (device, seen) in [
                ("reader-shelf", shelf.scan(&on_shelf, &in_back, now)),
                ("reader-back", back.scan(&in_back, &on_shelf, now)),
            ] {
                if let Some(event) = scan(device, seen, now) {
                    tell(&mut positions, event);
                }
            }
        }
        let is_scored = now - start >= DAYS_BEFORE * DAY_MS && (8 * 60..20 * 60).contains(&of_day);
        if is_scored && of_day % 10 == 0 {
            for (sku, watch) in skus.iter().zip(&mut watches).take(scenario.scored) {
                look(&positions, &floor, sku, observer.beyond(sku.as_str()), watch, &mut score);
            }
        }
    }
    for watch in &mut watches {
        watch.gap.end(true, true, &mut score.gap);
        watch.phantom.end(true, true, &mut score.phantom);
        watch.observed.end(true, true, &mut score.observed_phantom);
    }
    score
}

/// What is followed of one product.
#[derive(Debug, Clone, Default)]
struct Watches {
    gap: Watch,
    phantom: Watch,
    /// Phantom stock as the observer sees it.
    observed: Watch,
}

/// `beyond`: by how many pieces the observer believes too few.
fn look(
    positions: &Positions,
    floor: &Floor,
    sku: &Sku,
    beyond: i64,
    watch: &mut Watches,
    score: &mut Score,
) {
    let config = &positions.config;
    let Some(item) = positions.items.get(sku) else { return };
    let Some(grid) = &item.grid else { return };
    let (shelf, back) =
        (floor.truth(sku.as_str(), FloorPlace::Shelf), floor.truth(sku.as_str(), FloorPlace::Backroom));
    let sellable = shelf + back + floor.carried(sku.as_str());
    // A piece on the shelf of something else is in the store, but nobody finds it there.
    let total = sellable + floor.misplaced(sku.as_str());
    let is_gap = shelf < i64::from(config.facing_min) && back > 0;
    watch.gap.see(is_gap, item.outlook.is_gap, &mut score.gap);
    let book = item.book.total();
    let is_phantom =
        |sellable: i64| book > 0 && sellable <= (book / 2).min(book - i64::from(config.phantom_pieces_min));
    let observed = is_phantom((sellable - beyond).max(0));
    let is_phantom = is_phantom(sellable);
    watch.observed.see(is_phantom, observed, &mut score.observed_phantom);
    score.observed_off += beyond.abs() as f64;
    watch.phantom.see(is_phantom, item.outlook.wants_search(positions.clock.passed_ms()), &mut score.phantom);
    fit(&mut score.shelf, &grid.shelf(), shelf, book_at(item, Place::Shelf));
    fit(&mut score.backroom, &grid.back(), back, book_at(item, Place::Backroom));
    fit(&mut score.total, &item.total(grid), total, book);
}

fn book_at(item: &Item, place: Place) -> i64 {
    item.book.at(place)
}

fn fit(fit: &mut Fit, belief: &Marginal, truth: i64, book: i64) {
    let (low, high) = belief.interval();
    fit.count += 1;
    fit.off += (belief.quantile(0.5) - truth).abs() as f64;
    fit.book_off += (book - truth).abs() as f64;
    fit.within += u64::from((low..=high).contains(&truth));
    fit.promised += belief.up_to(high) - belief.up_to(low - 1);
    let (below, upto) = (belief.up_to(truth - 1), belief.up_to(truth));
    fit.inside += if upto - below > 1e-12 {
        (upto.min(0.95) - below.max(0.05)).max(0.0) / (upto - below)
    } else {
        f64::from(u8::from((0.05..0.95).contains(&below)))
    };
}

/// What the node is told before the shop opens: what it sells, where sensors are, what was counted.
fn opening(scenario: &Scenario, floor: &Floor) -> Vec<Event> {
    let at = Timestamp(floor.now_ms());
    let mut events = Vec::new();
    for (n, item) in scenario.floor.items.iter().enumerate() {
        let (Ok(sku), Ok(name)) = (Sku::new(&item.sku), Name::new(&item.sku)) else { continue };
        let gtin = item.gtin.as_ref().and_then(|gtin| gtin.parse::<Gtin>().ok());
        events.push(
            ProductListed {
                sku: sku.clone(),
                name,
                price: price(),
                unit: Unit::Each,
                gtin,
                category: None,
                at,
                unknown: Unknown::default(),
            }
            .into(),
        );
        for (place, pieces) in [(Place::Shelf, item.shelf_start), (Place::Backroom, item.backroom_start)] {
            let on_hand = Quantity::each(pieces.into());
            events.push(
                PlaceCounted { sku: sku.clone(), place, on_hand, at, by: None, unknown: Unknown::default() }
                    .into(),
            );
        }
        if n < scenario.weighed {
            let unit_weight = Measure::new(item.unit_weight_g).ok();
            let tare = Measure::new(scenario.scale.tare_g).ok();
            events.extend(placed(
                &format!("scale-{n}"),
                "weight",
                Place::Shelf,
                Some(sku),
                unit_weight,
                tare,
                at,
            ));
        }
    }
    if scenario.readers.is_some() {
        events.extend(placed("reader-shelf", "tags", Place::Shelf, None, None, None, at));
        events.extend(placed("reader-back", "tags", Place::Backroom, None, None, None, at));
    }
    events
}

fn placed(
    device: &str,
    stream: &str,
    place: Place,
    sku: Option<Sku>,
    unit_weight: Option<Measure>,
    tare: Option<Measure>,
    at: Timestamp,
) -> Option<Event> {
    let (device, stream) = (DeviceId::new(device).ok()?, Name::new(stream).ok()?);
    let place = Some(place);
    Some(
        DevicePlaced {
            device,
            stream,
            place,
            sku,
            unit_weight,
            tare,
            unit: None,
            at,
            unknown: Unknown::default(),
        }
        .into(),
    )
}

fn reading(scale: usize, grams: f64, now_ms: i64) -> Option<Reading> {
    Some(Reading {
        device: DeviceId::new(format!("scale-{scale}")).ok()?,
        stream: Name::new("weight").ok()?,
        value: Measure::new(grams).ok()?,
        at: Timestamp(now_ms),
        number: None,
        boot: None,
        unknown: Unknown::default(),
    })
}

fn scan(device: &str, seen: Vec<String>, now_ms: i64) -> Option<Event> {
    let tags = seen.into_iter().filter_map(|tag| Text::new(tag).ok()).collect();
    let (device, stream) = (DeviceId::new(device).ok()?, Name::new("tags").ok()?);
    Some(
        TagsRead { device, stream, tags, complete: true, at: Timestamp(now_ms), unknown: Unknown::default() }
            .into(),
    )
}

fn price() -> Money {
    Money { minor: 199, currency: Currency::EUR }
}

fn told(happening: &Happening, sources: Sources) -> Option<Event> {
    let at = Timestamp(happening.at_ms);
    let unknown = Unknown::default();
    let sku = |sku: &str| Sku::new(sku).ok();
    let place = |place: FloorPlace| match place {
        FloorPlace::Shelf => Place::Shelf,
        FloorPlace::Backroom => Place::Backroom,
    };
    let source = SourceName::new("till").ok()?;
    let line = |of: &str, pieces| {
        Some(vec![SaleLine {
            line: 1,
            sku: sku(of)?,
            quantity: Quantity::each(pieces),
            unit_price: price(),
            repriced: None,
            unknown: Unknown::default(),
        }])
    };
    Some(match happening.told()? {
        Told::Sold { document, sku, pieces } => SaleRecorded {
            source,
            document: DocumentId::new(document.to_string()).ok()?,
            lines: line(sku, pieces)?,
            at,
            session: None,
            customer: None,
            country: None,
            idempotency_key: None,
            arm: None,
            adjustments: Vec::new(),
            points: Vec::new(),
            unknown,
        }
        .into(),
        Told::Returned { document, sku, pieces } => ReturnRecorded {
            source,
            document: DocumentId::new(document.to_string()).ok()?,
            lines: line(sku, pieces)?,
            at,
            customer: None,
            country: None,
            unknown,
        }
        .into(),
        Told::Received { sku: of, pieces } => {
            let quantity = Quantity::each(pieces);
            StockReceived { sku: sku(of)?, quantity, lot: None, expires: None, at, unknown }.into()
        }
        Told::Moved { sku: of, from, to, pieces } if sources.moves => {
            let (from, to) = (place(from), place(to));
            StockMoved { sku: sku(of)?, from, to, quantity: Quantity::each(pieces), at, by: None, unknown }
                .into()
        }
        Told::Counted { sku: of, place: counted, pieces } if sources.counts => {
            let on_hand = Quantity::each(pieces);
            PlaceCounted { sku: sku(of)?, place: place(counted), on_hand, at, by: None, unknown }.into()
        }
        Told::Damaged { sku: of, pieces } => {
            let (delta, reason) = (Quantity::each(-pieces), AdjustReason::Damaged);
            StockAdjusted { sku: sku(of)?, delta, reason, at, unknown }.into()
        }
        _ => return None,
    })
}
