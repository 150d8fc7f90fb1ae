//! A page of the fleet by a filter: the console's and the interface's, beside a page that somebody writes by hand in SQL.

use super::{
    Arguments, Bench,
    full::{Full, REGIONS},
};
use crate::{
    client,
    rounds::Rounds,
    screen,
    table::{self, Table},
};
use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::{Duration, Instant};

/// Seconds at the 99th percentile (issue 7).
const BAR_S: f64 = 0.2;
/// Rows of a page of the peer, as many as of the console's.
const ROWS: i64 = 50;
/// What people ask the console.
const FILTERS: [&str; 8] = [
    "",
    "region:eu",
    "is:connected",
    "is:away region:us",
    "is:drifting",
    "runs:plugin/multi-buy@1.3.0",
    "-region:eu is:behind",
    "store-07",
];
/// What people ask of nodes.
const SELECTORS: [&str; 4] = ["region=eu", "size=s, country in (c1,c2,c3)", "!pilot, region!=us", "*"];

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Console,
    Stores,
    Members,
    Peer,
}

const SIDES: [Side; 4] = [Side::Console, Side::Stores, Side::Members, Side::Peer];

impl Side {
    const fn name(self) -> &'static str {
        match self {
            Self::Console => "console, `/?q=`, 8 filters",
            Self::Stores => "`/v1/stores` by region",
            Self::Members => "`/v1/members` by selector, 4 of them",
            Self::Peer => "SQL by hand, by region",
        }
    }

    /// What is asked: a filter and a place to go on from, both drawn.
    fn path(self, random: &mut impl Rng, nodes: usize) -> String {
        let after = format!("store-{:05}", random.random_range(0..nodes.max(1)));
        let of = |all: &[&str], random: &mut dyn FnMut(usize) -> usize| {
            all.get(random(all.len())).copied().unwrap_or_default().to_owned()
        };
        let mut draw = |count: usize| random.random_range(0..count);
        match self {
            Self::Console => format!("/?q={}&after={after}", encoded(&of(&FILTERS, &mut draw))),
            Self::Stores | Self::Peer => {
                format!("/v1/stores?region={}&after={after}&limit=100", of(&REGIONS, &mut draw))
            }
            Self::Members => format!("/v1/members?filter={}&limit=100", encoded(&of(&SELECTORS, &mut draw))),
        }
    }
}

/// Measures, and gives the table.
pub(super) fn measure(bench: &mut Bench, arguments: &Arguments) -> Result<String> {
    let runtime = crate::bench::sync::runtime()?;
    let mut full = runtime.block_on(Full::start(arguments.nodes))?;
    let (address, headers) = (client::address(&full.hub.url())?, full.headers()?);
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut figures = [(); SIDES.len()].map(|()| [Rounds::default(), Rounds::default(), Rounds::default()]);
    let mut lacks = Vec::new();
    for round in 0..=bench.rounds {
        screen::progress(&format_args!("pages of the fleet: round {round} of {}", bench.rounds));
        for (side, figures) in SIDES.into_iter().zip(&mut figures) {
            if lacks.contains(&side) {
                continue;
            }
            let mut times: Histogram<u64> = Histogram::new(3)?;
            for _ in 0..arguments.requests.max(1) {
                let path = side.path(&mut random, arguments.nodes);
                let began = Instant::now();
                if side == Side::Peer {
                    runtime.block_on(by_hand(&full, &path))?;
                } else {
                    let answer = client::ask(address, "GET", &path, &headers, "")?;
                    if answer.status == 404 {
                        lacks.push(side);
                        break;
                    }
                    if answer.status != 200 {
                        bail!("`{path}` was answered {}: {}", answer.status, answer.body);
                    }
                }
                times.record(micros(began.elapsed()))?;
            }
            // The first round fills caches.
            if round > 0 && !lacks.contains(&side) {
                for (figure, quantile) in figures.iter_mut().zip([0.5, 0.99, 1.0]) {
                    figure.add(times.value_at_quantile(quantile) as f64 / 1e6);
                }
            }
        }
    }
    full.hub.stop()?;
    Ok(told(&figures, &lacks, arguments, full.filled_s))
}

fn told(figures: &[[Rounds; 3]; 4], lacks: &[Side], arguments: &Arguments, filled_s: f64) -> String {
    let mut table = Table::new(&[
        "a page of the fleet",
        "p50",
        "p99, median of rounds",
        "slowest",
        "p99 beside SQL by hand",
        "bar",
        "met",
    ]);
    let [.., [_, peer, _]] = figures;
    for (side, [p50, p99, most]) in SIDES.into_iter().zip(figures) {
        if lacks.contains(&side) {
            continue;
        }
        let is_peer = side == Side::Peer;
        table.row([
            side.name().to_owned(),
            table::time(p50.median()),
            table::time(p99.median()),
            table::time(most.most()),
            if is_peer { "1".to_owned() } else { table::ratio(p99.ratio(peer)) },
            if is_peer { "–".to_owned() } else { format!("< {}", table::time(BAR_S)) },
            if is_peer { "–".to_owned() } else { table::met(p99.median() < BAR_S) },
        ]);
    }
    format!(
        "{table}\n{} stores with a node each, four logs and three reports of each, in SQLite (filled in {filled_s:.1} s). {} pages a round, one after the other, each with a filter \
         and a place that are drawn, each over a new connection to the hub's process; the time is that of the whole page, rendered and received. \
         A page of the console has 50 stores with what runs in each, how far behind they are and the counts of all kinds above; one of the interface 100 rows. The peer is one \
         statement over the table `stores` ({ROWS} rows by region behind a place), in this process, without HTTP, rights or rendering. {} rounds.",
        table::count(arguments.nodes as f64),
        arguments.requests,
        arguments.rounds,
    )
}

/// What the peer does: a page as somebody writes it by hand.
async fn by_hand(full: &Full, path: &str) -> Result<()> {
    let of = |name: &str| {
        path.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
    };
    let rows: Vec<(String, String, i64, i64)> = sqlx::query_as(
        "SELECT store, region, first_seen_ms, last_seen_ms FROM stores WHERE store > $1 AND region = $2 ORDER BY store LIMIT $3",
    )
    .bind(of("after"))
    .bind(of("region"))
    .bind(ROWS)
    .fetch_all(&full.pool)
    .await
    .context("the peer's statement failed")?;
    std::hint::black_box(rows);
    Ok(())
}

fn micros(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX).max(1)
}

fn encoded(text: &str) -> String {
    let one = |byte: u8| {
        if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(one).collect()
}
