//! Forms of pages: what stands around their fields, what is said once one was done. No script is needed for any of them.
//!
//! What changes something is opened first and sent then, so nothing is done by a slip. Guards: every form begins with what only our own page knows.

use crate::console::door::Caller;
use crate::console::{door::see_other, say, visit::csrf};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

/// What was done, in the address of the page that is shown then: one of the words below and nothing else.
#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct Done {
    #[serde(default)]
    done: String,
}

/// Words of addresses with what they mean. What is no word here is said nothing of.
const NOTICES: &[(&str, &str)] = &[
    ("approve", "The box may come in. It asks again by itself within a minute."),
    ("reject", "The box may not come in."),
    ("suspend", "The node is kept out. Connections that are open end within a minute."),
    ("resume", "The node may come in again."),
    ("ban", "The node is banned. Connections that are open end within a minute."),
    ("withdraw", "The claim is taken back: nobody can use it any more."),
    ("agreed", "You have agreed. Who asked can have it done now."),
    ("declined", "You have declined. It will not be done."),
    ("taken-back", "Your request is taken back."),
    ("changed", "It is changed."),
    ("disabled", "This person may not come any more; their sessions have ended."),
    ("enabled", "This person may come again."),
    ("ended", "The session has ended."),
    ("revoked", "The token is good for nothing any more."),
    ("said", "It was said; the rules go on from there."),
    (
        "said-alone",
        "It was said. You approved what you wrote yourself, because no person has the right to: one alone decided.",
    ),
    ("written", "It is written. Stores hear it within seconds, where something changes for them."),
    ("taken-away", "It is taken away."),
    (
        "drafted",
        "The draft is written. Nothing begins by that: let it look ahead now, and see who would fail.",
    ),
    ("forgotten", "It is forgotten here; the audit log keeps who did what."),
    ("password", "Your password is changed, and all your other sessions have ended."),
];

impl Done {
    /// What was done, where something was.
    pub(super) fn notice(&self) -> Markup {
        let found = NOTICES.iter().find(|(word, _)| *word == self.done);
        html! { @if let Some((_, words)) = found { p.outcome.good role="status" { (words) } } }
    }
}

/// To a page that says what was done.
pub(super) fn done(place: &str, word: &str) -> Response {
    debug_assert!(NOTICES.iter().any(|(known, _)| *known == word), "nothing is said of `{word}`");
    see_other(&format!("{place}?done={word}"))
}

/// A form that changes something.
pub(super) fn form(caller: &Caller, action: &str, inside: &Markup) -> Markup {
    html! { form.card action=(action) method="post" { (csrf(caller)) (inside) } }
}

/// A form that is opened first.
pub(super) fn opened(caller: &Caller, name: &str, action: &str, inside: &Markup) -> Markup {
    html! {
        details.act {
            summary { (name) }
            (form(caller, action, inside))
        }
    }
}

/// A line of text. `id` is of the page, `name` of the form.
pub(super) struct Line<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) label: &'a str,
    pub(super) value: &'a str,
    pub(super) chars_max: usize,
    pub(super) is_required: bool,
}

impl Line<'_> {
    pub(super) fn field(&self) -> Markup {
        html! {
            label for=(self.id) { (self.label) @if !self.is_required { " " span.none { "(may be empty)" } } }
            input id=(self.id) name=(self.name) type="text" value=(say::cut(self.value, self.chars_max)) maxlength=(self.chars_max)
                required[self.is_required] autocomplete="off" spellcheck="false";
        }
    }
}
