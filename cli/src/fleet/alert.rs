//! `fleet alerts`: what this hub refused lately, logs that forked, what nodes refuse to run.

use super::{
    ask::Ask,
    desk::{Desk, Paging},
    view::{Column, Shape},
};
use crate::Ended;
use anyhow::Result;

const ALERTS: [Column; 7] = [
    Column("kind", &["/kind"], Shape::Text),
    Column("at", &["/at_ms"], Shape::When),
    Column("store", &["/store"], Shape::Text),
    Column("node", &["/node"], Shape::Text),
    Column("what", &["/name", "/class"], Shape::Text),
    Column("from event", &["/first_seq"], Shape::Number),
    Column("why", &["/text", "/reason"], Shape::Words),
];

/// Lists them.
pub(super) fn list(paging: &Paging, desk: &Desk) -> Result<Ended> {
    desk.list(&Ask::get("/v1/alerts"), paging, &ALERTS, "nothing wants to be looked at")
}
