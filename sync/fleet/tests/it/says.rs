//! What a node says of itself: it comes through whole, bounded both ways, and from newer nodes as well.

use crate::shop::Shop;
use aisle_fleet::{
    Denied, Denies, Kind, NodeSays, Reason,
    gate::{Durations, Health},
    says::{Facts, HORIZON_MAX, Horizon, PLAIN_BYTES_MAX, REASONS_MAX, SAYS_BYTES_MAX, SaysError},
};

fn says() -> NodeSays {
    let mut shop = Shop::new();
    shop.desire(Shop::state(&[("plugin/multi-buy", "1.4.0"), ("catalogue", "2026.11.21")]));
    shop.settle();
    let facts = Facts {
        version: Some("0.1.0".parse().unwrap()),
        disk_free_bytes: Some(5 << 30),
        grants: Some(["stock", "kv"].map(|grant| grant.parse().unwrap()).into()),
        kinds: Some([Kind::Plugin, Kind::Prices].into()),
        time_zone: Some("Europe/Berlin".into()),
        horizon: vec![Horizon { what: "certificate".into(), days: 12.5 }],
        denies: [("model", "too slow"), ("plugin/acme", "too loud")].into_iter().fold(
            Denies::default(),
            |mut denies, (what, why)| {
                denies.insert(what.parse::<Denied>().unwrap(), why);
                denies
            },
        ),
    };
    NodeSays { report: shop.machine.report(), facts, ..NodeSays::default() }
}

fn packed(json: &str) -> Vec<u8> {
    zstd::bulk::compress(json.as_bytes(), 3).unwrap()
}

#[test]
fn what_a_node_says_comes_through_as_it_was_said() {
    let said = says();
    assert!(said.report.slots.len() == 2 && said.report.desired.is_some());
    assert_eq!(NodeSays::decode(&said.encode().unwrap()).unwrap(), said);
}

#[test]
fn what_a_newer_node_says_besides_is_passed_over() {
    let json = r#"{"report":{"desired":null,"slots":{"catalogue":{"wanted":null,"round":0,"running":null,"good":null,"phase":"left",
        "reasons":[],"mood":"fair"}},"settings":{"wanted":null,"applied":null,"reasons":[],"x":1},"more":[]},
        "facts":{"version":"9.0","kinds":["plugin","hologram"],"denies":{"hologram":"no","plugin":"none"},"weather":"rain"},"new":{}}"#;
    let said = NodeSays::decode(&packed(json)).unwrap();
    assert_eq!(said.report.slots.len(), 1);
    assert_eq!(
        said.facts.kinds,
        Some([Kind::Plugin].into()),
        "a kind that is not known here is nothing to go by"
    );
    assert_eq!(said.facts.denies.len(), 1, "nor is what is denied and not known");
    assert!(said.facts.denies.has(Kind::Plugin));
    assert_eq!(said.facts.disk_free_bytes, None);
}

#[test]
fn a_node_that_says_nothing_of_facts_is_heard() {
    let json =
        r#"{"report":{"desired":null,"slots":{},"settings":{"wanted":null,"applied":null,"reasons":[]}}}"#;
    assert_eq!(NodeSays::decode(&packed(json)).unwrap(), NodeSays::default());
}

#[test]
fn a_frame_that_would_grow_without_end_is_refused_before_it_does() {
    let bomb = zstd::bulk::compress(&vec![b' '; 64 << 20], 3).unwrap();
    assert!(bomb.len() <= SAYS_BYTES_MAX, "it gets past the first bound");
    let refused = NodeSays::decode(&bomb).unwrap_err();
    assert!(matches!(refused, SaysError::Frame | SaysError::Bound { max: PLAIN_BYTES_MAX, .. }), "{refused}");
    let refused = NodeSays::decode(&vec![0; SAYS_BYTES_MAX + 1]).unwrap_err();
    assert!(matches!(refused, SaysError::Bound { max: SAYS_BYTES_MAX, .. }), "{refused}");
}

#[test]
fn what_is_no_frame_or_has_something_behind_it_is_refused() {
    let mut frame = says().encode().unwrap();
    assert!(matches!(NodeSays::decode(&frame[..frame.len() - 1]), Err(SaysError::Frame)));
    frame.push(0);
    assert!(matches!(NodeSays::decode(&frame), Err(SaysError::Frame)));
    assert!(matches!(NodeSays::decode(b"hello"), Err(SaysError::Frame)));
    assert!(matches!(NodeSays::decode(&packed("[1]")), Err(SaysError::Malformed { .. })));
    assert!(matches!(NodeSays::decode(&packed(&"[".repeat(10_000))), Err(SaysError::Malformed { .. })));
}

#[test]
fn more_of_anything_than_there_may_be_is_refused_by_both_ends() {
    let mut many = says();
    many.facts.horizon = vec![Horizon { what: "disk".into(), days: 1.0 }; HORIZON_MAX + 1];
    let mut long = says();
    long.facts.time_zone = Some("E".repeat(65));
    let mut reasons = says();
    reasons.report.slots.values_mut().next().unwrap().reasons =
        vec![Reason::Watching { minutes_left: 1 }; REASONS_MAX + 1];
    for said in [many, long, reasons] {
        assert!(matches!(said.encode(), Err(SaysError::Bound { .. })));
        let json = serde_json::to_string(&said).unwrap();
        assert!(matches!(NodeSays::decode(&packed(&json)), Err(SaysError::Bound { .. })));
    }
}

#[test]
fn a_report_that_is_too_long_goes_without_its_durations() {
    let mut said = says();
    let mut random = 1_u64;
    let mut hard_to_pack = || {
        let mut took = Durations::default();
        for _ in 0..140 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            took.add(random >> (random % 60));
        }
        Health { calls: random, traps: 3, took, ..Health::default() }
    };
    let slot = said.report.slots.values().next().unwrap().clone();
    for number in 0..300 {
        let slot = aisle_fleet::report::SlotReport { health: Some(hard_to_pack()), ..slot.clone() };
        said.report.slots.insert(format!("plugin/p{number}").parse().unwrap(), slot);
    }
    let heard = NodeSays::decode(&said.encode().unwrap()).unwrap();
    assert_eq!(heard.report.slots.len(), said.report.slots.len(), "no slot is lost");
    let health = |said: &NodeSays| said.report.slots[&"plugin/p7".parse().unwrap()].health.clone().unwrap();
    assert_eq!(health(&heard).traps, 3);
    assert!(health(&heard).took.count() < health(&said).took.count());
}
