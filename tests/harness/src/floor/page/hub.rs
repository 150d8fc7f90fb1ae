//! The part of the page that shows the stores and their hub: what waits, what has come, what the gate removed; and the button that cuts
//! the line between them.

use super::button;
use crate::hub::{Sight, Standing};
use maud::{Markup, html};

/// What the counts of the gate are called, in the order of the columns.
const GATE: [&str; 4] = ["as they were", "as tokens", "coarser", "kept back"];

/// The part, with everything in it that changes marked so.
pub(super) fn section(sight: &Sight) -> Markup {
    let cut = sight.lines.cut_for();
    let picture = sight.picture.borrow().clone();
    html! {
        section aria-labelledby="hub" {
            h2 #hub { "The stores and their hub" }
            div.acts {
                p #line.truth role="status" data-live {
                    @match cut {
                        Some(cut) => { b { "The line is cut" } (format!(", for {} s now. The stores go on selling.", cut.as_secs())) }
                        None => { "The line is there." }
                    }
                }
                span #line-act data-live {
                    @if cut.is_some() { (button("/line/mend", "Mend it", "the line to the hub", true)) }
                    @else { (button("/line/cut", "Cut the line", "to the hub", true)) }
                }
            }
            div.wide tabindex="0" role="region" aria-labelledby="hub" {
                table {
                    thead {
                        tr {
                            th scope="col" { "Store" }
                            th scope="col" { "Line" }
                            th scope="col" { "Events that wait" }
                            th scope="col" { "The oldest" }
                            th scope="col" { "Events at the hub" }
                            @for name in GATE { th scope="col" { "Fields " (name) } }
                        }
                    }
                    tbody #stores data-live { @for standing in &picture { (row(standing)) } }
                }
            }
            p.calm {
                "What the gate did to fields is counted in the receipts that the hub has checked, so it ends where the line is cut. "
                "Kept back is what no rule lets out, and what only counts in sums."
            }
        }
    }
}

fn row(standing: &Standing) -> Markup {
    let removed = standing.removed;
    let gate = [
        removed.passed,
        removed.tokened,
        removed.coarsened,
        removed.dropped.saturating_add(removed.aggregated),
    ];
    let line = match (&standing.path, standing.phase.as_str()) {
        (Some(path), _) => path.as_str(),
        (None, "") => "no answer",
        (None, phase) => phase,
    };
    html! {
        tr {
            th scope="row" { (standing.store) }
            td { (line) }
            td { @match standing.backlog { Some(events) => { (grouped(events)) } None => { "?" } } }
            td { @if standing.lag_ms == 0 { "–" } @else { (standing.lag_ms.div_ceil(1_000)) " s" } }
            td { (grouped(standing.at_hub)) }
            @for count in gate { td { (grouped(count)) } }
        }
    }
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{grouped, section};
    use crate::hub::{Lines, Removed, Sight, Standing};
    use std::net::{Ipv4Addr, SocketAddr};
    use tokio::sync::watch;

    #[tokio::test]
    async fn each_store_has_a_row_and_the_line_a_button() {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        let lines = Lines::start(1, nowhere, nowhere, 1).await.expect("ports");
        let standing = Standing {
            store: "demo-2".into(),
            phase: "connected".into(),
            path: Some("quic".into()),
            backlog: Some(12_345),
            lag_ms: 1_001,
            at_hub: 7,
            removed: Removed { dropped: 4, aggregated: 3, ..Removed::default() },
            ..Standing::default()
        };
        let silent = Standing { store: "demo-3".into(), ..Standing::default() };
        let (_picture, seen) = watch::channel(vec![standing, silent]);
        let sight = Sight { picture: seen, lines };
        let page = section(&sight).into_string();
        for part in
            ["demo-2", "<td>quic</td>", "<td>12\u{202f}345</td>", "<td>2 s</td>", "<td>7</td>", "no answer"]
        {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(page.contains("The line is there.") && page.contains("action=\"/line/cut\""), "{page}");
        sight.lines.cut();
        let page = section(&sight).into_string();
        assert!(page.contains("The line is cut") && page.contains("action=\"/line/mend\""), "{page}");
    }

    #[test]
    fn digits_stand_in_groups_of_three() {
        let shown = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]);
    }
}
