//! How long the hub takes for a week of a store, from batches to the last commit. Measured, not judged:
//! `cargo nextest run --release -p aisle-hub --run-ignored only a_week --no-capture`; `AISLE_EVENTS` sets another number.

use crate::{
    postgres::Server,
    shop::{Outbox, sqlite},
};
use aisle_hub::{
    Database,
    database::{Bounds, Location},
};
use aisle_protocol::{Batch, hub};
use std::{sync::Arc, time::Instant};

/// Seven days of 200,000 events.
const EVENTS_OF_A_WEEK: u64 = 1_400_000;
const BATCH: u64 = 100;
/// What the machine gives to one admission at most.
const TOGETHER: usize = 64;

async fn take(name: &str, database: &Database, shop: &Outbox, batches: &[Batch]) {
    let events = shop.at().seq;
    let (begun, cpu) = (Instant::now(), cpu_ms());
    let mut unpacking = std::time::Duration::ZERO;
    for together in batches.chunks(TOGETHER) {
        let unpack = Instant::now();
        let checked = hub::check(together.to_vec()).unwrap();
        unpacking += unpack.elapsed();
        let admission = aisle_hub::database::Admission {
            log: shop.log.clone(),
            batches: Arc::new(checked),
            gate: shop.receipt_gate(),
        };
        assert_eq!(database.admit(admission).await.unwrap().stop, None);
    }
    let elapsed = begun.elapsed();
    println!(
        "{name}: {events} events in {:.1} s ({:.0} a second), {:.1} s of it unpacking; CPU of this process {:.1} s",
        elapsed.as_secs_f64(),
        events as f64 / elapsed.as_secs_f64(),
        unpacking.as_secs_f64(),
        (cpu_ms() - cpu) as f64 / 1000.0,
    );
}

/// User and system time of this process, in milliseconds.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement of some minutes"]
async fn a_week_of_a_store_is_taken_in() {
    let events = std::env::var("AISLE_EVENTS").map_or(EVENTS_OF_A_WEEK, |text| text.parse().unwrap());
    let mut shop = Outbox::new("store-1", 1);
    let batches: Vec<Batch> =
        (0..events / BATCH).map(|at| shop.sales(at * BATCH, (at + 1) * BATCH)).collect();
    let bytes: usize = batches.iter().map(|batch| batch.bytes().len()).sum();
    println!("{} batches, {:.1} bytes an event", batches.len(), bytes as f64 / events as f64);
    let (folder, database) = sqlite().await;
    take("SQLite", &database, &shop, &batches).await;
    let size = std::fs::metadata(folder.path().join("hub.db")).unwrap().len();
    println!("SQLite: {:.0} bytes an event on disk", size as f64 / events as f64);
    drop((database, folder));
    let server = Server::start();
    let location: Location = server.database("week").parse().unwrap();
    let database = Database::open(&location, &Bounds::default()).await.unwrap();
    take("PostgreSQL", &database, &shop, &batches).await;
}
