//! Each attack on an update, by its name. What was known before stays known.

use crate::world::*;
use aisle_artefact::{
    Draft, Kind, Limits, NotOffered, Role, SignatureError, Source, Standing, UpdateError, client::Client,
    client::OpenError, metadata::ReadError, repository::Keys, source, source::SourceError,
};
use serde_json::json;
use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

/// A store that knows what the hub had, and the hub with one more plugin.
fn one_behind() -> (Hub, Store, source::Memory) {
    let mut hub = Hub::new();
    let store = Store::updated(&hub);
    let before = hub.files();
    hub.add(Kind::Plugin, &add(&[&plugin("scan-and-go", "2.0.0")]));
    (hub, store, before)
}

fn refused(store: &mut Store, files: &mut source::Memory) -> UpdateError {
    let before = store.names();
    let error = store.update(files).unwrap_err();
    assert!(!error.to_string().is_empty());
    assert_eq!(store.names(), before, "what was known stays");
    store.restart();
    assert_eq!(store.names(), before, "over a restart too");
    let installed = plugin("buy-two", "1.4.0");
    if !before.is_empty() {
        assert_eq!(store.client.verify(&installed, NOW), Standing::Good, "and what runs goes on running");
    }
    error
}

#[test]
fn an_honest_hub_is_believed() {
    let (hub, mut store, _) = one_behind();
    let update = store.update(&mut hub.files()).unwrap();
    assert!(update.is_new && update.passed_over.is_empty());
    assert_eq!(store.names(), ["plugins/buy-two/1.4.0.plugin", "plugins/scan-and-go/2.0.0.plugin"]);
    assert!(!store.update(&mut hub.files()).unwrap().is_new, "nothing is new the second time");
}

#[test]
fn a_timestamp_that_goes_back_is_a_rollback() {
    let (hub, mut store, mut before) = one_behind();
    store.update(&mut hub.files()).unwrap();
    let error = refused(&mut store, &mut before);
    assert!(
        matches!(error, UpdateError::Rollback { role: Role::Timestamp, found: 2, trusted: 3 }),
        "{error}"
    );
}

#[test]
fn a_newer_timestamp_of_an_older_snapshot_is_a_rollback() {
    let (hub, mut store, before) = one_behind();
    store.update(&mut hub.files()).unwrap();
    let (mut files, old) = (hub.files(), newest(&before, "snapshot"));
    let name = format!("{old}.snapshot.json");
    files.insert(name.clone(), before[&name].clone());
    change(&mut files, "timestamp.json", &[TIMESTAMP], |body| {
        body["version"] = json!(9);
        body["meta"]["snapshot.json"] = meta(&before[&name], old);
    });
    let error = refused(&mut store, &mut files);
    assert!(matches!(error, UpdateError::Rollback { role: Role::Snapshot, .. }), "{error}");
}

#[test]
fn a_newer_snapshot_of_an_older_list_is_a_rollback() {
    let (hub, mut store, before) = one_behind();
    store.update(&mut hub.files()).unwrap();
    let mut files = hub.files();
    files.remove("3.plugins.json").unwrap();
    files.insert("2.plugins.json".into(), before["2.plugins.json"].clone());
    reseal(&mut files, 9, |body| {
        assert_eq!(body["meta"]["plugins.json"], meta(&before["2.plugins.json"], 2), "what was good once");
    });
    let error = refused(&mut store, &mut files);
    let plugins = Role::delegated("plugins").unwrap();
    assert!(
        matches!(&error, UpdateError::Rollback { role, found: 2, trusted: 3 } if *role == plugins),
        "{error}"
    );
}

#[test]
fn a_snapshot_that_forgets_a_role_is_refused() {
    let (hub, mut store, _) = one_behind();
    let mut files = hub.files();
    reseal(&mut files, 9, |body| {
        body["meta"].as_object_mut().unwrap().remove("prices.json");
    });
    let error = refused(&mut store, &mut files);
    assert!(matches!(&error, UpdateError::Forgotten { file, .. } if file == "prices.json"), "{error}");
}

#[test]
fn a_hub_that_is_held_still_is_noticed_when_its_timestamp_runs_out() {
    let (_, mut store, mut before) = one_behind();
    store.client.update(&mut before, days(6)).unwrap();
    let error = store.client.update(&mut before, days(8)).unwrap_err();
    assert!(matches!(error, UpdateError::Expired { role: Role::Timestamp, .. }), "{error}");
    let standing = store.client.verify(&plugin("buy-two", "1.4.0"), days(8));
    assert!(
        matches!(standing, Standing::Expired { role: Role::Timestamp, .. }),
        "what runs goes on: {standing:?}"
    );
}

#[test]
fn each_role_at_the_top_that_has_run_out_stops_the_update_by_its_name() {
    let (hub, mut store, _) = one_behind();
    let mut files = hub.files();
    next_list(&mut files, ("targets", &TARGETS), 9, "2026-11-19T00:00:00Z");
    let error = refused(&mut store, &mut files);
    assert!(matches!(error, UpdateError::Expired { role: Role::Targets, .. }), "{error}");
    let (hub, mut store, _) = one_behind();
    let mut files = hub.files();
    reseal(&mut files, 9, |body| body["expires"] = json!("2026-11-19T00:00:00Z"));
    let error = refused(&mut store, &mut files);
    assert!(matches!(error, UpdateError::Expired { role: Role::Snapshot, .. }), "{error}");
    let mut root = body(&files, "1.root.json");
    root["version"] = json!(2);
    root["expires"] = json!("2026-11-19T00:00:00Z");
    files.insert("2.root.json".into(), forge(&root, &ROOTS));
    let error = refused(&mut store, &mut files);
    assert!(matches!(error, UpdateError::Expired { role: Role::Root, version: 2, .. }), "{error}");
    assert_eq!(store.client.root_version(), 2, "the root itself is taken over");
}

/// A next version of a list, which is good until then.
fn next_list(files: &mut source::Memory, (name, by): (&str, &[u8]), snapshot: u64, until: &str) {
    let version = newest(files, name) + 1;
    let file = format!("{version}.{name}.json");
    files.insert(file.clone(), files[&format!("{}.{name}.json", version - 1)].clone());
    change(files, &file, by, |body| {
        body["version"] = json!(version);
        body["expires"] = json!(until);
    });
    reseal(files, snapshot, |_| ());
}

#[test]
fn a_list_that_has_run_out_stops_its_own_kind_and_no_other() {
    let (mut hub, mut store, _) = one_behind();
    let prices = artefact(Kind::Prices, "week-48", "1.0.0");
    hub.add(Kind::Prices, &add(&[&prices]));
    let mut files = hub.files();
    next_list(&mut files, ("plugins", &[PLUGINS]), 9, "2026-11-19T00:00:00Z");
    let known = |store: &Store| store.client.artefacts().find(|it| it.id.kind() == Kind::Plugin).cloned();
    let plugin = known(&store).expect("a plugin is installed");
    store.update(&mut files).unwrap();
    for _ in 0..2 {
        // What is new of another kind can be installed, and what the kind lists not, by its name.
        assert_eq!(store.client.artefact(&prices.id, NOW).unwrap().id, prices.id);
        let refused = store.client.artefact(&plugin.id, NOW).unwrap_err();
        let by = Role::delegated("plugins").unwrap();
        assert!(matches!(&refused, NotOffered::Expired { role, .. } if *role == by), "{refused}");
        // What runs goes on, with a remark.
        let standing = store.client.verify(&plugin, NOW);
        assert!(matches!(&standing, Standing::Expired { role, .. } if *role == by), "{standing:?}");
        assert_eq!(store.client.expiries()[0].0, by, "who runs out is named, the first first");
        // It lasts over a start and another update.
        store.restart();
        assert!(!store.update(&mut files).unwrap().is_new);
    }
    // A search for one target ends there, as the specification has it.
    store.client.refresh(&mut files, NOW).unwrap();
    let error = store.client.find(&plugin.id.to_string(), &mut files, NOW).unwrap_err();
    assert!(matches!(error, UpdateError::Expired { .. }), "{error}");
    // A list that is good again opens the kind again.
    next_list(&mut files, ("plugins", &[PLUGINS]), 10, "2027-11-19T00:00:00Z");
    store.update(&mut files).unwrap();
    assert_eq!(store.client.artefact(&plugin.id, NOW).unwrap().id, plugin.id);
}

#[test]
fn files_of_two_publications_do_not_go_together() {
    let (hub, mut store, before) = one_behind();
    let mut files = hub.files();
    let (old, new) = (newest(&before, "plugins"), newest(&files, "plugins"));
    let same_length = files[&format!("{new}.plugins.json")].len();
    let mut other = before[&format!("{old}.plugins.json")].clone();
    other.resize(same_length, b' ');
    files.insert(format!("{new}.plugins.json"), other);
    let error = refused(&mut store, &mut files);
    assert!(matches!(error, UpdateError::Mismatch { what: "hash", .. }), "{error}");
    files.insert(format!("{new}.plugins.json"), before[&format!("{old}.plugins.json")].clone());
    let error = refused(&mut store, &mut files);
    assert!(matches!(error, UpdateError::Mismatch { what: "length", .. }), "{error}");
}

#[test]
fn a_file_under_the_number_of_another_is_refused_even_where_nobody_said_its_hash() {
    let (hub, mut store, before) = one_behind();
    let mut files = hub.files();
    let (old, new) = (newest(&before, "plugins"), newest(&files, "plugins"));
    files.insert(format!("{new}.plugins.json"), before[&format!("{old}.plugins.json")].clone());
    reseal(&mut files, 9, |body| body["meta"]["plugins.json"] = json!({ "version": new }));
    let error = refused(&mut store, &mut files);
    assert!(
        matches!(error, UpdateError::Version { found, expected, .. } if (found, expected) == (old, new)),
        "{error}"
    );
}

#[test]
fn too_few_signatures_are_a_wrong_threshold() {
    let (hub, mut store, _) = one_behind();
    let mut files = hub.files();
    change(&mut files, "1.targets.json", &TARGETS[..1], |body| body["version"] = json!(2));
    let file = files.remove("1.targets.json").unwrap();
    files.insert("2.targets.json".into(), file);
    reseal(&mut files, 9, |_| ());
    let error = refused(&mut store, &mut files);
    let expected = SignatureError::Threshold { role: Role::Targets, valid: 1, threshold: 2 };
    assert!(matches!(&error, UpdateError::Signature(found) if *found == expected), "{error}");
}

#[test]
fn one_key_that_signs_twice_is_one() {
    let (hub, mut store, _) = one_behind();
    let mut files = hub.files();
    let mut root = body(&files, "1.root.json");
    root["version"] = json!(2);
    files.insert("2.root.json".into(), forge(&root, &[ROOTS[0], ROOTS[0]]));
    let error = refused(&mut store, &mut files);
    assert!(
        matches!(error, UpdateError::Read(ReadError::DuplicateSignature { role: Role::Root, .. })),
        "{error}"
    );

    // The same key under another name: a field that nobody knows changes its identifier, and not what it signs.
    let mut twin = root["keys"][key(ROOTS[0]).id().to_string()].clone();
    twin["x-owner"] = json!("somebody");
    let mut canonical = Vec::new();
    let mut serializer =
        serde_json::Serializer::with_formatter(&mut canonical, olpc_cjson::CanonicalFormatter::new());
    serde::Serialize::serialize(&twin, &mut serializer).unwrap();
    let twin_id = aisle_artefact::Digest::sha256(&canonical).to_string();
    root["keys"][&twin_id] = twin;
    root["roles"]["timestamp"] =
        json!({ "keyids": [key(ROOTS[0]).id().to_string(), twin_id], "threshold": 2 });
    files.insert("2.root.json".into(), forge(&root, &ROOTS));
    let mut timestamp: serde_json::Value =
        serde_json::from_slice(&forge(&body(&files, "timestamp.json"), &[ROOTS[0]])).unwrap();
    let mut second = timestamp["signatures"][0].clone();
    second["keyid"] = json!(twin_id);
    timestamp["signatures"].as_array_mut().unwrap().push(second);
    files.insert("timestamp.json".into(), serde_json::to_vec(&timestamp).unwrap());
    let error = refused(&mut store, &mut files);
    let expected = SignatureError::Threshold { role: Role::Timestamp, valid: 1, threshold: 2 };
    assert!(matches!(&error, UpdateError::Signature(found) if *found == expected), "{error}");
}

#[test]
fn what_was_changed_after_it_was_signed_is_forged() {
    let (hub, mut store, _) = one_behind();
    let mut files = hub.files();
    let text = String::from_utf8(files["timestamp.json"].clone()).unwrap();
    let later = text.replace("\"expires\":\"2026", "\"expires\":\"2036");
    assert_ne!(text, later);
    files.insert("timestamp.json".into(), later.into_bytes());
    let error = refused(&mut store, &mut files);
    let is_forged = |error: &SignatureError| {
        matches!(error, SignatureError::Forged { role: Role::Timestamp, key, valid: 0, threshold: 1 }
            if *key == *self::key(TIMESTAMP).id())
    };
    assert!(matches!(&error, UpdateError::Signature(found) if is_forged(found)), "{error}");
}

#[test]
fn a_stranger_signs_nothing() {
    let (hub, mut store, _) = one_behind();
    let mut files = hub.files();
    change(&mut files, "timestamp.json", &[200], |body| body["version"] = json!(9));
    let error = refused(&mut store, &mut files);
    let expected = SignatureError::Threshold { role: Role::Timestamp, valid: 0, threshold: 1 };
    assert!(matches!(&error, UpdateError::Signature(found) if *found == expected), "{error}");
}

#[test]
fn a_key_of_another_role_is_named_with_whose_it_is() {
    let (hub, mut store, _) = one_behind();
    let mut files = hub.files();
    change(&mut files, "timestamp.json", &[SNAPSHOT], |body| body["version"] = json!(9));
    let error = refused(&mut store, &mut files);
    let is_foreign = |error: &SignatureError, role: &str, whose: &str| matches!(error, SignatureError::ForeignKey { role: found, of, .. } if found.as_str() == role && of == whose);
    assert!(
        matches!(&error, UpdateError::Signature(found) if is_foreign(found, "timestamp", "snapshot")),
        "{error}"
    );

    // Who may sign prices signs a plugin.
    for (by, whose) in [(PRICES, "prices"), (TIMESTAMP, "timestamp")] {
        let (hub, mut store, _) = one_behind();
        let mut files = hub.files();
        let version = newest(&files, "plugins");
        change(&mut files, &format!("{version}.plugins.json"), &[by], |_| ());
        reseal(&mut files, 9, |_| ());
        let error = refused(&mut store, &mut files);
        assert!(
            matches!(&error, UpdateError::Signature(found) if is_foreign(found, "plugins", whose)),
            "{error}"
        );
    }
}

#[test]
fn a_list_that_names_what_its_role_was_not_given_is_refused() {
    for path in ["plugins/evil/1.0.0.plugin", "prices/evil", "prices/a/b/1.0.0.prices", "evil"] {
        let (hub, mut store, _) = one_behind();
        let mut files = hub.files();
        let plugins = newest(&files, "plugins");
        let target =
            body(&files, &format!("{plugins}.plugins.json"))["targets"]["plugins/buy-two/1.4.0.plugin"]
                .clone();
        let version = newest(&files, "prices");
        change(&mut files, &format!("{version}.prices.json"), &[PRICES], |body| {
            body["targets"][path] = target;
        });
        reseal(&mut files, 9, |_| ());
        let error = refused(&mut store, &mut files);
        assert!(
            matches!(&error, UpdateError::OutsidePaths { role, path: found }
            if role.as_str() == "prices" && found == path),
            "{error}"
        );
    }
}

#[test]
fn a_role_that_nobody_named_is_unknown() {
    let (hub, mut store, _) = one_behind();
    // Delegated, but in no snapshot.
    let mut files = hub.files();
    let mut targets = body(&files, "1.targets.json");
    targets["version"] = json!(2);
    let mut role = targets["delegations"]["roles"][0].clone();
    role["name"] = json!("models");
    targets["delegations"]["roles"].as_array_mut().unwrap().push(role);
    files.insert("2.targets.json".into(), forge(&targets, &TARGETS));
    reseal(&mut files, 9, |_| ());
    let error = refused(&mut store, &mut files);
    assert!(matches!(&error, UpdateError::UnknownRole { role } if role.as_str() == "models"), "{error}");

    // Named like one at the top, or like a path.
    for name in ["timestamp", "Root", "", "a\nb", &"x".repeat(65)] {
        let (_, mut store, _) = one_behind();
        let mut files = hub.files();
        targets["delegations"]["roles"][2]["name"] = json!(name);
        files.insert("2.targets.json".into(), forge(&targets, &TARGETS));
        reseal(&mut files, 9, |_| ());
        let error = refused(&mut store, &mut files);
        assert!(matches!(error, UpdateError::Role(_)), "{name}: {error}");
    }
    let (hub, mut store, _) = one_behind();
    // No timestamp names a snapshot, no root a timestamp.
    let mut files = hub.files();
    change(&mut files, "timestamp.json", &[TIMESTAMP], |body| {
        body["version"] = json!(9);
        body["meta"] = json!({});
    });
    let error = refused(&mut store, &mut files);
    assert!(matches!(error, UpdateError::UnknownRole { role: Role::Snapshot }), "{error}");
    let mut root = body(&files, "1.root.json");
    root["version"] = json!(2);
    root["roles"].as_object_mut().unwrap().remove("timestamp");
    files.insert("2.root.json".into(), forge(&root, &ROOTS));
    let error = store.update(&mut files).unwrap_err();
    let expected = SignatureError::NoRole { role: Role::Timestamp };
    assert!(matches!(&error, UpdateError::Signature(found) if *found == expected), "{error}");
}

#[test]
fn metadata_of_one_type_is_not_taken_for_another() {
    let (hub, mut store, _) = one_behind();
    let mut files = hub.files();
    let mut root = body(&files, "1.root.json");
    root["version"] = json!(2);
    root["roles"]["timestamp"] = root["roles"]["snapshot"].clone();
    files.insert("2.root.json".into(), forge(&root, &ROOTS));
    let newest = newest(&files, "snapshot");
    let mut snapshot = body(&files, &format!("{newest}.snapshot.json"));
    snapshot["meta"] = json!({ "snapshot.json": { "version": 1 } });
    files.insert("timestamp.json".into(), forge(&snapshot, &[SNAPSHOT]));
    let error = refused(&mut store, &mut files);
    assert!(
        matches!(&error, UpdateError::Read(ReadError::Type { role: Role::Timestamp, found }) if found == "snapshot"),
        "{error}"
    );
}

/// Gives bytes without an end under one name, and counts them.
struct Endless {
    files: source::Memory,
    name: &'static str,
    given: Rc<Cell<u64>>,
}

struct Zeros(Rc<Cell<u64>>);

impl Read for Zeros {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(b' ');
        self.0.set(self.0.get() + buffer.len() as u64);
        Ok(buffer.len())
    }
}

impl Source for Endless {
    fn fetch(&mut self, name: &str, bytes_max: u64) -> Result<Box<dyn Read + '_>, SourceError> {
        if name.ends_with(self.name) {
            return Ok(Box::new(Zeros(Rc::clone(&self.given))));
        }
        self.files.fetch(name, bytes_max)
    }
}

#[test]
fn data_without_an_end_is_read_up_to_its_bound() {
    let limits = Limits::default();
    for (name, bound) in [
        ("2.root.json", limits.root_bytes_max),
        ("timestamp.json", limits.timestamp_bytes_max),
        ("snapshot.json", 4096),
        ("plugins.json", 4096),
    ] {
        let (hub, mut store, _) = one_behind();
        let given = Rc::new(Cell::new(0));
        let mut source = Endless { files: hub.files(), name, given: Rc::clone(&given) };
        let error = store.client.update(&mut source, NOW).unwrap_err();
        assert!(
            matches!(&error, UpdateError::TooLong { name: found, .. } if found.ends_with(name)),
            "{error}"
        );
        assert!(
            given.get() > 0 && given.get() <= bound + 64 * 1024,
            "{name}: {} bytes were read",
            given.get()
        );
    }
}

#[test]
fn a_file_longer_than_was_said_or_than_may_be_is_not_read_on() {
    let (hub, mut store, _) = one_behind();
    let mut files = hub.files();
    let version = newest(&files, "plugins");
    let file = format!("{version}.plugins.json");
    files.get_mut(&file).unwrap().push(b' ');
    let error = refused(&mut store, &mut files);
    assert!(matches!(&error, UpdateError::TooLong { name, .. } if *name == file), "{error}");

    // What the snapshot says does not lift the client's own bound.
    let mut files = hub.files();
    reseal(&mut files, 9, |body| body["meta"]["plugins.json"]["length"] = json!(u64::MAX >> 1));
    files.get_mut(&file).unwrap().resize(Limits::default().targets_bytes_max as usize + 1, b' ');
    let error = refused(&mut store, &mut files);
    let max = Limits::default().targets_bytes_max;
    assert!(matches!(&error, UpdateError::TooLong { bytes_max, .. } if *bytes_max == max), "{error}");
}

#[test]
fn a_root_must_follow_the_one_before_and_be_signed_by_both() {
    let (hub, mut store, _) = one_behind();
    let files = hub.files();
    let next = |version: u64, by: &[u8]| {
        let mut plan = plan();
        plan.root = keys(&[11, 12], 2);
        let draft = signed(Draft::root(version, &plan, days(365)).unwrap(), by);
        let file: serde_json::Value = serde_json::from_slice(&draft.write().unwrap()).unwrap();
        serde_json::to_vec(&json!({ "signed": file["signed"], "signatures": file["signatures"] })).unwrap()
    };
    let mut offer = |version, by: &[u8]| {
        let mut files = files.clone();
        files.insert("2.root.json".into(), next(version, by));
        store.update(&mut files)
    };
    let error = offer(2, &[11, 12]).unwrap_err();
    let unsigned = SignatureError::Threshold { role: Role::Root, valid: 0, threshold: 2 };
    assert!(matches!(&error, UpdateError::Signature(found) if *found == unsigned), "not by the old: {error}");
    let error = offer(2, &ROOTS).unwrap_err();
    assert!(matches!(&error, UpdateError::Signature(found) if *found == unsigned), "not by the new: {error}");
    let error = offer(3, &[1, 2, 11, 12]).unwrap_err();
    assert!(matches!(error, UpdateError::Version { role: Role::Root, found: 3, expected: 2 }), "{error}");
    offer(2, &[1, 2, 11, 12]).unwrap();
    assert_eq!(store.client.root_version(), 2);
}

#[test]
fn more_roots_than_one_update_goes_through_are_gone_through_by_the_next() {
    let hub = Hub::new();
    let mut files = hub.files();
    for version in 2..=7 {
        let mut root = body(&files, "1.root.json");
        root["version"] = json!(version);
        files.insert(format!("{version}.root.json"), forge(&root, &ROOTS));
    }
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { roots_max: 4, ..Limits::default() };
    let mut client = Client::init(dir.path(), &hub.root(), limits).unwrap();
    let error = client.update(&mut files, NOW).unwrap_err();
    assert!(matches!(error, UpdateError::TooMany { max: 4, .. }), "{error}");
    assert_eq!(client.root_version(), 5);
    client.update(&mut files, NOW).unwrap();
    assert_eq!(client.root_version(), 7);
}

#[test]
fn a_number_that_an_attacker_drove_up_is_no_bar_after_the_keys_changed() {
    let (mut hub, mut store, _) = one_behind();
    let mut files = hub.files();
    reseal(&mut files, 1_000_000, |body| body["meta"]["plugins.json"]["version"] = json!(3));
    change(&mut files, "timestamp.json", &[TIMESTAMP], |body| body["version"] = json!(1_000_000));
    store.update(&mut files).unwrap();

    let mut plan = plan();
    plan.snapshot = Keys::one(key(26).public());
    plan.timestamp = Keys::one(key(27).public());
    let root = signed(hub.repository.next_root(&plan, days(365)).unwrap(), &ROOTS);
    let (snapshot, timestamp) = (key(26), key(27));
    let online = aisle_artefact::repository::Online { snapshot: &snapshot, timestamp: &timestamp };
    hub.repository.publish(vec![root], &online, VALIDITY, NOW).unwrap();
    store.update(&mut hub.files()).unwrap();
    assert_eq!(store.client.root_version(), 2);
}

#[test]
fn the_first_root_has_to_have_signed_itself() {
    let hub = Hub::new();
    let dir = tempfile::tempdir().unwrap();
    let unsigned = forge(&body(&hub.files(), "1.root.json"), &ROOTS[..1]);
    let error = Client::init(dir.path(), &unsigned, Limits::default()).unwrap_err();
    assert!(matches!(error, OpenError::Signature(SignatureError::Threshold { .. })), "{error}");
    assert!(matches!(Client::init(dir.path(), b"{}", Limits::default()), Err(OpenError::Read(_))));
    assert!(matches!(Client::open(dir.path(), Limits::default()), Err(OpenError::NoRoot)));
    Client::init(dir.path(), &hub.root(), Limits::default()).unwrap();
    let again = Client::init(dir.path(), &hub.root(), Limits::default());
    assert!(matches!(again, Err(OpenError::Trusted { version: 1 })), "nobody trusts another root by mistake");
}

#[test]
fn metadata_that_does_not_read_is_refused_by_whose_it_should_be() {
    let (hub, mut store, _) = one_behind();
    let timestamp = body(&hub.files(), "timestamp.json");
    let with = |field: &str, value: serde_json::Value| {
        let mut body = timestamp.clone();
        body[field] = value;
        forge(&body, &[TIMESTAMP])
    };
    let many: Vec<u8> = (30..=100).collect();
    let floats = String::from_utf8(hub.files()["timestamp.json"].clone())
        .unwrap()
        .replace("\"version\":", "\"x\":1.5,\"version\":");
    let offers: Vec<(Vec<u8>, &str)> = vec![
        (b"not json".to_vec(), "json"),
        (b"{}".to_vec(), "json"),
        (vec![b'['; 5000], "json"),
        (with("version", json!(0)), "json"),
        (with("version", json!(-1)), "json"),
        (with("expires", json!("tomorrow")), "expires"),
        (with("spec_version", json!("2.0.0")), "spec"),
        (floats.into_bytes(), "canonical"),
        (forge(&timestamp, &many), "signatures"),
    ];
    for (bytes, expected) in offers {
        let mut files = hub.files();
        files.insert("timestamp.json".into(), bytes);
        let error = refused(&mut store, &mut files);
        let UpdateError::Read(error) = error else { panic!("{expected}: {error}") };
        let found = match error {
            ReadError::Json { .. } => "json",
            ReadError::Expires { .. } => "expires",
            ReadError::Spec { .. } => "spec",
            ReadError::Canonical { .. } => "canonical",
            ReadError::Signatures { .. } => "signatures",
            ReadError::Type { .. } | ReadError::DuplicateSignature { .. } => "other",
        };
        assert_eq!(found, expected);
    }
}
