//! Paying: one basket becomes one sale, once.
//!
//! A checkout runs to its end even when its client goes away, holding the lock of its key and then that of its session
//! until the sale is durable. Whoever comes next first waits until everything durable is visible, so that
//! the receipt of an earlier try is found. The sale, what plugins keep of it and the end of the session are one batch: all or
//! nothing. What plugins decide is asked last, and whatever they hold for this sale is let go after the commit.
//! Guards invariant 1 and 10: a basket is sold once or not at all, whatever is repeated, and a refusal sells nothing.

use crate::{
    app::App,
    http::problem::Problem,
    ids,
    plugins::{Denied, Hold, Offers, Refusal, Selling, Why},
    pricing::{self, Asked},
    shopping,
};
use aisle_event::{
    Money, Name, Quantity, Sku, SourceName, Timestamp,
    sale::{Repriced, SaleLine, SaleRecorded},
    shopper::{EndReason, SessionEnded},
};
use aisle_state::{Receipt, Session, Shop};
use std::sync::Arc;

/// The source of this kiosk's sales.
const SOURCE: &str = "kiosk";

/// The longest key, in characters.
pub(crate) const KEY_CHARS_MAX: usize = 64;

/// How a checkout went.
pub(crate) enum Paid {
    /// The basket was sold now.
    Now(Receipt),
    /// It was sold before, with the same key.
    Before(Receipt),
}

/// What makes a checkout repeatable, and honest.
pub(crate) struct Terms {
    /// The key that the client chose.
    pub(crate) key: Name,
    /// What the shopper was shown last; the basket is not sold for more.
    pub(crate) expected: Option<Money>,
}

/// Sells a session's basket.
pub(crate) async fn pay(app: &App, session: &str, terms: Terms) -> Result<Paid, Problem> {
    let (task, session) = (app.clone(), session.to_owned());
    app.finish(async move { once(&task, &session, terms).await }).await
}

async fn once(app: &App, session: &str, terms: Terms) -> Result<Paid, Problem> {
    let Terms { key, expected } = terms;
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
    let lines = lines(session, &shop)?;
    let Selling { offers, events, hold } = selling(app, session, &shop).await?;
    let sale = record(session, Lines { lines, offers, source: SOURCE, key: Some(key) }, app.now())?;
    at_most(&sale, expected)?;
    let document = sale.document.clone();
    let ended = SessionEnded {
        session: session.id.clone(),
        reason: EndReason::CheckedOut,
        at: sale.at,
        unknown: Default::default(),
    };
    let mut batch = events;
    batch.extend([sale.into(), ended.into()]);
    // What the sale has to itself is let go once it is durable, also when nobody waits until it is visible.
    let last = app.durable(&batch).await?;
    hold.committed(last);
    app.applied(last).await?;
    app.telemetry.checkouts.inc();
    let receipt = app.read(move |state| state.receipt_of(document.as_str())).await?;
    receipt.map(Paid::Now).ok_or_else(|| Problem::internal("the sale is recorded, its receipt is not there"))
}

/// The basket as lines at the catalogue's prices, or why it cannot be sold.
fn lines(session: &Session, shop: &Shop) -> Result<Vec<SaleLine>, Problem> {
    if session.basket.is_empty() {
        return Err(Problem::basket_empty("put something into the basket first"));
    }
    let mut refused = Vec::new();
    let mut lines = Vec::with_capacity(session.basket.len());
    for (number, line) in (1_u32..).zip(&session.basket) {
        let product = shop.product(line.sku.as_str());
        match product.map(|product| (product, shopping::unpayable(product))) {
            None => refused.push((number, &line.sku, "is no longer on offer".into())),
            Some((_, Some(reason))) => refused.push((number, &line.sku, reason.into())),
            Some((product, None)) if product.unit != line.quantity.unit => {
                refused.push((number, &line.sku, "is sold by another unit now".into()));
            }
            Some((product, None)) => lines.push(SaleLine {
                line: number,
                sku: line.sku.clone(),
                quantity: line.quantity,
                unit_price: product.price,
                repriced: None,
                unknown: Default::default(),
            }),
        }
    }
    refuse(&refused).map(|()| lines)
}

/// Refuses the sale when there are lines that cannot be sold, each with its number, its product and why.
fn refuse(refused: &[(u32, &Sku, String)]) -> Result<(), Problem> {
    let Some((_, sku, reason)) = refused.first() else { return Ok(()) };
    let problem = Problem::not_sellable(format!("`{sku}` {reason}; nothing was sold"));
    Err(refused.iter().fold(problem, |problem, (number, sku, reason)| {
        problem.with(format!("lines[{}]", number - 1), format!("`{sku}` {reason}"))
    }))
}

/// What plugins make of the basket, and what they want recorded with its sale; or why it cannot be paid.
async fn selling(app: &App, session: &Session, shop: &Arc<Shop>) -> Result<Selling, Problem> {
    let plain = || Selling { offers: Offers::default(), events: Vec::new(), hold: Box::new(Nothing) };
    // Prices in two currencies are refused below, for want of a total.
    let Some(basket) = pricing::basket(app, session, shop) else { return Ok(plain()) };
    match app.pricing.sell(app, basket).await {
        Asked::Plain => Ok(plain()),
        Asked::Denied(Denied { plugin, reason, passing }) => {
            tracing::warn!(%plugin, %reason, "a basket was not sold, because a plugin failed that denies");
            let detail = format!(
                "the plugin `{plugin}`, without which nothing is sold, has no answer; nothing was sold"
            );
            Err(if passing { Problem::unanswered(detail).retry_after_s(2) } else { Problem::denied(detail) })
        }
        Asked::Silent => {
            let detail = "the plugins, without which nothing is sold, do not answer; nothing was sold";
            Err(Problem::unanswered(detail).retry_after_s(2))
        }
        Asked::Selling(selling) => {
            let reason = |refusal: &Refusal| {
                let line = usize::try_from(refusal.line).ok()?.checked_sub(1)?;
                let Why { plugin, reason, .. } = &refusal.why;
                let sku = &session.basket.get(line)?.sku;
                Some((refusal.line, sku, format!("is refused by the plugin `{plugin}`: {reason}")))
            };
            let refused: Vec<_> = selling.offers.refusals.iter().filter_map(reason).collect();
            refuse(&refused).map(|()| selling)
        }
    }
}

/// A sale that has nothing to itself.
struct Nothing;

impl Hold for Nothing {
    fn committed(self: Box<Self>, _: u64) {}
}

/// Refuses a sale for more than what the shopper was shown. Less is taken as it comes: a payment waits longer for offers than a page
/// does, so that they may be found on the receipt first.
fn at_most(sale: &SaleRecorded, expected: Option<Money>) -> Result<(), Problem> {
    let (Some(total), Some(expected)) = (sale.total(), expected) else { return Ok(()) };
    if total.currency == expected.currency && total.minor <= expected.minor {
        return Ok(());
    }
    let detail = format!("the basket costs {total} now, not {expected}; nothing was sold");
    Err(Problem::total_changed(detail)
        .with("expected_total", format!("is {expected}, the total is {total}"))
        .costing(total))
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
    let offers = Offers::default();
    record(session, Lines { lines, offers, source: "kiosk-feedback", key: None }, at)
}

/// What is to become a sale.
struct Lines {
    lines: Vec<SaleLine>,
    offers: Offers,
    source: &'static str,
    key: Option<Name>,
}

fn record(session: &Session, sale: Lines, at: Timestamp) -> Result<SaleRecorded, Problem> {
    let Lines { mut lines, offers, source, key } = sale;
    for price in offers.prices {
        if let Some(line) = lines.iter_mut().find(|line| line.line == price.line) {
            let Why { plugin, version, reason } = price.why;
            let list_price = line.unit_price;
            line.unit_price = price.unit_price;
            line.repriced =
                Some(Repriced { list_price, plugin, version, reason, unknown: Default::default() });
        }
    }
    let internal = |error: aisle_event::InvalidId| Problem::internal(error.to_string());
    let sale = SaleRecorded {
        source: SourceName::new(source).map_err(internal)?,
        document: ids::document(at).map_err(internal)?,
        lines,
        at,
        session: Some(session.id.clone()),
        customer: session.customer.as_ref().map(|customer| customer.token.clone()),
        country: None,
        idempotency_key: key,
        arm: session.arm.clone(),
        adjustments: offers.adjustments,
        points: offers.points,
        unknown: Default::default(),
    };
    if sale.total().is_none() {
        return Err(Problem::quantity(
            "the basket has no common total: a sum too large, or prices in two currencies",
        ));
    }
    Ok(sale)
}
