//! What must hold over either database. Each course gets two hubs on one database.

pub use crate::erasing::a_person_goes_and_the_proof_stays;
use crate::shop::{AT_MS, Outbox, POLICY, officer, policy, region, sale, verifier};
use aisle_event::StoreId;
use aisle_hub::{
    Database, ReceiptGate,
    database::{Admission, Contact, NewPolicy, NotTaken, read::After},
    verify,
};
use aisle_protocol::{
    Hash, Head, LinkKind, PolicyId, Version,
    control::{Applied, Hello, LogState, Report},
    hub::{self, Objection, Stop},
};
use aisle_residency::signing::SigningKey;
use std::sync::Arc;

pub struct Hubs {
    pub one: Database,
    pub two: Database,
}

/// Every event that is shown of a store, by pages of seven.
pub async fn shown(database: &Database, store: &StoreId) -> Vec<(u64, Vec<u8>)> {
    let (mut after, mut all) = (After::time(0), Vec::new());
    loop {
        let page = database.events_by_time(store, after, u64::MAX, 7).await.unwrap();
        let Some(last) = page.last() else { return all };
        after = After::event(last);
        all.extend(page.into_iter().map(|row| (row.seq, row.payload)));
    }
}

pub async fn is_sound(database: &Database, events: u64, receipts: u64) {
    let checked = verify::verify(database, &region("eu"), &verifier(), |_, _| {}).await.unwrap();
    assert_eq!(checked.findings, vec![]);
    assert_eq!((checked.events, checked.receipts), (events, receipts));
}

pub async fn batches_are_taken_once_and_in_order(hubs: &Hubs) {
    let mut shop = Outbox::new("store-order", 1);
    hubs.one.register(&shop.node()).await.unwrap();
    let (one, two, three) = (shop.sales(0, 100), shop.sales(100, 105), shop.sales(105, 300));
    let decision = shop.admit(&hubs.one, &[&one]).await.unwrap();
    assert_eq!((decision.through, decision.stop), (one.header().end(), None));
    // Sent again, alone and with what follows, to the other hub too: nothing comes twice.
    let decision = shop.admit(&hubs.two, &[&one]).await.unwrap();
    assert_eq!((decision.through, decision.stop), (one.header().end(), None));
    let decision = shop.admit(&hubs.two, &[&one, &two]).await.unwrap();
    assert_eq!((decision.through, decision.stop), (two.header().end(), None));
    let decision = shop.admit(&hubs.one, &[&one, &two, &three]).await.unwrap();
    assert_eq!((decision.through, decision.stop), (shop.at(), None));
    let shown = shown(&hubs.two, &shop.log.store).await;
    assert_eq!(shown.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), (1..=300).collect::<Vec<u64>>());
    assert!(shown.iter().all(|(_, payload)| !payload.windows(6).any(|window| window == b"CANARY")));
    let cursors = hubs.two.resume(&[shop.log.clone()]).await.unwrap();
    assert_eq!((cursors[0].through, cursors[0].quarantined), (shop.at(), false));
    is_sound(&hubs.one, 300, 3).await;
}

pub async fn what_comes_too_early_is_a_gap_and_leaves_nothing(hubs: &Hubs) {
    let mut shop = Outbox::new("store-gap", 1);
    let (one, two) = (shop.sales(0, 10), shop.sales(10, 20));
    let decision = shop.admit(&hubs.one, &[&two]).await.unwrap();
    assert_eq!((decision.through, decision.stop), (shop.log.start(), Some(Stop::Gap)));
    assert_eq!(shown(&hubs.one, &shop.log.store).await, vec![]);
    let decision = shop.admit(&hubs.one, &[&one, &two]).await.unwrap();
    assert_eq!((decision.through, decision.stop), (shop.at(), None));
}

pub async fn one_number_with_two_hashes_puts_the_log_into_quarantine(hubs: &Hubs) {
    let (mut shop, mut other) = (Outbox::new("store-fork", 1), Outbox::new("store-fork", 1));
    let one = shop.sales(0, 10);
    shop.admit(&hubs.one, &[&one]).await.unwrap();
    let forked = other.sales(50, 70);
    let decision = other.admit(&hubs.two, &[&forked]).await.unwrap();
    assert_eq!(decision.stop, Some(Stop::Fork));
    // It stays so, for what is right too.
    let more = shop.sales(10, 20);
    let decision = shop.admit(&hubs.one, &[&more]).await.unwrap();
    assert_eq!((decision.through.seq, decision.stop), (10, Some(Stop::Fork)));
    assert!(hubs.one.resume(&[shop.log.clone()]).await.unwrap()[0].quarantined);
    assert_eq!(shown(&hubs.one, &shop.log.store).await.len(), 10);
    // Another epoch of the store goes on.
    let mut next = Outbox::new("store-fork", 2);
    let batch = next.sales(10, 20);
    assert_eq!(next.admit(&hubs.one, &[&batch]).await.unwrap().stop, None);
}

pub async fn what_this_region_may_not_hold_is_refused_with_the_reason(hubs: &Hubs) {
    let mut abroad = Outbox::to("store-abroad", 1, "cn");
    let batch = abroad.sales(0, 5);
    let decision = abroad.admit(&hubs.one, &[&batch]).await.unwrap();
    let Some(Stop::Refused(Objection::Residency(reason))) = decision.stop else { panic!("{decision:?}") };
    assert!(reason.contains("`cn`") && reason.contains("`eu`"), "{reason}");
    assert_eq!(shown(&hubs.one, &abroad.log.store).await, vec![]);

    // A node that is not known, and one whose receipts another one signs.
    let mut shop = Outbox::new("store-abroad", 2);
    let batch = shop.sales(0, 5);
    let nobody = Arc::new(ReceiptGate::new(region("eu"), verifier(), vec![]));
    let stranger = SigningKey::from_seed(&[1; 32]).unwrap().verifying_key();
    let other = Arc::new(ReceiptGate::new(region("eu"), verifier(), vec![stranger]));
    for (gate, words) in [(nobody, "receipt key"), (other, "signature")] {
        let decision =
            hubs.one.admit(Admission { gate, ..shop.admission(vec![batch.clone()]) }).await.unwrap();
        let Some(Stop::Refused(Objection::Residency(reason))) = decision.stop else { panic!("{decision:?}") };
        assert!(reason.contains(words), "{reason}");
    }
    assert_eq!(shop.admit(&hubs.one, &[&batch]).await.unwrap().stop, None);
}

pub async fn a_receipt_that_does_not_follow_is_refused(hubs: &Hubs) {
    // Two outboxes with the same log; the second one draws other receipts over the same events.
    let (mut shop, mut other) = (Outbox::new("store-receipts", 1), Outbox::new("store-receipts", 1));
    let one = shop.sales(0, 10);
    shop.admit(&hubs.one, &[&one]).await.unwrap();
    let (_, _) = (other.sales(0, 5), other.sales(5, 10));
    let third = other.sales(10, 20);
    let decision = other.admit(&hubs.one, &[&third]).await.unwrap();
    assert!(matches!(decision.stop, Some(Stop::Refused(Objection::Receipt(_)))), "{decision:?}");
    assert_eq!(decision.through.seq, 10);
    let second = shop.sales(10, 20);
    assert_eq!(shop.admit(&hubs.one, &[&second]).await.unwrap().stop, None);
}

pub async fn what_two_epochs_hold_is_shown_once_and_equal_events_of_one_twice(hubs: &Hubs) {
    let mut shop = Outbox::new("store-twins", 1);
    // The third and the fourth are the same to the byte, as the gate's clock has seconds.
    let at = AT_MS + 1000;
    let one = shop.seal([(AT_MS, sale(1, AT_MS)), (at, sale(2, at)), (at, sale(3, at)), (at, sale(3, at))]);
    shop.admit(&hubs.one, &[&one]).await.unwrap();
    assert_eq!(shown(&hubs.one, &shop.log.store).await.len(), 4);
    // Restored from a backup, the store sends all in an epoch of its own, and one event more that looks like two others.
    let mut restored = Outbox::new("store-twins", 2);
    let (first, second) = (
        restored.seal([(AT_MS, sale(1, AT_MS)), (at, sale(2, at)), (at, sale(3, at))]),
        restored.seal([(at, sale(3, at)), (at, sale(3, at)), (at + 1000, sale(4, at + 1000))]),
    );
    restored.admit(&hubs.two, &[&first, &second]).await.unwrap();
    assert_eq!(shown(&hubs.one, &shop.log.store).await.len(), 6);
    let cursors = hubs.one.resume(&[shop.log.clone(), restored.log.clone()]).await.unwrap();
    assert_eq!((cursors[0].through, cursors[1].through), (shop.at(), restored.at()));
}

pub async fn two_hubs_that_take_the_same_batches_at_once_take_them_once(hubs: &Hubs) {
    let mut shop = Outbox::new("store-race", 1);
    hubs.one.register(&shop.node()).await.unwrap();
    let before = hubs.one.totals().await.unwrap().events;
    for round in 0..12_u64 {
        let batches = [shop.sales(round * 20, round * 20 + 15), shop.sales(round * 20 + 15, round * 20 + 20)];
        let [one, two] = &batches;
        let (both, first) = ([one, two], [one]);
        let (left, right, third) = tokio::join!(
            shop.admit(&hubs.one, &both),
            shop.admit(&hubs.two, &both),
            shop.admit(&hubs.two, &first),
        );
        let mut taken = 0;
        for outcome in [left, right, third] {
            match outcome {
                Ok(decision) => {
                    assert_eq!(decision.stop, None);
                    taken += 1;
                }
                Err(NotTaken::Conflict | NotTaken::Database(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(taken >= 1);
        shop.admit(&hubs.one, &[one, two]).await.unwrap();
    }
    assert_eq!(shown(&hubs.one, &shop.log.store).await.len(), 240);
    assert_eq!(hubs.two.totals().await.unwrap().events - before, 240);
}

pub async fn many_stores_at_once_do_not_disturb_each_other(hubs: &Hubs) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40 {
        let database = if number % 2 == 0 { hubs.one.clone() } else { hubs.two.clone() };
        tasks.spawn(async move {
            let mut shop = Outbox::new(&format!("store-many-{number}"), 1);
            let batch = shop.sales(0, 30);
            // Every fourth one is of another region: refused, beside the others in one transaction.
            let mut sender = Outbox::to(&format!("store-many-{number}"), 1, "cn");
            let wrong = sender.sales(0, 30);
            let batch = if number % 4 == 0 { wrong } else { batch };
            let decision = loop {
                match shop.admit(&database, &[&batch]).await {
                    Ok(decision) => break decision,
                    Err(error) => println!("again: {error}"),
                }
            };
            (number, decision)
        });
    }
    while let Some(done) = tasks.join_next().await {
        let (number, decision) = done.unwrap();
        assert_eq!(decision.through.seq, if number % 4 == 0 { 0 } else { 30 }, "{number}: {decision:?}");
    }
}

pub async fn an_admission_that_nobody_waits_for_any_more_leaves_all_or_nothing(hubs: &Hubs) {
    let mut shop = Outbox::new("store-dropped", 1);
    for round in 0..20_u64 {
        let batch = shop.sales(round * 50, round * 50 + 50);
        let waiting = std::time::Duration::from_micros(round * 150);
        let _ = tokio::time::timeout(waiting, shop.admit(&hubs.one, &[&batch])).await;
        let through = hubs.two.resume(&[shop.log.clone()]).await.unwrap()[0].through.seq;
        assert!(through == round * 50 || through == round * 50 + 50, "{through} in round {round}");
        let decision = loop {
            match shop.admit(&hubs.one, &[&batch]).await {
                Ok(decision) => break decision,
                Err(error) => println!("again: {error}"),
            }
        };
        assert_eq!((decision.through, decision.stop), (shop.at(), None));
    }
    assert_eq!(shown(&hubs.two, &shop.log.store).await.len(), 1000);
}

pub async fn places_within_batches_are_found_by_their_heads(hubs: &Hubs) {
    let mut shop = Outbox::new("store-places", 1);
    let (one, two) = (shop.sales(0, 30), shop.sales(30, 60));
    shop.admit(&hubs.one, &[&one, &two]).await.unwrap();
    let checked = hub::check(vec![one, two]).unwrap();
    let place = |seq: u64| {
        let batch = checked.iter().find(|batch| batch.header().end().seq >= seq).unwrap();
        aisle_protocol::Point { seq, head: batch.head_at(seq).unwrap() }
    };
    let wrong = |seq| aisle_protocol::Point { seq, head: Head([9; 32]) };
    let locate = |points| async move { hubs.two.locate(&shop.log, points).await.unwrap() };
    let points = [place(1), place(17), place(30), place(44), wrong(45), wrong(60), wrong(61)];
    assert_eq!(locate(&points[..]).await, Some(44));
}

pub async fn what_a_node_says_and_is_to_do_is_kept(hubs: &Hubs) {
    let mut shop = Outbox::new("store-talk", 1);
    let store = shop.log.store.clone();
    let batch = shop.sales(0, 10);
    hubs.one.register(&shop.node()).await.unwrap();
    shop.admit(&hubs.one, &[&batch]).await.unwrap();
    let last = aisle_protocol::Point { seq: 25, head: Head([1; 32]) };
    let hello = Hello {
        versions: Version::spoken(),
        store: store.clone(),
        node: "node-1".into(),
        region: "eu".into(),
        link: LinkKind::Lte,
        logs: vec![LogState { class: shop.log.class, epoch: shop.log.epoch, acked: shop.log.start(), last }],
        policy: PolicyId::default(),
        software: "aisle-node 0.1.0".into(),
        past: vec![],
    };
    let contact =
        Contact { node: "node-1", hello: &hello, path: "quic", address: "127.0.0.1:1", hub: "hub-1" };
    hubs.one.contact(&store, &contact).await.unwrap();
    let row = hubs.two.store(&store).await.unwrap().unwrap();
    assert_eq!((row.region.as_str(), row.nodes, row.connected, row.quarantined), ("eu", 1, 1, 0));
    assert_eq!(hubs.two.store(&StoreId::new("store-talks").unwrap()).await.unwrap(), None);
    let cursor = hubs.two.logs(&store).await.unwrap()[0].cursor();
    assert_eq!((cursor.through, cursor.backlog_at_contact, cursor.class), (10, 15, "sales"));
    assert_eq!(cursor.last_event_ms as u64, AT_MS + 9000);
    hubs.two.part_all("hub-2").await.unwrap();
    assert!(hubs.two.nodes(&store).await.unwrap()[0].is_connected);
    hubs.two.parted(&store, "node-1", "hub-1").await.unwrap();
    let node = hubs.one.nodes(&store).await.unwrap().remove(0);
    assert_eq!(
        (node.is_connected, node.link.as_str(), node.software.as_str()),
        (false, "lte", "aisle-node 0.1.0")
    );

    let applied = |name: &str, reason: Option<&str>| Applied {
        name: name.into(),
        version: "1.2.3".into(),
        hash: Hash([4; 32]),
        ok: reason.is_none(),
        reason: reason.map(Into::into),
    };
    let report = |generation, applied| Report { generation, applied, node: None };
    hubs.one.report(&store, "node-1", &report(1, vec![applied("multi-buy", None)])).await.unwrap();
    let two = report(2, vec![applied("multi-buy", Some("traps")), applied("model", None)]);
    hubs.two.report(&store, "node-1", &two).await.unwrap();
    let reports = hubs.one.reports(&store).await.unwrap();
    assert_eq!(reports.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["model", "multi-buy"]);
    assert_eq!((reports[1].ok, reports[1].reason.as_str(), reports[1].generation), (false, "traps", 2));

    let id = Hash([5; 32]);
    assert!(!hubs.one.erased(&store, &id, b"receipt").await.unwrap(), "nobody asked");
    hubs.one.request_erasure(&store, &id, b"t1.token").await.unwrap();
    hubs.one.request_erasure(&store, &id, b"t1.token").await.unwrap();
    assert_eq!(hubs.two.erasures(&store).await.unwrap()[0].done_at_ms, None);
    assert!(hubs.two.erased(&store, &id, b"receipt").await.unwrap());
    assert!(hubs.two.erased(&store, &id, b"another").await.unwrap());
    let erasure = hubs.one.erasures(&store).await.unwrap().remove(0);
    assert_eq!(erasure.receipt, Some("72656365697074".into()));

    assert!(hubs.one.set_desired(&store, 3, b"manifest").await.unwrap());
    assert!(!hubs.two.set_desired(&store, 2, b"older").await.unwrap());

    let policy = policy();
    let signature = officer().sign(POLICY.as_bytes());
    let new = NewPolicy { policy: &policy, document: POLICY.as_bytes(), signature: &signature };
    hubs.one.accept_policy(&new).await.unwrap();
    hubs.two.accept_policy(&new).await.unwrap();
    let policies = hubs.two.policies().await.unwrap();
    assert_eq!((policies.len(), policies[0].name.as_str(), policies[0].version), (1, "test", 1));
}

pub async fn a_node_whose_key_changes_keeps_the_store_going(hubs: &Hubs) {
    let mut shop = Outbox::new("store-keys", 1);
    hubs.one.register(&shop.node()).await.unwrap();
    let mut banned = shop.node();
    (banned.node, banned.is_banned) = ("node-0".into(), true);
    hubs.one.register(&banned).await.unwrap();
    let known = hubs.two.registered(&shop.log.store).await.unwrap();
    assert_eq!(known.iter().map(|node| node.is_banned).collect::<Vec<_>>(), [true, false]);
    let old = shop.sales(0, 5);
    shop.key = SigningKey::from_seed(&[10; 32]).unwrap();
    let new = shop.sales(5, 10);
    let keys = [shop.key.verifying_key(), known[0].receipt_key].to_vec();
    let gate = Arc::new(ReceiptGate::new(region("eu"), verifier(), keys));
    let decision = hubs.one.admit(Admission { gate, ..shop.admission(vec![old, new]) }).await.unwrap();
    assert_eq!((decision.through, decision.stop), (shop.at(), None));
}
