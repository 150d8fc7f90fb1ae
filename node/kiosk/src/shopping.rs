//! What a shopper does, whether by the API or by a page: begin, look, fill a basket, leave.
//!
//! Paying is in `checkout`. Guards invariant 10: what is refused changes nothing.

use crate::{
    amount::{Amount, UNITS_MAX},
    app::App,
    http::problem::Problem,
    ids,
};
use aisle_event::{
    DeviceId, Name, Quantity, SessionId, Sku, Timestamp,
    shopper::{BasketChanged, EndReason, SessionEnded, SessionStarted},
};
use aisle_state::{Product, Session, Shop};
use std::sync::Arc;

/// The most different products in one basket; a further one is refused.
pub(crate) const BASKET_LINES_MAX: usize = 100;

/// How a basket is to change.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    /// The line holds this much; zero takes it out.
    Set(Amount),
    /// The line holds so much more.
    Add(Amount),
}

/// A session that has just begun.
pub(crate) struct Started {
    pub(crate) session: SessionId,
    pub(crate) arm: Option<Name>,
    pub(crate) at: Timestamp,
}

/// A session that is open, or the refusal that says it is not.
pub(crate) fn open<'a>(shop: &'a Shop, session: &str) -> Result<&'a Arc<Session>, Problem> {
    shop.session(session).ok_or_else(|| {
        Problem::unknown_session(
            "no such session is open; it may have ended. Start one with `POST /v1/sessions`",
        )
        .with("session", "is not open")
    })
}

/// A product that is on offer, or the refusal that says it is not.
pub(crate) fn offered<'a>(
    shop: &'a Shop,
    sku: &str,
    field: impl Into<std::borrow::Cow<'static, str>>,
) -> Result<&'a Arc<Product>, Problem> {
    shop.product(sku).ok_or_else(|| {
        let shown: String = sku.chars().take(64).collect();
        Problem::unknown_product(format!("the shop has no product `{shown}`")).with(field, "is not on offer")
    })
}

/// Why a product cannot be put into a basket now, where it cannot.
fn unsellable(product: &Product) -> Option<&'static str> {
    (!product.in_stock()).then(|| why_not(product))
}

/// Why a product that is in a basket cannot be paid now, where it cannot.
pub(crate) fn unpayable(product: &Product) -> Option<&'static str> {
    (!product.may_be_paid()).then(|| why_not(product))
}

const fn why_not(product: &Product) -> &'static str {
    match product.suppressed {
        Some(_) => "is kept from being sold for now",
        None => "is out of stock",
    }
}

/// Begins a session.
pub(crate) async fn start(
    app: &App,
    kiosk: Option<DeviceId>,
    language: Option<Name>,
) -> Result<Started, Problem> {
    let session = ids::session().map_err(|error| Problem::internal(error.to_string()))?;
    let (at, arm) = (app.now(), app.engine.arm(&session));
    let event = SessionStarted {
        session: session.clone(),
        kiosk,
        language,
        at,
        arm: arm.clone(),
        unknown: Default::default(),
    };
    app.commit(&[event.into()]).await?;
    app.telemetry.sessions.inc();
    Ok(Started { session, arm, at })
}

/// Ends a session that is open.
pub(crate) async fn end(app: &App, session: &str, reason: EndReason) -> Result<(), Problem> {
    open(&app.shop(), session)?;
    let (task, session) = (app.clone(), session.to_owned());
    app.finish(async move {
        let _alone = task.locks.end(&session).await;
        let id = open(&task.shop(), &session)?.id.clone();
        let event = SessionEnded { session: id, reason, at: task.now(), unknown: Default::default() };
        task.commit(&[event.into()]).await.map(drop)
    })
    .await
}

/// Changes one line of a basket and waits until the snapshot shows it. Gives the sequence number of the change, or none where
/// there was nothing to change.
pub(crate) async fn change(
    app: &App,
    session: &str,
    sku: &str,
    change: Change,
) -> Result<Option<u64>, Problem> {
    let _open = app.locks.change(session).await;
    let shop = app.shop();
    let session = open(&shop, session)?;
    let line = session.basket.iter().find(|line| line.sku.as_str() == sku);
    let Some(product) = shop.product(sku) else {
        // What went off the list can still be taken out.
        return match (change, line) {
            (Change::Set(Amount::ZERO), Some(line)) => {
                let nothing = Quantity::zero(line.quantity.unit);
                record(app, session, &line.sku, nothing).await.map(Some)
            }
            _ => offered(&shop, sku, "sku").map(|_| None),
        };
    };
    let quantity = wanted(product, line.map(|line| line.quantity), change)?;
    if line.map_or(0, |line| line.quantity.thousandths) == quantity.thousandths {
        return Ok(None);
    }
    if quantity.thousandths > 0 {
        if let Some(reason) = unsellable(product) {
            return Err(Problem::not_sellable(format!("`{}` {reason}", product.sku)).with("sku", reason));
        }
        if line.is_none() && session.basket.len() >= BASKET_LINES_MAX {
            let reason = format!("the basket holds {BASKET_LINES_MAX} different products, which is the most");
            return Err(Problem::basket_full(reason).with("sku", "does not fit into the basket"));
        }
    }
    record(app, session, &product.sku, quantity).await.map(Some)
}

/// How much the line is to hold.
fn wanted(product: &Product, before: Option<Quantity>, change: Change) -> Result<Quantity, Problem> {
    let refuse =
        |reason: String| Problem::quantity(format!("`{}` {reason}", product.sku)).with("quantity", reason);
    let read = |amount: Amount| amount.of(product.unit).map_err(|error| refuse(error.to_string()));
    let quantity = match change {
        Change::Set(amount) => read(amount)?,
        Change::Add(amount) => {
            let more = read(amount)?;
            before.map_or(Some(more), |before| before.checked_add(more)).unwrap_or(more)
        }
    };
    if quantity.thousandths > UNITS_MAX * 1000 {
        return Err(refuse(format!("is sold in up to {UNITS_MAX} units at a time")));
    }
    if quantity.price(product.price).is_none() {
        return Err(refuse("costs more than can be counted in this quantity".into()));
    }
    Ok(quantity)
}

async fn record(app: &App, session: &Session, sku: &Sku, quantity: Quantity) -> Result<u64, Problem> {
    let event = BasketChanged {
        session: session.id.clone(),
        sku: sku.clone(),
        quantity,
        at: app.now(),
        arm: session.arm.clone(),
        unknown: Default::default(),
    };
    app.commit(&[event.into()]).await
}

/// The latest time of a price, when it is so long ago that shoppers should know.
pub(crate) fn prices_stale_since(app: &App, shop: &Shop) -> Option<Timestamp> {
    let limit_ms = u64::from(app.config.prices_stale_after_h) * 60 * 60 * 1000;
    shop.prices_as_of.filter(|as_of| app.now().ms_since(*as_of) > limit_ms)
}

/// True when headquarters no longer vouches for the price.
pub(crate) fn price_expired(product: &Product, now: Timestamp) -> bool {
    product.price_valid_until.is_some_and(|until| until < now)
}
