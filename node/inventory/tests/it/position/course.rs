//! What is believed in the course of a day, told by hand.

use super::{counted, device, listed, moved, name, odd, received, scale, sku, sold, usual, weighed};
use aisle_event::{
    Event, Quantity, Text, Timestamp, Unknown,
    device::{AnomalyKind, DevicePlaced, DeviceRetired, Place, TagsRead},
    inventory::TaskKind,
};
use aisle_inventory::position::{Config, Position, Positions, SourceKind};

const MINUTE: i64 = 60_000;
const START: i64 = 1_767_261_600_000;

/// The tags of two products, to which a serial number is added.
const TEA: u128 = 0x3074_257B_F719_4E40_0000_0000;
const MILK: u128 = TEA + (1 << 38);

/// A reader of tags in a place, of one product or of all.
fn reader(called: &str, place: Place, of: Option<&str>) -> Event {
    DevicePlaced {
        device: device(called),
        stream: name("tags"),
        place: Some(place),
        sku: of.map(sku),
        unit_weight: None,
        tare: None,
        unit: None,
        at: Timestamp(START),
        unknown: Unknown::default(),
    }
    .into()
}

struct Told {
    positions: Positions,
    seq: u64,
    now: i64,
}

impl Told {
    fn new() -> Self {
        let mut told = Self { positions: Positions::new(Config::default()), seq: 0, now: START };
        told.tell(&listed("tea", Some("80614141123458"), START));
        told
    }

    fn tell(&mut self, event: &Event) {
        self.seq += 1;
        self.positions.apply(self.seq, event);
    }

    /// A shelf of ten and a backroom of twenty, counted; a scale under the shelf.
    fn on_a_scale() -> Self {
        let mut told = Self::new();
        told.tell(&counted("tea", Place::Shelf, Quantity::each(10), START));
        told.tell(&counted("tea", Place::Backroom, Quantity::each(20), START));
        told.tell(&scale("scale", "tea", 100.0, START));
        told.weigh(1000.0, 5);
        told
    }

    /// The scale shows this once a minute, for so many minutes.
    fn weigh(&mut self, grams: f64, minutes: i64) {
        for _ in 0..minutes {
            self.now += MINUTE;
            self.tell(&weighed("scale", grams, self.now));
        }
    }

    /// A complete scan of a reader.
    fn scan(&mut self, reader: &str, tags: impl IntoIterator<Item = u128>) {
        let tags = tags.into_iter().map(|tag| Text::new(format!("{tag:024X}")).unwrap()).collect();
        let (device, stream, at) = (device(reader), name("tags"), Timestamp(self.now));
        self.tell(&TagsRead { device, stream, tags, complete: true, at, unknown: Unknown::default() }.into());
    }

    fn of(&self, of: &str) -> Position {
        self.positions.view().position(&sku(of)).unwrap()
    }

    fn tea(&self) -> Position {
        self.of("tea")
    }

    fn wants(&self, kind: TaskKind) -> bool {
        self.positions.wanted(Timestamp(self.now)).iter().any(|wanted| wanted.kind == kind)
    }
}

#[test]
fn a_piece_that_is_taken_leaves_the_shelf_at_once_and_the_store_when_it_is_paid() {
    let mut told = Told::on_a_scale();
    told.weigh(800.0, 3);
    let tea = told.tea();
    assert_eq!((tea.shelf.pieces, tea.unpaid, tea.total.pieces), (8, 2, 30));
    told.tell(&sold("tea", Quantity::each(2), told.now));
    let tea = told.tea();
    assert_eq!((tea.shelf.pieces, tea.unpaid, tea.total.pieces), (8, 0, 28));
}

#[test]
fn what_is_carried_for_longer_than_shoppers_do_is_less_and_less_believed_to_be_paid() {
    let mut told = Told::on_a_scale();
    told.weigh(800.0, 5);
    let soon = told.tea();
    assert_eq!((soon.total.pieces, soon.unpaid), (30, 2));
    told.weigh(800.0, 75);
    let later = told.tea();
    // It still waits for its sale, but the store counts on it less.
    assert_eq!(later.unpaid, 2);
    assert!(later.total.low <= 28 && later.total.high >= 30, "{:?}", later.total);
    assert!(later.total.mean < soon.total.mean - 0.2, "{:?}, {:?}", later.total, soon.total);
    told.tell(&sold("tea", Quantity::each(2), told.now));
    assert_eq!((told.tea().total.pieces, told.tea().unpaid), (28, 0));
}

#[test]
fn what_nobody_pays_for_is_lost_and_makes_the_book_phantom_stock() {
    let mut told = Told::on_a_scale();
    told.tell(&counted("tea", Place::Backroom, Quantity::each(0), told.now));
    told.weigh(1000.0, 3);
    told.weigh(0.0, 200);
    let tea = told.tea();
    assert_eq!((tea.total.pieces, tea.book), (0, Some(10)));
    assert!(tea.phantom > 0.8, "{tea:?}");
    assert!(told.wants(TaskKind::FindPhantom));
    assert!(tea.why().contains("10 left the shelf and were not paid for"), "{}", tea.why());
    assert!(
        matches!(&told.positions.due(Timestamp(told.now))[..], [Event::PositionSensed(sensed)] if !sensed.sellable)
    );
}

#[test]
fn an_empty_shelf_with_stock_behind_is_a_gap_until_it_is_filled_whether_or_not_that_is_entered() {
    let mut told = Told::on_a_scale();
    told.weigh(0.0, 2);
    assert!(told.tea().gap > 0.9 && told.wants(TaskKind::FillShelf), "{:?}", told.tea());
    told.weigh(1000.0, 3);
    let tea = told.tea();
    assert_eq!((tea.shelf.pieces, tea.backroom.pieces), (10, 10));
    assert!(!told.wants(TaskKind::FillShelf));
    // The move is entered afterwards: it is the same one.
    told.tell(&moved("tea", Quantity::each(10), told.now));
    told.weigh(1000.0, 3);
    assert_eq!((told.tea().shelf.pieces, told.tea().backroom.pieces), (10, 10));
}

#[test]
fn nobody_leaning_on_a_scale_takes_or_brings_anything() {
    let mut told = Told::on_a_scale();
    for touched in [2500.0, -800.0, 1000.0, 400.0, 1000.0, 1e9, 1000.0] {
        told.weigh(touched, 1);
    }
    assert_eq!((told.tea().shelf.pieces, told.tea().backroom.pieces, told.tea().unpaid), (10, 20, 0));
}

#[test]
fn a_scale_that_is_stuck_is_not_believed_until_it_is_well() {
    let mut told = Told::on_a_scale();
    told.tell(&odd("scale", AnomalyKind::Stuck, told.now));
    told.weigh(1000.0, 5);
    told.tell(&sold("tea", Quantity::each(4), told.now));
    let tea = told.tea();
    assert_eq!(tea.shelf.pieces, 6);
    let weight = tea.sources.iter().find(|source| source.kind == SourceKind::Weight).unwrap();
    assert!(weight.weight_percent < 1.0, "{weight:?}");
    assert!(tea.why().contains("not believed"), "{}", tea.why());
    told.tell(&usual("scale", AnomalyKind::Stuck, told.now));
    told.weigh(700.0, 40);
    assert_eq!(told.tea().shelf.pieces, 7);
}

#[test]
fn two_scales_under_one_product_are_added() {
    let mut told = Told::on_a_scale();
    told.tell(&scale("other", "tea", 100.0, told.now));
    for _ in 0..60 {
        told.now += MINUTE;
        told.tell(&weighed("scale", 500.0, told.now));
        told.tell(&weighed("other", 400.0, told.now));
    }
    assert_eq!(told.tea().shelf.pieces, 9);
}

#[test]
fn tags_are_counted_where_they_are_and_a_stray_one_is_not() {
    let mut told = Told::new();
    told.tell(&reader("front", Place::Shelf, None));
    told.tell(&reader("behind", Place::Backroom, None));
    for scan in 0..20 {
        told.now += 15 * MINUTE;
        // One of five is missed each time, another one each time; once one of the backroom is seen in front.
        let front = (0..5).filter(|serial| serial % 5 != scan % 5).chain((scan == 10).then_some(100));
        told.scan("front", front.map(|serial| TEA | serial));
        told.scan("behind", (100..108).map(|serial| TEA | serial));
    }
    assert_eq!((told.tea().shelf.pieces, told.tea().backroom.pieces), (5, 8));
}

#[test]
fn a_reader_that_was_placed_with_a_product_says_nothing_of_another() {
    let mut told = Told::new();
    told.tell(&listed("milk", Some("80614141123465"), START));
    told.tell(&reader("front", Place::Shelf, None));
    told.tell(&reader("milk-shelf", Place::Shelf, Some("milk")));
    for _ in 0..20 {
        told.now += 15 * MINUTE;
        told.scan("front", (0..5).map(|serial| TEA | serial));
        // Tags of the neighbour's goods are seen across the shelf, and say nothing of them either.
        told.scan("milk-shelf", (0..7).map(|serial| MILK | serial).chain([TEA, TEA | 90]));
    }
    assert_eq!((told.tea().shelf.pieces, told.of("milk").shelf.pieces), (5, 7));
    for _ in 0..20 {
        told.now += 15 * MINUTE;
        told.scan("milk-shelf", []);
    }
    assert_eq!((told.tea().shelf.pieces, told.of("milk").shelf.pieces), (5, 0));
}

#[test]
fn readers_that_share_a_place_speak_each_of_its_own_zone() {
    let mut told = Told::new();
    told.tell(&listed("milk", Some("80614141123465"), START));
    told.tell(&reader("left", Place::Shelf, None));
    told.tell(&reader("right", Place::Shelf, None));
    for _ in 0..20 {
        told.now += 15 * MINUTE;
        told.scan("left", (0..4).map(|serial| TEA | serial));
        told.scan("right", (10..13).map(|serial| TEA | serial).chain((0..6).map(|serial| MILK | serial)));
    }
    // Four on the left and three on the right; the left one, which sees no milk, does not say that there is none.
    assert_eq!((told.tea().shelf.pieces, told.of("milk").shelf.pieces), (7, 6));
    let bytes = told.positions.encode();
    told.positions = Positions::decode(Config::default(), &bytes).unwrap();
    for _ in 0..20 {
        told.now += 15 * MINUTE;
        told.scan("left", (0..4).map(|serial| TEA | serial));
        told.scan("right", (0..6).map(|serial| MILK | serial));
    }
    assert_eq!((told.tea().shelf.pieces, told.of("milk").shelf.pieces), (4, 6));
    // What a reader saw that was taken away is the other one's to look for.
    let (device, at) = (device("right"), Timestamp(told.now));
    told.tell(&DeviceRetired { device, by: None, at, unknown: Unknown::default() }.into());
    for _ in 0..20 {
        told.now += 15 * MINUTE;
        told.scan("left", (0..4).map(|serial| TEA | serial));
    }
    assert_eq!((told.tea().shelf.pieces, told.of("milk").shelf.pieces), (4, 0));
}

#[test]
fn silence_of_a_brisk_product_says_that_there_is_none() {
    let mut told = Told::new();
    told.tell(&counted("tea", Place::Shelf, Quantity::each(200), START));
    told.tell(&counted("tea", Place::Backroom, Quantity::each(0), START));
    told.tell(&received("milk", Quantity::each(2000), START));
    for _ in 0..150 {
        told.now += 5 * MINUTE;
        told.tell(&sold("tea", Quantity::each(1), told.now));
        told.tell(&sold("milk", Quantity::each(1), told.now));
    }
    assert!(told.tea().none < 0.01);
    for _ in 0..100 {
        told.now += 5 * MINUTE;
        told.tell(&sold("milk", Quantity::each(1), told.now));
    }
    let tea = told.tea();
    assert!(tea.none < 0.05 || tea.why().contains("no sale"), "{}", tea.why());
    assert!(tea.why().contains("no sale"), "{}", tea.why());
}
