//! A basket is sold once, however often it is asked for and whatever happens in between.

use crate::support::{api::Api, journal, store::Store};
use tokio::task::JoinSet;

#[tokio::test]
async fn a_checkout_is_repeatable_across_a_kill_and_an_orderly_restart() {
    let store = Store::small();
    let mut node = store.start();
    let api = Api::new(node.url());
    let session = api.session().await;
    api.set(&session, "TEA-1", 2).await.json(200);
    api.set(&session, "CUP-1", 4).await.json(200);
    let receipt = api.check_out(&session, "key-1").await.json(201);
    assert_eq!(receipt["total"]["minor"], 2 * 250 + 4 * 85);
    assert_eq!(api.check_out(&session, "key-1").await.json(200), receipt);

    node.kill().expect("it runs");
    node.start_again().expect("it starts again");
    let api = Api::new(node.url());
    assert_eq!(api.check_out(&session, "key-1").await.json(200), receipt);
    let number = receipt["document"].as_str().expect("a number");
    assert_eq!(api.get(&format!("/v1/receipts/{number}")).await.json(200), receipt);

    let other = api.session().await;
    api.set(&other, "JAM-1", 1).await.json(200);
    api.check_out(&other, "key-1").await.problem_with(422, "Idempotency-Key");
    assert_eq!(api.held(&other, "JAM-1").await, 1.0, "a refused checkout leaves the basket alone");

    node.stop().expect("it stops");
    node.start_again().expect("it starts again");
    let api = Api::new(node.url());
    assert_eq!(api.check_out(&session, "key-1").await.json(200), receipt);
    assert_eq!(api.get(&format!("/v1/sessions/{session}")).await.status, 404, "the session is over");
    let sales = journal::cat_only(&store.data(), "SaleRecorded");
    let kiosk: Vec<_> = sales.iter().filter(|sale| sale["fields"]["source"] == "kiosk").collect();
    assert_eq!(kiosk.len(), 1, "{kiosk:?}");
}

#[tokio::test]
async fn of_many_checkouts_at_once_one_sells() {
    let store = Store::small();
    let node = store.start();
    let api = Api::new(node.url());
    let session = api.session().await;
    api.set(&session, "TOY-1", 1).await.json(200);
    let mut checkouts = JoinSet::new();
    for _ in 0..20 {
        let (api, session) = (api.clone(), session.clone());
        checkouts.spawn(async move { api.check_out(&session, "key-1").await });
    }
    let answers = checkouts.join_all().await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 201)), "{statuses:?}");
    let numbers: std::collections::BTreeSet<String> =
        answers.iter().map(|answer| answer.json(answer.status)["document"].to_string()).collect();
    assert_eq!(numbers.len(), 1, "all of them have the same receipt");
}
