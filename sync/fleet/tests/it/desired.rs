//! What a node should run follows from what is said, always in the same way, and is explained.

use crate::bench::{Random, member, node, release, release_of, set, slot, store, utc, version, want};
use aisle_event::Timestamp;
use aisle_fleet::{
    ContentHash, DesiredState, Group, GroupName, Index, Override, Resolver, RolloutId, Says, Selector, Stamp,
    Want,
    desired::{Because, DesiredError, Layer, Resolved, Source, Wanted, Work},
    setting::SettingValue,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn group(name: &str, priority: i32, who: &str, artefacts: &[(&str, &str)]) -> Group {
    Group {
        name: GroupName::new(name).unwrap(),
        priority,
        who: Some(Selector::parse(who).unwrap()),
        stores: BTreeSet::new(),
        says: Says { artefacts: set(artefacts), ..Says::default() },
    }
}

fn over(name: &str, artefacts: &[(&str, &str)]) -> Override {
    Override {
        store: store(name),
        serial: None,
        why: "their till is old".into(),
        until: None,
        says: Says { artefacts: set(artefacts), ..Says::default() },
    }
}

fn resolve(groups: &[Group], overrides: &[Override], name: &str) -> Resolved {
    let labels = [("region", "eu"), ("pilot", "yes")];
    Resolver::new(groups, Vec::new(), overrides, NOW).one(&member(name, &labels))
}

fn runs(resolved: &Resolved, of: &str) -> Option<String> {
    resolved.state.wanted(&slot(of)).map(|wanted| wanted.want.told())
}

#[test]
fn the_higher_priority_counts_and_the_page_says_who_lost_and_why() {
    let groups = [
        group("all", 0, "*", &[("plugin/a", "1.0"), ("catalogue", "7")]),
        group("pilots", 10, "pilot", &[("plugin/a", "2.0")]),
        group("others", 20, "region=cn", &[("plugin/a", "9.0")]),
    ];
    let resolved = resolve(&groups, &[], "berlin");
    assert_eq!(runs(&resolved, "plugin/a").as_deref(), Some("2.0"));
    assert_eq!(runs(&resolved, "catalogue").as_deref(), Some("7"));
    let why = &resolved.why[&slot("plugin/a")];
    assert_eq!(why.over[0].because, Because::LowerPriority);
    assert!(!why.is_conflict());
    let told = why.told(&slot("plugin/a"));
    assert!(told.contains("by group `pilots` (priority 10)") && told.contains("group `all`"), "{told}");
}

#[test]
fn groups_of_one_priority_that_disagree_are_decided_by_name_and_told_as_a_conflict() {
    let (a, b) =
        (group("b-team", 5, "*", &[("catalogue", "8")]), group("a-team", 5, "*", &[("catalogue", "7")]));
    for groups in [[a.clone(), b.clone()], [b, a]] {
        let resolved = resolve(&groups, &[], "berlin");
        assert_eq!(
            runs(&resolved, "catalogue").as_deref(),
            Some("7"),
            "whatever the order in which they come"
        );
        assert!(resolved.why[&slot("catalogue")].is_conflict());
    }
    let agree = [group("a", 5, "*", &[("catalogue", "7")]), group("b", 5, "*", &[("catalogue", "7")])];
    assert!(!resolve(&agree, &[], "berlin").why[&slot("catalogue")].is_conflict(), "they say the same");
}

#[test]
fn an_override_counts_more_than_a_rollout_and_a_rollout_more_than_a_group() {
    let groups = [group("all", 1000, "*", &[("catalogue", "1")])];
    let rollout = RolloutId::new("spring").unwrap();
    let later = RolloutId::new("summer").unwrap();
    let (spring, summer) = (set(&[("catalogue", "2")]), set(&[("catalogue", "3")]));
    let (berlin, tokyo) = (node("berlin"), node("tokyo"));
    let layer = |rollout, order, set, nodes: &[_]| Layer {
        rollout,
        order,
        set,
        nodes: nodes.iter().map(|node| (*node, 4)).collect(),
        taken_back: BTreeSet::new(),
    };
    let layers = vec![layer(&rollout, 1, &spring, &[&berlin, &tokyo]), layer(&later, 2, &summer, &[&berlin])];
    let overrides = [over("tokyo", &[("catalogue", "0.5")])];
    let resolver = Resolver::new(&groups, layers, &overrides, NOW);
    let at = |name: &str| resolver.one(&member(name, &[]));
    assert_eq!(runs(&at("berlin"), "catalogue").as_deref(), Some("3"), "the later rollout");
    assert_eq!(at("berlin").state.wanted(&slot("catalogue")).unwrap().round, 4);
    assert_eq!(runs(&at("tokyo"), "catalogue").as_deref(), Some("0.5"), "the override");
    assert_eq!(runs(&at("paris"), "catalogue").as_deref(), Some("1"), "the group");
    let why = at("tokyo").why[&slot("catalogue")].clone();
    assert!(matches!(&why.source, Some(Source::Override { why, .. }) if why.contains("till")));
    assert!(why.over.iter().all(|passed| passed.because == Because::WeakerKind));
}

#[test]
fn an_override_for_a_box_counts_more_than_one_for_its_store_and_one_that_has_ended_counts_nothing() {
    let mut for_box = over("berlin", &[("catalogue", "2")]);
    for_box.serial = Some(node("berlin").serial);
    let mut ended = over("berlin", &[("prices", "2")]);
    ended.until = Some(NOW);
    let overrides = [over("berlin", &[("catalogue", "1")]), for_box, ended];
    let resolved = resolve(&[], &overrides, "berlin");
    assert_eq!(runs(&resolved, "catalogue").as_deref(), Some("2"));
    assert_eq!(resolved.why[&slot("catalogue")].over[0].because, Because::WiderOverride);
    assert_eq!(runs(&resolved, "prices"), None);
}

#[test]
fn nothing_below_a_minimum_is_ever_wanted_whoever_says_so() {
    let mut floor = group("floor", -100, "*", &[]);
    floor.says.minimums.insert(slot("plugin/a"), version("1.5"));
    let groups = [floor, group("all", 0, "*", &[("plugin/a", "1.6")])];
    let resolved = resolve(&groups, &[over("berlin", &[("plugin/a", "1.4")])], "berlin");
    assert_eq!(runs(&resolved, "plugin/a").as_deref(), Some("1.6"), "the next that may be");
    assert_eq!(resolved.why[&slot("plugin/a")].over[0].because, Because::BelowMinimum);
    let only = resolve(&groups[..1], &[over("berlin", &[("plugin/a", "1.4")])], "berlin");
    assert_eq!(runs(&only, "plugin/a"), None);
    let told = only.why[&slot("plugin/a")].told(&slot("plugin/a"));
    assert!(told.contains("nobody") && told.contains("below the minimum"), "{told}");
    assert_eq!(only.state.minimums[&slot("plugin/a")], version("1.5"), "the node is told the minimum too");
}

#[test]
fn what_a_rollout_brought_and_took_back_is_emptied_where_nobody_else_says_anything() {
    let rollout = RolloutId::new("spring").unwrap();
    let spring = set(&[("plugin/new", "1"), ("catalogue", "2")]);
    let berlin = node("berlin");
    let layer = Layer {
        rollout: &rollout,
        order: 1,
        set: &spring,
        nodes: BTreeMap::new(),
        taken_back: BTreeSet::from([&berlin]),
    };
    let groups = [group("all", 0, "*", &[("catalogue", "1")])];
    let resolver = Resolver::new(&groups, vec![layer], &[], NOW);
    let resolved = resolver.one(&member("berlin", &[]));
    assert_eq!(resolved.state.wanted(&slot("plugin/new")).unwrap().want, Want::Absent);
    assert_eq!(runs(&resolved, "catalogue").as_deref(), Some("1"));
    assert!(resolver.one(&member("paris", &[])).state.wanted(&slot("plugin/new")).is_none());
}

#[test]
fn settings_and_maintenance_come_from_the_strongest_that_says_something() {
    let mut all = group("all", 0, "*", &[]);
    all.says.settings.insert("kiosk.theme".parse().unwrap(), SettingValue::Text("light".into()));
    all.says.settings.insert("kiosk.rows".parse().unwrap(), SettingValue::Number(4));
    all.says.maintenance =
        Some(serde_json::from_str(r#"{"zone":"UTC","windows":["daily 02:00-05:00"]}"#).unwrap());
    let mut dark = group("pilots", 1, "pilot", &[]);
    dark.says.settings.insert("kiosk.theme".parse().unwrap(), SettingValue::Text("dark".into()));
    let resolved = resolve(&[all, dark], &[], "berlin");
    let theme = "kiosk.theme".parse().unwrap();
    assert_eq!(resolved.state.settings[&theme], SettingValue::Text("dark".into()));
    assert_eq!(resolved.state.settings.len(), 2);
    assert!(resolved.why_settings[&theme].to_string().contains("pilots"));
    assert_eq!(resolved.state.maintenance.unwrap().windows.len(), 1);
}

#[test]
fn an_unchanged_state_keeps_its_version_and_a_changed_one_gets_the_next() {
    let first = resolve(&[group("all", 0, "*", &[("catalogue", "1")])], &[], "berlin");
    // Another group, another priority: the same state.
    let same = resolve(&[group("every", 9, "*", &[("catalogue", "1")])], &[], "berlin");
    let other = resolve(&[group("all", 0, "*", &[("catalogue", "2")])], &[], "berlin");
    let stamp = Stamp::following(None, first.hash);
    assert_eq!(stamp.version, 1);
    assert_eq!(Stamp::following(Some(stamp), same.hash), stamp);
    let next = Stamp::following(Some(stamp), other.hash);
    assert_eq!(next.version, 2);
    assert_eq!(Stamp::following(Some(next), first.hash).version, 3, "going back is a change, too");
}

#[test]
fn a_state_has_one_row_of_bytes_and_other_bytes_for_it_are_refused() {
    let mut resolved =
        resolve(&[group("all", 0, "*", &[("catalogue", "1"), ("plugin/a", "2")])], &[], "berlin");
    resolved.state.maintenance =
        Some(serde_json::from_str(r#"{"zone":"Europe/Berlin","windows":["mon-fri 22:00-04:00"]}"#).unwrap());
    let bytes = resolved.state.encode().unwrap();
    assert_eq!(DesiredState::decode(&bytes).as_ref(), Ok(&resolved.state));
    assert_eq!(ContentHash::of(&bytes), resolved.state.hash());
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(DesiredState::decode(&longer), Err(DesiredError::NotCanonical));
    assert_eq!(
        DesiredState::decode(&minicbor::to_vec(BTreeMap::from([(0_u8, 7_u8)])).unwrap()),
        Err(DesiredError::Form { found: 7 })
    );
    let mut low = resolved.state.clone();
    low.minimums.insert(slot("plugin/a"), version("3"));
    assert!(low.encode().unwrap_err().to_string().contains("below the minimum 3"));
    low.slots.insert(
        slot("plugin/a"),
        Wanted { want: Want::Release(aisle_fleet::Release { bytes: 0, ..release("3") }), round: 0 },
    );
    assert!(low.encode().unwrap_err().to_string().contains("`bytes` is 0"));
}

/// A fleet, its groups, a rollout and some overrides.
fn fleet(nodes: u64, seed: u64) -> (Vec<aisle_fleet::Member>, Vec<Group>, Vec<Override>) {
    let mut random = Random(seed);
    let members: Vec<_> = (0..nodes)
        .map(|at| {
            let region = ["eu", "cn", "us"][random.below(3) as usize];
            let size = ["s", "m", "l"][random.below(3) as usize];
            let city = format!("city-{}", random.below(40));
            member(&format!("store-{at}"), &[("region", region), ("size", size), ("city", &city)])
        })
        .collect();
    let mut groups = vec![group("all", 0, "*", &[("catalogue", "1"), ("policy", "3"), ("plugin/a", "1")])];
    for (at, region) in ["eu", "cn", "us"].into_iter().enumerate() {
        let prices = format!("{at}.1");
        groups.push(group(region, 1, &format!("region={region}"), &[("prices", &prices)]));
    }
    for city in 0..40 {
        let model = format!("{city}.0");
        groups.push(group(&format!("city-{city}"), 2, &format!("city=city-{city}"), &[("model", &model)]));
    }
    groups.push(group("small", 3, "size in (s), !nobody", &[("plugin/a", "2")]));
    let overrides =
        (0..nodes / 100).map(|at| over(&format!("store-{}", at * 100), &[("plugin/a", "0.9")])).collect();
    (members, groups, overrides)
}

fn all(nodes: u64) -> (Vec<Arc<Resolved>>, Work) {
    let (members, groups, overrides) = fleet(nodes, 11);
    let rollout = RolloutId::new("spring").unwrap();
    let spring = set(&[("plugin/b", "1")]);
    let layer = Layer {
        rollout: &rollout,
        order: 1,
        set: &spring,
        nodes: members.iter().take(members.len() / 10).map(|member| (&member.id, 0)).collect(),
        taken_back: BTreeSet::new(),
    };
    let mut work = Work::default();
    let resolver = Resolver::new(&groups, vec![layer], &overrides, NOW);
    let resolved = resolver.all(&Index::new(&members), &mut work);
    for (member, resolved) in members.iter().zip(&resolved).step_by(37) {
        assert_eq!(resolver.one(member), **resolved, "one by one it is the same as all at once");
    }
    (resolved, work)
}

#[test]
fn ten_thousand_nodes_are_resolved_with_work_that_grows_as_they_do() {
    let (resolved, work) = all(10_000);
    assert_eq!(resolved.len(), 10_000);
    println!("{work:?}");
    // Each is in four groups or five, and is looked at once for each of those, and not once for each group there is.
    assert!(work.looked <= 5 * 10_000, "{work:?}");
    assert!(work.memberships <= 5 * 10_000, "{work:?}");
    // 3 regions, 40 cities, 3 sizes of which two are alike, in the rollout or not; and those with overrides.
    assert!(work.made <= 3 * 40 * 2 * 2 + 100, "{work:?}");
    let (_, twice) = all(20_000);
    for (one, two) in
        [(work.looked, twice.looked), (work.memberships, twice.memberships), (work.weighed, twice.weighed)]
    {
        assert!(two <= one * 5 / 2, "{one} becomes {two} when there are twice as many nodes");
    }
}

#[test]
fn nodes_of_which_the_same_is_said_share_one_answer() {
    let (resolved, _) = all(1_000);
    let distinct: BTreeSet<*const Resolved> = resolved.iter().map(Arc::as_ptr).collect();
    let hashes: BTreeSet<ContentHash> = resolved.iter().map(|one| one.hash).collect();
    assert!(distinct.len() < 450, "{} answers", distinct.len());
    assert!(hashes.len() <= distinct.len());
}

#[test]
fn groups_overrides_and_states_have_bounds() {
    let mut nobody = group("nobody", 0, "*", &[]);
    nobody.who = None;
    assert!(nobody.check().unwrap_err().to_string().contains("`who`"));
    let mut silent = over("berlin", &[]);
    silent.why = " ".into();
    assert!(silent.check().is_err());
    let mut many = group("many", 0, "*", &[]);
    for at in 0..257 {
        many.says.artefacts.insert(slot(&format!("plugin/p{at}")), want("1"));
    }
    assert!(many.check().unwrap_err().to_string().contains("257"));
    let mut big = DesiredState::new();
    for at in 0..600 {
        big.settings.insert(format!("a.b{at}").parse().unwrap(), SettingValue::Flag(true));
    }
    assert!(big.encode().is_err());
    let _ = (release_of("a", "1"), utc("2026-01-01T00:00:00Z"));
}
