//! Who is in which wave follows from names alone.

use crate::bench::member;
use aisle_fleet::{
    Index, Member, NodeId, RolloutId, Selector,
    desired::Work,
    wave::{Plan, Size, WaveSpec, plan},
};
use std::collections::BTreeSet;

fn fleet(count: u32) -> Vec<Member> {
    let label = |at: u32| if at.is_multiple_of(10) { vec![("pilot", "yes")] } else { vec![] };
    (0..count).map(|at| member(&format!("store-{at}"), &label(at))).collect()
}

fn wave(name: &str, who: Option<&str>, size: Size) -> WaveSpec {
    serde_json::from_value(serde_json::json!({ "name": name, "who": who, "size": size })).unwrap()
}

fn planned(rollout: &str, members: &[Member], waves: &[WaveSpec]) -> Plan {
    let rollout = RolloutId::new(rollout).unwrap();
    plan(&rollout, &Selector::every(), waves, &Index::new(members), &mut Work::default())
}

#[test]
fn waves_take_their_sizes_of_whom_they_mean_and_nobody_twice() {
    let members = fleet(1_000);
    let waves = [
        wave("canary", Some("pilot"), Size::Count(5)),
        wave("pilots", Some("pilot"), Size::Percent(50)),
        wave("tenth", None, Size::Percent(10)),
        wave("none", Some("nobody"), Size::All),
        wave("rest", Some("!pilot"), Size::All),
    ];
    let plan = planned("spring", &members, &waves);
    let sizes: Vec<usize> = plan.waves.iter().map(Vec::len).collect();
    let tenth: BTreeSet<&NodeId> = plan.waves[2].iter().collect();
    let pilots_in_tenth =
        members.iter().filter(|m| m.value("pilot").is_some() && tenth.contains(&m.id)).count();
    assert_eq!(sizes, [5, 50, 100, 0, 900 - (100 - pilots_in_tenth)]);
    assert_eq!(plan.left.len(), 100 - 55 - pilots_in_tenth, "pilots that nobody took");
    let all: BTreeSet<&NodeId> = plan.waves.iter().flatten().chain(&plan.left).collect();
    assert_eq!(all.len(), 1_000);
    assert_eq!(plan.nodes() + plan.left.len(), 1_000);
}

#[test]
fn the_first_stores_are_the_same_each_time_and_others_for_another_rollout() {
    let mut members = fleet(1_000);
    let waves = [wave("canary", None, Size::Count(50))];
    let first = planned("spring", &members, &waves);
    members.reverse();
    let again = planned("spring", &members, &waves);
    assert_eq!(again.waves, first.waves, "the order in which nodes are listed says nothing");
    let other = planned("summer", &members, &waves);
    let both = other.waves[0].iter().filter(|node| first.waves[0].contains(node)).count();
    assert!(both < 15, "{both} of 50 are first both times");
    // One more store in the fleet moves nobody but itself.
    members.push(member("new", &[]));
    let with_new = planned("spring", &members, &waves);
    let stayed = with_new.waves[0].iter().filter(|node| first.waves[0].contains(node)).count();
    assert!(stayed >= 49);
}

#[test]
fn a_size_is_a_number_a_share_or_all() {
    let read = |text: &str| serde_json::from_str::<Size>(text);
    assert_eq!(read("5").unwrap(), Size::Count(5));
    assert_eq!(read("\"5\"").unwrap(), Size::Count(5));
    assert_eq!(read("\"10%\"").unwrap(), Size::Percent(10));
    assert_eq!(read("\"all\"").unwrap(), Size::All);
    for size in [Size::Count(7), Size::Percent(100), Size::All] {
        assert_eq!(read(&serde_json::to_string(&size).unwrap()).unwrap(), size);
    }
    for text in ["0", "-1", "\"0%\"", "\"101%\"", "\"some\"", "5.5", "null", "99999999999"] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains("\"10%\""), "{text}: {error}");
    }
}

#[test]
fn one_per_cent_of_a_few_is_at_least_one() {
    let plan = planned("spring", &fleet(10), &[wave("canary", None, Size::Percent(1))]);
    assert_eq!(plan.waves[0].len(), 1);
}
