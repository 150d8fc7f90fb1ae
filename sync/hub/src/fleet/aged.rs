//! What a node told of itself, some time later: days that it lasts have gone by since, and its disk has gone on filling.
//!
//! Pure. Not here: what it told (`aisle_fleet::says`). Guards invariant 5: headquarters sees a store that is cut off run out of things, and not how it was when it was last heard.

use aisle_fleet::says::Facts;

const DAY_MS: f64 = 86_400_000.0;
/// What nodes call the disk.
const DISK: &str = "disk";

/// The facts as they should be by now, what runs out first first; they came at `told_at_ms`, both in milliseconds since 1970. With 0 they came just now: so it is where the row was read before
/// the node's first report, and what it says behind it.
pub(crate) fn aged(mut facts: Facts, told_at_ms: i64, now_ms: i64) -> Facts {
    let told_at_ms = if told_at_ms > 0 { told_at_ms } else { now_ms };
    let gone = now_ms.saturating_sub(told_at_ms).max(0) as f64 / DAY_MS;
    let left = |days: f64| (days - gone).max(0.0);
    // By the same rate that the node counted its days with.
    let disk = facts.horizon.iter().find(|danger| danger.what == DISK).map(|danger| danger.days);
    if let Some(days) = disk.filter(|days| *days > 0.0) {
        let share = left(days) / days;
        facts.disk_free_bytes = facts.disk_free_bytes.map(|free| (free as f64 * share) as u64);
    }
    for danger in &mut facts.horizon {
        danger.days = left(danger.days);
    }
    facts.horizon.sort_by(|a, b| a.days.total_cmp(&b.days));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_fleet::says::Horizon;

    const DAY: i64 = 86_400_000;

    fn told() -> Facts {
        let danger = |what: &str, days| Horizon { what: what.into(), days };
        let horizon = vec![danger(DISK, 40.0), danger("certificate", 12.5), danger("metadata", 3.0)];
        Facts { disk_free_bytes: Some(4_000), horizon, ..Facts::default() }
    }

    #[test]
    fn days_go_by_at_a_store_that_is_not_heard_and_its_disk_fills() {
        let now = aged(told(), 5 * DAY, 15 * DAY);
        let days: Vec<(&str, f64)> = now.horizon.iter().map(|one| (one.what.as_str(), one.days)).collect();
        assert_eq!(days, [("metadata", 0.0), ("certificate", 2.5), (DISK, 30.0)]);
        assert_eq!(now.disk_free_bytes, Some(3_000));
        assert_eq!(aged(told(), DAY, 400 * DAY).disk_free_bytes, Some(0));
    }

    #[test]
    fn a_clock_that_went_back_makes_nothing_last_longer_and_a_disk_that_lasts_keeps_its_room() {
        assert_eq!(aged(told(), 9 * DAY, DAY).horizon[2].days, 40.0);
        assert_eq!(aged(told(), 0, 400 * DAY).horizon[2].days, 40.0, "it came just now");
        let mut lasts = told();
        lasts.horizon.remove(0);
        assert_eq!(aged(lasts, DAY, 400 * DAY).disk_free_bytes, Some(4_000));
    }
}
