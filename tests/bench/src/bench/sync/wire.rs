//! Bytes of a sale on the line, everything counted that goes over it in both directions: handshakes, acknowledgements, receipts.

use super::{
    Arguments, Bench, https, json, member, nats, runtime, sealed,
    trade::{self, Sale, Shop},
};
use crate::{
    screen,
    table::{self, Table},
};
use aisle_harness::{
    hub::{HubOptions, HubUnderTest},
    link::{Passed, UdpLink},
};
use anyhow::{Context, Result, ensure};
use std::{fs, thread, time::Duration};

/// Bytes (issue 6).
const BAR: f64 = 20.0;
/// Sales of a batch and of a body.
const BATCH: usize = 100;
/// How long all of it may take to be acknowledged.
const ACKNOWLEDGED_MAX: Duration = Duration::from_secs(300);
/// What still comes after the last acknowledgement is waited for.
const SETTLING: Duration = Duration::from_millis(500);

/// A way to send sales, and what went over its line.
struct Sent {
    name: &'static str,
    passed: Passed,
}

/// Measures, and gives a table for each kind of sales.
pub(super) fn measure(bench: &Bench, arguments: &Arguments) -> Result<String> {
    let nats = nats::version()?;
    let made_up =
        |with_customers| Shop::new(1, with_customers).take(arguments.sales).collect::<Result<Vec<_>>>();
    let mut report = tables(bench, "made-up shop", "made-up", &made_up(false)?)?;
    report += "\n";
    report +=
        &tables(bench, "made-up shop, every third sale with a customer's token", "tokens", &made_up(true)?)?;
    report += "\n";
    report += &match &arguments.invoices {
        Some(file) => {
            let sales = trade::imported(file, bench.dir(), arguments.sales)?;
            ensure!(!sales.is_empty(), "`{}` holds no sale", file.display());
            tables(bench, "invoices", "invoices", &sales)?
        }
        None => "Invoices were not measured: no file was given (`--invoices`).\n".into(),
    };
    Ok(format!(
        "{report}\nUDP payload for Aisle, TCP payload for the others, both directions, from the first packet to {} after the last acknowledgement. \
         Aisle: QUIC with TLS 1.3 and both certificates, batches of {BATCH}, each with its signed receipt, by the policy for the EU that comes along; \
         the hub is durable before it acknowledges. HTTPS: TLS 1.3 with the server's certificate, one connection, each body an array of {BATCH} sales, zstd at level 3, with a \
         bearer token, answered 204. NATS ({}): a leaf node and a hub, both with JetStream on disk, the hub's stream sourced from the leaf's, the leaf \
         connection {}, without TLS and without receipts. The peers send names and numbers of fields as JSON; they \
         leave out nothing and prove nothing.",
        table::duration(SETTLING),
        nats.name,
        if nats.compresses { "compressed (`s2_best`)" } else { "not compressed, which this version cannot" },
    ))
}

fn tables(bench: &Bench, kind: &str, folder: &str, sales: &[Sale]) -> Result<String> {
    let folder = bench.dir().join(folder);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    let bodies = json::batches(sales, BATCH)?;
    let mut all = Vec::new();
    screen::progress(&format_args!("bytes of {} sales, {kind}: Aisle", sales.len()));
    all.push(Sent { name: "Aisle over QUIC", passed: ours(&folder, sales)? });
    screen::progress(&format_args!("bytes of {} sales, {kind}: HTTPS", sales.len()));
    all.push(Sent { name: "peer: JSON + zstd over HTTPS", passed: https::send(&bodies)? });
    screen::progress(&format_args!("bytes of {} sales, {kind}: NATS", sales.len()));
    let single: Vec<Vec<u8>> =
        (1..).zip(sales).map(|(seq, sale)| json::sale(seq, sale).to_string().into_bytes()).collect();
    all.push(Sent {
        name: "peer: NATS leaf node, a sale a message, JSON",
        passed: nats::send(&folder.join("nats-single"), &single)?,
    });
    all.push(Sent {
        name: "peer: NATS leaf node, 100 sales a message, JSON + zstd",
        passed: nats::send(&folder.join("nats-batches"), &bodies)?,
    });
    let lines: usize = sales.iter().map(|sale| sale.event.lines.len()).sum();
    let each = |sent: &Sent| sent.passed.bytes as f64 / sales.len() as f64;
    let peer = all.first().map_or(f64::NAN, each);
    let head = format!("{kind}: {} sales of {:.1} lines", sales.len(), lines as f64 / sales.len() as f64);
    let mut table = Table::new(&[
        head.as_str(),
        "bytes a sale",
        "bytes a line",
        "packets or pieces",
        "of Aisle's bytes",
        "bar",
        "met",
    ]);
    for (number, sent) in all.iter().enumerate() {
        let bytes = each(sent);
        // The bar speaks of ours, and of a till's sales.
        let is_judged = number == 0 && folder.ends_with("made-up");
        let or_dash = |text: String| if is_judged { text } else { "–".into() };
        table.row([
            sent.name.into(),
            format!("{bytes:.1}"),
            format!("{:.1}", sent.passed.bytes as f64 / lines as f64),
            table::count(sent.passed.parcels as f64),
            table::ratio(bytes / peer),
            or_dash(format!("≤ {BAR}")),
            or_dash(table::met(bytes <= BAR)),
        ]);
    }
    Ok(table.to_string())
}

/// Through the real outbox and client to a hub's process.
fn ours(folder: &std::path::Path, sales: &[Sale]) -> Result<Passed> {
    let dir = folder.join("store");
    sealed::sell(&dir, sales.iter().cloned().map(Ok), 1)?;
    let runtime = runtime()?;
    let mut hub = HubUnderTest::start(HubOptions::default())?;
    let link = runtime.block_on(UdpLink::start(hub.quic(), 1))?;
    let credentials = member::join(&hub, member::STORE)?;
    let store = sealed::Online::open(&runtime, &dir, credentials, link.address().port())?;
    store.wait_until_acknowledged(ACKNOWLEDGED_MAX)?;
    thread::sleep(SETTLING);
    let passed = link.passed();
    store.close(&runtime)?;
    hub.stop()?;
    Ok(passed)
}
