//! What runs and what is new, as time goes by and the hub changes its mind.

use crate::world::*;
use aisle_artefact::{Digest, Kind, NotOffered, Role, Standing, repository::Change};
use serde_json::json;

#[test]
fn what_runs_goes_on_when_metadata_runs_out_and_nothing_new_is_installed() {
    let hub = Hub::new();
    let mut store = Store::updated(&hub);
    let installed = plugin("buy-two", "1.4.0");
    assert_eq!(store.client.verify(&installed, NOW), Standing::Good);
    assert_eq!(store.client.artefact(&installed.id, NOW), Ok(&installed));

    // Weeks and years without a line, and over restarts.
    for (at, first) in
        [(days(8), Role::Timestamp), (days(31), Role::Timestamp), (days(4000), Role::Timestamp)]
    {
        store.restart();
        let Standing::Expired { role, since } = store.client.verify(&installed, at) else { panic!("{at:?}") };
        assert_eq!((role, since), (first, days(7)));
        let refused = store.client.artefact(&installed.id, at).unwrap_err();
        assert!(matches!(refused, NotOffered::Expired { role: Role::Timestamp, .. }), "{refused}");
    }
    assert_eq!(
        store.client.verify(&installed, days(7)),
        Standing::Expired { role: Role::Timestamp, since: days(7) }
    );
    let expiries = store.client.expiries();
    assert_eq!(expiries[0], (Role::Timestamp, 2, days(7)), "the survival horizon begins with it");
    assert_eq!(expiries.len(), 6);
}

#[test]
fn a_line_that_comes_back_makes_it_good_again() {
    let mut hub = Hub::new();
    let mut store = Store::updated(&hub);
    hub.now = days(40);
    hub.refresh();
    let installed = plugin("buy-two", "1.4.0");
    assert!(matches!(store.client.verify(&installed, days(40)), Standing::Expired { .. }));
    assert!(store.client.update(&mut hub.files(), days(40)).unwrap().is_new);
    assert_eq!(store.client.verify(&installed, days(40)), Standing::Good);
}

#[test]
fn what_was_taken_back_is_withdrawn_and_not_stopped() {
    let mut hub = Hub::new();
    let mut store = Store::updated(&hub);
    let installed = plugin("buy-two", "1.4.0");
    hub.add(Kind::Plugin, &Change { add: Vec::new(), remove: vec![installed.id.clone()] });
    store.update(&mut hub.files()).unwrap();
    assert_eq!(store.client.verify(&installed, NOW), Standing::Withdrawn);
    let refused = store.client.artefact(&installed.id, NOW);
    assert_eq!(refused, Err(NotOffered::Unlisted { id: installed.id.clone() }));
}

#[test]
fn what_was_changed_on_the_way_to_the_node_is_another_content() {
    let hub = Hub::new();
    let store = Store::updated(&hub);
    let mut installed = plugin("buy-two", "1.4.0");
    let signed = installed.blake3;
    installed.blake3 = Digest([7; 32]);
    assert_eq!(store.client.verify(&installed, NOW), Standing::Other { signed });
}

#[test]
fn a_store_that_never_heard_its_hub_knows_nothing() {
    let hub = Hub::new();
    let store = Store::new(&hub);
    let installed = plugin("buy-two", "1.4.0");
    assert_eq!(store.client.verify(&installed, NOW), Standing::Unknown);
    assert_eq!(store.client.artefact(&installed.id, NOW), Err(NotOffered::NothingKnown));
}

#[test]
fn a_target_that_is_no_artefact_to_this_build_is_passed_over_and_told() {
    let hub = Hub::new();
    let mut store = Store::updated(&hub);
    let mut files = hub.files();
    let version = newest(&files, "plugins");
    change(&mut files, &format!("{version}.plugins.json"), &[PLUGINS], |body| {
        let good = body["targets"]["plugins/buy-two/1.4.0.plugin"].clone();
        body["version"] = json!(version + 1);
        let mut later = good.clone();
        later["custom"]["aisle"]["name"] = json!("later");
        later["custom"]["aisle"]["needs"] = json!("something new");
        body["targets"]["plugins/later/1.4.0.plugin"] = later;
        body["targets"]["plugins/copied/1.4.0.plugin"] = good;
    });
    let bytes = files.remove(&format!("{version}.plugins.json")).unwrap();
    files.insert(format!("{}.plugins.json", version + 1), bytes);
    reseal(&mut files, 9, |_| ());
    let update = store.update(&mut files).unwrap();
    let told: Vec<String> = update.passed_over.iter().map(|(path, why)| format!("{path}: {why}")).collect();
    assert_eq!(
        told,
        [
            "plugins/copied/1.4.0.plugin: target `plugins/copied/1.4.0.plugin`: `custom.aisle.name` is `buy-two`, which is not what its path says",
            "plugins/later/1.4.0.plugin: target `plugins/later/1.4.0.plugin`: `custom.aisle` does not read",
        ]
    );
    assert_eq!(store.names(), ["plugins/buy-two/1.4.0.plugin"]);
}
