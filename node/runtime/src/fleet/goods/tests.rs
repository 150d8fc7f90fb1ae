//! Orders of prices and catalogues against a real journal and its state.

use super::*;
use crate::config::RawConfig;
use aisle_event::{
    Money, Name, Timestamp, Unit, Unknown,
    stock::{PriceChanged, ProductDelisted, ProductListed},
};
use aisle_fleet::{ContentHash, Needs, Release};
use prometheus_client::registry::Registry;
use tempfile::TempDir;

const AT: Timestamp = Timestamp(1_000);

/// A shop, and who puts files of one kind in place there.
struct Shop {
    goods: Goods,
    slot: Slot,
    /// What is in place.
    runs: Option<Piece>,
    _folder: TempDir,
}

impl Shop {
    fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut raw = RawConfig::default();
        raw.mqtt.tls_listen = "off".into();
        let config = raw.resolve().unwrap();
        let data = folder.path().join("data");
        let store = Arc::new(Store::open(&data, &config, &mut Registry::default()).unwrap());
        let before = Before::open(&folder.path().join("before")).unwrap();
        let goods = Goods::new(kind, store, Currency::GBP, before);
        Self { goods, slot: kind.as_str().parse().unwrap(), runs: None, _folder: folder }
    }

    /// What an import or the board does.
    fn staff(&self, events: &[Event]) {
        self.goods.submit(events).unwrap();
    }

    fn piece(&self, bytes: &[u8]) -> Piece {
        let release = Release {
            version: "1.0.0".parse().unwrap(),
            hash: ContentHash::of(bytes),
            bytes: bytes.len() as u64,
            needs: Needs::default(),
        };
        Piece { slot: self.slot.clone(), release, bytes: bytes.to_vec() }
    }

    fn file(&self, rows: &str) -> Piece {
        let heading = match self.goods.kind {
            Kind::Prices => "sku,price,currency,valid_until",
            _ => "sku,name,price,currency,unit,gtin,category",
        };
        self.piece(format!("{heading}\n{rows}").as_bytes())
    }

    fn activate(&mut self, rows: &str) {
        let piece = self.file(rows);
        self.goods.smoke_test(&piece).unwrap();
        self.goods.activate(&piece, self.runs.as_ref()).unwrap();
        self.runs = Some(piece);
    }

    /// What was put in place last did not do well.
    fn revert(&mut self, to: Option<Piece>) {
        self.goods.revert(&self.slot, self.runs.as_ref(), to.as_ref()).unwrap();
        self.runs = to;
    }

    fn remove(&mut self) {
        self.goods.remove(&self.slot, self.runs.as_ref()).unwrap();
        self.runs = None;
    }

    /// The bytes of what is in place are lost, and nobody knows what it has set: as while a file is put in place, and as before anything was kept of files.
    fn lose_all(&mut self) {
        self.runs = None;
        made::unknown(&self.goods.before, &self.slot).unwrap();
    }

    /// Every product with its name and what it costs.
    fn shows(&self) -> Vec<String> {
        let shop = self.goods.store.state.shop();
        let told = shop.products.values().map(|it| format!("{} {} {}", it.sku, it.name, it.price.minor));
        let mut told: Vec<_> = told.collect();
        told.sort_unstable();
        told
    }

    fn records(&self) -> u64 {
        self.goods.store.journal.durable()
    }
}

fn sku(text: &str) -> Sku {
    Sku::new(text).unwrap()
}

fn list(of: &str, name: &str, minor: i64) -> Event {
    let (sku, name, price) = (sku(of), Name::new(name).unwrap(), Money::new(minor, Currency::GBP));
    let (unit, unknown) = (Unit::Each, Unknown::default());
    ProductListed { sku, name, price, unit, gtin: None, category: None, at: AT, unknown }.into()
}

fn price(of: &str, minor: i64) -> Event {
    let (sku, price) = (sku(of), Money::new(minor, Currency::GBP));
    PriceChanged { sku, price, at: AT, valid_until: None, unknown: Unknown::default() }.into()
}

fn delist(of: &str) -> Event {
    ProductDelisted { sku: sku(of), at: AT, unknown: Unknown::default() }.into()
}

#[test]
fn prices_taken_back_leave_no_price_of_theirs_in_force() {
    let mut shop = Shop::new(Kind::Prices);
    shop.staff(&[list("A", "Apples", 100), list("B", "Bread", 200), list("C", "Crisps", 300)]);
    shop.activate("A,1.10,GBP,\n");
    let good = shop.runs.clone();
    // What only the bad file named costs again what it did: by the node itself, and by an order of the file before.
    shop.activate("A,1.20,GBP,\nB,0.01,GBP,2099-12-31T22:00:00Z\n");
    assert_eq!(shop.shows(), ["A Apples 120", "B Bread 1", "C Crisps 300"]);
    shop.revert(good);
    assert_eq!(shop.shows(), ["A Apples 110", "B Bread 200", "C Crisps 300"]);
    shop.activate("A,1.20,GBP,\nB,0.02,GBP,\n");
    shop.activate("A,1.10,GBP,\n");
    assert_eq!(shop.shows(), ["A Apples 110", "B Bread 200", "C Crisps 300"]);
    // The first one taken back: the prices as they were.
    shop.revert(None);
    assert_eq!(shop.shows(), ["A Apples 100", "B Bread 200", "C Crisps 300"]);
}

#[test]
fn prices_that_others_set_meanwhile_stay_when_orders_end() {
    let mut shop = Shop::new(Kind::Prices);
    shop.staff(&[list("A", "Apples", 100), list("B", "Bread", 200), list("C", "Crisps", 300)]);
    shop.activate("A,1.10,GBP,\nB,2.10,GBP,\nD,4.10,GBP,\n");
    // Months of imports and changes at the board, of what is ordered and of what is not.
    shop.staff(&[price("B", 250), price("C", 350), list("D", "Dates", 400)]);
    shop.activate("A,1.20,GBP,\nB,2.10,GBP,\nD,4.20,GBP,\n");
    assert_eq!(shop.shows(), ["A Apples 120", "B Bread 210", "C Crisps 350", "D Dates 420"]);
    shop.staff(&[price("D", 444)]);
    shop.remove();
    assert_eq!(shop.shows(), ["A Apples 100", "B Bread 250", "C Crisps 350", "D Dates 444"]);
    // Nothing is left of it.
    let records = shop.records();
    shop.remove();
    assert_eq!(shop.records(), records);
}

#[test]
fn what_is_asked_for_again_after_a_kill_comes_to_the_same() {
    let mut shop = Shop::new(Kind::Prices);
    shop.staff(&[list("A", "Apples", 100), list("B", "Bread", 200)]);
    shop.activate("A,1.10,GBP,\n");
    // Killed in the middle of putting the next one in place: what was there is kept, and half of it is in the journal.
    let next = shop.file("A,1.20,GBP,\nB,2.20,GBP,\n");
    let (file, gone) = (
        shop.goods.read::<Priced>(&next.bytes).unwrap(),
        shop.goods.gone::<Priced>(&shop.slot, shop.runs.as_ref()),
    );
    let open =
        |shop: &Shop| Originals::open(&shop.goods.before, &shop.slot, Currency::GBP, gone.as_ref()).unwrap();
    let mut kept: Originals<Priced> = open(&shop);
    kept.note(&shop.goods.store.state.shop(), &file, gone.as_ref());
    kept.keep(&shop.goods.before, &shop.slot).unwrap();
    shop.staff(&[price("A", 120)]);
    shop.activate("A,1.20,GBP,\nB,2.20,GBP,\n");
    assert_eq!(shop.shows(), ["A Apples 120", "B Bread 220"]);
    // Killed in the middle of taking it away.
    shop.staff(&[price("B", 200)]);
    shop.remove();
    assert_eq!(shop.shows(), ["A Apples 100", "B Bread 200"]);
}

#[test]
fn a_catalogue_taken_away_leaves_the_shop_as_it_was_and_what_others_made_of_it() {
    let mut shop = Shop::new(Kind::Catalogue);
    shop.staff(&[list("A", "Apples", 100), list("B", "Bread", 200), list("C", "Crisps", 300)]);
    shop.staff(&[list("E", "Eggs", 500)]);
    shop.activate("A,Red apples,9,GBP,each,,\nB,Old bread,9,GBP,each,,\nD,Dates,4,GBP,each,,\n");
    assert_eq!(
        shop.shows(),
        ["A Red apples 100", "B Old bread 200", "C Crisps 300", "D Dates 400", "E Eggs 500"]
    );
    // What the next one has not is no longer offered; what came by other ways stays.
    shop.activate("A,Red apples,9,GBP,each,,\nF,Figs,6,GBP,each,,\n");
    assert_eq!(shop.shows(), ["A Red apples 100", "C Crisps 300", "E Eggs 500", "F Figs 600"]);
    shop.staff(&[list("C", "Good crisps", 330), delist("E"), price("A", 111), list("G", "Garlic", 700)]);
    shop.remove();
    assert_eq!(shop.shows(), ["A Apples 111", "B Bread 200", "C Good crisps 330", "G Garlic 700"]);
}

#[test]
fn a_first_catalogue_taken_back_leaves_an_empty_shop_empty() {
    let mut shop = Shop::new(Kind::Catalogue);
    shop.activate("A,Apples,1,GBP,each,,\nB,Bread,2,GBP,each,,\n");
    shop.staff(&[list("B", "Our bread", 200)]);
    shop.revert(None);
    assert_eq!(shop.shows(), ["B Our bread 200"]);
}

#[test]
fn a_catalogue_says_only_what_differs() {
    let mut shop = Shop::new(Kind::Catalogue);
    shop.staff(&[list("A", "Apples", 100)]);
    let records = shop.records();
    shop.activate("A,Apples,9,GBP,each,,\n");
    shop.activate("A,Apples,8,GBP,each,,\n");
    assert_eq!(shop.records(), records);
}

#[test]
fn a_node_that_kept_its_whole_shop_puts_back_only_what_was_ordered() {
    let mut shop = Shop::new(Kind::Prices);
    shop.staff(&[list("A", "Apples", 100), list("B", "Bread", 200)]);
    let was = b"sku,price,currency,valid_until\nA,1.00,GBP,\nB,2.00,GBP,\n";
    shop.goods.before.replace("prices", was).unwrap();
    shop.staff(&[price("A", 110), price("B", 250)]);
    shop.runs = Some(shop.file("A,1.10,GBP,\n"));
    shop.activate("A,1.20,GBP,\n");
    shop.remove();
    assert_eq!(shop.shows(), ["A Apples 100", "B Bread 250"]);
    assert_eq!(shop.goods.before.read("prices").unwrap(), None);
}

#[test]
fn prices_of_nothing_that_is_sold_here_are_not_taken() {
    let shop = Shop::new(Kind::Prices);
    shop.goods.smoke_test(&shop.file("A,1,GBP,\n")).unwrap();
    shop.staff(&[list("B", "Bread", 200)]);
    let refused = shop.goods.smoke_test(&shop.file("A,1,GBP,\n")).unwrap_err();
    assert!(!refused.is_final && refused.text.contains("nothing that this shop sells"), "{refused:?}");
}

#[test]
fn what_others_have_set_stays_though_the_file_that_goes_cannot_be_read_any_more() {
    let mut shop = Shop::new(Kind::Prices);
    shop.staff(&[list("A", "Apples", 100), list("B", "Bread", 200), list("C", "Crisps", 300)]);
    shop.activate("A,1.10,GBP,\nB,2.10,GBP,\nC,3.10,GBP,\n");
    shop.staff(&[price("B", 250)]);
    // Its bytes are lost: neither the next file nor the end of them all has them.
    shop.runs = None;
    shop.activate("C,3.20,GBP,\n");
    assert_eq!(shop.shows(), ["A Apples 100", "B Bread 250", "C Crisps 320"]);
    shop.staff(&[price("C", 333)]);
    shop.runs = None;
    shop.remove();
    assert_eq!(shop.shows(), ["A Apples 100", "B Bread 250", "C Crisps 333"]);
    assert_eq!(shop.goods.before.read("prices/made").unwrap(), None);
    let mut shop = Shop::new(Kind::Catalogue);
    shop.activate("A,Apples,1,GBP,each,,\nB,Bread,2,GBP,each,,\n");
    shop.staff(&[list("B", "Our bread", 200)]);
    shop.runs = None;
    shop.remove();
    assert_eq!(shop.shows(), ["B Our bread 200"]);
}

#[test]
fn where_nobody_knows_what_a_file_has_set_no_price_of_it_stays_in_force() {
    let mut shop = Shop::new(Kind::Prices);
    shop.staff(&[list("A", "Apples", 100), list("B", "Bread", 200)]);
    shop.activate("A,0.01,GBP,\nB,2.10,GBP,\n");
    shop.staff(&[price("B", 250)]);
    shop.lose_all();
    shop.remove();
    assert_eq!(shop.shows(), ["A Apples 100", "B Bread 200"]);
}

#[test]
fn where_nobody_knows_what_a_catalogue_has_listed_what_the_next_one_has_not_is_ended() {
    let mut shop = Shop::new(Kind::Catalogue);
    shop.staff(&[list("C", "Crisps", 300)]);
    shop.activate("A,Apples,1,GBP,each,,\nB,Bread,2,GBP,each,,\n");
    shop.lose_all();
    shop.activate("A,Apples,1,GBP,each,,\n");
    assert_eq!(shop.shows(), ["A Apples 100", "C Crisps 300"]);
    shop.remove();
    assert_eq!(shop.shows(), ["C Crisps 300"]);
}

#[test]
fn what_is_left_of_a_catalogue_that_another_build_took_away_ends_nothing() {
    let mut shop = Shop::new(Kind::Catalogue);
    shop.staff(&[list("A", "Apples", 100), list("B", "Bread", 200)]);
    shop.activate("A,Apples,1,GBP,each,,\nB,Bread,2,GBP,each,,\n");
    let made = shop.goods.before.read("catalogue/made").unwrap().unwrap();
    shop.remove();
    shop.goods.before.replace("catalogue/made", &made).unwrap();
    shop.activate("A,Apples,1,GBP,each,,\n");
    assert_eq!(shop.shows(), ["A Apples 100", "B Bread 200"]);
}

#[test]
fn a_second_copy_that_does_not_read_stops_nothing() {
    let mut shop = Shop::new(Kind::Prices);
    shop.staff(&[list("A", "Apples", 100)]);
    shop.activate("A,1.10,GBP,\n");
    let copy = shop.goods.before.file("prices/made");
    std::fs::remove_file(&copy).unwrap();
    // Neither is it a file, nor does it read.
    std::os::unix::fs::symlink(&copy, &copy).unwrap();
    shop.activate("A,1.20,GBP,\n");
    assert_eq!(shop.shows(), ["A Apples 120"]);
    shop.remove();
    assert_eq!(shop.shows(), ["A Apples 100"]);
}
