//! The kiosk as its clients see it: requests in, answers out, over a real journal on a disk that fails on demand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test says what it expects by failing"
)]

mod baskets;
mod checkouts;
mod claims;
mod document;
mod limits;
mod made_up_floor;
mod offers;
mod pages;
mod pretended_plugins;
mod privacy;
mod products;
mod ranking;
mod recommendations;
mod sessions;
mod shop_under_test;
mod staff_door;
mod staff_live;
mod staff_pages;
mod staff_under_test;
