//! What orders for stores are made of: releases, and all metadata as one content.

use super::world::*;
use crate::people::hall::Hall;
use aisle_artefact::{
    Kind,
    bundle::{Limits, down, inspect},
    content::ContentFolder,
};
use aisle_hub::artefacts::{ceremony::in_days, release::ReleaseError};
use aisle_protocol::Hash;

pub async fn a_release_is_what_was_signed_of_it(hall: &Hall) {
    begin(hall).await;
    let (one, two) = (&hall.one.api.artefacts, &hall.two.api.artefacts);
    let waiting = bring(hall, "buy-two", "1.4.0").await;
    let unsigned = two.release(Kind::Plugin, "buy-two", "1.4.0").await;
    assert!(matches!(unsigned, Err(ReleaseError::Unlisted { .. })), "{unsigned:?}");
    one.publish(vec![signed(waiting.draft, &[PLUGINS])], None, now(hall)).await.unwrap();
    let release = two.release(Kind::Plugin, "buy-two", "1.4.0").await.unwrap();
    assert_eq!((release.version.as_str(), release.bytes), ("1.4.0", waiting.artefact.bytes));
    assert_eq!(release.hash.0, waiting.artefact.blake3.0);
    let grants: Vec<_> = release.needs.grants.iter().map(aisle_fleet::Grant::as_str).collect();
    assert_eq!(grants, ["kv", "stock"]);
    let content = one.content(&Hash(release.hash.0)).await.unwrap().unwrap();
    assert_eq!(content.bytes, release.bytes);
    // A content of several pieces has its tree, which is a content as well.
    let large = package("large", "1.0.0", 3 << 20);
    let new = aisle_hub::artefacts::add::NewArtefact {
        node_min: Some(semver_of("0.3.0")),
        disk_bytes: 7,
        ..new(Kind::Plugin, "large", "1.0.0")
    };
    let added = one.add(new, large.into(), None, in_days(now(hall), 365)).await.unwrap();
    one.publish(vec![signed(added.draft, &[PLUGINS])], None, now(hall)).await.unwrap();
    let release = one.release(Kind::Plugin, "large", "1.0.0").await.unwrap();
    assert_eq!(release.needs.disk_bytes, 7);
    assert_eq!(release.needs.node_version_min.unwrap().as_str(), "0.3.0");
    let tree = one.content(&Hash(release.hash.0)).await.unwrap().unwrap().tree.unwrap();
    assert!(hall.one.api.database.content_bytes(&tree).await.unwrap().is_some());
    assert!(one.release(Kind::Plugin, "../evil", "1.0.0").await.is_err());
}

fn semver_of(text: &str) -> semver::Version {
    text.parse().unwrap()
}

pub async fn the_metadata_is_one_content_at_every_hub_and_another_after_each_publication(hall: &Hall) {
    let (one, two) = (&hall.one.api.artefacts, &hall.two.api.artefacts);
    assert_eq!(one.metadata_content().await.unwrap(), None);
    begin(hall).await;
    let first = one.metadata_content().await.unwrap().unwrap();
    assert_eq!((first.version, two.metadata_content().await.unwrap()), (1, Some(first)));
    release(hall, "buy-two", "1.4.0").await;
    let second = two.metadata_content().await.unwrap().unwrap();
    assert_eq!(second.version, 2);
    assert_ne!(second.content.hash, first.content.hash);
    assert_eq!(one.metadata_content().await.unwrap(), Some(second));
    // It is what a node reads like a stick.
    let bytes = one.contents().read(&second.content.hash, 0..second.content.bytes).await.unwrap();
    let summary = inspect(bytes.as_ref(), &Limits::default()).unwrap();
    assert_eq!((summary.contents.len(), summary.order_bytes), (0, None));
    let mut node = Node::new(one).await;
    let mut sink = ContentFolder::open(&node.dir.path().join("contents")).unwrap();
    down::apply(bytes.as_ref(), &mut node.client, &mut sink, |_| true, &Limits::default(), now(hall))
        .unwrap();
    assert_eq!(node.names(), ["plugins/buy-two/1.4.0.plugin"]);
}
