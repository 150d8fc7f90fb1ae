//! Looks at everything now and then while the node runs, and keeps what a doctor cannot see without it.
//!
//! Not here: what it comes to ([`super::items`]).

use super::{
    Horizon,
    growth::{Growth, Sample},
    items::{Inputs, Prices, Waiting, free_bytes, growth_path, prices_until},
};
use crate::{store::Store, sync};
use aisle_converge::Fleet;
use aisle_enrolment::{Clock, Enrolment};
use aisle_event::Timestamp;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// When prices end, below the node's data: the index is the running node's alone.
const PRICES_FILE: &str = "prices-until";
/// As it is written where prices do not end.
const NEVER: &str = "never";

/// Looks at everything now and then.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Shared>);

struct Shared {
    data: PathBuf,
    store: Arc<Store>,
    enrolment: Option<Enrolment>,
    clock: Clock,
    line: Option<sync::Line>,
    fleet: OnceLock<Fleet>,
    growth: Mutex<Growth>,
    latest: Mutex<Arc<Horizon>>,
}

impl Watch {
    pub(crate) fn new(
        data: &Path,
        store: Arc<Store>,
        (enrolment, clock): (Option<Enrolment>, Clock),
        line: Option<sync::Line>,
    ) -> Self {
        let growth = Mutex::new(Growth::kept(&growth_path(data)));
        let latest = Mutex::default();
        let watch = Self(Arc::new(Shared {
            data: data.into(),
            store,
            enrolment,
            clock,
            line,
            fleet: OnceLock::new(),
            growth,
            latest,
        }));
        watch.look();
        watch
    }

    /// Looks at signed metadata too, from now on. Only the first counts.
    pub(crate) fn set_fleet(&self, fleet: Fleet) {
        let _ = self.0.fleet.set(fleet);
    }

    /// As it was last looked at.
    pub(crate) fn latest(&self) -> Arc<Horizon> {
        self.0.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks now.
    pub(crate) fn look(&self) -> Arc<Horizon> {
        let Shared { data, enrolment, clock, line, fleet, .. } = &*self.0;
        let now = clock.guess();
        let waiting = line.as_ref().map(|line| Waiting {
            bytes: line.waiting_bytes(),
            bytes_max: line.outbox_bytes_max(),
            is_connected: line.is_connected(),
        });
        let (disk_free, prices) = (free_bytes(data), self.prices());
        let growth = self.growth(now, disk_free, waiting.map_or(0, |waiting| waiting.bytes), prices);
        let until = enrolment.as_ref().and_then(|enrolment| enrolment.status().not_after_ms);
        let inputs = Inputs {
            certificate_until: until.map(Timestamp),
            metadata_until: fleet.get().and_then(Fleet::metadata_until),
            list_until: fleet.get().and_then(Fleet::first_list),
            prices: Some(prices),
            disk_free,
            outbox: waiting,
            used: line.as_ref().and_then(sync::Line::used),
            growth,
        };
        let horizon = Arc::new(Horizon::of(inputs.items(), now));
        *self.0.latest.lock().unwrap_or_else(PoisonError::into_inner) = horizon.clone();
        horizon
    }

    fn prices(&self) -> Prices {
        let shop = self.0.store.state.shop();
        let mut ends: Vec<i64> =
            shop.products.values().filter_map(|product| product.price_valid_until).map(|end| end.0).collect();
        prices_until(&mut ends, shop.products.len())
    }

    /// Takes a sample where one is due; then everything that a doctor needs is kept too.
    fn growth(&self, now: Timestamp, free: Option<u64>, waiting: u64, prices: Prices) -> Growth {
        let mut growth = self.0.growth.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(free) = free
            && growth.take(Sample { at_ms: now.0, free, waiting })
        {
            let kept = growth.keep(&growth_path(&self.0.data));
            if let Err(error) = kept.and_then(|()| keep_prices(&self.0.data, prices)) {
                tracing::debug!(%error, "what runs out is not kept");
            }
        }
        growth.clone()
    }
}

/// When prices end, as the node saw within the hour before it stopped; nothing where it has never run, or that cannot be read.
pub(crate) fn kept_prices(data: &Path) -> Option<Prices> {
    let text = fs::read_to_string(data.join(PRICES_FILE)).ok()?;
    match text.trim() {
        NEVER => Some(Prices(None)),
        number => number.parse().ok().map(|end| Prices(Some(Timestamp(end)))),
    }
}

/// Keeps that.
pub(crate) fn keep_prices(data: &Path, Prices(end): Prices) -> io::Result<()> {
    let text = end.map_or_else(|| NEVER.to_owned(), |end| end.0.to_string());
    let path = data.join(PRICES_FILE);
    let new = path.with_extension("new");
    fs::write(&new, format!("{text}\n"))?;
    fs::rename(new, path)
}
