//! The horizon as a whole: from what is known to every place that shows it.

use super::{
    growth::{Growth, Sample},
    items::{Inputs, Prices, Waiting, growth_path},
    watch::{Watch, kept_prices},
    *,
};
use crate::{
    config::RawConfig,
    enrol,
    fleet::{Granted, facts},
    store::{Store, wall_clock},
    sync,
};
use aisle_enrolment::Status;
use aisle_event::{
    Currency, Event, Money, Name, Sku, StoreId, Unit, Unknown,
    stock::{PriceChanged, ProductListed},
};
use aisle_journal::Entry;
use aisle_protocol::{PerClass, node::Allowance};
use aisle_transport::{client::Used, tls::ClockSource};
use prometheus_client::{encoding::text::encode, registry::Registry};
use serde_json::json;
use std::{path::Path, sync::Arc};

const DAY: i64 = 86_400_000;
const NOW: i64 = 1_800_000_000_000;
const GIB: u64 = 1 << 30;

/// Half a GiB of the disk goes in a day, and 10 MiB more wait for the hub.
fn growth(now: i64) -> Growth {
    let mut growth = Growth::default();
    growth.take(Sample { at_ms: now - DAY, free: 20 * GIB + GIB / 2, waiting: 0 });
    growth.take(Sample { at_ms: now, free: 20 * GIB, waiting: 10 << 20 });
    growth
}

fn used(bytes: u64, age_days: u64) -> Option<Used> {
    let allowance = Allowance { bytes_max: 1_000, window_ms: 30 * DAY as u64 };
    Some(Used { allowance, age_ms: age_days * DAY as u64, bytes })
}

fn inputs() -> Inputs {
    Inputs {
        certificate_until: Some(Timestamp(NOW + 12 * DAY + DAY / 2)),
        metadata_until: Some(Timestamp(NOW + 2 * DAY)),
        list_until: Some(("prices".into(), Timestamp(NOW + 9 * DAY))),
        prices: Some(Prices(Some(Timestamp(NOW + 7 * DAY)))),
        disk_free: Some(20 * GIB),
        outbox: Some(Waiting { bytes: 10 << 20, bytes_max: 310 << 20, is_connected: false }),
        used: Some(PerClass {
            sales: used(600, 6),
            stock: used(10, 6),
            telemetry: used(1_200, 6),
            bulk: None,
        }),
        growth: growth(NOW),
    }
}

/// Everything that has days, the first first.
const EXPECTED: [(&str, f64, &str); 8] = [
    ("line-budget-telemetry", 0.0, "over"),
    ("metadata", 2.0, "near"),
    ("line-budget", 4.0, "soon"),
    ("prices", 7.0, "soon"),
    ("list", 9.0, "soon"),
    ("certificate", 12.5, "soon"),
    ("outbox", 30.0, "far"),
    ("disk", 40.0, "far"),
];

#[test]
fn everything_that_runs_out_is_in_the_view_in_the_metrics_and_at_headquarters_with_its_days_the_first_first()
{
    let horizon = Horizon::of(inputs().items(), Timestamp(NOW));

    let view = serde_json::to_value(&horizon).unwrap();
    assert_eq!(view["first"], "line-budget-telemetry");
    assert!(view["said"].as_str().unwrap().starts_with("line-budget-telemetry has run out"), "{view}");
    let items = view["items"].as_array().unwrap();
    for ((name, days, nearness), item) in EXPECTED.iter().zip(items) {
        assert_eq!((&item["name"], &item["nearness"]), (&json!(name), &json!(nearness)), "{view}");
        assert!((item["days"].as_f64().unwrap() - days).abs() < 1e-6, "{item}");
        assert!(item["said"].as_str().unwrap().starts_with(*name) || *days > 0.0, "{item}");
    }
    assert_eq!(items.len(), 9, "{view}");
    assert_eq!((&items[8]["name"], items[8].get("days")), (&json!("line-budget-stock"), None), "it lasts");

    let mut registry = Registry::with_prefix("aisle");
    let metrics = enrol::Metrics::register(&mut registry);
    metrics.show(&Status::default(), &horizon);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    for (name, days, _) in EXPECTED {
        let line = format!("aisle_horizon_days{{what=\"{name}\"}} {days:.1}");
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    }
    assert!(!text.contains("line-budget-stock"), "{text}");

    let config = RawConfig::default().resolve().unwrap();
    let told = facts(Path::new("/"), &horizon, None, &Granted::of(&config)).horizon;
    let told: Vec<(&str, f64)> = told.iter().map(|one| (one.what.as_str(), one.days)).collect();
    assert_eq!(told, EXPECTED.map(|(name, days, _)| (name, days)));
}

#[test]
fn staff_see_what_is_near_and_no_everyday_of_a_shop() {
    let horizon = Horizon::of(inputs().items(), Timestamp(NOW));
    let alerts: Vec<(bool, &str)> = horizon.alerts().collect();
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert!(!alerts[0].0 && alerts[0].1.contains("metadata"), "{alerts:?}");
    let later = Horizon::of(inputs().items(), Timestamp(NOW + 13 * DAY));
    let over: Vec<&str> = later.alerts().filter(|(is_over, _)| *is_over).map(|(_, said)| said).collect();
    assert_eq!(over.len(), 3, "certificate, metadata and the list of a kind, not prices: {over:?}");
}

/// Settings of a mobile line on which sales may send 1,000 bytes in 30 days.
pub(crate) fn line_settings() -> sync::RawSync {
    let text = "region = \"eu\"\nlink = \"lte\"\ncertificate_file = \"node.pem\"\nprivate_key_file = \"node.key\"\n\
        roots_file = \"roots.pem\"\npolicy_file = \"eu.toml\"\n\
        policy_keys = [\"d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737\"]\n\
        [[hub]]\nname = \"hub.example\"\ntls_port = 0\n[budgets.lte.sales]\nbytes_max = 1000\ndays = 30\n";
    toml::from_str(text).unwrap()
}

/// Bytes of sales went on a mobile line, the first of them six days ago, as the client of the line saves it.
pub(crate) fn spend(data: &Path, bytes: u64, now: i64) {
    let none = [(0, 0); 4];
    let lte = [(6 * DAY as u64, bytes), (0, 0), (0, 0), (0, 0)];
    let mut saved = vec![0xa2, 0x01];
    saved.extend(minicbor::to_vec(now as u64).unwrap());
    saved.push(0x02);
    saved.extend(minicbor::to_vec([none, lte, none]).unwrap());
    std::fs::create_dir_all(data.join("sync")).unwrap();
    std::fs::write(data.join("sync/budget"), saved).unwrap();
}

#[tokio::test]
async fn a_node_looks_at_its_prices_its_disk_its_outbox_and_its_byte_budgets() {
    let folder = tempfile::tempdir().unwrap();
    let (data, now) = (folder.path(), wall_clock().0);
    let config = RawConfig::default().resolve().unwrap();
    let store = Arc::new(Store::open(data, &config, &mut Registry::default()).unwrap());
    let (sku, at) = (Sku::new("JAM-1").unwrap(), Timestamp(now));
    let price = Money::new(425, Currency::GBP);
    let listed = ProductListed {
        sku: sku.clone(),
        name: Name::new("Plum jam").unwrap(),
        price,
        unit: Unit::Each,
        gtin: None,
        category: None,
        at,
        unknown: Unknown::default(),
    };
    let valid_until = Some(Timestamp(now + 7 * DAY));
    let priced = PriceChanged { sku, price, at, valid_until, unknown: Unknown::default() };
    let events = [Event::from(listed), Event::from(priced)];
    let entries =
        events.iter().map(|event| Entry { kind: event.kind().0, payload: event.encode() }).collect();
    let written = store.journal.submit(entries).unwrap().await.unwrap();
    store.state.wait_applied(written.last).await.unwrap();

    let free = free_bytes(data).unwrap();
    let mut growth = Growth::default();
    // What waited half an hour ago had begun the day before.
    growth.take(Sample { at_ms: now - DAY, free: free + free / 40, waiting: 0 });
    growth.take(Sample { at_ms: now - DAY / 48, free, waiting: 10 << 20 });
    growth.keep(&growth_path(data)).unwrap();
    spend(data, 600, now);
    let (settings, shop) = (line_settings().resolve().unwrap(), StoreId::new("store-1").unwrap());
    let line = sync::Line::new(data, shop, settings, ClockSource::System);
    let watch = Watch::new(data, store.clone(), (None, enrol::clock(data)), Some(line));
    let days = |name: &str| {
        let latest = watch.latest();
        latest.items.iter().find(|item| item.name == name).and_then(|item| item.days)
    };
    let latest = watch.latest();
    for (name, expected) in [("prices", 7.0), ("disk", 40.0), ("line-budget", 4.0)] {
        let found = days(name).unwrap_or_else(|| panic!("no days of {name}: {latest:?}"));
        assert!((found - expected).abs() < 2.0, "{name}: {found}");
    }
    assert!(days("outbox").is_some_and(|days| days > 1.0), "{latest:?}");
    assert_eq!(latest.first.as_deref(), Some("line-budget"));
    assert_eq!(kept_prices(data), None, "no sample was due");
    std::fs::remove_file(growth_path(data)).unwrap();
    drop(Watch::new(data, store.clone(), (None, enrol::clock(data)), None));
    assert_eq!(kept_prices(data), Some(Prices(valid_until)));
}
