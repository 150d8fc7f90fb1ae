//! A person is taken out of what a hub holds, and everything else stays provable.

use crate::{
    courses::{Hubs, is_sound, shown},
    shop::{AT_MS, Outbox, region, sale, sqlite, verifier},
};
use aisle_event::{Event, sale::SaleRecorded};
use aisle_hub::{Database, database::read::After, verify};
use aisle_protocol::{Hash, Point};

/// The token that the policy makes of the one customer of the shop.
pub async fn token(database: &Database, shop: &Outbox) -> String {
    let logs = database.logs(&shop.log.store).await.unwrap();
    let events = database.events_of(&logs[0], 1, 1).await.unwrap();
    let json = aisle_hub::payload::to_json(events[0].kind, &events[0].payload);
    json["customer"].as_str().unwrap().to_owned()
}

pub async fn a_person_goes_and_the_proof_stays(hubs: &Hubs) {
    let database = &hubs.one;
    let mut shop = Outbox::new("store-1", 1);
    database.register(&shop.node()).await.unwrap();
    let mut other = Outbox::new("store-2", 1);
    database.register(&other.node()).await.unwrap();
    let batches = [shop.sales(0, 20), shop.sales(20, 40)];
    shop.admit(database, &[&batches[0], &batches[1]]).await.unwrap();
    let theirs = other.sales(0, 20);
    other.admit(database, &[&theirs]).await.unwrap();
    let store = shop.log.store.clone();
    let token = token(database, &shop).await;
    let log = &database.logs(&store).await.unwrap()[0];
    let before = database.events_of(log, 1, 40).await.unwrap();

    let id = Hash([7; 32]);
    database.request_erasure(&store, &id, token.as_bytes()).await.unwrap();
    assert_eq!(database.erase_token(&store, &token).await.unwrap(), 40);
    assert_eq!(database.erase_token(&store, &token).await.unwrap(), 0, "there is nothing left to take out");
    database.note_erased(&store, &id, 40, Some(b"a receipt")).await.unwrap();

    let after = database.events_of(log, 1, 40).await.unwrap();
    for (old, new) in before.iter().zip(&after) {
        assert!(!new.payload.windows(token.len()).any(|window| window == token.as_bytes()));
        let (mut old, new) = (
            aisle_hub::payload::to_json(old.kind, &old.payload),
            aisle_hub::payload::to_json(new.kind, &new.payload),
        );
        old.as_object_mut().unwrap().remove("customer");
        assert_eq!(old, new, "the sale is as it was but for the person");
    }
    let others = database.events_by_time(&other.log.store, After::time(0), u64::MAX, 100).await.unwrap();
    assert!(
        others
            .iter()
            .all(|event| aisle_hub::payload::to_json(event.kind, &event.payload)["customer"].is_string())
    );

    // What comes later is taken in, and all of it is still as it was sent.
    let next = shop.sales(40, 60);
    shop.admit(database, &[&next]).await.unwrap();
    let checked = verify::verify(database, &region("eu"), &verifier(), |_, _| {}).await.unwrap();
    assert_eq!((checked.findings, checked.erased, checked.receipts), (vec![], 40, 4));
    // A node that asks where it is gets its answer inside a batch that was erased.
    let points = [Point { seq: 40, head: batches[1].header().end().head }];
    assert_eq!(database.locate(&shop.log, &points).await.unwrap(), Some(40));

    // A store that lost its outbox seals again what it has, now without the person: nothing is shown twice.
    let shown_before = shown(database, &store).await.len();
    let mut again = Outbox::new("store-1", 2);
    let sales = (0..20).map(|number| {
        let at = AT_MS + number * 1000;
        let Event::SaleRecorded(sold) = sale(number, at) else { panic!("a sale") };
        (at, SaleRecorded { customer: None, ..sold }.into())
    });
    let made_again = again.seal(sales);
    again.admit(database, &[&made_again]).await.unwrap();
    assert_eq!(shown(database, &store).await.len(), shown_before);

    let rows = database.erasures(&store).await.unwrap();
    assert_eq!((rows[0].events, rows[0].done_at_ms), (40, None));
    assert!(database.erased(&store, &id, b"the store's receipt").await.unwrap());
    let rows = database.erasures(&store).await.unwrap();
    assert!(rows[0].done_at_ms.is_some() && rows[0].receipt.is_some() && rows[0].hub_receipt.is_some());
    assert_eq!(database.erasure_subject(&store, &id).await.unwrap(), None, "the token is needed no more");
}

#[tokio::test]
async fn what_is_taken_out_is_not_in_the_file_either() {
    let (folder, database) = sqlite().await;
    let mut shop = Outbox::new("store-1", 1);
    database.register(&shop.node()).await.unwrap();
    let batch = shop.sales(0, 200);
    shop.admit(&database, &[&batch]).await.unwrap();
    let token = token(&database, &shop).await;
    database.erase_token(&shop.log.store, &token).await.unwrap();
    database.close().await;
    let bytes = std::fs::read(folder.path().join("hub.db")).unwrap();
    assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()));
}

#[tokio::test]
async fn what_somebody_changed_is_not_hidden_by_an_erasure() {
    use sqlx::ConnectOptions as _;
    let (folder, database) = sqlite().await;
    let mut shop = Outbox::new("store-1", 1);
    database.register(&shop.node()).await.unwrap();
    let batch = shop.sales(0, 20);
    shop.admit(&database, &[&batch]).await.unwrap();
    is_sound(&database, 20, 1).await;
    let token = token(&database, &shop).await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("hub.db"));
    let mut connection = options.connect().await.unwrap();
    sqlx::query("UPDATE events SET hlc = hlc + 1 WHERE seq = 3").execute(&mut connection).await.unwrap();
    database.erase_token(&shop.log.store, &token).await.unwrap_err();
    let checked = verify::verify(&database, &region("eu"), &verifier(), |_, _| {}).await.unwrap();
    assert!(!checked.findings.is_empty());
}
