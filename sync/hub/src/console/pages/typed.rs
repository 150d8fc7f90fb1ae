//! A form that is filled in until it is right: what was typed stays in its field, and what is wrong with it stands beside it.
//!
//! Names of fields are ids of the page as well, so a form stands on its page once. Not here: what a field means. Guards: nothing that was typed is lost by an
//! error, and every error leads to its field.

use crate::{
    console::{door::Caller, pages::forms::form, say},
    http::Problem,
};
use maud::{Markup, html};

/// The longest form of these, in bytes. Twice that, escaped, is still a page.
pub(in crate::console) const TYPED_BYTES_MAX: usize = 24 << 10;
/// The longest reason beside a field, in characters.
const REASON_CHARS_MAX: usize = 300;

/// What was typed, and what is wrong with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    fields: Vec<(String, String)>,
    faults: Vec<(String, String)>,
}

/// A field of one line.
#[derive(Clone, Copy, Default)]
pub(super) struct Line<'a> {
    /// The id on the page; the name, where it is empty.
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) label: &'a str,
    pub(super) hint: &'a str,
    pub(super) chars_max: usize,
    pub(super) is_required: bool,
    /// Shown, and sent as it is.
    pub(super) is_fixed: bool,
    /// The id of a list of suggestions.
    pub(super) list: &'a str,
}

impl Typed {
    /// Of a form as it came.
    pub(super) fn of(fields: Vec<(String, String)>) -> Self {
        // A browser sends every line of a text with both signs.
        let plain = |(name, value): (String, String)| (name, value.replace("\r\n", "\n"));
        Self { fields: fields.into_iter().map(plain).collect(), faults: Vec::new() }
    }

    /// Puts something into a field, as if it had been typed.
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.into()));
    }

    /// What stands in a field, without the spaces around it; nothing where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// Whether a field was sent at all: a box that is ticked, a button that was used.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| known == name)
    }

    /// Everything that was sent by a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Lines of a text that are not empty.
    pub(super) fn lines(&self, name: &str) -> impl Iterator<Item = &str> {
        self.get(name).lines().map(str::trim).filter(|line| !line.is_empty())
    }

    /// Says what is wrong with a field; of two things the first.
    pub(super) fn fault(&mut self, name: &str, reason: impl Into<String>) {
        if !self.faults.iter().any(|(known, _)| known == name) {
            let reason: String = reason.into().replace("\nhint: ", ". ");
            self.faults.push((name.to_owned(), say::cut(&reason, REASON_CHARS_MAX)));
        }
    }

    /// Keeps what was read of a field, or says what is wrong with it.
    pub(super) fn read<T, E: ToString>(&mut self, name: &str, read: Result<T, E>) -> Option<T> {
        read.map_err(|error| self.fault(name, error.to_string())).ok()
    }

    /// A whole number in a field; `empty` where nothing stands there.
    pub(super) fn number<T: std::str::FromStr>(&mut self, name: &str, empty: Option<T>) -> Option<T> {
        let text = self.get(name).to_owned();
        if text.is_empty() {
            if empty.is_none() {
                self.fault(name, "is empty, expected a whole number");
            }
            return empty;
        }
        let read =
            text.parse().map_err(|_| format!("`{}` is no whole number that fits here", say::cut(&text, 40)));
        self.read(name, read)
    }

    /// Whether nothing is wrong.
    pub(super) const fn is_good(&self) -> bool {
        self.faults.is_empty()
    }

    /// Takes what the interface for programs says: beside its field where it names one that is here, above the form otherwise.
    pub(super) fn told(&mut self, problem: &Problem, names: &[(&str, &str)]) {
        let fields: Vec<(String, String)> =
            problem.fields().map(|(field, reason)| (field.to_owned(), reason.to_owned())).collect();
        if fields.is_empty() {
            return self.fault("", problem.detail());
        }
        for (field, reason) in fields {
            let name = names.iter().find(|(known, _)| *known == field).map_or("", |(_, name)| name);
            self.fault(name, if name.is_empty() { format!("`{field}` {reason}") } else { reason });
        }
    }

    fn fault_of(&self, name: &str) -> Option<&str> {
        self.faults.iter().find(|(known, _)| known == name).map(|(_, reason)| reason.as_str())
    }

    /// What is wrong, above the form: each leads to its field.
    pub(super) fn summary(&self) -> Markup {
        html! {
            @if !self.is_good() {
                div.outcome.bad role="alert" {
                    p { "Nothing was done." }
                    ul {
                        @for (name, reason) in &self.faults {
                            li { @if name.is_empty() { (reason) } @else { a href=(format!("#{name}")) { (reason) } } }
                        }
                    }
                }
            }
        }
    }

    /// What stands below a field, and the ids of it.
    fn below(&self, name: &str, hint: &str) -> (Markup, Option<String>) {
        let fault = self.fault_of(name);
        let ids: Vec<String> = [(!hint.is_empty(), "hint"), (fault.is_some(), "fault")]
            .into_iter()
            .filter(|(is_there, _)| *is_there)
            .map(|(_, what)| format!("{name}-{what}"))
            .collect();
        let markup = html! {
            @if let Some(fault) = fault { p.fault id=(format!("{name}-fault")) { (fault) } }
            @if !hint.is_empty() { p.hint id=(format!("{name}-hint")) { (hint) } }
        };
        (markup, (!ids.is_empty()).then(|| ids.join(" ")))
    }

    fn is_wrong(&self, name: &str) -> Option<&'static str> {
        self.fault_of(name).map(|_| "true")
    }

    /// A field of one line.
    pub(super) fn line(&self, line: Line<'_>) -> Markup {
        let Line { id, name, label, hint, chars_max, is_required, is_fixed, list } = line;
        let (below, ids) = self.below(name, hint);
        let id = if id.is_empty() { name } else { id };
        html! {
            label for=(id) { (label) @if !is_required { " " span.none { "(may be empty)" } } }
            input id=(id) name=(name) type="text" value=(self.get(name)) maxlength=(chars_max) required[is_required] readonly[is_fixed]
                list=[(!list.is_empty()).then_some(list)] autocomplete="off" spellcheck="false" aria-invalid=[self.is_wrong(name)] aria-describedby=[ids];
            (below)
        }
    }

    /// A whole number.
    pub(super) fn count(&self, name: &str, label: &str, hint: &str) -> Markup {
        let (below, ids) = self.below(name, hint);
        html! {
            label for=(name) { (label) }
            input id=(name) name=(name) type="text" inputmode="numeric" value=(self.get(name)) maxlength="20" autocomplete="off"
                aria-invalid=[self.is_wrong(name)] aria-describedby=[ids];
            (below)
        }
    }

    /// A text of several lines.
    pub(super) fn area(&self, name: &str, label: &str, hint: &str) -> Markup {
        let (below, ids) = self.below(name, hint);
        let value = self.get(name);
        html! {
            label for=(name) { (label) " " span.none { "(may be empty)" } }
            // A browser takes the first line's end away.
            textarea id=(name) name=(name) rows=(value.lines().count().clamp(2, 10)) spellcheck="false" aria-invalid=[self.is_wrong(name)]
                aria-describedby=[ids] { "\n" (value) }
            (below)
        }
    }

    /// One of several.
    pub(super) fn choice(&self, name: &str, label: &str, of: &[(&str, &str)]) -> Markup {
        let (below, ids) = self.below(name, "");
        html! {
            label for=(name) { (label) }
            select id=(name) name=(name) aria-invalid=[self.is_wrong(name)] aria-describedby=[ids] {
                @for (value, words) in of { option value=(value) selected[self.get(name) == *value] { (words) } }
            }
            (below)
        }
    }

    /// Yes or no.
    pub(super) fn tick(&self, name: &str, label: &str) -> Markup {
        html! {
            div.tick {
                input id=(name) name=(name) type="checkbox" value="yes" checked[self.has(name)];
                label for=(name) { (label) }
            }
        }
    }

    /// One of the boxes of a list, told apart by its number.
    pub(super) fn box_of(&self, name: &str, number: usize, value: &str, label: &Markup) -> Markup {
        let id = format!("{name}-{number}");
        html! {
            div.tick {
                input id=(id) name=(name) type="checkbox" value=(value) checked[self.all(name).any(|ticked| ticked == value)];
                label for=(id) { (label) }
            }
        }
    }

    /// Something that the page knows and nobody types.
    pub(super) fn hidden(&self, name: &str) -> Markup {
        html! { @if self.has(name) { input type="hidden" name=(name) value=(self.get(name)); } }
    }

    /// What is wrong with something that is no single field. It can be led to.
    pub(super) fn of_part(&self, name: &str) -> Markup {
        html! { @if let Some(fault) = self.fault_of(name) { p.fault id=(name) { (fault) } } }
    }
}

/// A form that takes something away, opened first.
pub(super) fn taking_away(
    caller: &Caller,
    name: &str,
    action: &str,
    hint: &str,
    hidden: &[(&str, &str)],
) -> Markup {
    html! {
        details.act {
            summary { (name) }
            (form(caller, action, &html! {
                p.hint { (hint) }
                @for (name, value) in hidden { input type="hidden" name=(name) value=(value); }
                button type="submit" { (name) }
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(fields: &[(&str, &str)]) -> Typed {
        Typed::of(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_was_typed_is_kept_and_what_is_wrong_is_said_beside_it() {
        let mut form =
            typed(&[("why", " a \"<b>\" "), ("size", "ten"), ("text", "a\r\n\r\n b "), ("on", "yes")]);
        assert_eq!(form.number::<u32>("size", None), None);
        assert_eq!(form.number("none", Some(7)), Some(7));
        assert_eq!(form.lines("text").collect::<Vec<_>>(), ["a", "b"]);
        form.fault("size", "a second one is not said");
        let size = form.count("size", "Size", "So many.").into_string();
        assert!(size.contains("value=\"ten\"") && size.contains("aria-invalid=\"true\""), "{size}");
        assert!(
            size.contains("aria-describedby=\"size-hint size-fault\"")
                && size.contains("`ten` is no whole number"),
            "{size}"
        );
        let why =
            form.line(Line { name: "why", label: "Why", chars_max: 9, ..Line::default() }).into_string();
        assert!(why.contains("value=\"a &quot;&lt;b&gt;&quot;\"") && !why.contains("aria-invalid"), "{why}");
        assert!(form.summary().into_string().contains("href=\"#size\""));
        assert!(
            form.tick("on", "On").into_string().contains(" checked")
                && !form.tick("off", "Off").into_string().contains(" checked")
        );
        form.fault("", "nobody's\nhint: ask");
        assert!(form.summary().into_string().contains("<li>nobody's. ask</li>") && !form.is_good());
    }
}
