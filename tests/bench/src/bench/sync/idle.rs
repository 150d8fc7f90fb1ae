//! Stores that are connected and have nothing to say: what they take of a hub's memory.

use super::{member, runtime, sealed};
use crate::{
    memory, process, screen,
    table::{self, Table},
};
use aisle_event::LogClass;
use aisle_harness::hub::{HubOptions, HubUnderTest};
use aisle_protocol::{
    Batch, Epoch, Head, Point,
    node::{Log, Outbox},
};
use aisle_transport::client::{self, Client, Phase};
use anyhow::{Context, Result, bail};
use std::{
    convert::Infallible,
    thread,
    time::{Duration, Instant},
};

/// Bytes of the hub with a thousand stores (issue 6).
const BAR: f64 = 200.0 * 1024.0 * 1024.0;
const STORES_OF_THE_BAR: usize = 1_000;
/// Stores that call at once.
const TOGETHER: usize = 50;
const CONNECTED_MAX: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(10);
/// How long the hub is left alone before its memory is read.
const SETTLING: Duration = Duration::from_secs(10);

/// An outbox of a store that has sold nothing.
struct Nothing;

impl Outbox for Nothing {
    type Error = Infallible;

    fn log(&mut self, _: LogClass) -> Result<Option<Log>, Infallible> {
        Ok(None)
    }

    fn batch_after(&mut self, _: LogClass, _: u64) -> Result<Option<Batch>, Infallible> {
        Ok(None)
    }

    fn head_at(&mut self, _: LogClass, _: u64) -> Result<Option<Head>, Infallible> {
        Ok(None)
    }

    fn points(&mut self, _: LogClass, _: u64, _: u64, _: usize) -> Result<Vec<Point>, Infallible> {
        Ok(Vec::new())
    }

    fn past(&mut self, _: LogClass) -> Result<Vec<(Epoch, Point)>, Infallible> {
        Ok(Vec::new())
    }
}

impl client::Outbox for Nothing {
    fn acked(&mut self, _: LogClass, _: Epoch, _: Point) -> Result<(), Infallible> {
        Ok(())
    }

    fn renew(&mut self, _: LogClass, _: Epoch, _: u64) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Measures, and gives the table.
pub(super) fn measure(stores: usize) -> Result<String> {
    let runtime = runtime()?;
    let mut hub = HubUnderTest::start(HubOptions::default())?;
    let pid = hub.pid().context("the hub does not run")?;
    let mut members = Vec::with_capacity(stores);
    for number in 0..stores {
        if number % 100 == 0 {
            screen::progress(&format_args!("letting stores in: {number} of {stores}"));
        }
        let store = format!("store-{number:05}");
        members.push((member::join(&hub, &store)?, store));
    }
    thread::sleep(SETTLING);
    let before = memory::resident(pid)?;
    let cpu_before = process::cpu_s(pid)?;
    screen::progress(&format_args!("connecting {stores} stores"));
    let mut clients = Vec::with_capacity(stores);
    let mut members = members.into_iter().peekable();
    while members.peek().is_some() {
        let mut together = Vec::with_capacity(TOGETHER);
        for (credentials, store) in members.by_ref().take(TOGETHER) {
            together.push(sealed::call(&runtime, credentials, &store, hub.quic().port(), Nothing)?);
        }
        together.iter().try_for_each(connected)?;
        clients.append(&mut together);
    }
    let cpu = process::cpu_s(pid)? - cpu_before;
    thread::sleep(SETTLING);
    // All of them are still there.
    clients.iter().try_for_each(connected)?;
    let after = memory::resident(pid)?;
    for client in clients {
        runtime.block_on(client.stop());
    }
    hub.stop()?;
    let is_judged = stores >= STORES_OF_THE_BAR;
    let or_dash = |text: String| if is_judged { text } else { "–".into() };
    let mut table = Table::new(&[
        "idle stores",
        "VmRSS of the hub before",
        "with all of them",
        "for each",
        "processor time to let one in",
        "bar",
        "met",
    ]);
    table.row([
        table::count(stores as f64),
        table::mib(before),
        table::mib(after),
        format!("{:.1} KiB", (after - before) / stores.max(1) as f64 / 1024.0),
        table::time(cpu / stores.max(1) as f64),
        or_dash(format!("≤ {}", table::mib(BAR))),
        or_dash(table::met(after <= BAR)),
    ]);
    Ok(format!(
        "{table}\nQUIC, each store with a certificate of its own, welcomed and silent; SQLite. {TOGETHER} call at once; memory is read {} after the \
         last one. Buffers of the system's sockets are not in it: all stores share one socket of the hub's.",
        table::duration(SETTLING),
    ))
}

fn connected(client: &Client) -> Result<()> {
    let (status, deadline) = (client.status(), Instant::now() + CONNECTED_MAX);
    while status.borrow().phase != Phase::Connected {
        if Instant::now() > deadline {
            bail!("a store is not connected after {CONNECTED_MAX:?}: {:?}", *status.borrow());
        }
        thread::sleep(POLL);
    }
    Ok(())
}
