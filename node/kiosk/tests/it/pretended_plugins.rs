//! Plugins in plain Rust, for what the kiosk itself does with their answers. The real ones are tested where they run.

use aisle_event::{
    Blob, Currency, Money, Name, Text,
    plugin::{PluginKept, PluginWrite},
    sale::AdjustmentKind,
};
use aisle_kiosk::plugins::{
    Adjustment, Basket, Denied, Hold, Later, List, NewPrice, Offers, Place, Plugins, Points, Ranked, Refusal,
    Selling, Why,
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::{Mutex as Gate, OwnedMutexGuard};

type Price = Box<dyn Fn(&Basket) -> Result<Offers, Denied> + Send + Sync>;
type Rank = Box<dyn Fn(&List) -> Option<Vec<Ranked>> + Send + Sync>;

/// The code of a coupon that is good for one sale in all.
pub(crate) const ONCE: &str = "ONCE";

pub(crate) struct Pretended {
    price: Price,
    rank: Rank,
    places: Vec<Place>,
    pub(crate) denies: AtomicBool,
    gate: Arc<Gate<()>>,
    used: Arc<Mutex<BTreeSet<String>>>,
    /// Sequence numbers that holds were told.
    pub(crate) committed: Arc<Mutex<Vec<u64>>>,
}

impl Pretended {
    pub(crate) fn pricing(
        price: impl Fn(&Basket) -> Result<Offers, Denied> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self::new(Box::new(price), Box::new(|_| None), vec![]))
    }

    pub(crate) fn offering(offers: impl Fn(&Basket) -> Offers + Send + Sync + 'static) -> Arc<Self> {
        Self::pricing(move |basket| Ok(offers(basket)))
    }

    pub(crate) fn ranking(
        places: &[Place],
        rank: impl Fn(&List) -> Option<Vec<Ranked>> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self::new(Box::new(|_| Ok(Offers::default())), Box::new(rank), places.to_vec()))
    }

    fn new(price: Price, rank: Rank, places: Vec<Place>) -> Self {
        Self {
            price,
            rank,
            places,
            denies: AtomicBool::new(false),
            gate: Arc::default(),
            used: Arc::default(),
            committed: Arc::default(),
        }
    }

    /// True while no sale holds anything.
    pub(crate) fn is_free(&self) -> bool {
        self.gate.try_lock().is_ok()
    }

    fn has_once(&self, basket: &Basket) -> bool {
        basket.coupons.iter().any(|code| code.as_str() == ONCE) && !self.used.lock().unwrap().contains(ONCE)
    }
}

impl Plugins for Pretended {
    fn prices(&self) -> bool {
        true
    }

    fn denies(&self) -> bool {
        self.denies.load(Ordering::Relaxed)
    }

    fn price(&self, basket: &Basket) -> Result<Offers, Denied> {
        let mut offers = (self.price)(basket)?;
        if self.has_once(basket) {
            offers.adjustments.push(off(1, AdjustmentKind::BasketDiscount, 40, "Once"));
        }
        Ok(offers)
    }

    fn sell<'a>(&'a self, basket: &'a Basket) -> Later<'a, Result<Selling, Denied>> {
        Box::pin(async move {
            let gate = self.gate.clone().lock_owned().await;
            let offers = self.price(basket)?;
            let once = self.has_once(basket);
            let write = PluginWrite {
                key: Text::new(ONCE).unwrap(),
                value: Some(Blob(vec![1].into())),
                unknown: Default::default(),
            };
            let kept = PluginKept {
                plugin: name("coupon"),
                writes: vec![write],
                at: basket.now,
                unknown: Default::default(),
            };
            let events = if once { vec![kept.into()] } else { vec![] };
            let (used, committed) = (self.used.clone(), self.committed.clone());
            Ok(Selling { offers, events, hold: Box::new(Held { once, used, committed, _gate: gate }) })
        })
    }

    fn ranks(&self, place: Place) -> bool {
        self.places.contains(&place)
    }

    fn rank(&self, list: &List) -> Option<Vec<Ranked>> {
        (self.rank)(list)
    }
}

struct Held {
    once: bool,
    used: Arc<Mutex<BTreeSet<String>>>,
    committed: Arc<Mutex<Vec<u64>>>,
    _gate: OwnedMutexGuard<()>,
}

impl Hold for Held {
    fn committed(self: Box<Self>, last: u64) {
        self.committed.lock().unwrap().push(last);
        if self.once {
            self.used.lock().unwrap().insert(ONCE.into());
        }
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn why(plugin: &str, reason: &str) -> Why {
    Why { plugin: name(plugin), version: name("1.2.0"), reason: Text::new(reason.to_owned()).unwrap() }
}

pub(crate) fn pence(minor: i64) -> Money {
    Money::new(minor, Currency::GBP)
}

pub(crate) fn off(line: u32, kind: AdjustmentKind, minor: i64, reason: &str) -> Adjustment {
    let Why { plugin, version, reason } = why("multi-buy", reason);
    let unknown = Default::default();
    Adjustment { line: Some(line), kind, amount: pence(minor), plugin, version, reason, unknown }
}

pub(crate) fn new_price(line: u32, minor: i64) -> NewPrice {
    NewPrice { line, unit_price: pence(minor), why: why("markdown", "Best before today") }
}

pub(crate) fn points(count: u32) -> Points {
    let Why { plugin, version, reason } = why("loyalty", "A point a pound");
    Points { count, plugin, version, reason, unknown: Default::default() }
}

pub(crate) fn refusal(line: u32) -> Refusal {
    Refusal { line, why: why("floor", "Not below cost") }
}

pub(crate) fn denied(passing: bool) -> Denied {
    Denied { plugin: name("floor"), reason: Text::new("out of fuel").unwrap(), passing }
}
