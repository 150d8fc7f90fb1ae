//! Old metadata is taken away when no order names it any more; what anybody may still fetch is left.

use super::world::*;
use crate::{fleet::world::parts, people::hall::Hall, shop::Outbox};
use aisle_hub::{
    fleet::{Engine, Parts},
    publish::Publisher,
};
use std::sync::Arc;

const HOUR_MS: i64 = 3_600_000;

pub async fn old_metadata_that_no_order_names_goes_and_nothing_else(hall: &Hall) {
    let (artefacts, database) = (&hall.one.api.artefacts, &hall.one.api.database);
    database.register(&Outbox::new("store-1", 1).node()).await.unwrap();
    // More than one sweep looks at in one go lie before everything else, and stay.
    let publisher = Publisher { database: database.clone(), contents: artefacts.contents().clone() };
    for number in 0..257 {
        publisher.add(vec![1; number + 1].into(), &format!("metadata of shelf {number}")).await.unwrap();
    }
    begin(hall).await;
    let mut engine = Engine::new(Parts {
        metadata: Arc::new(artefacts.clone()),
        ..parts(database, "hub-1", hall.one.api.clock.clone())
    });
    assert_eq!(engine.look().await.unwrap().orders, 1);
    let first = artefacts.metadata_content().await.unwrap().unwrap();
    // The list has the machine's clock.
    let later = aisle_hub::Database::now_ms() + 2 * HOUR_MS;
    assert_eq!(artefacts.sweep(later).await.unwrap(), 0, "it is in force");
    release(hall, "buy-two", "1.4.0").await;
    let second = artefacts.metadata_content().await.unwrap().unwrap();
    assert_eq!(artefacts.sweep(later).await.unwrap(), 0, "the store's order names the first one still");
    assert!(artefacts.content(&first.content.hash).await.unwrap().is_some());
    hall.pass(20_000);
    assert_eq!(engine.look().await.unwrap().orders, 1);
    assert_eq!(artefacts.sweep(aisle_hub::Database::now_ms()).await.unwrap(), 0, "it is not an hour old");
    let before = database.contents_total().await.unwrap().0;
    assert_eq!(artefacts.sweep(later).await.unwrap(), 1);
    assert_eq!(artefacts.content(&first.content.hash).await.unwrap(), None);
    assert_eq!(database.contents_total().await.unwrap().0, before - 1, "nothing else went");
    assert!(
        artefacts.contents().read(&first.content.hash, 0..1).await.is_err(),
        "its bytes are gone as well"
    );
    let bytes = artefacts.contents().read(&second.content.hash, 0..second.content.bytes).await.unwrap();
    assert_eq!(bytes.len() as u64, second.content.bytes);
    assert_eq!(artefacts.sweep(later).await.unwrap(), 0);
}
