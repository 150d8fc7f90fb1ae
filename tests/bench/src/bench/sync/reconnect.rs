//! A store that was away: from its call to the first acknowledgement, in round trips of the line.

use super::{Bench, member, runtime, sealed, trade::Shop};
use crate::{
    rounds::Rounds,
    screen,
    table::{self, Table},
};
use aisle_harness::{
    hub::{HubOptions, HubUnderTest},
    link::{UdpLink, Weather},
};
use anyhow::Result;
use std::time::Duration;

/// Round trips (issue 6).
const BAR: f64 = 2.0;
/// What both ends compute is no round trip: so much of one is let through for it.
const COMPUTED: f64 = 0.1;
/// One way, and there and back.
const DELAY_MS: u64 = 50;
const ROUND_TRIP_S: f64 = 2.0 * DELAY_MS as f64 / 1000.0;
/// One batch.
const SALES: usize = 100;
const ACKNOWLEDGED_MAX: Duration = Duration::from_secs(60);

/// Measures, and gives the table.
pub(super) fn measure(bench: &mut Bench) -> Result<String> {
    let runtime = runtime()?;
    let mut hub = HubUnderTest::start(HubOptions::default())?;
    let link = runtime.block_on(UdpLink::start(hub.quic(), 1))?;
    let credentials = member::join(&hub, member::STORE)?;
    let mut times = Rounds::default();
    let dir = bench.dir().join("reconnect");
    let mut shop = Shop::new(3, false);
    for round in 0..=bench.rounds {
        screen::progress(&format_args!("reconnecting: round {round} of {}", bench.rounds));
        // The line is good while the store is away; the store sells meanwhile.
        bench.probe()?;
        sealed::sell(&dir, shop.by_ref().take(SALES), SALES)?;
        link.set(Weather { delay_ms: DELAY_MS, ..Weather::default() });
        let online = sealed::Online::open(&runtime, &dir, credentials.clone(), link.address().port())?;
        let elapsed = online.wait_until_acknowledged(ACKNOWLEDGED_MAX)?;
        online.close(&runtime)?;
        // The first call of a store is no reconnection: the hub has never seen its logs.
        if round > 0 {
            times.add(elapsed.as_secs_f64());
        }
    }
    hub.stop()?;
    let trips = |seconds: f64| format!("{:.2}", seconds / ROUND_TRIP_S);
    let median = times.median();
    let mut table = Table::new(&[
        "from the call to the acknowledgement",
        "median",
        "round trips",
        "of the worst round",
        "beyond whole round trips, median",
        "bar",
        "met",
    ]);
    let whole = (median / ROUND_TRIP_S).floor();
    table.row([
        format!("a round trip of {}", table::time(ROUND_TRIP_S)),
        table::time(median),
        trips(median),
        trips(times.most()),
        table::time(median - whole * ROUND_TRIP_S),
        format!("≤ {BAR}"),
        table::met(median <= (BAR + COMPUTED) * ROUND_TRIP_S),
    ]);
    Ok(format!(
        "{table}\nQUIC without resumption: a handshake with both certificates, then HELLO and a batch of {SALES} sales sent together, then the transaction \
         and its acknowledgement. {} rounds, each with a new connection of a store that sold while it was away. What certificates, chain, \
         receipt and commit take is no round trip: the bar lets {} through for it.",
        bench.rounds,
        table::time(COMPUTED * ROUND_TRIP_S),
    ))
}
