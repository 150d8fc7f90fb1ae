//! The kiosk's pages: made by the server, working without scripts, for fingers.
//!
//! Everything that changes something is a form that is sent and answered with a redirect. Everything that is written into a page
//! is escaped by `maud`. Not here: the JSON API (`api`).
//! Guards the promise to shoppers: never a spinner, a stack trace, or the last shopper's basket.

pub(crate) mod assets;
mod basket;
mod category;
pub(crate) mod errors;
pub(crate) mod form;
mod home;
mod layout;
mod leave;
mod offers;
mod parts;
mod product;
mod search;
mod thanks;
mod tile;
pub(crate) mod visitor;

use crate::app::App;
use axum::{
    Router,
    routing::{MethodRouter, get, post},
};

/// The routes of the pages, by their templates.
pub(crate) fn routes() -> [(&'static str, MethodRouter<App>); 12] {
    [
        ("/", get(home::show)),
        ("/category", get(category::all)),
        ("/category/{name}", get(category::one)),
        ("/product/{sku}", get(product::show)),
        ("/search", get(search::show)),
        ("/basket", get(basket::show).post(basket::change)),
        ("/coupon", post(basket::coupon)),
        ("/checkout", post(basket::pay)),
        ("/thanks/{document}", get(thanks::show)),
        ("/leave", post(leave::leave)),
        ("/idle", get(leave::idle)),
        ("/language", post(leave::language)),
    ]
}

/// The pages and their files.
pub(crate) fn router() -> Router<App> {
    let files = Router::new().route(ASSETS, get(assets::serve));
    routes().into_iter().fold(files, |router, (template, methods)| router.route(template, methods))
}

/// Where the files of the pages are.
pub(crate) const ASSETS: &str = "/assets/{name}";
