//! From a scale's message to the staff board: how long until somebody who looks sees what was weighed.
//!
//! Way of a message: broker, profile, journal, position, board, page. Its peer is the shortest way that there is: mosquitto hands
//! it to a subscriber, and keeps nothing.

use super::{
    Bench,
    broker::Broker,
    scales::{self, Floor, PER_SECOND, SCALES_EACH, SHELVES, quantile_s},
    shop,
    staff::Staff,
};
use crate::{
    bench::side::Side,
    process,
    rounds::Rounds,
    screen,
    table::{self, Table},
};
use aisle_event::{Timestamp, device::Measured};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

const ROUND_MAX: Duration = Duration::from_secs(20);
const WARM_UP: Duration = Duration::from_secs(5);
/// How long what was sent may take to the board when nothing new is sent.
const SHOWING_MAX: Duration = Duration::from_secs(10);
/// Whoever asks for the board without being told asks so often.
const ASK_EVERY: Duration = Duration::from_millis(25);
/// A demo shows on the board within this (99th percentile).
const BAR_S: f64 = 2.0;

/// Who waits for a message, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watch {
    /// A page: is told by its line that there is a newer board, and fetches it.
    Page,
    /// A program that asks for the board again and again.
    Asking,
    /// A subscriber of mosquitto.
    Subscriber,
}

const WATCHES: [Watch; 3] = [Watch::Page, Watch::Asking, Watch::Subscriber];

impl Watch {
    const fn name(self) -> &'static str {
        match self {
            Self::Page => "the node: until a page that was told of it has the board",
            Self::Asking => "the node: until a board that is asked for 40 times a second has it",
            Self::Subscriber => "mosquitto: until a subscriber has it",
        }
    }

    fn side(self) -> Side {
        if self == Self::Subscriber { Side::Theirs } else { Side::Ours }
    }
}

#[derive(Debug, Default)]
struct Figures {
    per_second: Rounds,
    acknowledged: [Rounds; 2],
    shown: [Rounds; 2],
    cores: Rounds,
    boards_per_s: Rounds,
    missing: usize,
}

/// Measures, and gives the table.
pub(super) fn measure(bench: &mut Bench) -> Result<String> {
    let mut measured: [Figures; 3] = Default::default();
    let length = bench.steady.min(ROUND_MAX);
    for round in 1..=bench.rounds {
        for (watch, measured) in WATCHES.into_iter().zip(&mut measured) {
            screen::progress(&format_args!("board: round {round} of {}: {}", bench.rounds, watch.name()));
            bench.probe()?;
            run(bench.dir(), watch, length, measured).with_context(|| watch.name())?;
        }
    }
    let mut table = Table::new(&[
        "from a scale's message",
        "messages/s",
        "acknowledged, p50 / p99",
        "seen, p50 / p99",
        "of mosquitto's",
        "boards fetched/s",
        "cores used",
        "never seen",
        "bar, p99",
        "met",
    ]);
    let [page, asking, subscriber] = &measured;
    for (watch, measured) in WATCHES.into_iter().zip([page, asking, subscriber]) {
        let pair = |[p50, p99]: &[Rounds; 2]| {
            format!("{} / {}", table::time(p50.median()), table::time(p99.median()))
        };
        let ratios = |[p50, p99]: &[Rounds; 2], [base50, base99]: &[Rounds; 2]| {
            format!("{} / {}", table::ratio(p50.ratio(base50)), table::ratio(p99.ratio(base99)))
        };
        let ours = watch.side() == Side::Ours;
        let is_barred = watch == Watch::Page;
        table.row([
            watch.name().into(),
            table::count(measured.per_second.median()),
            pair(&measured.acknowledged),
            pair(&measured.shown),
            if ours { ratios(&measured.shown, &subscriber.shown) } else { "–".into() },
            if ours { format!("{:.1}", measured.boards_per_s.median()) } else { "–".into() },
            format!("{:.2}", measured.cores.median()),
            if ours { measured.missing.to_string() } else { "–".into() },
            if is_barred { format!("≤ {}", table::time(BAR_S)) } else { "–".into() },
            if is_barred { table::met(measured.shown[1].median() <= BAR_S) } else { "–".into() },
        ]);
    }
    Ok(format!(
        "{table}\n{} scales under {SHELVES} shelves speak {} times a second each, QoS 1, {PER_SECOND} messages a second in all, on a \
         schedule; times count from when a message was due. Every two hundredth is a piece that was taken or brought; those wait for a \
         second reading by design and are not in the times. The node acknowledges what is on disk, mosquitto keeps nothing. A page is \
         told at most four times a second, and the node looks five times a second whether the board is another one, so a page waits \
         some 200 ms whatever the node does. {} rounds of {} after {} of warm-up, taking turns.",
        SHELVES * SCALES_EACH,
        PER_SECOND as usize / (SHELVES * SCALES_EACH),
        bench.rounds,
        table::duration(length),
        table::duration(WARM_UP),
    ))
}

fn run(dir: &Path, watch: Watch, length: Duration, measured: &mut Figures) -> Result<()> {
    let data = dir.join("board");
    if watch.side() == Side::Ours {
        if data.exists() {
            fs::remove_dir_all(&data)?;
        }
        fs::create_dir_all(&data)?;
        crate::store::append(&data, &told()?)?;
    }
    let broker = Broker::start(watch.side(), &data)?;
    let floor = Floor::new()?;
    let (stop, seen) = (AtomicBool::new(false), AtomicBool::new(false));
    let boards = AtomicU64::new(0);
    thread::scope(|scope| {
        let watching = scope.spawn(|| match watch {
            Watch::Subscriber => scales::subscribe(&floor, &broker),
            _ => look(&floor, &broker, watch, &stop, || {
                seen.store(true, Relaxed);
                boards.fetch_add(1, Relaxed);
            }),
        });
        let publishing = scope.spawn(|| floor.publish(&broker, watch != Watch::Subscriber));
        let done = (|| {
            let undisturbed = |time: Duration| {
                thread::sleep(time);
                ensure!(!publishing.is_finished(), "the scales fell silent");
                ensure!(!watching.is_finished(), "nobody watches any more");
                Ok(())
            };
            undisturbed(WARM_UP)?;
            ensure!(watch == Watch::Subscriber || seen.load(Relaxed), "no board came");
            let (cpu_s, boards_before) = (process::cpu_s(broker.pid)?, boards.load(Relaxed));
            floor.count();
            undisturbed(length)?;
            floor.end();
            let cpu_s = process::cpu_s(broker.pid)? - cpu_s;
            measured.cores.add(cpu_s / length.as_secs_f64());
            let boards = boards.load(Relaxed) - boards_before;
            measured.boards_per_s.add(boards as f64 / length.as_secs_f64());
            let deadline = Instant::now() + SHOWING_MAX;
            while floor.missing() > 0 && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        })();
        floor.end();
        stop.store(true, Relaxed);
        let joined = |name: &str, result: thread::Result<Result<()>>| {
            result.unwrap_or_else(|_| bail!("it panicked")).with_context(|| name.to_owned())
        };
        joined("the scales", publishing.join())?;
        joined("whoever watches", watching.join())?;
        done
    })?;
    let (acknowledged, shown) = floor.results();
    ensure!(!shown.is_empty(), "nothing was seen");
    for (rounds, share) in measured.acknowledged.iter_mut().zip([0.5, 0.99]) {
        rounds.add(quantile_s(&acknowledged, share));
    }
    for (rounds, share) in measured.shown.iter_mut().zip([0.5, 0.99]) {
        rounds.add(quantile_s(&shown, share));
    }
    measured.per_second.add(floor.published.load(Relaxed) as f64 / length.as_secs_f64());
    measured.missing += floor.missing();
    Ok(())
}

/// Products, and scales that are approved and stand under them.
fn told() -> Result<Vec<aisle_event::Event>> {
    let at = Timestamp(jiff::Timestamp::now().as_millisecond());
    let mut events = Vec::new();
    for shelf in 0..SHELVES {
        events.extend(shop::product(&scales::sku(shelf), at)?);
    }
    for number in 0..SHELVES * SCALES_EACH {
        let name = scales::scale(number);
        events.extend(shop::device(&name, scales::STREAM, Measured::Gram, at)?);
        events.push(shop::scale(&name, scales::STREAM, &scales::sku(number), scales::UNIT_WEIGHT_G, at)?);
    }
    Ok(events)
}

/// Looks at the board until told to stop.
fn look(
    floor: &Arc<Floor>,
    broker: &Broker,
    watch: Watch,
    stop: &AtomicBool,
    mut each: impl FnMut(),
) -> Result<()> {
    let staff = Staff::sign_in(broker.node().context("mosquitto has no board")?)?;
    let mut line = staff.line()?;
    while !stop.load(Relaxed) {
        if watch == Watch::Page {
            line.wait()?;
        } else {
            thread::sleep(ASK_EVERY);
        }
        let board = staff.board()?;
        let rows = board.get("positions").and_then(Value::as_array).context("the board has no positions")?;
        for row in rows {
            if let Some((shelf, at_ms)) = shown(row) {
                floor.shown_up_to(shelf, at_ms);
            }
        }
        each();
    }
    Ok(())
}

/// Which shelf a row is of, and the time of the newest thing that it rests on.
fn shown(row: &Value) -> Option<(usize, i64)> {
    let shelf = row.get("sku")?.as_str()?.strip_prefix("item-")?.parse().ok()?;
    let as_of: jiff::Timestamp = row.pointer("/shelf/as_of")?.as_str()?.parse().ok()?;
    Some((shelf, as_of.as_millisecond()))
}
