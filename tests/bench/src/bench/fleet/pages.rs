//! How long the console's pages are with a full fleet.

use super::{Arguments, full::Full};
use crate::{
    client, screen,
    table::{self, Table},
};
use anyhow::{Result, bail};

/// Bytes of a page (issue 7): 100 KB.
const BAR: usize = 100_000;
/// The pages, those with most in them first.
const PAGES: [&str; 18] = [
    "/",
    "/?q=is%3Adrifting",
    "/?q=runs%3Aplugin%2Fmulti-buy",
    "/stores/store-00000",
    "/stores/store-00000/receipts?class=sales",
    "/rollouts",
    "/groups",
    "/enrolments",
    "/claims",
    "/artefacts",
    "/contents",
    "/policies",
    "/approvals",
    "/people",
    "/audit",
    "/alerts",
    "/relay",
    "/me",
];

/// Measures, and gives the table.
pub(super) fn measure(arguments: &Arguments) -> Result<String> {
    let runtime = crate::bench::sync::runtime()?;
    let mut full = runtime.block_on(Full::start(arguments.nodes))?;
    let (address, headers) = (client::address(&full.hub.url())?, full.headers()?);
    let mut table = Table::new(&["page", "bytes", "bar", "met"]);
    let mut lacks = Vec::new();
    for page in PAGES {
        screen::progress(&format_args!("the page {page}"));
        let answer = client::ask(address, "GET", page, &headers, "")?;
        match answer.status {
            200 => table.row([
                format!("`{page}`"),
                table::count(answer.body.len() as f64),
                format!("≤ {}", table::count(BAR as f64)),
                table::met(answer.body.len() <= BAR),
            ]),
            404 => lacks.push(page),
            status => bail!("`{page}` was answered {status}: {}", answer.body),
        }
    }
    full.hub.stop()?;
    let lacks =
        if lacks.is_empty() { String::new() } else { format!(" This build has no {}.", lacks.join(", ")) };
    Ok(format!(
        "{table}\nThe body of each page as it is sent, not compressed, at a hub with {} stores.{lacks}",
        table::count(arguments.nodes as f64)
    ))
}
