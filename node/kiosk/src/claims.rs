//! What a shopper brings to offers: who they are, where they say so, and the coupons they have.
//!
//! Whether a coupon is good for anything is for plugins to say. Guards invariant 10: what is refused changes nothing.

use crate::{app::App, http::problem::Problem, shopping};
use aisle_event::{
    Name,
    shopper::{CouponEntered, CustomerNamed},
};
use aisle_state::{COUPONS_MAX, Customer};

/// The longest code of a coupon, in characters.
pub(crate) const CODE_CHARS_MAX: usize = 32;

/// The code of a coupon as it is kept: capitals, digits and hyphens.
pub(crate) fn code(text: &str) -> Result<Name, Problem> {
    let code = text.to_ascii_uppercase();
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    let refuse = || Problem::field("code", "is not 1 to 32 of the letters A to Z, digits and `-`");
    if code.len() > CODE_CHARS_MAX || !code.bytes().all(allowed) {
        return Err(refuse());
    }
    Name::new(code).map_err(|_| refuse())
}

/// Puts a coupon to a session's basket, or takes it away.
pub(crate) async fn coupon(app: &App, session: &str, code: Name, entered: bool) -> Result<(), Problem> {
    let _alone = app.locks.end(session).await;
    let shop = app.shop();
    let session = shopping::open(&shop, session)?;
    if session.coupons.contains(&code) == entered {
        return Ok(());
    }
    if entered && session.coupons.len() >= COUPONS_MAX {
        return Err(Problem::coupons_full(format!(
            "the basket has {COUPONS_MAX} coupons, which is the most; take one away first"
        ))
        .with("code", "does not fit to the basket"));
    }
    let event = CouponEntered {
        session: session.id.clone(),
        code,
        entered,
        at: app.now(),
        unknown: Default::default(),
    };
    app.commit(&[event.into()]).await.map(drop)
}

/// Says who shops in a session, or has it forgotten.
pub(crate) async fn customer(app: &App, session: &str, who: Option<Customer>) -> Result<(), Problem> {
    let _alone = app.locks.end(session).await;
    let shop = app.shop();
    let session = shopping::open(&shop, session)?;
    if session.customer == who {
        return Ok(());
    }
    let (customer, tier) = who.map_or((None, None), |who| (Some(who.token), who.tier));
    let event = CustomerNamed {
        session: session.id.clone(),
        customer,
        tier,
        at: app.now(),
        unknown: Default::default(),
    };
    app.commit(&[event.into()]).await.map(drop)
}
