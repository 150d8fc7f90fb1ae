//! `fleet relay`, `fleet relays`: how far the stores' logs have gone on to a hub above, and which hubs may speak for stores here.

use super::{
    ask::Ask,
    desk::{Desk, Paging},
    view::{Column, Shape},
};
use crate::Ended;
use anyhow::Result;

const STORES: [Column; 7] = [
    Column("store", &["/store"], Shape::Text),
    Column("relayed by", &["/holder"], Shape::Text),
    Column("held", &["/is_held"], Shape::Yes),
    Column("waiting", &["/waiting"], Shape::Number),
    Column("under way", &["/unacknowledged"], Shape::Number),
    Column("acknowledged", &["/acknowledged_at_ms"], Shape::When),
    Column("problem", &["/problem"], Shape::Words),
];

const HUBS: [Column; 4] = [
    Column("hub", &["/relay"], Shape::Text),
    Column("for stores in", &["/regions"], Shape::List),
    Column("banned", &["/is_banned"], Shape::Yes),
    Column("receipt key", &["/receipt_key"], Shape::Text),
];

/// Lists stores on their way to the hub above.
pub(super) fn stores(paging: &Paging, desk: &Desk) -> Result<Ended> {
    desk.list(&Ask::get("/v1/relay"), paging, &STORES, "no stores")
}

/// Lists hubs below.
pub(super) fn hubs(paging: &Paging, desk: &Desk) -> Result<Ended> {
    desk.list(&Ask::get("/v1/relays"), paging, &HUBS, "no hub may speak for stores here")
}
