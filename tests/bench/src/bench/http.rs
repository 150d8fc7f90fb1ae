//! `http`: the node with a year of trade behind it, beside a bare handler that gives as many bytes from memory.
//!
//! Everything runs on the machine's own cores: the node, its peer and the load generator. Two nodes run on two copies of
//! one store, of which one has no cache; whoever is not measured is idle.

use crate::{
    client,
    load::{CONNECTIONS, Figures, Load},
    memory,
    peer::server::Server,
    probe,
    rounds::Rounds,
    screen,
    store::{self, Shopper},
    table::{self, Table},
};
use aisle_harness::node::NodeUnderTest;
use anyhow::{Context, Result};
use serde_json::Value;
use std::{net::SocketAddr, path::Path, thread, time::Duration};

const ROUNDS: usize = 5;
const ROUND_S: u32 = 5;
/// Recommendations a second (DESIGN section 6).
const PER_SECOND_BAR: f64 = 10_000.0;
/// Seconds at the 99th percentile.
const P99_BAR: f64 = 5e-3;
/// Bytes resident of a node that has learnt nothing.
const IDLE_BAR: f64 = 40.0 * (1 << 20) as f64;
/// How long a node is left alone before its idle memory is read: its allocator gives back what it does not need.
const SETTLING: Duration = Duration::from_secs(20);
/// Different recommendations asked for; the answers to all of them fit into the cache.
const CONTEXTS: usize = 5_000;
/// Answers that a typical size is taken from.
const SIZED: usize = 200;
/// Products that are bought while writes are measured.
const BOUGHT: usize = 50;
const NO_CACHE: &str = "[recommend.cache]\nbytes_max = 0\n";

/// What is asked, of whom, and what came of it.
#[derive(Debug)]
struct Case<'a> {
    name: &'static str,
    load: &'a Load,
    address: SocketAddr,
    per_second: Rounds,
    p50: Rounds,
    p99: Rounds,
}

impl<'a> Case<'a> {
    fn new(name: &'static str, load: &'a Load, address: SocketAddr) -> Self {
        let (per_second, p50, p99) = Default::default();
        Self { name, load, address, per_second, p50, p99 }
    }

    fn round(&mut self) -> Result<()> {
        let figures = self.load.run(self.address, ROUND_S).with_context(|| self.name)?;
        let Figures { per_second, p50, p99 } = figures;
        self.per_second.add(per_second);
        self.p50.add(p50);
        self.p99.add(p99);
        Ok(())
    }
}

/// Measures, and gives the report.
pub(crate) fn run() -> Result<String> {
    let scratch = store::scratch()?;
    let dir = scratch.path();
    let empty_bytes = idle_when_empty(&dir.join("empty"))?;

    let (warm_data, cold_data) = (dir.join("warm"), dir.join("cold"));
    let shoppers = store::year(&warm_data)?;
    store::copy(&warm_data, &cold_data)?;
    let (warm, cold) = (store::node(&warm_data, "")?, store::node(&cold_data, NO_CACHE)?);
    store::wait_until_learnt(&warm)?;
    store::wait_until_learnt(&cold)?;
    let (warm_address, cold_address) = (client::address(warm.url())?, client::address(cold.url())?);
    let products = in_stock(warm_address)?;
    thread::sleep(SETTLING);
    let learnt_bytes = resident(&warm)?;

    let recommendations = recommendations(&shoppers);
    let reads: Vec<String> = products.iter().map(|sku| format!("/v1/products/{sku}")).collect();
    let answer_bytes = size(warm_address, &recommendations)?;
    let product_bytes = size(warm_address, &reads)?;
    let (like_answer, like_product) = (Server::start(answer_bytes)?, Server::start(product_bytes)?);

    let asking = Load::new(dir, "recommendations", &gets(&recommendations))?;
    let reading = Load::new(dir, "products", &gets(&reads))?;
    let nothing = Load::new(dir, "nothing", &["GET /".into()])?;
    let writing = Load::new(dir, "baskets", &writes(&shoppers, &products))?;
    let mut cases = [
        Case::new("recommendations, cache warm", &asking, warm_address),
        Case::new("recommendations, no cache", &asking, cold_address),
        Case::new("bare handler, body as long", &nothing, like_answer.address),
        Case::new("one product", &reading, warm_address),
        Case::new("bare handler, body as long", &nothing, like_product.address),
    ];
    let mut baskets = Case::new("basket writes", &writing, warm_address);
    asking.run(warm_address, ROUND_S)?;
    let (mut sync, mut busy) = (Rounds::default(), Rounds::default());
    for round in 1..=ROUNDS {
        screen::progress(&format_args!("http: round {round} of {ROUNDS}"));
        for case in &mut cases {
            case.round()?;
            busy.add(resident(&warm)?);
        }
        sync.add(probe::fdatasync(dir)?);
        baskets.round()?;
        busy.add(resident(&warm)?);
    }
    let [warm, cold, like_answer, product, like_product] = &cases;

    let mut answers =
        Table::new(&["over HTTP", "requests/s", "p50", "p99", "of the bare handler", "bar", "met"]);
    for (case, peer, judged) in [
        (warm, Some(like_answer), true),
        (cold, Some(like_answer), true),
        (like_answer, None, false),
        (product, Some(like_product), false),
        (like_product, None, false),
    ] {
        let (per_second, p99) = (case.per_second.median(), case.p99.median());
        answers.row([
            case.name.into(),
            table::count(per_second),
            table::time(case.p50.median()),
            table::time(p99),
            peer.map_or("–".into(), |peer| table::ratio(case.per_second.ratio(&peer.per_second))),
            if judged { "≥ 10,000/s, p99 < 5 ms".into() } else { "–".into() },
            if judged { table::met(per_second >= PER_SECOND_BAR && p99 < P99_BAR) } else { "–".into() },
        ]);
    }

    let mut writes = Table::new(&[
        "durable over HTTP",
        "answers/s",
        "p50",
        "p99",
        "answers in the time of one bare fdatasync",
    ]);
    writes.row([
        "`PUT` into a basket".into(),
        table::count(baskets.per_second.median()),
        table::time(baskets.p50.median()),
        table::time(baskets.p99.median()),
        format!("{:.1}", baskets.per_second.median() * sync.median()),
    ]);

    let mut memory = Table::new(&["resident memory of the node", "VmRSS", "bar", "met"]);
    memory.row([
        "idle, empty store".into(),
        table::mib(empty_bytes),
        "≤ 40 MiB".into(),
        table::met(empty_bytes <= IDLE_BAR),
    ]);
    memory.row(["idle, a year learnt".into(), table::mib(learnt_bytes), "–".into(), "–".into()]);
    memory.row(["the most after any round of load".into(), table::mib(busy.most()), "–".into(), "–".into()]);

    Ok(format!(
        "{answers}\n{writes}\n{memory}\n`wrk` with one thread and {CONNECTIONS} connections in a closed loop on the same \
         cores, {ROUNDS} rounds of {ROUND_S} s, taking turns. Recommendations: {} requests of {} shoppers, six of ten \
         beside a product, two on the first page, two beside the basket, 8 items, {answer_bytes} bytes of body; one \
         product: {product_bytes} bytes. The disk's own write of a page and fdatasync, probed before each round of \
         writes: {} (median), {} to {}. Load of the machine at the end, this benchmark included: {}.",
        table::count(CONTEXTS as f64),
        table::count(shoppers.len() as f64),
        table::time(sync.median()),
        table::time(sync.least()),
        table::time(sync.most()),
        probe::load(),
    ))
}

fn idle_when_empty(data: &Path) -> Result<f64> {
    screen::progress(&"an idle node");
    let node = store::node(data, "")?;
    thread::sleep(SETTLING);
    resident(&node)
}

fn resident(node: &NodeUnderTest) -> Result<f64> {
    memory::resident(node.pid().context("the node does not run")?)
}

/// The numbers of all products that can be bought.
fn in_stock(address: SocketAddr) -> Result<Vec<String>> {
    let (mut skus, mut path) = (Vec::new(), String::from("/v1/products?limit=100"));
    loop {
        let page = client::json(address, &path)?;
        let products = page.get("products").and_then(Value::as_array).context("a page has no products")?;
        let there = |product: &&Value| product.pointer("/stock/state") == Some(&Value::from("in-stock"));
        let sku = |product: &Value| product.get("sku")?.as_str().map(str::to_owned);
        skus.extend(products.iter().filter(there).filter_map(sku));
        let Some(next) = page.get("next").and_then(Value::as_str) else { return Ok(skus) };
        path = format!("/v1/products?limit=100&after={next}");
    }
}

/// What shoppers would see on the pages they are on, and on those of the products that others looked at.
fn recommendations(shoppers: &[Shopper]) -> Vec<String> {
    let looking = shoppers.iter().cycle().zip(0..CONTEXTS);
    looking
        .filter_map(|(shopper, number)| {
            let session = &shopper.session;
            let other = shoppers.get((number * 7 + number / shoppers.len()) % shoppers.len())?;
            let sku = if number < shoppers.len() { shopper.viewed.last()? } else { other.viewed.last()? };
            Some(match number % 10 {
                0..6 => format!("/v1/recommendations/product?session={session}&sku={sku}"),
                6..8 => format!("/v1/recommendations/home?session={session}"),
                _ => format!("/v1/recommendations/basket?session={session}"),
            })
        })
        .collect()
}

fn gets(paths: &[String]) -> Vec<String> {
    paths.iter().map(|path| format!("GET {path}")).collect()
}

/// Every shopper changes how much of something is in the basket.
fn writes(shoppers: &[Shopper], products: &[String]) -> Vec<String> {
    let bought = products.iter().take(BOUGHT).cycle();
    let choosing = shoppers.iter().cycle().zip(bought).zip(0..shoppers.len() * 9);
    choosing
        .map(|((shopper, sku), number)| {
            let quantity = number / shoppers.len() + 1;
            format!("PUT /v1/sessions/{}/basket/{sku} {{\"quantity\":{quantity}}}", shopper.session)
        })
        .collect()
}

/// The median length of some of the answers.
fn size(address: SocketAddr, paths: &[String]) -> Result<usize> {
    let mut sizes = Rounds::default();
    for path in paths.iter().step_by(paths.len().div_ceil(SIZED)) {
        let (status, body) = client::get(address, path)?;
        anyhow::ensure!(status == 200, "`{path}` is answered {status}: {body}");
        sizes.add(body.len() as f64);
    }
    Ok(sizes.median() as usize)
}
