//! A preflight says who would fail before anybody does.

use crate::{
    bench::{member, release_of, slot, version},
    drive::{A, spec, waves},
};
use aisle_event::Timestamp;
use aisle_fleet::{
    Fault, FaultCode, Index, Kind, RolloutSpec, Want,
    desired::Work,
    name::Grant,
    preflight::{NodeFacts, Preflight, Rules, Severity, preflight},
    wave::plan,
};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn facts(count: u32) -> Vec<NodeFacts> {
    (0..count)
        .map(|at| NodeFacts {
            seen_at: Some(NOW),
            disk_free_bytes: Some(1 << 40),
            ..NodeFacts::of(member(&format!("store-{at:02}"), &[]))
        })
        .collect()
}

fn run(spec: &RolloutSpec, facts: &[NodeFacts], rules: &Rules) -> Preflight {
    let members: Vec<_> = facts.iter().map(|facts| facts.member.clone()).collect();
    let plan = plan(&spec.rollout, &spec.who, &spec.waves, &Index::new(&members), &mut Work::default());
    preflight(spec, &plan, facts, rules, NOW)
}

#[test]
fn a_fleet_with_nothing_against_it_is_clear() {
    let found = run(&spec(waves()), &facts(20), &Rules::default());
    assert_eq!((found.nodes, found.clear, found.failing, found.groups.len()), (20, 20, 0, 0));
    assert_eq!(found.refusal, None);
}

#[test]
fn each_reason_is_found_and_told_with_how_many_have_it() {
    let mut release = release_of(A, "2.0");
    release.needs.node_version_min = Some(version("1.0"));
    release.needs.grants.insert(Grant::new("stock").unwrap());
    release.needs.disk_bytes = 500_000_000;
    let mut spec = spec(waves());
    spec.set.insert(slot(A), Want::Release(release.clone()));
    let mut facts = facts(40);
    facts[0].disk_free_bytes = Some(100_000_000);
    facts[1].member.version = Some(version("0.9"));
    facts[2].grants = Some([Grant::new("kv").unwrap()].into());
    facts[3].denies.insert(Kind::Plugin, "no foreign code");
    facts[4].seen_at = Some(NOW.saturating_add_ms(-100 * 3_600_000));
    facts[5].maintenance = serde_json::from_str(r#"{"zone":"UTC","windows":["daily 02:00-02:10"]}"#).unwrap();
    facts[6].bad.insert(release.hash, Fault::new(FaultCode::Trapped, "3 of 9"));
    facts[7].minimums.insert(slot(A), version("3.0"));
    facts[8].held.insert(slot(A), "till from 2009".into());
    facts[9].seen_at = None;
    for fact in &mut facts[10..20] {
        fact.member.version = None;
    }
    let found = run(&spec, &facts, &Rules::default());
    let of = |code: &str| {
        let group =
            found.groups.iter().find(|group| group.reason.code() == code).unwrap_or_else(|| panic!("{code}"));
        (group.severity, group.count)
    };
    assert_eq!(of("disk-full"), (Severity::Waits, 1));
    assert_eq!(of("node-too-old"), (Severity::Fails, 11), "a version that nobody knows is no version");
    assert_eq!(of("grant-missing"), (Severity::Fails, 1));
    assert_eq!(of("policy-denies"), (Severity::Fails, 1));
    assert_eq!(of("offline-long"), (Severity::Waits, 2));
    assert_eq!(of("window-short"), (Severity::Fails, 1));
    assert_eq!(of("known-bad"), (Severity::Fails, 1));
    assert_eq!(of("below-minimum"), (Severity::Fails, 1));
    assert_eq!(of("held-by-override"), (Severity::Note, 1));
    assert_eq!((found.failing, found.clear), (16, 20));
    assert_eq!(found.fail.len(), 16);
    assert_eq!(found.groups[0].reason.code(), "node-too-old", "the gravest of most nodes first");
    assert_eq!(found.groups[0].examples.len(), 5);
    // 500 MB to unpack, 1 MB for itself, 64 MiB that stay free, of which 100 MB are there.
    let disk = found.groups.iter().find(|group| group.reason.code() == "disk-full").unwrap();
    assert_eq!(disk.reason.to_string(), "waits for 469 MB free disk");
    assert_eq!(serde_json::from_str::<Preflight>(&serde_json::to_string(&found).unwrap()).unwrap(), found);
}

#[test]
fn who_runs_it_already_has_nothing_against_it() {
    let spec = spec(waves());
    let mut facts = facts(20);
    for one in &mut facts {
        one.disk_free_bytes = Some(0);
        one.running.insert(slot(A), release_of(A, "2.0").hash);
    }
    assert_eq!(run(&spec, &facts, &Rules::default()).clear, 20);
}

#[test]
fn a_banned_artefact_and_a_wave_of_nobody_are_refused_at_once() {
    let spec = spec(waves());
    let mut rules = Rules::default();
    let found = run(&spec, &facts(3), &rules);
    assert!(found.refusal.unwrap().contains("`rest` has no node"));
    rules.bans.insert(release_of(A, "2.0").hash, "sold for nothing".into());
    let found = run(&spec, &facts(20), &rules);
    let refusal = found.refusal.unwrap();
    assert!(refusal.contains("banned: sold for nothing") && refusal.contains("hint:"), "{refusal}");
}

#[test]
fn a_preflight_says_that_a_policy_goes_only_forward_and_what_a_store_denies_of_a_kind() {
    let policy = slot("policy");
    let mut spec = spec(waves());
    spec.set = [(policy.clone(), Want::Release(release_of("policy", "4.0.0")))].into();
    let mut facts = facts(20);
    facts[0].denies.insert(policy.clone(), "our officer brings it herself");
    facts[1].denies.insert(Kind::Plugin, "no foreign code");
    let found = run(&spec, &facts, &Rules::default());
    let of = |code: &str| found.groups.iter().find(|group| group.reason.code() == code).unwrap();
    assert_eq!((of("only-forward").severity, of("only-forward").count), (Severity::Note, 20));
    assert!(of("only-forward").reason.to_string().contains("later version"));
    assert_eq!((of("policy-denies").severity, of("policy-denies").count), (Severity::Fails, 1));

    spec.set = [(policy, Want::Absent)].into();
    let found = run(&spec, &facts, &Rules::default());
    assert_eq!(found.failing, 20, "to be without a policy again is what no node does");
}
