//! Publications: what nodes believe afterwards, what is refused, and two hubs that do it at once.

use super::world::*;
use crate::people::hall::Hall;
use aisle_artefact::{Kind, Role, client::UpdateError, repository::ChangeError, source};
use aisle_hub::artefacts::{
    NotPublished,
    add::AddError,
    ceremony::{NextRoot, in_days, next_list, next_targets},
    keep::{Keeper, Kept},
    online::OnlineKeys,
};
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;

pub async fn what_was_published_is_what_a_node_believes(hall: &Hall) {
    let (one, two) = (&hall.one.api.artefacts, &hall.two.api.artefacts);
    assert!(one.in_force().await.unwrap().is_none());
    let nothing = one.refresh(now(hall)).await;
    assert!(matches!(nothing, Err(NotPublished::Online(_) | NotPublished::Nothing)), "{nothing:?}");
    let published = begin(hall).await;
    assert_eq!((published.timestamp, published.snapshot), (1, 1));
    let mut node = Node::new(two).await;
    assert!(node.update(two, now(hall)).await.is_empty());
    let added = release(hall, "buy-two", "1.4.0").await;
    assert_eq!(added.artefact.needs.grants, ["stock", "kv"], "what the manifest asks for");
    // The other hub sees it at once, and so does its node.
    assert_eq!(node.update(two, now(hall)).await, ["plugins/buy-two/1.4.0.plugin"]);
    // Another root, with another person: a node follows, however late it hears.
    let in_force = two.in_force().await.unwrap().unwrap();
    let next = NextRoot { root: Some(keys(&[1, 11, 12], 2)), ..NextRoot::default() };
    let root = signed(next.draft(&in_force, in_days(now(hall), 730)).unwrap(), &[1, 2, 11]);
    two.publish(vec![root], None, now(hall)).await.unwrap();
    let mut late = Node::new(one).await;
    late.update(one, now(hall)).await;
    assert_eq!((late.client.root_version(), late.names().len()), (2, 1));
}

pub async fn a_publication_that_nodes_could_not_follow_is_refused_and_changes_nothing(hall: &Hall) {
    begin(hall).await;
    let artefacts = &hall.one.api.artefacts;
    let before = standing(artefacts).await;
    let in_force = artefacts.in_force().await.unwrap().unwrap();
    let until = in_days(now(hall), 365);
    // New people alone, whom no node knows.
    let next = NextRoot { root: Some(keys(&[21, 22], 2)), ..NextRoot::default() };
    let root = signed(next.draft(&in_force, until).unwrap(), &[21, 22]);
    assert!(refused(artefacts.publish(vec![root], None, now(hall)).await).contains("Threshold"));
    // Old people alone, for a root that they do not sign any more.
    let next = NextRoot { root: Some(keys(&[21, 22], 2)), ..NextRoot::default() };
    let root = signed(next.draft(&in_force, until).unwrap(), &ROOTS);
    assert!(refused(artefacts.publish(vec![root], None, now(hall)).await).contains("Threshold"));
    // Keys of the hub that this hub has not: nobody could sign a timestamp.
    let file = tempfile::tempdir().unwrap();
    let other = OnlineKeys::read_or_make(&file.path().join("other.key")).unwrap();
    let next = NextRoot { online: Some(other.public()), ..NextRoot::default() };
    let root = signed(next.draft(&in_force, until).unwrap(), &ROOTS);
    assert!(refused(artefacts.publish(vec![root], None, now(hall)).await).contains("OnlineKey"));
    // Another key for plugins, without a list that it has signed: what is in force would be nobody's.
    let drafts =
        next_targets(&in_force, &BTreeMap::from([(Kind::Plugin, keys(&[23], 1))]), &[], until).unwrap();
    let targets = signed(drafts.into_iter().next().unwrap(), &TARGETS);
    let told = refused(artefacts.publish(vec![targets.clone()], None, now(hall)).await);
    assert!(told.contains("Stale") && told.contains("new version of it together"), "{told}");
    // A kind without a first list.
    let drafts =
        next_targets(&in_force, &BTreeMap::from([(Kind::Model, keys(&[24], 1))]), &[], until).unwrap();
    assert_eq!(drafts.len(), 2, "the list comes along");
    let alone = signed(drafts[0].clone(), &TARGETS);
    assert!(refused(artefacts.publish(vec![alone], None, now(hall)).await).contains("Missing"));
    // One that has run out already.
    let gone = next_list(&in_force, Kind::Plugin, Vec::new(), now(hall)).unwrap();
    assert!(
        refused(artefacts.publish(vec![signed(gone, &[PLUGINS])], None, now(hall)).await).contains("Expired")
    );
    assert_eq!(standing(artefacts).await, before);
    // With its list the new key is taken, and nodes follow.
    let list = signed(next_list(&in_force, Kind::Plugin, Vec::new(), until).unwrap(), &[23]);
    artefacts.publish(vec![targets, list], None, now(hall)).await.unwrap();
    Node::new(artefacts).await.update(artefacts, now(hall)).await;
    // And new keys of the hub with the file in its place.
    for house in [&hall.one, &hall.two] {
        std::fs::copy(file.path().join("other.key"), house.api.artefacts.online_keys()).unwrap();
    }
    let in_force = artefacts.in_force().await.unwrap().unwrap();
    let next = NextRoot { online: Some(other.public()), ..NextRoot::default() };
    let root = signed(next.draft(&in_force, until).unwrap(), &ROOTS);
    artefacts.publish(vec![root], None, now(hall)).await.unwrap();
    Node::new(artefacts).await.update(artefacts, now(hall)).await;
}

pub async fn too_few_signatures_a_foreign_key_and_an_old_version_are_refused(hall: &Hall) {
    let artefacts = &hall.one.api.artefacts;
    // Already of the first ones: one root of two.
    let mut drafts = first_drafts(hall);
    let in_vain = |drafts: Vec<_>| async { refused(artefacts.publish(drafts, None, now(hall)).await) };
    let root = drafts.remove(0);
    let read = |draft: &aisle_artefact::Draft| {
        let mut file: serde_json::Value = serde_json::from_slice(&draft.write().unwrap()).unwrap();
        file["signatures"].as_array_mut().unwrap().truncate(1);
        aisle_artefact::Draft::read(&serde_json::to_vec(&file).unwrap()).unwrap()
    };
    let thin = [vec![read(&root)], drafts.clone()].concat();
    assert!(in_vain(thin).await.contains("Threshold"));
    assert!(in_vain(drafts.clone()).await.contains("Missing"));
    assert!(artefacts.in_force().await.unwrap().is_none(), "nothing of it is there");
    artefacts.publish([vec![root.clone()], drafts.clone()].concat(), None, now(hall)).await.unwrap();
    // What was published cannot begin again.
    assert!(in_vain([vec![root], drafts].concat()).await.contains("Version"));

    let added = bring(hall, "buy-two", "1.4.0").await;
    assert!(in_vain(vec![added.draft.clone()]).await.contains("Threshold"));
    let told = in_vain(vec![signed(added.draft.clone(), &[PRICES])]).await;
    assert!(told.contains("ForeignKey") || told.contains("Threshold"), "{told}");
    // A key that signs in another's name.
    let mut file: serde_json::Value =
        serde_json::from_slice(&signed(added.draft.clone(), &[PRICES]).write().unwrap()).unwrap();
    file["signatures"][0]["keyid"] = key(PLUGINS).id().to_string().into();
    let forged = aisle_artefact::Draft::read(&serde_json::to_vec(&file).unwrap()).unwrap();
    assert!(in_vain(vec![forged]).await.contains("Forged"));
    // Changed behind the signature.
    let mut file: serde_json::Value =
        serde_json::from_slice(&signed(added.draft.clone(), &[PLUGINS]).write().unwrap()).unwrap();
    file["signed"]["targets"]["plugins/buy-two/1.4.0.plugin"]["length"] = 7.into();
    let changed = aisle_artefact::Draft::read(&serde_json::to_vec(&file).unwrap()).unwrap();
    assert!(in_vain(vec![changed]).await.contains("Forged"));
    let good = signed(added.draft, &[PLUGINS]);
    artefacts.publish(vec![good.clone()], None, now(hall)).await.unwrap();
    // The same again is an old version, and so is a list from before.
    assert!(in_vain(vec![good]).await.contains("Version"));
    let mut node = Node::new(artefacts).await;
    assert_eq!(node.update(artefacts, now(hall)).await.len(), 1);
}

pub async fn of_two_hubs_one_renews_the_timestamp_each_day(hall: &Hall) {
    let mut registry = Registry::default();
    let keeper = |hall: &Hall, registry: &mut Registry| {
        [&hall.one, &hall.two].map(|house| Keeper::register(house.api.artefacts.clone(), registry))
    };
    let [one, two] = keeper(hall, &mut registry);
    assert_eq!(one.look(now(hall)).await.unwrap(), Kept::Nothing);
    begin(hall).await;
    let version = |role: Role| async move {
        let in_force = hall.two.api.artefacts.in_force().await.unwrap().unwrap();
        in_force.expiries().into_iter().find(|expiry| expiry.role == role).unwrap().version
    };
    assert_eq!(two.look(now(hall)).await.unwrap(), Kept::Fresh);
    let mut node = Node::new(&hall.one.api.artefacts).await;
    for day in 1..=18_u64 {
        hall.pass(DAY_MS);
        let looked = tokio::join!(one.look(now(hall)), two.look(now(hall)));
        let looked = [looked.0.unwrap(), looked.1.unwrap()];
        let refreshed = looked.iter().filter(|kept| **kept == Kept::Refreshed).count();
        assert_eq!(refreshed, 1, "{looked:?}");
        assert_eq!(version(Role::Timestamp).await, 1 + day);
        assert_eq!(one.look(now(hall)).await.unwrap(), Kept::Fresh);
        node.update(&hall.one.api.artefacts, now(hall)).await;
    }
    assert_eq!(version(Role::Snapshot).await, 2, "half of its thirty days is over");
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    assert!(text.contains("aisle_hub_metadata_days{role=\"timestamp\"} 7.0"), "{text}");
    assert!(text.contains("aisle_hub_metadata_days{role=\"root\"} 712.0"), "{text}");
    // No hub came for a week: a node takes nothing new, and the first that comes makes it good again.
    hall.pass(8 * DAY_MS);
    let files = hall.one.api.artefacts.in_force().await.unwrap().unwrap().files().unwrap();
    let mut files: source::Memory =
        files.into_iter().map(|(name, bytes)| (name.to_string(), bytes)).collect();
    let late = node.client.update(&mut files, now(hall));
    assert!(matches!(late, Err(UpdateError::Expired { .. })), "{late:?}");
    assert_eq!(two.look(now(hall)).await.unwrap(), Kept::Refreshed);
    node.update(&hall.one.api.artefacts, now(hall)).await;
    // A hub without the keys says so, and nothing is lost.
    hall.pass(2 * DAY_MS);
    std::fs::remove_file(hall.one.api.artefacts.online_keys()).unwrap();
    let without = one.look(now(hall)).await.unwrap_err();
    assert!(without.to_string().contains("hubs on one database share it"), "{without}");
    assert_eq!(two.look(now(hall)).await.unwrap(), Kept::Refreshed);
}

pub async fn a_publication_that_a_renewal_overtook_is_made_again(hall: &Hall) {
    begin(hall).await;
    let (one, two) = (&hall.one.api.artefacts, &hall.two.api.artefacts);
    for round in 0..4 {
        let added = bring(hall, "buy-two", &format!("1.4.{round}")).await;
        let draft = signed(added.draft, &[PLUGINS]);
        let done = tokio::join!(
            one.publish(vec![draft], None, now(hall)),
            two.refresh(now(hall)),
            two.refresh(now(hall)),
        );
        done.0.unwrap();
        done.1.unwrap();
        done.2.unwrap();
    }
    let in_force = two.in_force().await.unwrap().unwrap();
    let timestamp = in_force.expiries().into_iter().find(|expiry| expiry.role == Role::Timestamp).unwrap();
    assert_eq!((timestamp.version, in_force.artefacts().len()), (13, 4), "each made one, none was lost");
    let mut node = Node::new(one).await;
    assert_eq!(node.update(two, now(hall)).await.len(), 4);
}

pub async fn two_beginnings_at_once_are_one(hall: &Hall) {
    let drafts = first_drafts(hall);
    let (one, two) = (&hall.one.api.artefacts, &hall.two.api.artefacts);
    let done = tokio::join!(
        one.publish(drafts.clone(), None, now(hall)),
        two.publish(drafts.clone(), None, now(hall))
    );
    let good = [&done.0, &done.1].into_iter().filter(|done| done.is_ok()).count();
    assert_eq!(good, 1, "{done:?}");
    assert_eq!(standing(one).await, standing(two).await);
}

pub async fn a_version_that_is_signed_never_becomes_another_content(hall: &Hall) {
    begin(hall).await;
    let artefacts = &hall.one.api.artefacts;
    let first = release(hall, "buy-two", "1.4.0").await;
    let until = in_days(now(hall), 365);
    let other = package("buy-two", "1.4.0", 999).into();
    let again = artefacts.add(new(Kind::Plugin, "buy-two", "1.4.0"), other, None, until).await;
    assert!(matches!(again, Err(AddError::Change(ChangeError::Exists { .. }))), "{again:?}");
    // The next version comes as a delta of a few bytes.
    let next = release(hall, "buy-two", "1.5.0").await;
    let (from, bytes) = next.delta.unwrap();
    assert_eq!(from, first.artefact.id);
    assert!(bytes < 2_000, "{bytes} of {}", next.artefact.bytes);
    // Two that wait for a signature go into one draft.
    let one = bring(hall, "scan-and-go", "1.0.0").await;
    let bytes = package("coupons", "2.0.0", 100).into();
    let both =
        artefacts.add(new(Kind::Plugin, "coupons", "2.0.0"), bytes, Some(&one.draft), until).await.unwrap();
    let listed: Vec<String> = both.draft.listed().unwrap().iter().map(|there| there.id.to_string()).collect();
    assert_eq!(listed.len(), 4, "{listed:?}");
    artefacts.publish(vec![signed(both.draft, &[PLUGINS])], None, now(hall)).await.unwrap();
    // What a draft leaves out stays left out when something is added to it; and a draft of before is none to add to.
    let in_force = artefacts.in_force().await.unwrap().unwrap();
    let without =
        next_list(&in_force, Kind::Plugin, vec![id("plugins/coupons/2.0.0.plugin")], until).unwrap();
    let bytes = package("late", "1.0.0", 100);
    let into = |draft: aisle_artefact::Draft| {
        let bytes = bytes.clone().into();
        async move { artefacts.add(new(Kind::Plugin, "late", "1.0.0"), bytes, Some(&draft), until).await }
    };
    let added = into(without).await.unwrap();
    assert!(!added.draft.listed().unwrap().iter().any(|there| there.id.name().as_str() == "coupons"));
    assert!(matches!(into(one.draft).await, Err(AddError::Onto { .. })));
    // What says that it is another is refused before anything is kept.
    let liar = package("buy-two", "9.9.9", 100).into();
    let refused = artefacts.add(new(Kind::Plugin, "buy-two", "1.6.0"), liar, None, until).await.unwrap_err();
    assert!(refused.to_string().contains("`version` is \"9.9.9\""), "{refused}");
    let junk =
        artefacts.add(new(Kind::Plugin, "junk", "1.0.0"), b"junk".as_slice().into(), None, until).await;
    assert!(matches!(junk, Err(AddError::Package(_))), "{junk:?}");
    let model = |version: &str| {
        let card = format!("form = 1\nid = \"m\"\nversion = \"{version}\"\np99_us_max = 5000\n");
        aisle_content::ModelPackage { card, onnx: vec![8, 8] }.encode()
    };
    let undelegated = artefacts.add(new(Kind::Model, "m", "1.0.0"), model("1.0.0").into(), None, until).await;
    assert!(matches!(undelegated, Err(AddError::Change(ChangeError::Kind { .. }))), "{undelegated:?}");
    let liar = artefacts.add(new(Kind::Model, "m", "1.0.0"), model("2.0.0").into(), None, until).await;
    let liar = liar.unwrap_err().to_string();
    assert!(liar.contains("`version` is \"2.0.0\" in its `model.toml`"), "{liar}");
    for junk in [b"junk".to_vec(), package("m", "1.0.0", 100)] {
        let junk = artefacts.add(new(Kind::Model, "m", "1.0.0"), junk.into(), None, until).await;
        assert!(matches!(junk, Err(AddError::Model(_))), "{junk:?}");
    }
}
