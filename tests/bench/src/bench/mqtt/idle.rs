//! Five thousand connections that say nothing: what each costs in memory.

use super::{
    Bench,
    broker::{Both, Broker, SIDES, Setting, Side},
    certificate::Certificate,
};
use crate::{
    memory,
    rounds::Rounds,
    screen,
    table::{self, Table},
};
use aisle_harness::mqtt::raw::{Connect, RawClient, RawError, Tls, Version};
use anyhow::Result;
use std::{thread, time::Duration};
use tokio::task::JoinSet;

const CONNECTIONS: usize = 5_000;
/// Connections that are being made at once.
const AT_ONCE: usize = 50;
/// How long a broker is left alone before its memory is read.
const SETTLING: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Default)]
struct Measured {
    before: Rounds,
    each: Rounds,
}

/// Measures, and gives the table.
pub(super) fn measure(bench: &Bench) -> Result<String> {
    let certificate = Certificate::make(bench.dir())?;
    let mut kinds = [("plain TCP", None), ("TLS", Some(&certificate))]
        .map(|(name, certificate)| (name, certificate, Both::<Measured>::default()));
    for (name, certificate, measured) in &mut kinds {
        for side in SIDES {
            screen::progress(&format_args!("{CONNECTIONS} idle connections to {}, {name}", side.name()));
            round(bench, side, *certificate, measured.of(side))?;
        }
    }
    let mut table = Table::new(&[
        "memory of an idle connection",
        "the node",
        "mosquitto",
        "ratio",
        "before the first, node / mosquitto",
    ]);
    for (name, _, Both { ours, theirs }) in &kinds {
        let kib = |bytes: f64| format!("{:.1} KiB", bytes / 1024.0);
        table.row([
            (*name).into(),
            kib(ours.each.median()),
            kib(theirs.each.median()),
            table::ratio(ours.each.ratio(&theirs.each)),
            format!("{} / {}", table::mib(ours.before.median()), table::mib(theirs.before.median())),
        ]);
    }
    Ok(format!(
        "{table}\nGrowth of VmRSS over {} connections, read {} after the last one; sockets' buffers in the kernel are not in it.",
        table::count(CONNECTIONS as f64),
        table::duration(SETTLING)
    ))
}

fn round(
    bench: &Bench,
    side: Side,
    certificate: Option<&Certificate>,
    measured: &mut Measured,
) -> Result<()> {
    let broker = Broker::start(side, bench.dir(), Setting { certificate, ..Setting::default() })?;
    thread::sleep(SETTLING);
    let before = memory::resident(broker.pid)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let clients =
        runtime.block_on(connect_all(&broker, certificate.map(|certificate| &certificate.trust)))?;
    thread::sleep(SETTLING);
    let after = memory::resident(broker.pid)?;
    measured.before.add(before);
    measured.each.add((after - before) / clients.len() as f64);
    Ok(())
}

async fn connect_all(broker: &Broker, tls: Option<&Tls>) -> Result<Vec<RawClient>> {
    let (mut clients, mut connecting) = (Vec::with_capacity(CONNECTIONS), JoinSet::new());
    for number in 0..CONNECTIONS {
        if connecting.len() == AT_ONCE
            && let Some(client) = connecting.join_next().await
        {
            clients.push(client??);
        }
        connecting.spawn(connect(broker.address, number, tls.cloned()));
    }
    while let Some(client) = connecting.join_next().await {
        clients.push(client??);
    }
    Ok(clients)
}

/// One client with a name of its own and no keep alive.
pub(super) async fn connect(
    address: std::net::SocketAddr,
    number: usize,
    tls: Option<Tls>,
) -> Result<RawClient, RawError> {
    let connect = Connect::clean(Version::V311, format!("idle-{number}"));
    let (client, _) = match tls {
        None => RawClient::connect(address, &connect).await?,
        Some(tls) => RawClient::connect_tls(address, &connect, &tls).await?,
    };
    Ok(client)
}
