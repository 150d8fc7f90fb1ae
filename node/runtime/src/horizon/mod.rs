//! The survival horizon: how many days until each thing runs out that would hurt a store without a line, the first one named.
//!
//! ```text
//! certificate, prices, disk, outbox, line ─> items ─> aisle_provisioning::horizon ─> board, /v1/admin/horizon, /metrics, doctor, status
//! ```
//!
//! Not here: how days are counted (`aisle_provisioning::horizon`). Guards invariant 5: the store survives any number of days, and says what will hurt first.

pub(crate) mod growth;

use crate::{store::Store, sync};
use aisle_converge::Fleet;
use aisle_enrolment::{Clock, Enrolment, Status};
use aisle_event::Timestamp;
use aisle_provisioning::horizon::{self as days, Item, Left, Nearness};
use growth::{Growth, Sample};
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};
use utoipa::ToSchema;

/// How often it is looked at.
pub(crate) const LOOK: Duration = Duration::from_secs(30);
/// A shop that could no longer tell the price of so many of its products, in thousandths, is hurt.
const PRICES_PERMILLE: usize = 50;
const DAY_MS: f64 = 86_400_000.0;
/// The estimate's samples, below the node's data.
const FILE: &str = "growth";

/// The horizon.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Horizon {
    /// What it comes to: the first one that runs out, in English.
    pub said: String,
    /// The first one's name; nothing when everything lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub first: Option<String>,
    /// All of them, the first first.
    pub items: Vec<HorizonItem>,
}

/// Something that may run out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct HorizonItem {
    /// Its name: `certificate`, `metadata`, `prices`, `disk`, `outbox`, `line-budget`.
    pub name: String,
    /// In how many days; nothing when it lasts, or nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub days: Option<f64>,
    /// `over`, `near` (three days or less), `soon` (a fortnight or less, or nobody knows) or `far`.
    pub nearness: String,
    /// The whole of it, in English.
    pub said: String,
}

impl Horizon {
    /// Of these items, by the best guess of the time that there is.
    pub(crate) fn of(items: Vec<Item>, now: Timestamp) -> Self {
        let counted = days::Horizon::new(items, now);
        let item = |line: &days::Line| HorizonItem {
            name: line.item.name.into(),
            days: line.ms.map(|ms| ms as f64 / DAY_MS),
            nearness: match line.nearness() {
                Nearness::Far => "far",
                Nearness::Soon => "soon",
                Nearness::Near => "near",
                Nearness::Over => "over",
            }
            .into(),
            said: line.to_string(),
        };
        Self {
            said: counted.to_string(),
            first: counted.first().map(|line| line.item.name.into()),
            items: counted.lines().iter().map(item).collect(),
        }
    }

    /// What staff should see: what is near or over; whether it is over. Prices that end are a shop's everyday, and each says so itself.
    pub(crate) fn alerts(&self) -> impl Iterator<Item = (bool, &str)> {
        let near =
            |item: &&HorizonItem| item.name != "prices" && matches!(item.nearness.as_str(), "near" | "over");
        self.items.iter().filter(near).map(|item| (item.nearness == "over", item.said.as_str()))
    }
}

/// The certificate, where there is one.
pub(crate) fn certificate(status: &Status) -> Option<Item> {
    let until = Timestamp(status.not_after_ms?);
    let breaks = "the hub refuses this box until it has asked for a new one, which it does by itself".into();
    Some(Item { name: "certificate", breaks, left: Left::Until(until) })
}

/// The signed metadata, where a root is trusted.
pub(crate) fn metadata(until: Timestamp) -> Item {
    let breaks = "nothing new that headquarters orders is put in place; what runs goes on".into();
    Item { name: "metadata", breaks, left: Left::Until(until) }
}

/// The signed list of one kind that runs out first.
fn list((name, until): (String, Timestamp)) -> Item {
    let breaks = format!(
        "nothing new of the list `{name}` is put in place until somebody signs it anew; what runs goes on"
    );
    Item { name: "list", breaks, left: Left::Until(until) }
}

/// The disk below a folder, by what goes in a day.
pub(crate) fn disk(data: &Path, growth: &Growth) -> Option<Item> {
    let free = free_bytes(data)?;
    let left = match growth.disk_per_day() {
        Some(per_day) => Left::Shrinking { amount: free, per_day },
        None => Left::Unknown,
    };
    Some(Item { name: "disk", breaks: "the store can record nothing any more".into(), left })
}

/// Free bytes of the disk that a folder is on.
pub(crate) fn free_bytes(data: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(data).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Where the estimate's samples are.
pub(crate) fn growth_path(data: &Path) -> PathBuf {
    data.join(FILE)
}

/// Prices, by when one in twenty products on offer has none that holds.
fn prices(ends: &mut [i64], products: usize) -> Item {
    ends.sort_unstable();
    let place = (products * PRICES_PERMILLE).div_ceil(1_000).max(1) - 1;
    let left = ends.get(place).map_or(Left::Lasts, |end| Left::Until(Timestamp(*end)));
    Item { name: "prices", breaks: "one price in twenty is out of date".into(), left }
}

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
        let Shared { data, store, enrolment, clock, line, fleet, growth, latest } = &*self.0;
        let now = clock.guess();
        let mut items = Vec::new();
        items.extend(enrolment.as_ref().and_then(|enrolment| certificate(&enrolment.status())));
        items.extend(fleet.get().and_then(Fleet::metadata_until).map(metadata));
        items.extend(fleet.get().and_then(Fleet::first_list).map(list));
        let shop = store.state.shop();
        let mut ends: Vec<i64> =
            shop.products.values().filter_map(|product| product.price_valid_until).map(|end| end.0).collect();
        items.push(prices(&mut ends, shop.products.len()));
        {
            let mut growth = growth.lock().unwrap_or_else(PoisonError::into_inner);
            let waiting = line.as_ref().map_or(0, sync::Line::waiting_bytes);
            if let Some(free) = free_bytes(data)
                && growth.take(Sample { at_ms: now.0, free, waiting })
                && let Err(error) = growth.keep(&growth_path(data))
            {
                tracing::debug!(%error, "the disk's growth is not kept");
            }
            items.extend(disk(data, &growth));
            items.extend(line.as_ref().map(|line| outbox(line, waiting, &growth)));
        }
        items.extend(line.as_ref().map(budget));
        let horizon = Arc::new(Horizon::of(items, now));
        *latest.lock().unwrap_or_else(PoisonError::into_inner) = horizon.clone();
        horizon
    }
}

/// What waits for the hub, and the room that is left for it.
fn outbox(line: &sync::Line, waiting: u64, growth: &Growth) -> Item {
    let room = line.outbox_bytes_max().saturating_sub(waiting);
    let left = match growth.waiting_per_day() {
        _ if line.is_connected() => Left::Lasts,
        Some(per_day) => Left::Shrinking { amount: room, per_day },
        None => Left::Unknown,
    };
    let breaks = "the oldest of what the hub has not got is given up, sales last of all".into();
    Item { name: "outbox", breaks, left }
}

/// The line's byte budget for sales, where somebody has set one.
fn budget(line: &sync::Line) -> Item {
    let left = if line.is_budgeted() { Left::Unknown } else { Left::Lasts };
    Item { name: "line-budget", breaks: "sales wait for the next window of the line's budget".into(), left }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    #[test]
    fn the_first_that_runs_out_is_named_with_its_days() {
        let status = Status { not_after_ms: Some(40 * DAY), ..Status::default() };
        let mut ends = vec![2 * DAY, 5 * DAY];
        let items = vec![certificate(&status).unwrap(), prices(&mut ends, 20)];
        let horizon = Horizon::of(items, Timestamp(0));
        assert_eq!(horizon.first.as_deref(), Some("prices"));
        assert_eq!(horizon.items[0].days, Some(2.0));
        assert!(horizon.said.contains("prices"), "{}", horizon.said);
        assert_eq!(horizon.alerts().count(), 0, "prices say so themselves");
        let near = Status { not_after_ms: Some(2 * DAY), ..Status::default() };
        let horizon = Horizon::of(vec![certificate(&near).unwrap()], Timestamp(0));
        assert_eq!(horizon.alerts().map(|(is_over, _)| is_over).collect::<Vec<_>>(), [false]);
    }

    #[test]
    fn a_few_offers_that_end_do_not_hurt_a_shop() {
        let mut ends = vec![DAY; 4];
        assert_eq!(prices(&mut ends, 100).left, Left::Lasts);
        assert_eq!(prices(&mut ends, 80).left, Left::Until(Timestamp(DAY)));
        assert_eq!(prices(&mut [], 0).left, Left::Lasts);
    }
}
