//! Pieces that several pages are made of. Lists end where the page is full, whatever names are in them.

use crate::console::say;
use maud::{Markup, html};

/// The most bytes that the rows of a page's list have together. With what stands around them a page stays under 100 KB.
pub(super) const LIST_BYTES_MAX: usize = 72 << 10;
/// The same of a list that shares its page with others.
pub(super) const SHORT_BYTES_MAX: usize = 10 << 10;
/// The longest name of a thing in a list, in characters.
pub(super) const NAME_CHARS_MAX: usize = 40;
/// The longest reason in a list, in characters.
pub(super) const REASON_CHARS_MAX: usize = 200;

/// Rows as far as there is room for them, and how many that are. The first one always has room: a row has a bound of its own.
pub(super) fn fit<T>(rows: &[T], bytes_max: usize, row: impl Fn(&T) -> Markup) -> (Markup, usize) {
    let (mut html, mut shown) = (String::new(), 0);
    for item in rows {
        let made = row(item).into_string();
        if shown > 0 && html.len().saturating_add(made.len()) > bytes_max {
            break;
        }
        html.push_str(&made);
        shown += 1;
    }
    (maud::PreEscaped(html), shown)
}

/// A table that moves by itself where it is wider than the screen. `id` is of the heading that names it.
pub(super) fn table(id: &str, columns: &[(&str, &str)], rows: &Markup) -> Markup {
    html! {
        div.scroll role="group" tabindex="0" aria-labelledby=(id) {
            table {
                thead { tr { @for (class, name) in columns { th class=[(!class.is_empty()).then_some(class)] scope="col" { (name) } } } }
                tbody { (rows) }
            }
        }
    }
}

/// A part of a page with a heading, kept up to date.
pub(super) fn section(id: &str, heading: &str, inside: &Markup) -> Markup {
    html! {
        section #(id) aria-labelledby=(heading_id(id)) data-live {
            h2 id=(heading_id(id)) { (heading) }
            (inside)
        }
    }
}

/// The id of a part's heading.
pub(super) fn heading_id(id: &str) -> String {
    format!("{id}-heading")
}

/// What to say where there is nothing.
pub(super) fn empty(text: &str) -> Markup {
    html! { p.empty { (text) } }
}

/// How many rows a list has no room for.
pub(super) fn rest(all: usize, shown: usize) -> Markup {
    html! {
        @if shown < all {
            p.rest { (say::number((all - shown) as u64)) " more are not shown." }
        }
    }
}

/// Ways to the first page and on.
pub(super) fn pager(first: Option<&str>, next: Option<&str>) -> Markup {
    html! {
        @if first.is_some() || next.is_some() {
            nav.pager aria-label="Pages of this list" {
                @if let Some(first) = first { a.button href=(first) { "To the beginning" } }
                @if let Some(next) = next { a.button href=(next) rel="next" { "Further" } }
            }
        }
    }
}

/// Facts with their names.
pub(super) fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! { dl.facts { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } } }
}

/// A state in a word, with its colour: `good`, `warn`, `bad`, `calm`, `none`.
pub(super) fn state(class: &str, word: &str) -> Markup {
    html! { span class={ "state " (class) } { (word) } }
}

/// Whether a store is connected.
pub(super) fn connection(connected: i64, nodes: i64, came: bool) -> Markup {
    match (connected, came) {
        (0, false) => state("calm", "never came"),
        (0, true) => state("warn", "away"),
        (some, _) if some == nodes => state("good", "connected"),
        (some, _) => state("good", &format!("{} of {} connected", say::number(some), say::number(nodes))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_where_the_page_is_full_and_says_what_is_left() {
        let rows = ["a".repeat(40), "b".repeat(40), "c".repeat(40)];
        let (html, shown) = fit(&rows, 90, |row| html! { (row) });
        assert_eq!((html.into_string().len(), shown), (80, 2));
        let (html, shown) = fit(&rows, 10, |row| html! { (row) });
        assert_eq!((html.into_string().len(), shown), (40, 1), "one always has room");
        assert!(rest(3, 1).into_string().contains("2 more are not shown"));
        assert_eq!(rest(3, 3).into_string(), "");
    }
}
