//! A fold that is followed: counts sales, and wants a count of every product after three of them.

use crate::store::{StoreUnderTest, at, counted, line, listed, sale, sku};
use aisle_event::{Event, Sku, Timestamp};
use aisle_state::follow::{Config, Fold, Follower, Found, Place};
use prometheus_client::registry::Registry;
use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

#[derive(Default, Clone)]
struct Sold {
    lines: BTreeMap<Sku, u64>,
    counts: u64,
    put_away: Arc<AtomicU64>,
}

impl Fold for Sold {
    type View = Self;

    fn wants(&self, kind: u16) -> bool {
        (0x0200..0x0400).contains(&kind)
    }

    fn apply(&mut self, _: u64, event: &Event) {
        match event {
            Event::SaleRecorded(sale) => {
                for line in &sale.lines {
                    *self.lines.entry(line.sku.clone()).or_default() += 1;
                }
            }
            Event::StockCounted(count) => {
                self.counts += 1;
                self.lines.remove(&count.sku);
            }
            _ => {}
        }
    }

    fn due(&mut self, _: Timestamp) -> Vec<Event> {
        self.lines.iter().filter(|(_, lines)| **lines >= 3).map(|_| counted(1, 7)).collect()
    }

    fn view(&self) -> Self {
        self.clone()
    }

    fn put_away(&mut self) -> io::Result<()> {
        self.put_away.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        minicbor::to_vec((
            self.counts,
            self.lines.iter().map(|(sku, n)| (sku.as_str(), *n)).collect::<Vec<_>>(),
        ))
        .unwrap()
    }
}

fn decode(bytes: &[u8]) -> Result<Sold, minicbor::decode::Error> {
    let (counts, lines): (u64, Vec<(String, u64)>) = minicbor::decode(bytes)?;
    let lines = lines.into_iter().map(|(sku, n)| (Sku::new(sku).unwrap(), n)).collect();
    Ok(Sold { lines, counts, ..Sold::default() })
}

fn follow(dir: &Path, store: &StoreUnderTest) -> (Follower<Sold>, Found) {
    let place = Place { dir, name: "sold", layout: 1 };
    let now = Arc::new(|| at(1));
    let parts = (Sold::default, decode);
    Follower::start(place, Config::default(), &store.journal, now, &mut Registry::default(), parts).unwrap()
}

async fn caught_up(follower: &Follower<Sold>, store: &StoreUnderTest) -> Arc<Sold> {
    follower.wait_applied(store.journal.durable()).await.unwrap();
    follower.view()
}

#[tokio::test]
async fn what_is_durable_comes_into_view() {
    let (dir, store) = (tempfile::tempdir().unwrap(), StoreUnderTest::start());
    let (follower, found) = follow(dir.path(), &store);
    assert_eq!(found, Found::default());
    store.append([listed(1, 250), sale("1", vec![line(1, 1, 4)]).into()]);
    assert_eq!(caught_up(&follower, &store).await.lines, BTreeMap::from([(sku(1), 1)]));
}

#[tokio::test]
async fn what_follows_is_written_once_and_taken_back() {
    let (dir, store) = (tempfile::tempdir().unwrap(), StoreUnderTest::start());
    let (follower, _) = follow(dir.path(), &store);
    store.append(["1", "2", "3"].map(|number| sale(number, vec![line(1, 1, 1)]).into()));
    let mut changes = follower.changes();
    while follower.view().counts == 0 {
        changes.changed().await.unwrap();
    }
    // Long enough to be asked several times more.
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!((follower.view().counts, store.journal.durable()), (1, 4));
}

#[tokio::test]
async fn a_restart_goes_on_from_the_snapshot_of_the_end() {
    let (dir, store) = (tempfile::tempdir().unwrap(), StoreUnderTest::start());
    let (follower, _) = follow(dir.path(), &store);
    store.append([sale("1", vec![line(1, 1, 4)]).into()]);
    let before = caught_up(&follower, &store).await;
    drop(follower);
    assert_eq!(before.put_away.load(Ordering::Relaxed), 1, "its own files come before the snapshot");
    store.append([sale("2", vec![line(1, 1, 4)]).into()]);
    let (follower, found) = follow(dir.path(), &store);
    assert_eq!((found.snapshot, found.passed_over.len()), (1, 0));
    assert_eq!(caught_up(&follower, &store).await.lines, BTreeMap::from([(sku(1), 2)]));
}

#[tokio::test]
async fn a_snapshot_that_does_not_decode_is_passed_over_by_name() {
    let (dir, store) = (tempfile::tempdir().unwrap(), StoreUnderTest::start());
    let (follower, _) = follow(dir.path(), &store);
    store.append([sale("1", vec![line(1, 1, 4)]).into()]);
    caught_up(&follower, &store).await;
    drop(follower);
    let place = Place { dir: dir.path(), name: "sold", layout: 1 };
    let refuse = |_: &[u8]| Err::<Sold, _>("the bytes mean nothing");
    let (config, now) = (Config::default(), Arc::new(|| at(1)));
    let (follower, found) = Follower::start(
        place,
        config,
        &store.journal,
        now,
        &mut Registry::default(),
        (Sold::default, refuse),
    )
    .unwrap();
    assert_eq!(found.passed_over, ["snapshot 1: the bytes mean nothing"]);
    assert_eq!(caught_up(&follower, &store).await.lines, BTreeMap::from([(sku(1), 1)]), "made again");
}

#[tokio::test]
async fn a_snapshot_of_another_journal_is_passed_over() {
    let (dir, store) = (tempfile::tempdir().unwrap(), StoreUnderTest::start());
    let (follower, _) = follow(dir.path(), &store);
    store.append([sale("1", vec![line(1, 1, 4)]).into()]);
    caught_up(&follower, &store).await;
    drop(follower);
    let other = StoreUnderTest::start();
    let (follower, found) = follow(dir.path(), &other);
    assert_eq!((found.snapshot, found.passed_over.len()), (0, 1));
    assert!(follower.view().lines.is_empty());
}

/// Panics at a count, and wants nothing.
struct Brittle;

impl Fold for Brittle {
    type View = ();

    fn wants(&self, _: u16) -> bool {
        true
    }

    fn apply(&mut self, _: u64, event: &Event) {
        assert!(!matches!(event, Event::StockCounted(_)), "a count");
    }

    fn due(&mut self, _: Timestamp) -> Vec<Event> {
        Vec::new()
    }

    fn view(&self) {}

    fn encode(&self) -> Vec<u8> {
        Vec::new()
    }
}

#[tokio::test]
async fn nobody_waits_for_ever_for_a_fold_that_panicked() {
    let (dir, store) = (tempfile::tempdir().unwrap(), StoreUnderTest::start());
    let place = Place { dir: dir.path(), name: "brittle", layout: 1 };
    let parts = (|| Brittle, |_: &[u8]| Err::<Brittle, _>("none"));
    let (config, now) = (Config::default(), Arc::new(|| at(1)));
    let (follower, _) =
        Follower::start(place, config, &store.journal, now, &mut Registry::default(), parts).unwrap();
    store.append([listed(1, 250)]);
    follower.wait_applied(1).await.unwrap();
    store.append([counted(1, 7)]);
    let stopped = follower.wait_applied(2).await.unwrap_err();
    assert_eq!(stopped.reason, follower.stopped().await);
    assert!(stopped.reason.contains("panicked"), "{stopped}");
}

/// Takes its time, and wants a count after three sales.
struct Slow(Sold);

impl Fold for Slow {
    type View = Sold;

    fn wants(&self, kind: u16) -> bool {
        self.0.wants(kind)
    }

    fn apply(&mut self, seq: u64, event: &Event) {
        std::thread::sleep(Duration::from_millis(1));
        self.0.apply(seq, event);
    }

    fn due(&mut self, now: Timestamp) -> Vec<Event> {
        self.0.due(now)
    }

    fn view(&self) -> Sold {
        self.0.clone()
    }

    fn encode(&self) -> Vec<u8> {
        self.0.encode()
    }
}

#[tokio::test]
async fn what_follows_is_asked_for_although_there_is_always_something_newer() {
    let (dir, store) = (tempfile::tempdir().unwrap(), StoreUnderTest::start());
    let place = Place { dir: dir.path(), name: "slow", layout: 1 };
    let parts = (|| Slow(Sold::default()), |bytes: &[u8]| decode(bytes).map(Slow));
    let (config, now) = (Config::default(), Arc::new(|| at(1)));
    let (follower, _) =
        Follower::start(place, config, &store.journal, now, &mut Registry::default(), parts).unwrap();
    for number in 0..10_000 {
        if follower.view().counts > 0 {
            return;
        }
        store.append([sale(&number.to_string(), vec![line(1, 1, 1)]).into()]);
        while store.journal.durable() > follower.applied() + 50 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    panic!("nothing was proposed");
}
