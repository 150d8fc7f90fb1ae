//! `fleet totals`: how many stores are so and so, and how much there is.

use super::{
    ask::Ask,
    desk::{Desk, lines},
    error::FleetError,
    view::{Column, Shape, fields},
};
use crate::{Ended, output};
use anyhow::Result;
use serde_json::{Value, json};

const COUNTS: [Column; 11] = [
    Column("stores", &["/stores"], Shape::Number),
    Column("connected", &["/is/connected"], Shape::Number),
    Column("away", &["/is/away"], Shape::Number),
    Column("never came", &["/is/never"], Shape::Number),
    Column("behind", &["/is/behind"], Shape::Number),
    Column("waiting for a change", &["/is/waiting"], Shape::Number),
    Column("refuse something", &["/is/refused"], Shape::Number),
    Column("old policy", &["/is/old-policy"], Shape::Number),
    Column("forked", &["/is/forked"], Shape::Number),
    Column("erasing", &["/is/erasing"], Shape::Number),
    Column("with banned nodes", &["/is/banned"], Shape::Number),
];

const TOTALS: [Column; 5] = [
    Column("nodes", &["/nodes"], Shape::Number),
    Column("connected nodes", &["/connected"], Shape::Number),
    Column("logs", &["/logs"], Shape::Number),
    Column("logs in quarantine", &["/quarantined"], Shape::Number),
    Column("events", &["/events"], Shape::Number),
];

/// Shows them. Who is bounded to some stores is told of those, and nothing of all.
pub(super) fn show(desk: &Desk) -> Result<Ended> {
    let counts = desk.get("/v1/counts")?;
    let totals = match desk.hub.ask(&Ask::get("/v1/totals")) {
        Ok(answer) => answer.body,
        Err(FleetError::Refused { status: 403, .. }) => Value::Null,
        Err(error) => return Err(error.into()),
    };
    if desk.json {
        output::json(&json!({ "counts": counts, "totals": totals }))?;
        return Ok(Ended::Well);
    }
    lines(fields(&COUNTS, &counts))?;
    if !totals.is_null() {
        lines([String::new()])?;
        lines(fields(&TOTALS, &totals))?;
    }
    Ok(Ended::Well)
}
