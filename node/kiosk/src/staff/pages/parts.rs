//! Pieces that several pages of the board are made of. A number never comes without its age and how sure the store is.

use crate::{
    staff::{
        age::ago,
        board::{AlertKind, AlertRow, DeviceRow, DeviceState, GapRow, Severity, TaskRow, UnitRow, UnitState},
        detail::{Field, FieldKind, SettingValue},
        form::{MARK, Reason, Trouble, setting_name},
        number::{Estimate, Reading},
        once,
        visit::Colleague,
        words::{self, Words},
    },
    strings::Language,
    text,
};
use aisle_event::{Name, Sku, Timestamp, inventory::TaskKind};
use maud::{Markup, html};

/// The page on which a box is claimed; the node serves it.
const FIRST_BOOT: &str = "/first-boot";

/// How somebody sees a page: in which words, at what time, and where they are.
#[derive(Clone, Copy)]
pub(in crate::staff) struct Eye<'a> {
    pub(in crate::staff) words: &'static Words,
    pub(in crate::staff) language: Language,
    pub(in crate::staff) now: Timestamp,
    /// The page, without what was said on it.
    pub(in crate::staff) place: &'a str,
    /// What was just done.
    pub(in crate::staff) did: Option<&'static str>,
}

impl<'a> Eye<'a> {
    pub(in crate::staff) fn of(colleague: &'a Colleague) -> Self {
        let person = &colleague.person;
        let words = words::of(person.language);
        let (place, query) = person.place.split_once('?').unwrap_or((&person.place, ""));
        let did = query.split('&').find_map(|pair| pair.strip_prefix("did=")).and_then(words.did);
        Self { words, language: person.language, now: person.now, place, did }
    }

    /// What was said in English by another part of the store.
    pub(in crate::staff) fn english(self, said: &str) -> Markup {
        let foreign = (self.language != Language::English).then_some("en");
        html! { span lang=[foreign] { (said) } }
    }

    pub(in crate::staff) fn ago(self, at: Timestamp) -> Markup {
        ago(self.words, self.now, at)
    }

    /// How old a number is and how sure the store is of it, in words and as a bar.
    pub(in crate::staff) fn trust(self, as_of: Timestamp, permille: u16) -> Markup {
        html! {
            p.trust {
                (self.ago(as_of)) span.sep { " · " }
                span { ((self.words.sure)(&percent(permille))) }
                " " (bar(permille))
            }
        }
    }

    /// What was done, or why it was not.
    pub(in crate::staff) fn outcome(self, trouble: Option<&Trouble>) -> Markup {
        html! {
            @if let Some(trouble) = trouble {
                div.outcome.bad role="alert" {
                    p { strong { (self.words.not_done) "." } }
                    p { @if let Some(field) = &trouble.field { code { (field.trim_start_matches("v.")) } ": " } (self.reason(&trouble.reason)) }
                }
            } @else if let Some(did) = self.did {
                p.outcome.good role="status" { (did) }
            }
        }
    }

    pub(in crate::staff) fn reason(self, reason: &Reason) -> Markup {
        match reason {
            Reason::Said(said) => self.english(said),
            reason => html! { ((self.words.reason)(reason)) },
        }
    }

    pub(in crate::staff) fn estimate(self, label: &str, estimate: Estimate) -> Markup {
        let whole = |quantity: aisle_event::Quantity| text::number(quantity);
        html! {
            div.figure {
                p.label { (label) }
                p.value { (estimate.value) }
                p.range { ((self.words.between)(&whole(estimate.low), &whole(estimate.high))) }
                (self.trust(estimate.as_of, estimate.confidence_permille))
            }
        }
    }

    pub(in crate::staff) fn reading(self, reading: Reading) -> Markup {
        html! {
            p.value { (decimal(reading.value)) " " small { ((self.words.measured)(reading.measured)) } }
            (self.trust(reading.as_of, reading.confidence_permille))
        }
    }

    /// Something to do, with the buttons that do it. The whole of it has room for a count.
    pub(in crate::staff) fn task(self, task: &TaskRow, is_whole: bool, trouble: Option<&Trouble>) -> Markup {
        let takes_count = task.sku.is_some() && (is_whole || task.kind == TaskKind::Recount);
        let words = self.words;
        let about = product_name(task.product.as_ref(), task.sku.as_ref())
            .or_else(|| task.unit.as_ref().map(|unit| unit.as_str().to_owned()))
            .or_else(|| task.device.as_ref().map(|device| device.as_str().to_owned()));
        let what = format!("{} {}", (words.task)(task.kind), about.as_deref().unwrap_or_default());
        let to = (task.sku.as_ref().map(product_address))
            .or_else(|| task.unit.as_ref().map(|unit| unit_address(unit.as_str())))
            .or_else(|| task.device.as_ref().map(|device| device_address(device.as_str())));
        let id = format!("count-{}", text::encoded(task.task.as_str()));
        html! {
            li.card data-key=(format!("task {}", task.task)) {
                p.label { ((words.task)(task.kind)) }
                @let title = html! { @match (&about, to) {
                    (Some(about), Some(to)) => a href=(to) { (about) },
                    _ => (task.task),
                } };
                @if is_whole { h2.title { (title) } } @else { h3.title { (title) } }
                @if let Some(quantity) = task.quantity { p.bring { ((words.bring)(&quantity.to_string())) } }
                p.why { (self.english(&task.why)) }
                (self.trust(task.opened_at, task.confidence_permille))
                form.act action="/staff/tasks" method="post" {
                    input type="hidden" name="task" value=(task.task);
                    input type="hidden" name="return" value=(self.place);
                    @if takes_count {
                        div.field {
                            label for=(id) { (words.counted) }
                            input id=(id) name="count" inputmode="decimal" autocomplete="off" maxlength="12"
                                aria-invalid=[trouble.map(|_| "true")];
                        }
                    }
                    div.buttons {
                        button.quiet type="submit" name="do" value="dismiss" aria-label=((words.not_needed_named)(&what)) { (words.not_needed) }
                        button.primary type="submit" name="do" value="finish" aria-label=((words.done_named)(&what)) { (words.done) }
                    }
                }
            }
        }
    }

    pub(in crate::staff) fn alert(self, alert: &AlertRow) -> Markup {
        let words = self.words;
        let class = match alert.severity {
            Severity::Critical => "bad",
            Severity::Warning => "warn",
            Severity::Notice => "calm",
        };
        let (name, to) = match (&alert.unit, &alert.device) {
            (Some(unit), _) => (Some(unit.as_str()), unit_address(unit.as_str())),
            (None, Some(device)) => (Some(device.as_str()), device_address(device.as_str())),
            (None, None) if alert.kind == AlertKind::Node && alert.detail.contains(FIRST_BOOT) => {
                (None, FIRST_BOOT.to_owned())
            }
            (None, None) => (None, self.place.to_owned()),
        };
        let key = format!("alert {:?} {}", alert.kind, name.unwrap_or(&alert.detail));
        html! {
            li data-key=(key) {
                a class={ "row " (class) } href=(to) {
                    span.main {
                        span.label { b { ((words.severity)(alert.severity)) } " · " ((words.alert)(alert.kind)) }
                        @if let Some(name) = name { strong { (name) } }
                        span.why { (self.english(&alert.detail)) }
                        (self.inline_trust(alert.since, alert.confidence_permille))
                    }
                    (chevron())
                }
            }
        }
    }

    /// Age and confidence inside of something that is a link.
    pub(in crate::staff) fn inline_trust(self, as_of: Timestamp, permille: u16) -> Markup {
        html! {
            span.trust { (self.ago(as_of)) span.sep { " · " } span { ((self.words.sure)(&percent(permille))) } " " (bar(permille)) }
        }
    }

    pub(in crate::staff) fn gap(self, gap: &GapRow) -> Markup {
        let words = self.words;
        let is_phantom = gap.phantom_permille > gap.empty_permille;
        let (what, chance) = if is_phantom {
            (words.phantom, gap.phantom_permille)
        } else {
            (words.empty_shelf, gap.empty_permille)
        };
        html! {
            li data-key=(format!("gap {}", gap.sku)) {
                a.row.warn href=(product_address(&gap.sku)) {
                    span.main {
                        span.label { b { (what) } " · " ((words.chance)(&percent(chance))) }
                        strong { @if let Some(name) = &gap.product { (name) } @else { (gap.sku) } }
                        span.amounts { (self.inline_estimate((words.place)(aisle_event::device::Place::Shelf), gap.shelf)) }
                        @if let Some(backroom) = gap.backroom {
                            span.amounts { (self.inline_estimate((words.place)(aisle_event::device::Place::Backroom), backroom)) }
                        }
                        span.trust { (words.since) " " (self.ago(gap.since)) }
                    }
                    (chevron())
                }
            }
        }
    }

    /// An estimate inside of something that is a link.
    pub(in crate::staff) fn inline_estimate(self, label: &str, estimate: Estimate) -> Markup {
        let range = (self.words.between)(&text::number(estimate.low), &text::number(estimate.high));
        html! {
            span.what { (label) " " b { (estimate.value) } " " span.range { "(" (range) ")" } }
            " " (self.inline_trust(estimate.as_of, estimate.confidence_permille))
        }
    }

    pub(in crate::staff) fn unit(self, unit: &UnitRow) -> Markup {
        let words = self.words;
        html! {
            li data-key=(format!("unit {}", unit.unit)) {
                a class={ "row " (unit_class(unit.state)) } href=(unit_address(unit.unit.as_str())) {
                    span.main {
                        span.label { b { ((words.unit_state)(unit.state)) } " · " ((words.group)(unit.group)) }
                        strong { (unit.unit) }
                        @if let Some(door) = unit.door.filter(|door| door.open) {
                            span.why { b { (words.door_open) } ", " (self.ago(door.as_of)) }
                        }
                        @if unit.excursion.is_some() {
                            span.why { (if unit.acknowledged { words.acknowledged } else { words.not_acknowledged }) }
                        }
                        @match unit.reading {
                            Some(reading) => (self.inline_trust(reading.as_of, reading.confidence_permille)),
                            None => span.trust { (words.no_reading) ", " (words.since) " " (self.ago(unit.since)) },
                        }
                    }
                    @if let Some(reading) = unit.reading { span.value { (decimal(reading.value)) small { " " ((words.measured)(reading.measured)) } } }
                    (chevron())
                }
            }
        }
    }

    pub(in crate::staff) fn device(self, device: &DeviceRow) -> Markup {
        let words = self.words;
        html! {
            li data-key=(format!("device {}", device.device)) {
                a class={ "row " (device_class(device)) } href=(device_address(device.device.as_str())) {
                    span.main {
                        span.label {
                            b { ((words.device_state)(device.state)) }
                            @if device.problems > 0 { " · " ((words.problems_count)(device.problems)) }
                            @if !device.in_sync { " · " (words.out_of_sync) }
                        }
                        strong { (device.device) }
                        span.why { (device.model) }
                        @match device.heard_at {
                            Some(at) => (self.inline_trust(at, device.confidence_permille)),
                            None => span.trust { (words.never_heard) },
                        }
                    }
                    (chevron())
                }
            }
        }
    }

    /// One field of a form that is made from a schema.
    pub(in crate::staff) fn field(
        self,
        scope: &str,
        field: &Field,
        value: Option<&str>,
        trouble: Option<&Trouble>,
    ) -> Markup {
        let words = self.words;
        let name = setting_name(&field.name);
        let id = format!("{scope}-{}", text::encoded(&field.name));
        let wrong = trouble.filter(|trouble| trouble.field.as_deref() == Some(name.as_str()));
        let about = format!("{id}-about");
        let invalid = wrong.map(|_| "true");
        let chosen = value.unwrap_or_default();
        let number = |mode: &str| {
            html! {
                input id=(id) name=(name) value=(chosen) inputmode=(mode) autocomplete="off" maxlength="24"
                    aria-describedby=(about) aria-invalid=[invalid];
            }
        };
        let select = |choices: &[(&str, &str)]| {
            html! {
                select id=(id) name=(name) aria-describedby=(about) aria-invalid=[invalid] {
                    @for (value, label) in choices { option value=(value) selected[*value == chosen] { (label) } }
                }
            }
        };
        let range = |least: &dyn std::fmt::Display, most: &dyn std::fmt::Display| {
            html! { ((words.range)(&least.to_string(), &most.to_string())) ", " }
        };
        let bounds = match &field.kind {
            FieldKind::Integer { min, max } => range(min, max),
            FieldKind::Number { min, max } => range(min, max),
            FieldKind::Text { len_max } => html! { ((words.bytes_max)(*len_max)) ", " },
            FieldKind::Bool | FieldKind::Choice { .. } => html! {},
        };
        html! {
            div.field {
                label for=(id) { (field.name) @if let Some(unit) = &field.unit { " (" (unit) ")" } }
                @match &field.kind {
                    FieldKind::Bool => (select(&[("true", words.yes), ("false", words.no)])),
                    FieldKind::Integer { .. } => (number("numeric")),
                    FieldKind::Number { .. } => (number("decimal")),
                    FieldKind::Text { .. } => (number("text")),
                    FieldKind::Choice { of } => (select(&of.iter().map(|choice| (choice.as_str(), choice.as_str())).collect::<Vec<_>>())),
                }
                p.hint id=(about) {
                    @if let Some(wrong) = wrong { strong.wrong { (self.reason(&wrong.reason)) " " } }
                    (bounds) ((words.default)(&self.value(&field.default)))
                }
            }
        }
    }

    /// A setting's value in words.
    pub(in crate::staff) fn value(self, value: &SettingValue) -> String {
        match value {
            SettingValue::Bool(true) => self.words.yes.to_owned(),
            SettingValue::Bool(false) => self.words.no.to_owned(),
            other => raw(other),
        }
    }
}

/// A setting's value as a form carries it.
pub(in crate::staff) fn raw(value: &SettingValue) -> String {
    match value {
        SettingValue::Bool(value) => value.to_string(),
        SettingValue::Integer(value) => value.to_string(),
        SettingValue::Number(value) => value.to_string(),
        SettingValue::Text(value) => value.clone(),
    }
}

/// What tells a form from another one of the same content: sent twice, it is done once.
pub(in crate::staff) fn marked() -> Markup {
    html! { input type="hidden" name=(MARK) value=(once::mark()); }
}

/// A part of the page that the script keeps up to date, with a heading and a way to all of it.
pub(in crate::staff) fn section(
    id: &str,
    heading: &str,
    more: Option<(&str, String)>,
    inside: &Markup,
) -> Markup {
    html! {
        section aria-labelledby=(format!("{id}-title")) {
            div.head {
                h2 id=(format!("{id}-title")) { (heading) }
                @if let Some((to, label)) = more { a.more href=(to) { (label) span.hidden { ": " (heading) } } }
            }
            div id=(id) data-live=(id) { (inside) }
        }
    }
}

/// A list, or what to say when there is nothing in it.
pub(in crate::staff) fn list(rows: &[Markup], empty: &str) -> Markup {
    html! {
        @if rows.is_empty() { p.empty data-key="empty" { (empty) } }
        @else { ul.list { @for row in rows { (row) } } }
    }
}

pub(in crate::staff) fn percent(permille: u16) -> String {
    let permille = permille.min(1000);
    // Nothing is quite certain or quite impossible because it was rounded.
    match permille {
        0 => "0 %".into(),
        1..10 => "<1 %".into(),
        991..1000 => ">99 %".into(),
        _ => format!("{} %", (permille + 5) / 10),
    }
}

/// A share as a small bar.
fn bar(permille: u16) -> Markup {
    let permille = permille.min(1000);
    let class = match permille {
        800.. => "high",
        500.. => "middle",
        _ => "low",
    };
    html! {
        svg class={ "bar " (class) } viewBox="0 0 1000 120" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect.all width="1000" height="120" {}
            rect.part width=(permille) height="120" {}
        }
    }
}

fn chevron() -> Markup {
    html! { svg.chevron viewBox="0 0 24 24" aria-hidden="true" focusable="false" { path d="M9 5l7 7-7 7" {} } }
}

/// A number of a sensor: one decimal is what such sensors can say.
pub(in crate::staff) fn decimal(value: f64) -> String {
    // Never a negative nothing.
    let rounded = (value * 10.0).round() / 10.0 + 0.0;
    let text = if rounded.abs() < 1000.0 { format!("{rounded:.1}") } else { format!("{rounded:.0}") };
    text.replace('-', "−")
}

pub(in crate::staff) fn unit_class(state: UnitState) -> &'static str {
    match state {
        UnitState::Fine => "fine",
        UnitState::Outside | UnitState::Unknown => "warn",
        UnitState::Excursion => "bad",
    }
}

fn device_class(device: &DeviceRow) -> &'static str {
    match device.state {
        DeviceState::Online if device.problems > 0 || !device.in_sync => "warn",
        DeviceState::Online => "fine",
        DeviceState::Pending => "calm",
        DeviceState::Offline => "bad",
        DeviceState::Retired => "gone",
    }
}

fn product_name(name: Option<&Name>, sku: Option<&Sku>) -> Option<String> {
    name.map(|name| name.as_str().to_owned()).or_else(|| sku.map(|sku| sku.as_str().to_owned()))
}

pub(in crate::staff) fn product_address(sku: &Sku) -> String {
    format!("/staff/products/{}", text::encoded(sku.as_str()))
}

pub(in crate::staff) fn unit_address(unit: &str) -> String {
    format!("/staff/units/{}", text::encoded(unit))
}

pub(in crate::staff) fn device_address(device: &str) -> String {
    format!("/staff/devices/{}", text::encoded(device))
}
