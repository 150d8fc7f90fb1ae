//! A week without a line: everything that was sold is sealed and waits; then the hub is there.

use super::{Bench, member, runtime, sealed, trade::Shop};
use crate::{
    process, screen, store,
    table::{self, Table},
};
use aisle_harness::{
    hub::{HubOptions, HubUnderTest},
    postgres::Postgres,
};
use anyhow::{Context, Result};
use std::{
    fs,
    time::{Duration, Instant},
};

/// Seconds for a week of 1.4 million sales (issue 6).
const BAR: f64 = 60.0;
const SALES_OF_A_WEEK: f64 = 1_400_000.0;
/// Sales of a commit while the week is written; not what is measured.
const COMMIT: usize = 64;
const DRAINED_MAX: Duration = Duration::from_secs(1_800);
const MILLION: f64 = 1e6;

/// Measures, and gives the table.
pub(super) fn measure(bench: &mut Bench, week: usize) -> Result<String> {
    let (kept, line) = (bench.dir().join("week"), bench.dir().join("line"));
    screen::progress(&format_args!("writing and sealing {week} sales"));
    let begun = Instant::now();
    let sold = sealed::sell(&kept, Shop::new(2, false).take(week), COMMIT)?;
    let sealing = begun.elapsed();
    let mut table = Table::new(&[
        "a week without a line, drained",
        "sales",
        "until the last is acknowledged",
        "sales/s",
        "processor time of the hub for a million",
        "of the database's processes",
        "fdatasync before",
        "bar",
        "met",
    ]);
    for name in ["SQLite", "PostgreSQL"] {
        screen::progress(&format_args!("draining {sold} sales into {name}"));
        if line.exists() {
            fs::remove_dir_all(&line)?;
        }
        store::copy(&kept, &line)?;
        bench.probe()?;
        let sync = crate::probe::fdatasync(bench.dir())?;
        let below = store::scratch()?;
        let server = if name == "PostgreSQL" {
            Some(Postgres::start(below.path().parent().context("it lies in a folder")?)?)
        } else {
            None
        };
        // The file lies on the disk that is probed, not where temporary files do.
        let database = match &server {
            Some(server) => server.database("week")?,
            None => below.path().join("hub.db").display().to_string(),
        };
        let mut hub = HubUnderTest::start(HubOptions { database, ..HubOptions::default() })?;
        let (runtime, pid) = (runtime()?, hub.pid().context("the hub does not run")?);
        let credentials = member::join(&hub, member::STORE)?;
        let of_server = |server: &Postgres| process::family_cpu_s(server.pid());
        let before = (process::cpu_s(pid)?, server.as_ref().map(of_server).transpose()?);
        let online = sealed::Online::open(&runtime, &line, credentials, hub.quic().port())?;
        let elapsed = online.wait_until_acknowledged(DRAINED_MAX)?.as_secs_f64();
        let after = (process::cpu_s(pid)?, server.as_ref().map(of_server).transpose()?);
        online.close(&runtime)?;
        hub.stop()?;
        let million = |seconds: f64| table::time(seconds * MILLION / sold as f64);
        let of_database = before.1.zip(after.1).map(|(before, after)| million(after - before));
        let is_week = sold as f64 >= SALES_OF_A_WEEK;
        let or_dash = |text: String| if is_week { text } else { "–".into() };
        table.row([
            name.into(),
            table::count(sold as f64),
            table::time(elapsed),
            table::count(sold as f64 / elapsed),
            million(after.0 - before.0),
            of_database.unwrap_or_else(|| "in the hub's".into()),
            table::time(sync),
            or_dash(format!("≤ {}", table::time(BAR))),
            or_dash(table::met(elapsed <= BAR)),
        ]);
    }
    Ok(format!(
        "{table}\nThe store's journal and outbox are in this process, opened as at a start; time is counted from the call, handshake included, to the last \
         acknowledgement, which the hub sends when its database has committed. Over loopback without a proxy. To write the week and to seal it in {} \
         commits took {}, which is not in it.",
        table::count((sold / COMMIT) as f64),
        table::duration(sealing),
    ))
}
