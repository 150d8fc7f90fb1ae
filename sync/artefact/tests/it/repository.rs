//! The hub's side: ceremonies, what is published and what is not, what runs out.

use crate::world::*;
use aisle_artefact::{
    Draft, Kind, Limits, Repository, Role, SignatureError,
    client::Client,
    repository::{
        Change, ChangeError, Delegation, DraftError, Keys, Online, OpenError, PlanError, PublishError,
    },
    shelf::{self, Folder, Shelf as _, ShelfError},
};

fn init(drafts: Vec<Draft>) -> Result<Repository<shelf::Memory>, PublishError> {
    online(|online| Repository::init(shelf::Memory::default(), drafts, online, VALIDITY, NOW))
}

#[test]
fn a_ceremony_takes_drafts_from_hand_to_hand_and_counts_signatures_at_the_end() {
    // The hub's operator makes the drafts; each holder reads, looks, signs, and hands on.
    let mut file = Draft::root(1, &plan(), days(365)).unwrap().write().unwrap();
    for holder in &ROOTS[..2] {
        let mut draft = Draft::read(&file).unwrap();
        assert_eq!(draft.summary().unwrap()[0], "root, version 1, until 2027-11-20T00:00:00Z");
        assert!(draft.summary().unwrap().iter().any(|line| line.starts_with("targets: 2 of ")));
        draft.sign(&key(*holder));
        file = draft.write().unwrap();
    }
    let root = Draft::read(&file).unwrap();
    assert_eq!(root.signed_by(), [key(1).id().clone(), key(2).id().clone()]);
    let mut drafts = first_drafts(days(365));
    drafts[0] = root;
    let repository = init(drafts).unwrap();
    assert_eq!(repository.root_plan(), plan());
    assert_eq!(repository.delegations(), delegations());
}

#[test]
fn a_repository_is_not_made_of_drafts_that_are_missing_or_not_signed_enough() {
    for (number, role) in ["root", "targets", "plugins", "prices"].into_iter().enumerate() {
        let mut drafts = first_drafts(days(365));
        drafts.remove(number);
        let error = init(drafts).unwrap_err();
        assert!(matches!(&error, PublishError::Missing { role: found } if found.as_str() == role), "{error}");
    }
    let mut drafts = first_drafts(days(365));
    drafts[0] = signed(Draft::root(1, &plan(), days(365)).unwrap(), &ROOTS[..1]);
    let expected = SignatureError::Threshold { role: Role::Root, valid: 1, threshold: 2 };
    assert!(matches!(init(drafts), Err(PublishError::Signature(found)) if found == expected));
    let mut drafts = first_drafts(days(365));
    drafts.push(drafts[3].clone());
    assert!(matches!(init(drafts), Err(PublishError::Twice { .. })));
    let mut drafts = first_drafts(days(365));
    drafts.push(signed(Draft::artefacts(Kind::Model, 1, [], days(365)).unwrap(), &[PLUGINS]));
    assert!(matches!(init(drafts), Err(PublishError::NotDelegated { .. })));
    assert!(matches!(init(first_drafts(NOW)), Err(PublishError::Expired { .. })));
    let wrong = key(99);
    let online = Online { snapshot: &wrong, timestamp: &wrong };
    let made = Repository::init(shelf::Memory::default(), first_drafts(days(365)), &online, VALIDITY, NOW);
    assert!(matches!(made, Err(PublishError::OnlineKey { role: Role::Snapshot, .. })));
    let repository = init(first_drafts(days(365))).unwrap();
    let shelf = repository.shelf().clone();
    let again = crate::world::online(|online| {
        Repository::init(shelf, first_drafts(days(365)), online, VALIDITY, NOW)
    });
    assert!(matches!(again, Err(PublishError::Exists { version: 1 })));
    assert!(matches!(Repository::open(shelf::Memory::default()), Err(OpenError::Nothing)));
}

#[test]
fn a_plan_that_could_not_work_or_would_not_protect_is_refused() {
    let root = |change: fn(&mut aisle_artefact::repository::RootPlan)| {
        let mut plan = plan();
        change(&mut plan);
        match Draft::root(1, &plan, days(1)) {
            Err(DraftError::Plan(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(root(|plan| plan.root.threshold = 4), PlanError::Threshold { role: Role::Root, .. }));
    assert!(matches!(
        root(|plan| plan.snapshot.threshold = 0),
        PlanError::Threshold { role: Role::Snapshot, .. }
    ));
    assert!(matches!(root(|plan| plan.targets.keys.clear()), PlanError::Keys { role: Role::Targets, .. }));
    assert!(matches!(root(|plan| plan.root = keys(&[1, 1], 1)), PlanError::Twice { role: Role::Root, .. }));
    assert!(matches!(
        root(|plan| plan.timestamp = keys(&[TARGETS[0]], 1)),
        PlanError::Online { offline: Role::Targets, online: Role::Timestamp, .. }
    ));
    let mut twice = delegations();
    twice.push(twice[0].clone());
    let draft = Draft::targets(1, &twice, days(1));
    assert!(matches!(draft, Err(DraftError::Plan(PlanError::Kind { kind: Kind::Plugin }))));
    let wrong = Draft::artefacts(Kind::Prices, 1, [&plugin("buy-two", "1.0.0")], days(1));
    assert!(matches!(wrong, Err(DraftError::Kind { kind: Kind::Prices, .. })));
}

#[test]
fn artefacts_come_and_go_and_a_version_never_becomes_another_content() {
    let mut hub = Hub::new();
    hub.add(Kind::Prices, &add(&[&artefact(Kind::Prices, "main", "2026.11.22")]));
    let listed: Vec<String> = hub.repository.artefacts().keys().map(ToString::to_string).collect();
    assert_eq!(listed, ["plugins/buy-two/1.4.0.plugin", "prices/main/2026.11.22.prices"]);

    let mut other = plugin("buy-two", "1.4.0");
    other.blake3 = aisle_artefact::Digest([1; 32]);
    let refused = hub.repository.next_artefacts(Kind::Plugin, &add(&[&other]), days(365));
    assert!(matches!(refused, Err(ChangeError::Exists { .. })));
    // Nor by a draft that was made somewhere else.
    let draft = signed(Draft::artefacts(Kind::Plugin, 3, [&other], days(365)).unwrap(), &[PLUGINS]);
    assert!(matches!(hub.publish(vec![draft]), Err(PublishError::Changed { .. })));

    let gone = Change { add: Vec::new(), remove: vec![id(Kind::Plugin, "buy-two", "1.4.0")] };
    hub.add(Kind::Plugin, &gone);
    assert_eq!(hub.repository.artefacts().len(), 1);
    let again = hub.repository.next_artefacts(Kind::Plugin, &gone, days(365));
    assert!(matches!(again, Err(ChangeError::Unknown { .. })));
    let models = hub.repository.next_artefacts(Kind::Model, &Change::default(), days(365));
    assert!(matches!(models, Err(ChangeError::Kind { kind: Kind::Model })));
}

#[test]
fn a_draft_that_is_not_the_next_or_not_signed_by_its_role_changes_nothing() {
    let mut hub = Hub::new();
    let before = hub.files();
    let next =
        |hub: &Hub| hub.repository.next_artefacts(Kind::Plugin, &Change::default(), days(365)).unwrap();
    let by_prices = signed(next(&hub), &[PRICES]);
    let error = hub.publish(vec![by_prices]).unwrap_err();
    assert!(
        matches!(&error, PublishError::Signature(SignatureError::ForeignKey { of, .. }) if of == "prices"),
        "{error}"
    );
    let mut forged = signed(next(&hub), &[PLUGINS]).write().unwrap();
    forged = String::from_utf8(forged).unwrap().replace("2027-11-20", "2037-11-20").into_bytes();
    let forged = Draft::read(&forged).unwrap();
    assert!(matches!(hub.publish(vec![forged]), Err(PublishError::Signature(SignatureError::Forged { .. }))));
    let skipped = signed(Draft::artefacts(Kind::Plugin, 9, [], days(365)).unwrap(), &[PLUGINS]);
    assert!(matches!(hub.publish(vec![skipped]), Err(PublishError::Version { found: 9, expected: 3, .. })));
    let old =
        signed(hub.repository.next_artefacts(Kind::Plugin, &Change::default(), NOW).unwrap(), &[PLUGINS]);
    assert!(matches!(hub.publish(vec![old]), Err(PublishError::Expired { .. })));
    assert_eq!(hub.files(), before);
    assert!(matches!(Draft::read(b"{}"), Err(DraftError::Form(_))));
    let named = String::from_utf8(next(&hub).write().unwrap()).unwrap().replace("\"plugins\"", "\"root\"");
    assert!(Draft::read(named.as_bytes()).is_err(), "a list is no root");
}

#[test]
fn keys_of_every_role_can_be_changed_and_stores_follow() {
    let mut hub = Hub::new();
    let mut store = Store::updated(&hub);
    let mut plan = plan();
    plan.root = keys(&[1, 11, 12], 2);
    let root =
        |hub: &Hub, plan: &_, by: &[u8]| signed(hub.repository.next_root(plan, days(700)).unwrap(), by);

    // Not by one of the old, not by one of the new.
    let error = hub.publish(vec![root(&hub, &plan, &[1, 11])]).unwrap_err();
    assert!(
        matches!(
            error,
            PublishError::Signature(SignatureError::Threshold { role: Role::Root, .. })
                | PublishError::Signature(SignatureError::ForeignKey { role: Role::Root, .. })
        ),
        "{error}"
    );
    hub.publish(vec![root(&hub, &plan, &[1, 2, 11])]).unwrap();

    // The targets keys: what is in force has to come along, signed again.
    plan.targets = keys(&[14, 15], 2);
    let error = hub.publish(vec![root(&hub, &plan, &[1, 11])]).unwrap_err();
    assert!(matches!(&error, PublishError::Stale { role: Role::Targets, .. }), "{error}");
    let targets = signed(hub.repository.next_targets(&delegations(), days(365)).unwrap(), &[14, 15]);
    hub.publish(vec![root(&hub, &plan, &[1, 11]), targets]).unwrap();

    // The key of a kind.
    let changed = vec![
        Delegation { kind: Kind::Plugin, keys: keys(&[18], 1) },
        Delegation { kind: Kind::Prices, keys: keys(&[PRICES], 1) },
    ];
    let targets = |hub: &Hub| signed(hub.repository.next_targets(&changed, days(365)).unwrap(), &[14, 15]);
    let error = hub.publish(vec![targets(&hub)]).unwrap_err();
    assert!(matches!(&error, PublishError::Stale { role, .. } if role.as_str() == "plugins"), "{error}");
    let same = hub.repository.next_artefacts(Kind::Plugin, &Change::default(), days(365)).unwrap();
    hub.publish(vec![targets(&hub), signed(same, &[18])]).unwrap();

    // The online keys: everything online is signed anew.
    plan.snapshot = Keys::one(key(16).public());
    plan.timestamp = Keys::one(key(17).public());
    let draft = root(&hub, &plan, &[1, 11]);
    assert!(matches!(
        hub.publish(vec![draft.clone()]),
        Err(PublishError::OnlineKey { role: Role::Snapshot, .. })
    ));
    let (snapshot, timestamp) = (key(16), key(17));
    let online = Online { snapshot: &snapshot, timestamp: &timestamp };
    hub.repository.publish(vec![draft], &online, VALIDITY, NOW).unwrap();

    store.update(&mut hub.files()).unwrap();
    assert_eq!(store.client.root_version(), 4);
    assert_eq!(store.names(), ["plugins/buy-two/1.4.0.plugin"]);
    let mut late = Store::new(&hub);
    late.update(&mut hub.files()).unwrap();
    assert_eq!(late.names(), store.names(), "one that trusts the first root only gets there too");
}

#[test]
fn a_kind_that_is_given_to_nobody_any_more_can_come_back() {
    let mut hub = Hub::new();
    let mut store = Store::updated(&hub);
    let targets = |hub: &Hub, delegations: &[Delegation]| {
        signed(hub.repository.next_targets(delegations, days(365)).unwrap(), &TARGETS)
    };
    hub.publish(vec![targets(&hub, &delegations()[1..])]).unwrap();
    store.update(&mut hub.files()).unwrap();
    assert!(store.names().is_empty());
    let first = signed(Draft::artefacts(Kind::Plugin, 1, [], days(365)).unwrap(), &[PLUGINS]);
    let draft = targets(&hub, &delegations());
    let error = hub.publish(vec![draft.clone(), first]).unwrap_err();
    assert!(matches!(error, PublishError::Version { found: 1, expected: 3, .. }), "stores remember: {error}");
    let third = Draft::artefacts(Kind::Plugin, 3, [&plugin("buy-two", "1.5.0")], days(365)).unwrap();
    hub.publish(vec![draft, signed(third, &[PLUGINS])]).unwrap();
    store.update(&mut hub.files()).unwrap();
    assert_eq!(store.names(), ["plugins/buy-two/1.5.0.plugin"]);
}

#[test]
fn what_runs_out_is_listed_with_the_first_one_first() {
    let mut hub = Hub::new();
    let expiries = hub.repository.expiries();
    let listed: Vec<(&str, i64)> =
        expiries.iter().map(|expiry| (expiry.role.as_str(), (expiry.expires.0 - NOW.0) / DAY_MS)).collect();
    assert_eq!(
        listed,
        [
            ("timestamp", 7),
            ("snapshot", 30),
            ("root", 365),
            ("targets", 365),
            ("plugins", 365),
            ("prices", 365)
        ]
    );
    assert_eq!(expiries[2].signed_by.len(), 2);

    hub.now = days(5);
    let published = hub.refresh();
    assert_eq!((published.timestamp, published.snapshot), (3, 2), "the snapshot is good for long enough");
    hub.now = days(16);
    let published = hub.refresh();
    assert_eq!((published.timestamp, published.snapshot), (4, 3), "half of its time is over");
    assert_eq!(published.first_expiry, days(23));
}

#[test]
fn two_hubs_that_publish_at_once_do_not_undo_each_other() {
    let mut hub = Hub::new();
    let other = Repository::open(hub.repository.shelf().clone()).unwrap();
    hub.refresh();
    // The other one has its own view of the shelf, which moved on meanwhile.
    let mut other = Hub { repository: other, now: NOW };
    *other.repository.shelf_mut() = hub.repository.shelf().clone();
    let draft =
        other.repository.next_artefacts(Kind::Plugin, &add(&[&plugin("new", "1.0.0")]), days(365)).unwrap();
    let error = other.publish(vec![signed(draft, &[PLUGINS])]).unwrap_err();
    assert!(matches!(error, PublishError::Shelf(ShelfError::Raced)), "{error}");
    assert_eq!(other.repository.artefacts().len(), 1, "what it holds in memory did not change either");
}

#[test]
fn old_versions_go_and_roots_stay() {
    let mut hub = Hub::new();
    for number in 0..40 {
        hub.add(Kind::Plugin, &add(&[&plugin("many", &format!("1.0.{number}"))]));
    }
    let names: Vec<String> = hub.repository.shelf().files().map(|(name, _)| name.to_string()).collect();
    let count = |ending: &str| names.iter().filter(|name| name.ends_with(ending)).count();
    assert_eq!((count(".plugins.json"), count(".snapshot.json")), (16, 16));
    assert!(names.contains(&"1.root.json".to_owned()) && names.contains(&"1.targets.json".to_owned()));
}

#[test]
fn a_folder_keeps_it_over_restarts_and_is_a_mirror() {
    let dir = tempfile::tempdir().unwrap();
    let folder = || Folder::open(dir.path()).unwrap();
    let made = online(|online| Repository::init(folder(), first_drafts(days(365)), online, VALIDITY, NOW));
    drop(made.unwrap());
    let mut repository = Repository::open(folder()).unwrap();
    let draft =
        repository.next_artefacts(Kind::Plugin, &add(&[&plugin("buy-two", "1.4.0")]), days(365)).unwrap();
    online(|online| repository.publish(vec![signed(draft, &[PLUGINS])], online, VALIDITY, NOW)).unwrap();

    let store = tempfile::tempdir().unwrap();
    let root = std::fs::read(dir.path().join("1.root.json")).unwrap();
    let mut client = Client::init(store.path(), &root, Limits::default()).unwrap();
    let mut mirror = aisle_artefact::files::DiskFiles::open(dir.path()).unwrap();
    client.update(&mut mirror, NOW).unwrap();
    assert_eq!(client.artefacts().count(), 1);
    assert_eq!(client.artefacts().count(), Repository::open(folder()).unwrap().artefacts().len());
}

#[test]
fn what_a_database_has_to_store_is_told_in_order() {
    let mut hub = Hub::new();
    hub.repository.shelf_mut().take_written();
    let before = hub.repository.shelf().get(&aisle_artefact::FileName::newest(Role::Timestamp)).unwrap();
    hub.refresh();
    let written = hub.repository.shelf_mut().take_written();
    let [shelf::Written::Put { before: compared, files }] = &written[..] else { panic!("{written:?}") };
    assert_eq!(*compared, before);
    assert_eq!(files.last().unwrap().0.to_string(), "timestamp.json", "what makes it count comes last");
}
