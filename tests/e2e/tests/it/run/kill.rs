//! Killed in the middle of many writes: what was answered is there.

use crate::support::{api::Api, command, invoices::GOODS, journal, store::Store};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::timeout};

const SESSIONS: usize = 25;
const WRITERS: usize = SESSIONS * GOODS.len();
/// Acknowledged writes before the kill: enough that every writer is in its second round.
const BEFORE_KILL: u64 = WRITERS as u64 * 3 / 2;

/// One line of one basket, and the last quantity of it that was acknowledged.
struct Line {
    session: String,
    sku: &'static str,
    acknowledged: AtomicU64,
    attempted: AtomicU64,
}

#[tokio::test]
async fn every_basket_write_that_was_answered_survives_a_kill() {
    let store = Store::small();
    let mut node = store.start();
    let api = Api::new(node.url());
    let mut lines = Vec::new();
    for _ in 0..SESSIONS {
        let session = api.session().await;
        for (sku, ..) in GOODS {
            let (session, acknowledged, attempted) = (session.clone(), AtomicU64::new(0), AtomicU64::new(0));
            lines.push(Arc::new(Line { session, sku, acknowledged, attempted }));
        }
    }

    let answered = Arc::new(AtomicU64::new(0));
    let mut writers = JoinSet::new();
    for line in &lines {
        let (api, line, answered) = (api.clone(), Arc::clone(line), Arc::clone(&answered));
        writers.spawn(async move {
            for quantity in 1..1_000 {
                line.attempted.store(quantity, Relaxed);
                let path = format!("/v1/sessions/{}/basket/{}", line.session, line.sku);
                let request = api.request(reqwest::Method::PUT, &path);
                let answer = Api::try_send(request.json(&serde_json::json!({ "quantity": quantity }))).await;
                // The node is gone: nothing was promised.
                let Ok(answer) = answer else { return };
                assert!(answer.status == 200 || answer.status == 503, "{answer:?}");
                if answer.status == 200 {
                    line.acknowledged.store(quantity, Relaxed);
                    answered.fetch_add(1, Relaxed);
                }
            }
        });
    }
    timeout(Duration::from_secs(60), async {
        while answered.load(Relaxed) < BEFORE_KILL {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .expect("the writers get on");
    node.kill().expect("it runs");
    while let Some(writer) = writers.join_next().await {
        writer.expect("a writer ends well");
    }

    node.start_again().expect("it starts again");
    let api = Api::new(node.url());
    api.ready().await;
    let health = api.health().await;
    assert!(health["journal"]["quarantined"].as_array().is_some_and(Vec::is_empty), "{health}");
    for line in &lines {
        let held = api.held(&line.session, line.sku).await;
        let (acknowledged, attempted) = (line.acknowledged.load(Relaxed), line.attempted.load(Relaxed));
        assert!(
            held >= acknowledged as f64 && held <= attempted as f64,
            "`{}` of session {}: {held} is held, {acknowledged} was answered, {attempted} was asked for",
            line.sku,
            line.session
        );
    }
    node.stop().expect("it stops");
    command::run(&mut command::aisle(&store.data(), ["journal", "verify"])).exits(0);
    let stats = journal::stats(&store.data());
    assert!(journal::count(&stats, "BasketChanged") >= answered.load(Relaxed));
}
