//! A store, its hub and the line between them: the line goes, the store sells on, the line comes back, and the hub has every sale once.
//!
//! Not here: kills (`tests/crash`), what may leave (`sync/residency`).

use crate::support::{api::Api, store::Store, wait::eventually};
use aisle_harness::hub::{
    Desk, HubOptions, HubUnderTest, Lines, Member, Picture, Standing, Watched, Watcher,
};
use std::time::Duration;

const STORE: &str = "store-7";
const SALE: &str = "SaleRecorded";
const PATIENCE: Duration = Duration::from_secs(120);

/// Sells one thing so often.
async fn sell(api: &Api, times: u64, key: &str) {
    for number in 0..times {
        let session = api.session().await;
        api.set(&session, "TEA-1", 1).await.json(200);
        api.check_out(&session, &format!("{key}-{number}")).await.json(201);
    }
}

/// Waits until the store stands like this to its hub.
async fn stands(what: &str, watcher: &Watcher, mut is_so: impl AsyncFnMut(&Standing) -> bool) -> Standing {
    let picture = watcher.picture();
    eventually(what, PATIENCE, async || {
        let all: Picture = picture.borrow().clone();
        let standing = all.into_iter().next()?;
        is_so(&standing).await.then_some(standing)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_sells_on_while_its_line_is_cut_and_the_hub_has_every_sale_afterwards() {
    let mut hub = HubUnderTest::start(HubOptions::default()).expect("a hub");
    let lines = Lines::start(1, hub.quic(), hub.tls(), 1).await.expect("a line");
    let call = lines.calls().next().expect("a line of its own");
    let member = Member::join(&hub, STORE, call).expect("a member");
    let store = Store::small();
    let mut node = store.start_with(&format!("[store]\nid = \"{STORE}\"\n{}", member.config));
    let (api, desk) = (Api::new(node.url()), Desk::at(&hub).expect("a desk"));
    api.ready().await;
    let watched = Watched { store: STORE.into(), url: node.url().to_owned() };
    let watcher = Watcher::start(desk.clone(), vec![watched]).expect("a watcher");
    let sales = async || desk.count(STORE, SALE, 0).await.expect("a count");

    let is_caught_up =
        |standing: &Standing| standing.is_connected() && standing.backlog == Some(0) && standing.at_hub > 0;
    stands("the hub has what was there", &watcher, async |standing: &Standing| is_caught_up(standing)).await;
    let before = sales().await;
    assert!(before > 0, "the imported sales are there");
    sell(&api, 3, "before").await;
    let standing = stands("sales come as they are made", &watcher, async |standing: &Standing| {
        is_caught_up(standing) && sales().await == before + 3
    })
    .await;
    assert!(standing.path.is_some(), "{standing:?}");
    assert!(standing.removed.passed > 0 && standing.removed.dropped > 0, "{standing:?}");

    lines.cut();
    sell(&api, 5, "meanwhile").await;
    stands("what is sold waits", &watcher, async |standing: &Standing| standing.backlog_of_sales >= Some(5))
        .await;
    assert_eq!(sales().await, before + 3, "nothing gets through a cut line");

    lines.mend();
    stands("the hub catches up", &watcher, async |standing: &Standing| {
        standing.backlog == Some(0) && sales().await >= before + 8
    })
    .await;
    assert_eq!(sales().await, before + 8, "every sale once");
    assert!(node.stop().expect("it stops").success());
    hub.ask(&["verify"]).expect("all is as it was sent");
    assert!(hub.stop().expect("it stops").success());
}
