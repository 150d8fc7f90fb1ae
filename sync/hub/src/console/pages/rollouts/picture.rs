//! How the nodes of a rollout or a wave stand, as a bar. The numbers stand beside it in words: nobody has to see colours.

use crate::console::say;
use aisle_fleet::rollout::Tally;
use maud::{Markup, html};

/// How wide it is, in its own units.
const WIDTH: u64 = 1_000;

/// What a tally counts, in the order of the bar: the class of its colour, its name, how many.
pub(super) const fn kinds(tally: &Tally) -> [(&'static str, &'static str, u64); 10] {
    [
        ("passed", "passed", tally.passed),
        ("live", "run it", tally.live),
        ("working", "bring it in", tally.working),
        ("late", "late", tally.late),
        ("failed", "failed", tally.failed),
        ("dark", "gone dark", tally.dark),
        ("offline", "away", tally.offline),
        ("back", "gone back", tally.back),
        ("excluded", "taken out", tally.excluded),
        ("waiting", "wait", tally.waiting),
    ]
}

/// The bar.
pub(super) fn bar(tally: &Tally) -> Markup {
    let all = u128::from(tally.members.max(1));
    let wide =
        |count: u64| u64::try_from(u128::from(count) * u128::from(WIDTH) / all).unwrap_or(WIDTH).min(WIDTH);
    let mut before = 0_u64;
    let parts: Vec<(&str, u64, u64)> = kinds(tally)
        .into_iter()
        .filter(|(.., count)| *count > 0)
        .map(|(class, _, count)| {
            let from = wide(before);
            before = before.saturating_add(count);
            // What is few is seen still.
            (class, from, wide(before).saturating_sub(from).max(4))
        })
        .collect();
    html! {
        svg.wave viewBox=(format!("0 0 {WIDTH} 100")) preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect.waiting width=(WIDTH) height="100" {}
            @for (class, from, width) in parts { rect class=(class) x=(from) width=(width) height="100" {} }
        }
    }
}

/// The same in words.
pub(super) fn words(tally: &Tally) -> Markup {
    html! {
        span { (say::count(tally.members, "node", "nodes")) }
        @for (class, name, count) in kinds(tally) {
            @if count > 0 { " " span class={ "leg " (class) } { (say::number(count)) " " (name) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_stays_within_its_frame_whatever_the_numbers_are() {
        let huge = Tally {
            members: u64::MAX,
            passed: u64::MAX / 2,
            failed: 1,
            waiting: u64::MAX / 2,
            ..Tally::default()
        };
        for tally in
            [Tally::default(), huge, Tally { members: 3, passed: 1, live: 1, failed: 1, ..Tally::default() }]
        {
            let drawn = bar(&tally).into_string();
            for part in drawn.split("width=\"").skip(1) {
                let width: u64 = part.split('"').next().unwrap().parse().unwrap();
                assert!(width <= WIDTH, "{drawn}");
            }
        }
        let said = words(&huge).into_string();
        assert!(said.contains("1 failed") && !said.contains("late"), "{said}");
    }
}
