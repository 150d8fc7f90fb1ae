//! Two thousand clients at once, as when a switch comes back: how long until the last one is let in.

use super::{
    Bench,
    broker::{Both, Broker, SIDES, Setting},
    certificate::Certificate,
    idle::connect,
};
use crate::{
    rounds::Rounds,
    screen,
    table::{self, Table},
};
use anyhow::{Context, Result};
use std::time::Instant;
use tokio::task::JoinSet;

const CLIENTS: usize = 2_000;

/// Measures, and gives the table.
pub(super) fn measure(bench: &Bench) -> Result<String> {
    let certificate = Certificate::make(bench.dir())?;
    let mut kinds = [("plain TCP", None), ("TLS", Some(&certificate))]
        .map(|(name, certificate)| (name, certificate, Both::<Rounds>::default()));
    for round in 1..=bench.rounds {
        for (name, certificate, all_in) in &mut kinds {
            screen::progress(&format_args!(
                "{CLIENTS} clients at once, {name}: round {round} of {}",
                bench.rounds
            ));
            for side in SIDES {
                all_in.of(side).add(storm(bench, side, *certificate)?);
            }
        }
    }
    let mut table =
        Table::new(&["until the last CONNACK, median (worst)", "the node", "mosquitto", "ratio of times"]);
    for (name, _, Both { ours, theirs }) in &kinds {
        let times =
            |rounds: &Rounds| format!("{} ({})", table::time(rounds.median()), table::time(rounds.most()));
        table.row([(*name).into(), times(ours), times(theirs), table::ratio(ours.ratio(theirs))]);
    }
    Ok(format!(
        "{table}\n{} clients connect at once, {} rounds, taking turns.",
        table::count(CLIENTS as f64),
        bench.rounds
    ))
}

fn storm(bench: &Bench, side: super::broker::Side, certificate: Option<&Certificate>) -> Result<f64> {
    let broker = Broker::start(side, bench.dir(), Setting { certificate, ..Setting::default() })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let started = Instant::now();
        let mut connecting = JoinSet::new();
        for number in 0..CLIENTS {
            let tls = certificate.map(|certificate| certificate.trust.clone());
            connecting.spawn(connect(broker.address, number, tls));
        }
        let mut clients = Vec::with_capacity(CLIENTS);
        while let Some(client) = connecting.join_next().await {
            let client = client?.with_context(|| format!("{} let in, then not", clients.len()));
            clients.push(client.with_context(|| format!("{} turned a client away", side.name()))?);
        }
        Ok(started.elapsed().as_secs_f64())
    })
}
