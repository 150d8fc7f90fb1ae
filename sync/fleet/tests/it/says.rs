//! What a node says of itself: it comes through whole, bounded both ways, and from newer nodes as well.

use crate::shop::Shop;
use aisle_event::{DeviceId, Timestamp};
use aisle_fleet::{
    ContentHash, Denied, Denies, FaultCode, Kind, NodeSays, Reason,
    artefact::SLOTS_MAX,
    device::{DEVICES_MAX, DeviceResult, DeviceStatus, SlotDevices},
    gate::{Durations, Health},
    report::{Brief, Phase},
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

/// So many devices that refuse, each with words that pack badly, and one that does not.
fn many_devices(devices: usize) -> SlotDevices {
    let refusing = (0..devices).map(|number| DeviceResult {
        device: DeviceId::new(format!("d{number:04}")).unwrap(),
        status: DeviceStatus::Refused,
        path: Some("interval_s".into()),
        reason: Some(
            [1, 2, 3]
                .map(|part: usize| {
                    ContentHash::of(&[part, number, devices].map(usize::to_be_bytes).concat()).to_string()
                })
                .concat(),
        ),
        since: Timestamp(5),
    });
    let well = DeviceResult {
        device: DeviceId::new("well").unwrap(),
        status: DeviceStatus::Applied,
        path: None,
        reason: None,
        since: Timestamp(5),
    };
    let of = Brief { version: "1.0.0".parse().unwrap(), hash: ContentHash([7; 32]) };
    SlotDevices::of(of, refusing.chain([well]))
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
fn what_a_newer_node_says_in_names_that_are_not_known_is_kept_as_it_says_it() {
    let said = NodeSays::decode(&packed(include_str!("../golden/says_of_a_newer_node.json"))).unwrap();
    let slot = &said.report.slots[&"plugin/multi-buy".parse().unwrap()];
    assert_eq!((slot.phase, slot.round, slot.is_drift()), (Phase::Other, 1, true));
    assert_eq!(slot.running.as_ref().unwrap().version.to_string(), "1.3.0");
    let told: Vec<(&str, String)> =
        slot.reasons.iter().map(|reason| (reason.code(), reason.to_string())).collect();
    let expected = [
        ("too-hot", "too-hot: celsius 71, where the cupboard"),
        (
            "known-bad",
            "1.2.0 was given up: other (melted: at 300 degrees)\nhint: retry it, or release another version",
        ),
        ("disk-full", "disk-full: missing_bytes plenty"),
        ("other-activation", "other-activation: slot hologram/queen"),
        ("phase", "phase: hibernating"),
    ];
    assert_eq!(told, expected.map(|(code, text)| (code, text.to_owned())));
    let Reason::KnownBad { fault, .. } = &slot.reasons[1] else { panic!("{:?}", slot.reasons) };
    assert_eq!(fault.code, FaultCode::Other, "what rules go by is not lost");
    assert_eq!(slot.health.as_ref().unwrap().calls, 20);

    assert_eq!(said.report.slots.len(), 1);
    let others = [("hologram/queen", "shimmering"), ("prices", "waiting")];
    assert_eq!(said.report.others, others.map(|(slot, phase)| (slot.to_owned(), phase.to_owned())).into());
    assert!(!said.report.is_settled());
    assert_eq!(said.report.settings.reasons[0].to_string(), "too-loud");

    let devices = &said.devices[&"device-settings/fridges".parse().unwrap()];
    assert_eq!(said.devices.len(), 1, "devices of a kind that is not known are passed over");
    assert_eq!((devices.devices(), devices.count(DeviceStatus::Other)), (6, 2));
    assert_eq!(devices.results[1].status, DeviceStatus::Other);

    let again = NodeSays::decode(&said.encode().unwrap()).unwrap();
    assert_eq!(again, said, "what was kept is said on as it was");
}

#[test]
fn what_an_older_node_says_is_read_by_a_newer_hub() {
    let said = NodeSays::decode(&packed(include_str!("../golden/says_of_an_older_node.json"))).unwrap();
    let slot = &said.report.slots[&"catalogue".parse().unwrap()];
    assert_eq!((slot.phase, slot.reasons[0].code()), (Phase::Waiting, "disk-full"));
    assert_eq!((said.facts, said.devices.len(), said.report.others.len()), (Facts::default(), 0, 0));
}

#[test]
fn what_is_not_known_is_bounded_as_what_is() {
    let slots: Vec<String> =
        (0..=2 * SLOTS_MAX).map(|number| format!(r#""hologram/{number}":{{"phase":"x"}}"#)).collect();
    let settings = r#""settings":{"wanted":null,"applied":null,"reasons":[]}"#;
    let many = format!(r#"{{"report":{{"desired":null,"slots":{{{}}},{settings}}}}}"#, slots.join(","));
    assert!(matches!(NodeSays::decode(&packed(&many)), Err(SaysError::Bound { .. })));
    let long = "x".repeat(10_000);
    let long = format!(
        r#"{{"report":{{"desired":null,"slots":{{"{long}":{{"phase":"{long}"}}}},"settings":{{"wanted":null,"applied":null,
        "reasons":[{{"code":"{long}","text":"{long}\u001b[31m"}}]}}}}}}"#
    );
    let said = NodeSays::decode(&packed(&long)).unwrap();
    let (slot, phase) = said.report.others.first_key_value().unwrap();
    assert!(slot.len() <= 128 && phase.len() <= 128);
    let reason = &said.report.settings.reasons[0];
    assert!(reason.code().len() <= 64 && reason.to_string().len() <= 300);
}

#[test]
fn devices_come_through_and_what_does_not_fit_is_counted_all_the_same() {
    let mut said = says();
    let slot = |text: &str| text.parse::<aisle_fleet::Slot>().unwrap();
    said.devices.insert(slot("device-settings"), many_devices(3));
    assert_eq!(NodeSays::decode(&said.encode().unwrap()).unwrap(), said);

    said.devices.insert(slot("device-settings/a"), many_devices(2_000));
    said.devices.insert(slot("device-settings/b"), many_devices(600));
    let heard = NodeSays::decode(&said.encode().unwrap()).unwrap();
    assert_eq!(heard.report, said.report, "what rules go by is not cut for devices");
    let told = heard.devices.values().map(|devices| devices.results.len()).sum::<usize>();
    assert!((1..DEVICES_MAX).contains(&told), "{told}");
    assert_eq!(heard.devices[&slot("device-settings/a")].devices(), 2_001);
    assert_eq!(heard.devices[&slot("device-settings/b")].count(DeviceStatus::Refused), 600);
    let results = || heard.devices.values().flat_map(|devices| &devices.results);
    assert!(results().all(|result| result.status == DeviceStatus::Refused), "who is well goes first");
}

#[test]
fn more_devices_than_there_may_be_are_refused_by_who_reads() {
    let of = Brief { version: "1.0.0".parse().unwrap(), hash: ContentHash([7; 32]) };
    let one = many_devices(0).results.remove(0);
    let long = DeviceResult { reason: Some("x".repeat(201)), ..one.clone() };
    for results in [vec![one; DEVICES_MAX + 1], vec![long]] {
        let devices = SlotDevices { of: of.clone(), counts: [(DeviceStatus::Applied, 1)].into(), results };
        let said = NodeSays { devices: [("device-settings".parse().unwrap(), devices)].into(), ..says() };
        let json = serde_json::to_string(&said).unwrap();
        assert!(matches!(NodeSays::decode(&packed(&json)), Err(SaysError::Bound { .. })));
    }
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
