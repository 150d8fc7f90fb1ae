//! A call with a fresh instance: ours, with everything that is held to its limits and looked at, and wasmtime alone.

use super::{
    Bench,
    bare::Bare,
    guests::{self, Guest},
};
use crate::{
    rounds::Rounds,
    screen,
    table::{self, Table},
};
use aisle_plugin_host::{Host, Input, Output};
use anyhow::{Context, Result, ensure};
use std::{hint::black_box, time::Instant};

/// Of what wasmtime alone takes.
const BAR: f64 = 1.2;
/// Calls of each in a round.
const CALLS: u32 = 1_000;
/// The same where a call takes twenty times as long.
const CALLS_SLOW: u32 = 50;

/// Measures, and gives the tables.
pub(super) fn measure(bench: &Bench) -> Result<String> {
    let guest = Guest::find(guests::MEASURED)?;
    let host = Host::new(guests::config())?;
    let (plugin, scene) = (guest.load(&host)?, guests::scene());
    let input = guests::basket(guest.manifest.settings.clone());
    let asked = Input::Promotion(input.clone());
    let peers = [
        ("wasmtime, its pool as it comes, nothing counted", Bare::by_default(&guest.component)?, true),
        (
            "wasmtime with our pool, nothing counted",
            Bare::with_our_pool(host.config(), &guest.component)?,
            false,
        ),
        (
            "wasmtime with our pool and settings: fuel counted, epochs looked at",
            Bare::with_our_settings(host.config(), &guest.manifest.limits, &guest.component)?,
            true,
        ),
    ];
    let answered = plugin.call(&scene, &asked);
    let items = answered.outcome.as_ref().map(Output::len);
    let items = items.map_err(|failure| anyhow::anyhow!("{failure}")).context("our own call failed")?;
    for (name, bare, _) in &peers {
        let theirs = bare.call(&input)?;
        ensure!(theirs == items, "{name}: {theirs} adjustments, ours {items}");
    }

    let (mut ours, mut theirs) = (Rounds::default(), peers.each_ref().map(|_| Rounds::default()));
    for round in 1..=bench.rounds {
        screen::progress(&format_args!("calls: round {round} of {}", bench.rounds));
        ours.add(each(CALLS, || {
            ensure!(plugin.call(&scene, black_box(&asked)).outcome.is_ok(), "our own call failed");
            Ok(())
        })?);
        for ((_, bare, _), rounds) in peers.iter().zip(&mut theirs) {
            rounds.add(each(CALLS, || bare.call(black_box(&input)).map(|_| ()))?);
        }
    }

    let mut table = Table::new(&[
        "a fresh instance and a call, basket of ten lines",
        "median (least)",
        "ours, of it",
        "bar",
        "met",
    ]);
    let cell =
        |rounds: &Rounds| format!("{} ({})", table::time(rounds.median()), table::time(rounds.least()));
    table.row(["ours".into(), cell(&ours), "–".into(), "–".into(), "–".into()]);
    for ((name, _, judged), rounds) in peers.iter().zip(&theirs) {
        let ratio = ours.ratio(rounds);
        let (bar, met) = if *judged {
            (format!("≤ {}", table::ratio(BAR)), table::met(ratio <= BAR))
        } else {
            ("–".into(), "–".into())
        };
        table.row([(*name).into(), cell(rounds), table::ratio(ratio), bar, met]);
    }
    Ok(format!(
        "{table}\n`{}`, {} KiB, answers with {items} discounts and takes {} units of fuel. {} rounds of {} calls each, taking turns, on one \
         thread. {}",
        guests::MEASURED,
        guest.component.len() >> 10,
        table::count(answered.fuel as f64),
        bench.rounds,
        table::count(f64::from(CALLS)),
        javascript(bench, &host)?,
    ))
}

/// The same hook in JavaScript, in a sentence.
fn javascript(bench: &Bench, host: &Host) -> Result<String> {
    let Some(guest) = Guest::javascript()? else {
        return Ok("A plugin in JavaScript was not measured: there is no `componentize-qjs` here to build it; what it cost elsewhere is in \
                   plugins/guests/other-languages/javascript."
            .into());
    };
    let (plugin, scene, asked) = (guest.load(host)?, guests::scene(), guests::asked(&guest));
    let mut rounds = Rounds::default();
    for _ in 0..bench.rounds {
        rounds.add(each(CALLS_SLOW, || {
            let call = plugin.call(&scene, black_box(&asked));
            call.outcome.map(drop).map_err(|failure| anyhow::anyhow!("{failure}"))
        })?);
    }
    Ok(format!(
        "`{}`, in JavaScript with its interpreter, is {} KiB and takes {} (median) for a call.",
        guest.manifest.id,
        guest.component.len() >> 10,
        table::time(rounds.median()),
    ))
}

/// Seconds for one of so many calls.
pub(super) fn each(calls: u32, mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    for _ in 0..calls {
        call()?;
    }
    Ok(started.elapsed().as_secs_f64() / f64::from(calls))
}
