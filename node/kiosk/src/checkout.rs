//! Paying: one basket becomes one sale, once.
//!
//! A checkout runs to its end even when its client goes away, holding the lock of its key and then that of its session
//! until the sale is durable. Whoever comes next first waits until everything durable is visible, so that
//! the receipt of an earlier try is found. The sale and the end of the session are one batch: both or neither.
//! Guards invariant 1 and 10: a basket is sold once or not at all, whatever is repeated, and a refusal sells nothing.

use crate::{app::App, http::problem::Problem, ids, shopping};
use aisle_event::{
    Name, Quantity, SourceName, Timestamp,
    sale::{SaleLine, SaleRecorded, total},
    shopper::{EndReason, SessionEnded},
};
use aisle_state::{Receipt, Session, Shop};

/// The source of this kiosk's sales.
const SOURCE: &str = "kiosk";

/// How a checkout went.
pub(crate) enum Paid {
    /// The basket was sold now.
    Now(Receipt),
    /// It was sold before, with the same key.
    Before(Receipt),
}

/// Sells a session's basket.
pub(crate) async fn pay(app: &App, session: &str, key: Name) -> Result<Paid, Problem> {
    let (task, session) = (app.clone(), session.to_owned());
    app.finish(async move { once(&task, &session, key).await }).await
}

async fn once(app: &App, session: &str, key: Name) -> Result<Paid, Problem> {
    let _key = app.locks.key(key.as_str()).await;
    app.applied(app.journal.durable()).await?;
    let asked = key.clone();
    if let Some(receipt) = app.read(move |state| state.receipt(asked.as_str())).await? {
        if receipt.session.as_ref().is_some_and(|paid| paid.as_str() == session) {
            app.telemetry.replays.inc();
            return Ok(Paid::Before(receipt));
        }
        return Err(Problem::key_reused("choose a new key for every checkout")
            .with("Idempotency-Key", "was used for another session"));
    }
    let _alone = app.locks.end(session).await;
    app.applied(app.journal.durable()).await?;
    let shop = app.shop();
    let session = shopping::open(&shop, session)?;
    let sale = sale(session, &shop, key, app.now())?;
    let document = sale.document.clone();
    let ended = SessionEnded {
        session: session.id.clone(),
        reason: EndReason::CheckedOut,
        at: sale.at,
        unknown: Default::default(),
    };
    app.commit(&[sale.into(), ended.into()]).await?;
    app.telemetry.checkouts.inc();
    let receipt = app.read(move |state| state.receipt_of(document.as_str())).await?;
    receipt.map(Paid::Now).ok_or_else(|| Problem::internal("the sale is recorded, its receipt is not there"))
}

/// The basket as a sale at the catalogue's prices, or why it cannot be sold.
fn sale(session: &Session, shop: &Shop, key: Name, at: Timestamp) -> Result<SaleRecorded, Problem> {
    if session.basket.is_empty() {
        return Err(Problem::basket_empty("put something into the basket first"));
    }
    let mut refused = Vec::new();
    let mut lines = Vec::with_capacity(session.basket.len());
    for (number, line) in (1_u32..).zip(&session.basket) {
        match shop.product(line.sku.as_str()) {
            None => refused.push((number, &line.sku, "is no longer on offer")),
            Some(product) if !product.in_stock() => refused.push((number, &line.sku, "is out of stock")),
            Some(product) if product.unit != line.quantity.unit => {
                refused.push((number, &line.sku, "is sold by another unit now"));
            }
            Some(product) => lines.push(SaleLine {
                line: number,
                sku: line.sku.clone(),
                quantity: line.quantity,
                unit_price: product.price,
                repriced: None,
                unknown: Default::default(),
            }),
        }
    }
    if let Some((_, sku, reason)) = refused.first() {
        let problem = Problem::not_sellable(format!("`{sku}` {reason}; nothing was sold"));
        return Err(refused.iter().fold(problem, |problem, (number, sku, reason)| {
            problem.with(format!("lines[{}]", number - 1), format!("`{sku}` {reason}"))
        }));
    }
    record(session, lines, SOURCE, Some(key), at)
}

/// A sale of one of each, paid at a till that reports no sales of its own.
pub(crate) fn paid_elsewhere(
    session: &Session,
    products: &[&aisle_state::Product],
    at: Timestamp,
) -> Result<SaleRecorded, Problem> {
    let lines = (1_u32..)
        .zip(products)
        .map(|(line, product)| SaleLine {
            line,
            sku: product.sku.clone(),
            quantity: Quantity { thousandths: 1000, unit: product.unit },
            unit_price: product.price,
            repriced: None,
            unknown: Default::default(),
        })
        .collect();
    record(session, lines, "kiosk-feedback", None, at)
}

fn record(
    session: &Session,
    lines: Vec<SaleLine>,
    source: &str,
    idempotency_key: Option<Name>,
    at: Timestamp,
) -> Result<SaleRecorded, Problem> {
    if total(&lines).is_none() {
        return Err(Problem::quantity(
            "the basket has no common total: a sum too large, or prices in two currencies",
        ));
    }
    let internal = |error: aisle_event::InvalidId| Problem::internal(error.to_string());
    Ok(SaleRecorded {
        source: SourceName::new(source).map_err(internal)?,
        document: ids::document(at).map_err(internal)?,
        lines,
        at,
        session: Some(session.id.clone()),
        customer: None,
        country: None,
        idempotency_key,
        arm: session.arm.clone(),
        adjustments: Vec::new(),
        points: Vec::new(),
        unknown: Default::default(),
    })
}
