//! What would hurt the store first if its line were gone from now on? The same horizon as the node's, of what lies on the disk.
//!
//! What is near warns. What has run out fails where what runs is hurt by it; what only keeps new things out goes on warning, as in `fleet`, and so does a shop's
//! everyday.

use super::{Finding, Outcome, Subject, existing};
use crate::{
    enrol,
    horizon::{
        Horizon, HorizonItem, Inputs, free_bytes,
        growth::Growth,
        items::{Waiting, growth_path},
        kept_prices,
    },
    sync,
};
use aisle_converge::{Signed, fleet};

const ID: &str = "horizon";
/// What fails once it has run out.
const FAILS: [&str; 3] = ["certificate", "disk", "outbox"];
const FIX: &str = "see to it before the line is needed; `aisle-node status` shows all of it";

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    judge(&Horizon::of(inputs(subject).items(), enrol::clock(subject.data).guess()))
}

/// As far as it lies on the disk: what waits for the hub and when prices end is as of the last hour that the node ran.
fn inputs(subject: &Subject<'_>) -> Inputs {
    let data = subject.data;
    let facts = aisle_enrolment::identity_on_disk(data).ok().flatten();
    let growth = Growth::kept(&growth_path(data));
    let settings = subject.config.ok().and_then(|config| config.sync.as_ref());
    let outbox = settings.map(|settings| Waiting {
        bytes: growth.last().map_or(0, |last| last.waiting),
        bytes_max: settings.outbox.disk_bytes_max,
        is_connected: false,
    });
    // What keeps it from being read, `fleet` says.
    let signed =
        fleet::folder(data).is_dir().then(|| Signed::open(&fleet::signed_folder(data)).ok()).flatten();
    Inputs {
        certificate_until: facts.map(|facts| facts.validity.not_after),
        metadata_until: signed.as_ref().and_then(Signed::until),
        list_until: signed.as_ref().and_then(Signed::first_list),
        prices: kept_prices(data),
        disk_free: free_bytes(existing(data)),
        outbox,
        used: settings.and_then(|settings| sync::used(data, settings)),
        growth,
    }
}

fn judge(horizon: &Horizon) -> Finding {
    let near: Vec<&HorizonItem> = horizon.items.iter().filter(|item| item.is_near()).collect();
    if near.is_empty() {
        return Finding::ok(ID, horizon.said.clone());
    }
    let said: Vec<&str> = near.iter().map(|item| item.said.as_str()).collect();
    let is_bad = near.iter().any(|item| item.is_over() && FAILS.contains(&item.name.as_str()));
    let outcome = if is_bad { Outcome::Fail } else { Outcome::Warn };
    Finding { outcome, ..Finding::warn(ID, said.join("; "), FIX) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::RawConfig,
        horizon::{
            growth::Sample,
            items::Prices,
            tests::{line_settings, spend},
            watch::keep_prices,
        },
        store::wall_clock,
    };
    use aisle_event::Timestamp;

    const DAY: i64 = 86_400_000;

    #[test]
    fn a_node_that_does_not_run_is_judged_by_the_same_items() {
        let folder = tempfile::tempdir().unwrap();
        let (data, now) = (folder.path(), wall_clock().0);
        let raw = RawConfig { sync: Some(line_settings()), ..RawConfig::default() };
        let config = raw.resolve().unwrap();
        let subject = Subject { data, config: Ok(&config) };
        let free = free_bytes(data).unwrap();
        let mut growth = Growth::default();
        growth.take(Sample { at_ms: now - DAY, free: free + free / 2, waiting: 0 });
        growth.take(Sample { at_ms: now, free, waiting: 3 << 30 });
        growth.keep(&growth_path(data)).unwrap();
        keep_prices(data, Prices(Some(Timestamp(now + DAY / 2)))).unwrap();
        spend(data, 980, now);
        let found = check(&subject);
        assert_eq!(found.outcome, Outcome::Warn);
        for part in ["until prices", "until disk", "until outbox", "until line-budget"] {
            assert!(found.found.contains(part), "{part} is not in {}", found.found);
        }
        assert!(found.found.starts_with("less than a day until"), "the first first: {}", found.found);
    }

    #[test]
    fn what_has_run_out_fails_only_where_what_runs_is_hurt() {
        let at = Timestamp(100 * DAY);
        let outcome = |inputs: Inputs, days: i64| {
            judge(&Horizon::of(inputs.items(), Timestamp(at.0 - days * DAY))).outcome
        };
        let certificate = || Inputs { certificate_until: Some(at), ..Inputs::default() };
        let metadata = || Inputs { metadata_until: Some(at), ..Inputs::default() };
        let list = || Inputs { list_until: Some(("plugins".into(), at)), ..Inputs::default() };
        let prices = || Inputs { prices: Some(Prices(Some(at))), ..Inputs::default() };
        for (days, [certificate_is, rest_is]) in [
            (15, [Outcome::Ok; 2]),
            (4, [Outcome::Ok; 2]),
            (3, [Outcome::Warn; 2]),
            (0, [Outcome::Fail, Outcome::Warn]),
        ] {
            assert_eq!(outcome(certificate(), days), certificate_is, "{days}");
            for goes_on in [metadata(), list(), prices()] {
                assert_eq!(outcome(goes_on, days), rest_is, "{days}");
            }
        }
        let full = Inputs { disk_free: Some(0), growth: grown(), ..Inputs::default() };
        assert_eq!(outcome(full, 0), Outcome::Fail);
    }

    fn grown() -> Growth {
        let mut growth = Growth::default();
        growth.take(Sample { at_ms: 0, free: 9, waiting: 0 });
        growth.take(Sample { at_ms: DAY, free: 0, waiting: 0 });
        growth
    }
}
