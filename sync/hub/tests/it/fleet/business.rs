//! Business metrics: who is compared with whom, which hours count, what holds up nobody.

use super::world::{World, spec};
use crate::{
    people::hall::Hall,
    shop::{Outbox, sale},
};
use aisle_event::Event;
use aisle_fleet::{Metric, Rollout, gate::Verdict, rollout::WaveState};
use aisle_hub::database::Location;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;

const HOUR: i64 = 3_600_000;

fn metric(name: &str) -> Metric {
    Metric::new(name).unwrap()
}

/// One sale after the other, each at a price.
fn sales(prices: impl IntoIterator<Item = (i64, i64)>) -> Vec<(u64, Event)> {
    let of = |(number, (at_ms, minor)): (usize, (i64, i64))| {
        let Event::SaleRecorded(mut record) = sale(number as u64, at_ms as u64) else { panic!() };
        record.lines[0].quantity = aisle_event::Quantity::each(1);
        record.lines[0].unit_price.minor = minor;
        (at_ms as u64, record.into())
    };
    prices.into_iter().enumerate().map(of).collect()
}

async fn sell(world: &World<'_>, at: usize, sales: Vec<(u64, Event)>) {
    let mut outbox = Outbox::new(world.nodes[at].store.as_str(), 1);
    for some in sales.chunks(1_000) {
        let batch = outbox.seal(some.to_vec());
        outbox.admit(world.database(), &[&batch]).await.unwrap();
    }
}

/// Four sales an hour for a day before a time and a day behind it.
fn two_days(start: i64, price: impl Fn(i64, i64) -> i64) -> Vec<(u64, Event)> {
    let hours = (-24..24).flat_map(|hour| (0..4).map(move |number| (hour, number)));
    sales(hours.map(|(hour, number)| (start + hour * HOUR + number * 600_000, price(hour, number))))
}

/// The full hour that comes.
fn next_hour(hall: &Hall) -> i64 {
    (hall.now() / HOUR + 1) * HOUR
}

/// A rollout that waits for its start, with these metrics, to half of the stores. Says which.
async fn half(world: &World<'_>, mut spec: Value, business: Value) -> Vec<usize> {
    spec["gates"]["business"] = business;
    let name = spec["rollout"].as_str().unwrap();
    world.draft(&spec).await;
    for verb in ["preflight", "approve"] {
        assert!(world.say(name, verb, &json!({})).await.status.is_success(), "{verb}");
    }
    world.wave(name, "half").await
}

async fn stored(world: &World<'_>) -> Rollout {
    world.database().rollout("spring").await.unwrap().unwrap().rollout
}

fn wave(rollout: &Rollout) -> &WaveState {
    &rollout.waves()[0]
}

/// Lets hours pass while the wave runs.
async fn while_running(world: &mut World<'_>, hours: u64) {
    for _ in 0..hours * 4 {
        if world.phase("spring").await != "running" {
            return;
        }
        world.pass(15).await;
    }
}

pub async fn a_metric_without_stores_like_these_holds_up_no_other_one(hall: &Hall) {
    let mut world = World::new(hall, 6).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    // Of price errors nobody had any, so that nobody has a past to be held against.
    let business = json!([
        { "metric": "basket-value", "worse": "lower", "tolerance": 20, "periods_min": 3 },
        { "metric": "price-errors", "worse": "higher", "scale": "relative" },
    ]);
    let spec = spec("spring", &new, json!([{ "name": "half", "size": 3, "soak_minutes": 10 }]));
    half(&world, spec, business).await;
    let start = next_hour(hall);
    for at in 0..6 {
        sell(&world, at, two_days(start, |hour, _| 1_000 + hour.rem_euclid(3))).await;
    }
    hall.pass(start - hall.now());
    assert!(world.say("spring", "start", &json!({})).await.status.is_success());
    while_running(&mut world, 12).await;
    world.until("spring", "done").await;
    let rollout = stored(&world).await;
    assert!(wave(&rollout).means[&metric("basket-value")].n >= 3);
    assert!(!wave(&rollout).pairs.contains_key(&metric("price-errors")));
    let judged = wave(&rollout).checks.iter().find(|check| check.gate.to_string() == "price-errors").unwrap();
    assert_eq!(judged.verdict, Verdict::NotJudged, "{}", judged.text);
}

pub async fn lines_sold_at_nothing_stop_a_wave(hall: &Hall) {
    let mut world = World::new(hall, 6).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    let business = json!([
        { "metric": "price-errors", "worse": "higher", "scale": "absolute", "tolerance": 50_000, "periods_min": 3 },
    ]);
    let spec = spec("spring", &new, json!([{ "name": "half", "size": 3, "soak_minutes": 2880 }]));
    let treated = half(&world, spec, business).await;
    let start = next_hour(hall);
    for at in 0..6 {
        // One line of four, and in every third hour two.
        let is_bad =
            |hour: i64, number: i64| treated.contains(&at) && hour >= 0 && number <= i64::from(hour % 3 == 0);
        sell(&world, at, two_days(start, |hour, number| if is_bad(hour, number) { 0 } else { 1_000 })).await;
    }
    hall.pass(start - hall.now());
    assert!(world.say("spring", "start", &json!({})).await.status.is_success());
    while_running(&mut world, 20).await;
    let detail = world.rollout("spring").await;
    let why = detail["rollout"]["phase"]["why"].as_str().unwrap_or_default();
    let worse =
        why.strip_prefix("price-errors: ").and_then(|rest| rest.split(' ').next()?.parse::<f64>().ok());
    assert!(worse.is_some_and(|worse| (250_000.0..500_000.0).contains(&worse)), "{detail:#}");
}

pub async fn what_nobody_can_measure_is_no_gate(hall: &Hall) {
    let world = World::new(hall, 2).await;
    let new = world.release("1.1.0").await;
    let odd = json!({ "business": [{ "metric": "basket-vlaue", "worse": "lower" }] });
    let mut of_all = spec("spring", &new, json!([{ "name": "all" }]));
    of_all["gates"] = odd.clone();
    let of_wave = spec("spring", &new, json!([{ "name": "all", "gates": odd }]));
    for (spec, path) in [(&of_all, "`gates.business[0]"), (&of_wave, "`waves[0].gates.business[0]")] {
        let refused = world.machine.post("/v1/rollouts", spec).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.json);
        let detail = refused.json["detail"].as_str().unwrap();
        assert!(detail.starts_with(path) && detail.contains("`basket-vlaue`"), "{detail}");
        assert!(detail.contains("`basket-value`, `price-errors`"), "{detail}");
    }
}

pub async fn hours_before_a_store_ran_it_are_not_counted_nor_stores_that_gave_it_up(hall: &Hall) {
    let mut world = World::new(hall, 8).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    let business = json!([{ "metric": "basket-value", "worse": "lower", "tolerance": 20, "periods_min": 3 }]);
    let mut spec = spec("spring", &new, json!([{ "name": "half", "size": 4, "soak_minutes": 10 }]));
    spec["gates"]["failed_percent_max"] = json!(60);
    let treated = half(&world, spec, business).await;
    let start = next_hour(hall);
    // They do badly until it comes, eight hours after its wave began; one goes on doing so, and does not take it.
    let bad = treated[0];
    world.nodes[bad].refuses.insert(new.hash);
    for at in 0..8 {
        let price = |hour: i64| match hour {
            0..8 if treated.contains(&at) => 500,
            8.. if at == bad => 100,
            hour => 1_000 + hour.rem_euclid(3),
        };
        sell(&world, at, two_days(start, |hour, _| price(hour))).await;
    }
    for at in &treated {
        world.go(*at).await;
    }
    hall.pass(start - hall.now());
    assert!(world.say("spring", "start", &json!({})).await.status.is_success());
    while_running(&mut world, 7).await;
    let rollout = stored(&world).await;
    assert_eq!(world.phase("spring").await, "running", "{:#}", world.rollout("spring").await);
    assert_eq!(wave(&rollout).pairs[&metric("basket-value")].len(), 4, "they are looked for when it begins");
    assert_eq!(wave(&rollout).means[&metric("basket-value")].n, 0, "nobody runs it");
    for at in &treated {
        world.come(*at).await;
    }
    while_running(&mut world, 12).await;
    let detail = world.rollout("spring").await;
    assert_eq!(world.phase("spring").await, "settling", "one has not run it: {detail:#}");
    let rollout = stored(&world).await;
    let mean = wave(&rollout).means[&metric("basket-value")];
    assert!(mean.n >= 3 && mean.mean.abs() < 5.0, "{mean:?}");
}

pub async fn a_long_day_is_read_to_its_end_a_piece_at_a_look(hall: &Hall) {
    let mut world = World::new(hall, 4).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    let business = json!([{ "metric": "basket-value", "worse": "lower" }]);
    let spec = spec("spring", &new, json!([{ "name": "half", "size": 2 }]));
    half(&world, spec, business).await;
    let start = next_hour(hall);
    for at in 0..4 {
        let of = |hour: i64, price: i64| (0..3_000).map(move |at| (start + hour * HOUR + at * 1_000, price));
        sell(&world, at, sales(of(-24, 1_000).chain(of(-2, 2_000)))).await;
    }
    hall.pass(start - hall.now());
    assert!(world.say("spring", "start", &json!({})).await.status.is_success());
    world.engine.look().await.unwrap();
    let rollout = stored(&world).await;
    assert_eq!(wave(&rollout).pairs.len(), 0, "it is more than a look reads");
    // Meanwhile every gate is judged, and only that of the metric waits for it.
    let judged = |name: &str| {
        let checks = &wave(&rollout).checks;
        checks.iter().find(|check| check.gate.to_string() == name).map(|check| check.verdict)
    };
    assert_eq!((judged("booted"), judged("basket-value")), (Some(Verdict::Pass), Some(Verdict::Wait)));
    // Nothing has happened, and the clock stands: it goes on all the same.
    world.engine.look().await.unwrap();
    let rollout = stored(&world).await;
    let pairs = &wave(&rollout).pairs[&metric("basket-value")];
    let pasts: Vec<i64> = pairs.iter().flat_map(|pair| [pair.treated_past, pair.control_past]).collect();
    assert_eq!(pasts, [1_500; 4], "half of the day at each price");
    let hours: Vec<u32> =
        pairs.iter().flat_map(|pair| [pair.treated_periods, pair.control_periods]).collect();
    assert_eq!(hours, [2; 4], "two hours of it were open");
}

pub async fn hours_that_did_not_get_into_the_rows_are_measured_again(hall: &Hall) {
    // Only there a save can be kept from the rows.
    let Location::Sqlite(file) = hall.one.api.database.location().clone() else { return };
    let mut world = World::new(hall, 4).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    let business = json!([{ "metric": "basket-value", "worse": "lower", "tolerance": 20, "periods_min": 3 }]);
    let spec = spec("spring", &new, json!([{ "name": "half", "size": 2, "soak_minutes": 2880 }]));
    half(&world, spec, business).await;
    let start = next_hour(hall);
    for at in 0..4 {
        sell(&world, at, two_days(start, |_, _| 1_000)).await;
    }
    hall.pass(start - hall.now());
    assert!(world.say("spring", "start", &json!({})).await.status.is_success());
    while wave(&stored(&world).await).reached_at.is_none() {
        world.pass(10).await;
    }
    hall.pass(8 * HOUR);
    let mut behind = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    let trigger = "CREATE TRIGGER raced BEFORE UPDATE ON rollouts BEGIN SELECT RAISE(IGNORE); END";
    sqlx::query(trigger).execute(&mut behind).await.unwrap();
    world.engine.look().await.unwrap();
    sqlx::query("DROP TRIGGER raced").execute(&mut behind).await.unwrap();
    assert_eq!(wave(&stored(&world).await).means[&metric("basket-value")].n, 0, "somebody else was first");
    world.engine.look().await.unwrap();
    let rollout = stored(&world).await;
    let reached = wave(&rollout).reached_at.unwrap().0 / HOUR;
    let hours = hall.now() / HOUR - 2 - reached;
    assert!(hours >= 6);
    assert_eq!(wave(&rollout).means[&metric("basket-value")].n, hours as u64, "each hour once");
}
