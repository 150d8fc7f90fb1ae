//! The web console: what the hub knows of the fleet, as pages for people. Made on the server, kept up to date by a small script, whole without it.
//!
//! ```text
//! request ─> door (who is it, may they?) ─> page ─ database, policies in force ─> Page ─> frame ─> answer
//!                                            live ─ what changed, said at most every few seconds ─> script fetches the same page again
//! ```
//!
//! Lives here: wiring. Who somebody is and whether they may is looked at in [`door`], by the table in [`rights`]; what stands around every page is
//! in [`frame`]; a problem as a page in [`wrong`]; the pages in [`pages`]. A further page is a function over a [`visit::Visit`], a line in
//! [`router`], a line in [`PAGES`], and, where people are to find it, an entry in [`frame::NAVIGATION`]. Not here: the JSON interface ([`crate::http`]), which stays as it is.
//!
//! Guards: every text of a store, a node or a file is escaped by `maud` and can start no script, since the policy of every page allows files of this hub only;
//! a page has at most 100 KB, whatever the fleet is like; listeners are bounded.

mod assets;
mod door;
mod frame;
mod live;
mod pages;
mod rights;
mod say;
mod spark;
mod visit;
mod wrong;

pub use live::Bounds;
pub use rights::PAGES;

use crate::{Database, http::Api, policies::Policies, recent::Recent};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};
use std::sync::Arc;
use tokio::sync::watch;

/// The longest form, in bytes, but for those in which much is written.
const FORM_BYTES_MAX: usize = 8 << 10;

/// What the console is made of.
#[derive(Debug)]
pub struct Parts {
    /// The hub's name.
    pub hub: String,
    /// The region that it lies in.
    pub region: String,
    /// What the interface for programs is made of: the database, people, the clock.
    pub api: Api,
    /// The policies in force.
    pub policies: watch::Receiver<Arc<Policies>>,
    /// What this process refused lately.
    pub recent: Recent,
    /// Turns true when the hub goes down: lines to pages end, so that no browser keeps it.
    pub down: watch::Receiver<bool>,
}

/// The console. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Console(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    live: live::Live,
}

impl Console {
    /// Over its parts.
    #[must_use]
    pub fn new(parts: Parts, bounds: Bounds) -> Self {
        let live = live::Live::new(bounds);
        Self(Arc::new(Inner { parts, live }))
    }

    fn database(&self) -> &Database {
        &self.0.parts.api.database
    }

    fn api(&self) -> &Api {
        &self.0.parts.api
    }

    fn parts(&self) -> &Parts {
        &self.0.parts
    }

    /// The version of the policy that stores should apply.
    fn policy_wanted(&self) -> Option<u32> {
        self.0.parts.policies.borrow().wanted.map(|id| id.version)
    }
}

/// The pages of rollouts.
fn rollouts() -> Router<Console> {
    use pages::rollouts::{list, one, verbs, write};
    Router::new()
        .route("/rollouts", get(list))
        .route("/rollouts/{rollout}", get(one::show))
        .route("/rollouts/{rollout}/nodes", get(one::nodes))
        .route("/rollouts/{rollout}/approve", post(verbs::approve))
        .route("/rollouts/{rollout}/reject", post(verbs::reject))
        .route("/rollouts/{rollout}/delete", post(verbs::delete))
        .route("/rollouts/{rollout}/{verb}", post(verbs::say))
        .route("/write-rollout", get(write::form_of).post(write::write))
}

/// Groups, saved filters, overrides.
fn words() -> Router<Console> {
    use pages::groups::{exception, filter, group, show};
    Router::new()
        .route("/groups", get(show))
        .route("/groups/write", get(group::form_of).post(group::write))
        .route("/groups/delete", post(group::delete))
        .route("/filters/write", get(filter::form_of).post(filter::write))
        .route("/filters/delete", post(filter::delete))
        .route("/stores/{store}/override", get(exception::form_of).post(exception::write))
        .route("/stores/{store}/override/delete", post(exception::delete))
}

/// The pages about people.
fn people() -> Router<Console> {
    use pages::people::{add, list, me, person};
    Router::new()
        .route("/people", get(list).post(add))
        .route("/people/{person}", get(person::show).post(person::change))
        .route("/people/{person}/disable", post(person::disable))
        .route("/people/{person}/enable", post(person::enable))
        .route("/people/{person}/reset", post(person::reset))
        .route("/people/{person}/sessions/{session}/end", post(person::end_session))
        .route("/people/{person}/tokens/{token}/revoke", post(person::revoke))
        .route("/me", get(me::show))
        .route("/me/password", post(me::change_password))
        .route("/me/sessions/{session}/end", post(me::end_session))
        .route("/me/tokens", post(me::make_token))
        .route("/me/tokens/{token}/revoke", post(me::revoke))
}

/// The console's pages, and behind them another interface: whoever asks for a page and finds none there is shown one that says so.
pub fn router(console: Console, behind: Router) -> Router {
    let behind = behind.layer(middleware::from_fn_with_state(console.clone(), wrong::no_page));
    let pages = Router::new()
        .route("/", get(pages::fleet::show))
        .route("/stores/{store}", get(pages::store::show))
        .route("/stores/{store}/fields", get(pages::fields::show))
        .route("/stores/{store}/receipts", get(pages::receipts::show))
        .route("/contents", get(pages::contents::list))
        .route("/contents/{hash}", get(pages::contents::show))
        .route("/policies", get(pages::policies::list))
        .route("/policies/{hash}", get(pages::policies::show))
        .route("/alerts", get(pages::alerts::show))
        .route("/relay", get(pages::relay::show))
        .route("/enrolments", get(pages::enrolments::list))
        .route("/enrolments/{store}/{node}", get(pages::enrolments::show))
        .route("/enrolments/{store}/{node}/{decision}", post(pages::enrolments::decide))
        .route("/claims", get(pages::claims::list).post(pages::claims::create))
        .route("/claims/{locator}/withdraw", post(pages::claims::withdraw))
        .route("/approvals", get(pages::approvals::list))
        .route("/approvals/{approval}", get(pages::approvals::show))
        .route("/approvals/{approval}/{decision}", post(pages::approvals::decide))
        .route("/audit", get(pages::audit::show))
        .route("/stores/{store}/labels", post(pages::store::fleet::set_label))
        .route("/artefacts", get(pages::artefacts::list))
        .merge(rollouts().merge(words()).layer(DefaultBodyLimit::max(pages::typed::TYPED_BYTES_MAX)))
        .merge(people())
        .route("/search", get(pages::search::show))
        .route("/events", get(live::listen))
        .route("/sign-in", get(door::sign_in::show).post(door::sign_in::sign_in))
        .route("/set-up", get(door::set_up::show).post(door::set_up::set_up))
        .route("/sign-out", post(door::sign_in::sign_out))
        .route("/assets/{name}", get(assets::serve))
        .method_not_allowed_fallback(wrong::method)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(middleware::from_fn_with_state(console.clone(), door::guard))
        .layer(middleware::from_fn_with_state(console.clone(), wrong::dress))
        .layer(middleware::from_fn(frame::guard));
    pages.with_state(console).fallback_service(behind)
}
