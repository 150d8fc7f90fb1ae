//! Baskets over HTTP, priced by three plugins, beside the same node without any: an open loop, as shoppers come when they come.

use super::{Bench, installed::Administrator};
use crate::{
    arrivals::{Arrivals, Figures},
    client::{self, Answer},
    memory, process,
    rounds::Rounds,
    screen, store,
    table::{self, Table},
};
use aisle_harness::node::NodeUnderTest;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};

/// Seconds at the 99th percentile (issue 5).
const BAR: f64 = 3e-3;
const PER_SECOND: u32 = 2_000;
/// Shoppers with a basket each.
const BASKETS: usize = 64;
/// Lines of each, and products that they choose from.
const LINES: usize = 10;
const PRODUCTS: usize = 20;
const WARM_UP: Duration = Duration::from_secs(1);

/// A node and what it gave.
struct Side<'a> {
    name: &'static str,
    node: &'a NodeUnderTest,
    arrivals: Arrivals,
    p50: Rounds,
    p99: Rounds,
    longest: Rounds,
    late: Rounds,
    /// Processor time of the node for a request.
    cpu: Rounds,
}

impl<'a> Side<'a> {
    fn new(name: &'static str, node: &'a NodeUnderTest, paths: &[String]) -> Result<Self> {
        let arrivals = Arrivals::new(client::address(node.url())?, paths);
        let (p50, p99, longest, late, cpu) = Default::default();
        Ok(Self { name, node, arrivals, p50, p99, longest, late, cpu })
    }

    fn round(&mut self, length: Duration) -> Result<()> {
        let pid = self.node.pid().context("the node does not run")?;
        let before = process::cpu_s(pid)?;
        let figures = self.arrivals.run(PER_SECOND, length).with_context(|| self.name)?;
        let Figures { p50, p99, longest, late_p99 } = figures;
        self.p50.add(p50);
        self.p99.add(p99);
        self.longest.add(longest);
        self.late.add(late_p99);
        self.cpu.add((process::cpu_s(pid)? - before) / (f64::from(PER_SECOND) * length.as_secs_f64()));
        Ok(())
    }
}

/// Measures, and gives the table.
pub(super) fn measure(bench: &Bench) -> Result<String> {
    screen::progress(&format_args!("a store with {BASKETS} baskets"));
    let (plain, priced) = (bench.dir().join("plain"), bench.dir().join("priced"));
    store::fill(&plain, store::small())?;
    let (baskets, products) = shop(&mut store::node(&plain, "")?)?;
    store::copy(&plain, &priced)?;
    let (plain, priced) = (store::node(&plain, "")?, store::node(&priced, "")?);
    let administrator = Administrator::of(&priced)?;
    let plugins = manifests(&products);
    for (id, manifest) in &plugins {
        administrator.install(id, manifest)?;
    }
    let paths: Vec<String> = baskets.iter().map(|session| format!("/v1/sessions/{session}/basket")).collect();
    let body_bytes = check(&plain, &priced, paths.first().context("there are no baskets")?)?;
    store::wait_until_learnt(&plain)?;
    store::wait_until_learnt(&priced)?;

    let mut sides = [
        Side::new("three plugins", &priced, &paths)?,
        Side::new("peer: the node without plugins", &plain, &paths)?,
    ];
    for side in &sides {
        side.arrivals.run(PER_SECOND, WARM_UP)?;
    }
    let before = calls(&administrator, &plugins)?;
    for round in 1..=bench.rounds {
        screen::progress(&format_args!("baskets: round {round} of {}", bench.rounds));
        for side in &mut sides {
            side.round(bench.steady)?;
        }
    }
    let made = calls(&administrator, &plugins)? - before;
    let asked = PER_SECOND as f64 * bench.steady.as_secs_f64() * bench.rounds as f64;

    let mut table = Table::new(&[
        "a basket of ten lines over HTTP, 2,000/s",
        "p50",
        "p99 (worst round)",
        "longest",
        "sent late, p99",
        "processor time of the node",
        "VmRSS at the end",
        "bar, p99",
        "met",
    ]);
    let [three, none] = &sides;
    for side in [three, none] {
        let is_ours = std::ptr::eq(side, three);
        let p99 = side.p99.median();
        let or_dash = |text: String| if is_ours { text } else { "–".into() };
        table.row([
            side.name.into(),
            table::time(side.p50.median()),
            format!("{} ({})", table::time(p99), table::time(side.p99.most())),
            table::time(side.longest.most()),
            table::time(side.late.median()),
            table::time(side.cpu.median()),
            table::mib(memory::resident(side.node.pid().context("the node does not run")?)?),
            or_dash(format!("< {}", table::time(BAR))),
            or_dash(table::met(p99 < BAR)),
        ]);
    }
    Ok(format!(
        "{table}\n`multi-buy`, `basket-coupon` and `loyalty`; {:.1} calls in the sandbox for each basket, none of which failed, as `loyalty` \
         has two hooks. With plugins the p50 is {} and the p99 {} of the node's without. {} baskets of a customer with a coupon, asked for \
         in turn, {body_bytes} bytes of body with offers. An open loop: requests are due every {} whatever the node does, and times are \
         counted from then; up to 32 are on their way at once. {} rounds of {} s, taking turns; the longest is of all rounds.",
        made as f64 / asked,
        table::ratio(three.p50.ratio(&none.p50)),
        table::ratio(three.p99.ratio(&none.p99)),
        BASKETS,
        table::time(1.0 / f64::from(PER_SECOND)),
        bench.rounds,
        bench.steady.as_secs(),
    ))
}

/// Fills baskets of customers with coupons, and stops the node.
fn shop(node: &mut NodeUnderTest) -> Result<(Vec<String>, Vec<String>)> {
    // Before it has read its whole journal it offers what is no longer on offer.
    store::wait_until_learnt(node)?;
    let address = client::address(node.url())?;
    let page = client::json(address, "/v1/products?limit=100")?;
    let all = page.get("products").and_then(Value::as_array).context("a page has no products")?;
    let can_be_bought = |product: &&Value| {
        product.pointer("/stock/state") == Some(&"in-stock".into())
            && product.get("unit") == Some(&"each".into())
    };
    let sku = |product: &Value| product.get("sku")?.as_str().map(str::to_owned);
    let products: Vec<String> = all.iter().filter(can_be_bought).filter_map(sku).take(PRODUCTS).collect();
    ensure!(products.len() == PRODUCTS, "the shop has only {} products", products.len());
    let mut baskets = Vec::new();
    for number in 0..BASKETS {
        let started = send(address, "POST", "/v1/sessions", &json!({ "language": "en" }))?;
        let session = started.get("session").and_then(Value::as_str).context("a session has no id")?;
        let path = format!("/v1/sessions/{session}");
        let customer = json!({ "token": format!("customer-{number}"), "tier": "gold" });
        send(address, "PUT", &format!("{path}/customer"), &customer)?;
        for sku in products.iter().cycle().skip(number).take(LINES) {
            send(address, "PUT", &format!("{path}/basket/{sku}"), &json!({ "quantity": 3 }))?;
        }
        send(address, "PUT", &format!("{path}/coupons/WELCOME"), &json!({}))?;
        baskets.push(session.to_owned());
    }
    node.stop()?;
    Ok((baskets, products))
}

fn send(address: SocketAddr, method: &str, path: &str, body: &Value) -> Result<Value> {
    let headers = "Content-Type: application/json\r\n";
    let Answer { status, body, .. } = client::ask(address, method, path, headers, &body.to_string())?;
    ensure!(matches!(status, 200 | 201), "`{method} {path}` is answered {status}: {body}");
    Ok(serde_json::from_str(&body)?)
}

/// Three for two on half of the products, a coupon once for each customer, a tier's prices and points.
fn manifests(products: &[String]) -> [(&'static str, String); 3] {
    let head = |id: &str, hooks: &str, order: u32| {
        format!("id = \"{id}\"\nversion = \"1.0.0\"\nhooks = [{hooks}]\norder = {order}\n")
    };
    let half: Vec<&String> = products.iter().step_by(2).collect();
    let offers = format!("[[settings.offers]]\nskus = {half:?}\nbuy = 3\nreason = \"3 for 2\"\n");
    let coupons = "grants = [\"kv\"]\n[[settings.coupons]]\ncode = \"WELCOME\"\npercent = 10\nonce = true\nreason = \"Welcome\"\n";
    let tiers = "[settings]\namount-per-point = 100\npoints-reason = \"Points\"\n[[settings.tiers]]\ntier = \"gold\"\npercent = 5\n\
                 reason = \"Gold price\"\npoints-factor = 2\n";
    [
        ("multi-buy", head("multi-buy", "\"promotion\"", 10) + &offers),
        ("basket-coupon", head("basket-coupon", "\"promotion\"", 50) + coupons),
        ("loyalty", head("loyalty", "\"pricing\", \"promotion\"", 90) + tiers),
    ]
}

/// Makes sure that each plugin gives what it is there for, and without them nothing is given. How long the answer is.
fn check(plain: &NodeUnderTest, priced: &NodeUnderTest, path: &str) -> Result<usize> {
    let plain = client::json(client::address(plain.url())?, path)?;
    ensure!(plain.get("adjustments").is_none(), "something is given without plugins: {plain}");
    let (status, text) = client::get(client::address(priced.url())?, path)?;
    ensure!(status == 200, "`{path}` is answered {status}: {text}");
    let basket: Value = serde_json::from_str(&text)?;
    let given = |field: &str, plugin: &str| {
        let items = basket.get(field).and_then(Value::as_array);
        items.is_some_and(|items| items.iter().any(|item| item.get("plugin") == Some(&plugin.into())))
    };
    ensure!(
        given("adjustments", "multi-buy")
            && given("adjustments", "basket-coupon")
            && given("points", "loyalty"),
        "a plugin gave nothing: {basket}"
    );
    Ok(text.len())
}

/// Calls of all plugins so far, none of which may have failed.
fn calls(administrator: &Administrator<'_>, plugins: &[(&str, String)]) -> Result<u64> {
    plugins.iter().try_fold(0, |all, (id, _)| {
        let (calls, failed) = administrator.calls(id)?;
        ensure!(failed == 0, "{failed} of {calls} calls of `{id}` failed");
        Ok(all + calls)
    })
}
