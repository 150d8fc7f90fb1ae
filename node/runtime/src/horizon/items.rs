//! What may run out: what is known of each thing, and the items that it comes to.
//!
//! Pure but for [`free_bytes`]. Not here: who looks ([`super::watch`] while the node runs, the doctor at any time).

use super::growth::Growth;
use aisle_event::Timestamp;
use aisle_protocol::{LogClass, PerClass, node::Allowance};
use aisle_provisioning::horizon::{Item, Left};
use aisle_transport::client::Used;
use std::path::{Path, PathBuf};

/// How names of byte budgets begin.
pub(super) const BUDGET: &str = "line-budget";
/// A shop that could no longer tell the price of so many of its products, in thousandths, is hurt.
const PRICES_PERMILLE: usize = 50;
const DAY_MS: u64 = 24 * 3_600_000;
/// A rate is not taken from less than this part of a budget's window: its first bytes go all at once.
const RATE_WINDOWS: u64 = 24;
/// The estimate's samples, below the node's data.
const GROWTH_FILE: &str = "growth";

/// What is known of everything that may run out. What there is not, as the outbox of a node that stands alone, is no item.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// When the certificate ends.
    pub certificate_until: Option<Timestamp>,
    /// When the signed metadata ends.
    pub metadata_until: Option<Timestamp>,
    /// The signed list of one kind that ends first, and when.
    pub list_until: Option<(String, Timestamp)>,
    /// When one price in twenty is out of date.
    pub prices: Option<Prices>,
    /// Free bytes of the disk.
    pub disk_free: Option<u64>,
    /// What waits for the hub.
    pub outbox: Option<Waiting>,
    /// What was used of the line's byte budgets.
    pub used: Option<PerClass<Option<Used>>>,
    /// How fast disk and outbox go.
    pub growth: Growth,
}

/// When one price in twenty is out of date; nothing where that never comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prices(pub Option<Timestamp>);

/// What waits for the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// What it takes, in bytes.
    pub bytes: u64,
    /// What it may take.
    pub bytes_max: u64,
    /// Whether the hub takes it just now.
    pub is_connected: bool,
}

impl Inputs {
    /// What may run out.
    pub(crate) fn items(&self) -> Vec<Item> {
        let Self { growth, .. } = self;
        let mut items = Vec::new();
        items.extend(self.certificate_until.map(certificate));
        items.extend(self.metadata_until.map(metadata));
        items.extend(self.list_until.as_ref().map(list));
        items.extend(self.prices.map(prices));
        items.extend(self.disk_free.map(|free| disk(free, growth)));
        items.extend(self.outbox.map(|waiting| outbox(waiting, growth)));
        let used = self.used.iter().flat_map(PerClass::iter);
        items.extend(used.filter_map(|(class, used)| used.map(|used| budget(class, used))));
        items
    }
}

fn certificate(until: Timestamp) -> Item {
    let breaks = "the hub refuses this box until it has asked for a new one, which it does by itself".into();
    Item { name: "certificate", breaks, left: Left::Until(until) }
}

fn metadata(until: Timestamp) -> Item {
    let breaks = "nothing new that headquarters orders is put in place; what runs goes on".into();
    Item { name: "metadata", breaks, left: Left::Until(until) }
}

fn list((name, until): &(String, Timestamp)) -> Item {
    let breaks = format!(
        "nothing new of the list `{name}` is put in place until somebody signs it anew; what runs goes on"
    );
    Item { name: "list", breaks, left: Left::Until(*until) }
}

fn prices(Prices(end): Prices) -> Item {
    let left = end.map_or(Left::Lasts, Left::Until);
    Item { name: "prices", breaks: "one price in twenty is out of date".into(), left }
}

/// The disk, by what goes in a day.
fn disk(free: u64, growth: &Growth) -> Item {
    let left = match growth.disk_per_day() {
        Some(per_day) => Left::Shrinking { amount: free, per_day },
        None => Left::Unknown,
    };
    Item { name: "disk", breaks: "the store can record nothing any more".into(), left }
}

/// The room that is left for what waits.
fn outbox(waiting: Waiting, growth: &Growth) -> Item {
    let room = waiting.bytes_max.saturating_sub(waiting.bytes);
    let left = match growth.waiting_per_day() {
        _ if waiting.is_connected => Left::Lasts,
        Some(per_day) => Left::Shrinking { amount: room, per_day },
        None => Left::Unknown,
    };
    let breaks = "the oldest of what the hub has not got is given up, sales last of all".into();
    Item { name: "outbox", breaks, left }
}

/// A class's byte budget, by what went since its window began. What would last into the next window lasts, since that one begins with all of it.
fn budget(class: LogClass, used: Used) -> Item {
    let Used { allowance: Allowance { bytes_max, window_ms }, age_ms, bytes } = used;
    let amount = bytes_max.saturating_sub(bytes);
    let over_ms = age_ms.max(window_ms / RATE_WINDOWS).max(1);
    let per = |ms: u64| u128::from(bytes) * u128::from(ms) / u128::from(over_ms);
    let is_enough = amount > 0 && per(window_ms.saturating_sub(age_ms)) <= u128::from(amount);
    let per_day = u64::try_from(per(DAY_MS)).unwrap_or(u64::MAX);
    let left = if is_enough { Left::Lasts } else { Left::Shrinking { amount, per_day } };
    let name = match class {
        LogClass::Sales => BUDGET,
        LogClass::Stock => "line-budget-stock",
        LogClass::Telemetry => "line-budget-telemetry",
        LogClass::Bulk => "line-budget-bulk",
    };
    let what = match class {
        LogClass::Sales => "sales wait",
        LogClass::Stock => "stock waits",
        LogClass::Telemetry => "telemetry waits",
        LogClass::Bulk => "bulk, and what headquarters sends, waits",
    };
    Item { name, breaks: format!("{what} for the next window of the line's byte budget"), left }
}

/// When one product in twenty on offer has no price that holds, by the ends of prices that end.
pub(crate) fn prices_until(ends: &mut [i64], products: usize) -> Prices {
    ends.sort_unstable();
    let place = (products * PRICES_PERMILLE).div_ceil(1_000).max(1) - 1;
    Prices(ends.get(place).copied().map(Timestamp))
}

/// Free bytes of the disk that a folder is on.
pub(crate) fn free_bytes(data: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(data).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Where the estimate's samples are.
pub(crate) fn growth_path(data: &Path) -> PathBuf {
    data.join(GROWTH_FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    #[test]
    fn a_few_offers_that_end_do_not_hurt_a_shop() {
        let mut ends = vec![DAY; 4];
        assert_eq!(prices_until(&mut ends, 100), Prices(None));
        assert_eq!(prices_until(&mut ends, 80), Prices(Some(Timestamp(DAY))));
        assert_eq!(prices_until(&mut [], 0), Prices(None));
        assert_eq!(prices(Prices(None)).left, Left::Lasts);
    }

    #[test]
    fn a_byte_budget_ends_by_its_rate_and_lasts_where_the_next_window_comes_first() {
        let allowance = Allowance { bytes_max: 3_000, window_ms: 30 * DAY_MS };
        let left =
            |days: u64, bytes| budget(LogClass::Sales, Used { allowance, age_ms: days * DAY_MS, bytes }).left;
        assert_eq!(left(0, 0), Left::Lasts, "nothing went");
        assert_eq!(left(10, 2_000), Left::Shrinking { amount: 1_000, per_day: 200 });
        assert_eq!(left(10, 900), Left::Lasts, "2,100 are enough for twenty days of 90");
        assert_eq!(left(29, 2_950), Left::Shrinking { amount: 50, per_day: 101 });
        assert_eq!(left(3, 3_000), Left::Shrinking { amount: 0, per_day: 1_000 });
        assert_eq!(left(3, 9_000), Left::Shrinking { amount: 0, per_day: 3_000 }, "what was under way");
        assert_eq!(left(0, 100), Left::Lasts, "the first bytes are no rate of a second");
    }

    #[test]
    fn what_the_hub_takes_just_now_does_not_fill_the_outbox() {
        let waiting = Waiting { bytes: 5, bytes_max: 9, is_connected: true };
        assert_eq!(outbox(waiting, &Growth::default()).left, Left::Lasts);
        let waiting = Waiting { is_connected: false, ..waiting };
        assert_eq!(outbox(waiting, &Growth::default()).left, Left::Unknown);
    }
}
