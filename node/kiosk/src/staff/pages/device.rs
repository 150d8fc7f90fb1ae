//! One device: what it measures, what it is set to, what it was asked, what is wrong with it.

use super::{
    layout::{self, Page, Tab},
    parts::{Eye, device_address, marked, product_address, raw, unit_address},
    stream,
};
use crate::{
    http::{
        extract::{Params, Segment, choice},
        problem::Problem,
    },
    staff::{
        Action,
        board::{DeviceRow, DeviceState},
        desk::Desk,
        detail::{DevicePage, Field, Offer, SettingRow, SettingValue, StreamRow, Twin},
        form::{Sent, Trouble, setting_name},
        visit::Colleague,
    },
    text,
};
use aisle_event::{Name, device::StreamKind};
use axum::{extract::State, http::StatusCode, response::Response};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
pub(super) struct SpanParams {
    hours: Option<String>,
}

/// `GET /staff/devices/{device}?hours=`.
pub(super) async fn show(
    colleague: Colleague,
    State(desk): State<Desk>,
    Segment(device): Segment,
    Params(params): Params<SpanParams>,
) -> Result<Response, Problem> {
    let spans: Vec<_> = stream::SPANS.iter().map(|hours| (hours.to_string(), *hours)).collect();
    let spans: Vec<_> = spans.iter().map(|(text, hours)| (text.as_str(), *hours)).collect();
    let hours = params.hours.as_deref().map_or(Ok(stream::HOURS), |hours| choice("hours", hours, &spans))?;
    page(&desk, &colleague, &device, hours, None)
}

fn found(desk: &Desk, device: &str) -> Result<DevicePage, Problem> {
    desk.floor.device(device).ok_or_else(|| {
        Problem::unknown_device(format!("no device `{device}` was ever heard")).with("device", "is not known")
    })
}

fn page(
    desk: &Desk,
    colleague: &Colleague,
    device: &str,
    hours: u32,
    trouble: Option<(&Trouble, &Sent)>,
) -> Result<Response, Problem> {
    let device = found(desk, device)?;
    let board = desk.floor.board();
    let eye = Eye::of(colleague);
    let words = eye.words;
    let state = device.row.state;
    let name = device.row.device.as_str();
    let settable = takes_part(state);
    let content = html! {
        (eye.outcome(trouble.map(|(trouble, _)| trouble)))
        div #about data-live="about" { ul.list { (eye.device(&device.row)) } (facts(eye, &device)) }
        @if state == DeviceState::Pending { (decide(name, "approve", words.approve, words.approve_hint, true)) }
        section aria-labelledby="streams-title" {
            h2 #streams-title { (words.streams) }
            @if device.streams.iter().any(|stream| stream.chart) { (spans(eye, name, hours)) }
            div.cards #streams data-live="streams" {
                @if device.streams.is_empty() { p.empty { (words.no_streams) } }
                @for row in &device.streams { (stream_card(eye, &device.row, row, board.as_of, hours)) }
            }
        }
        section aria-labelledby="settings-title" {
            h2 #settings-title { (words.settings) }
            @match &device.twin {
                None => p.empty { (words.no_settings) },
                Some(twin) => {
                    div #twin data-live="twin" { (twin_state(eye, twin)) }
                    @if settable && !twin.settings.is_empty() { (settings(eye, name, twin, trouble)) }
                }
            }
        }
        section aria-labelledby="commands-title" {
            h2 #commands-title { (words.commands) }
            @if settable { @for offer in &device.offers { (command_form(eye, name, offer, trouble)) } }
            div #commands data-live="commands" { (commands(eye, &device)) }
        }
        section aria-labelledby="problems-title" {
            h2 #problems-title { (words.problems) }
            div #problems data-live="problems" {
                @if device.problems.is_empty() { p.empty { (words.no_problems) } }
                @else { ul.list { @for problem in &device.problems {
                    li.row.warn { span.main {
                        strong { ((words.problem)(problem.problem)) }
                        @if let Some(path) = &problem.path { code { (path) } }
                        span.why { (eye.english(&problem.detail)) }
                        span.trust { (eye.ago(problem.at)) }
                    } }
                } } }
            }
        }
        @if state != DeviceState::Retired {
            section aria-labelledby="retire-title" {
                h2 #retire-title { (words.retire) }
                details.card {
                    summary { (words.retire) "…" }
                    (decide(name, "retire", words.retire, words.retire_hint, false))
                }
            }
        }
    };
    let status = trouble.map_or(StatusCode::OK, |(trouble, _)| trouble.status);
    Ok(layout::answer(desk, colleague, &board, status, &Page { tab: Tab::Devices, title: name, content }))
}

/// What it says counts, and it can be set.
const fn takes_part(state: DeviceState) -> bool {
    matches!(state, DeviceState::Online | DeviceState::Offline)
}

fn facts(eye: Eye<'_>, device: &DevicePage) -> Markup {
    let words = eye.words;
    let names = [
        (words.firmware, &device.firmware),
        (words.profile, &device.profile),
        (words.serial, &device.serial),
    ];
    html! {
        dl.facts {
            @for (label, name) in names { @if let Some(name) = name { div { dt { (label) } dd { (name) } } } }
            @if let Some(boots) = device.boots { div { dt { (words.boots) } dd { (boots) } } }
        }
    }
}

fn decide(device: &str, value: &str, label: &str, hint: &str, primary: bool) -> Markup {
    html! {
        form.card action=(device_address(device)) method="post" {
            (marked())
            p.hint { (hint) }
            div.buttons { button class=(if primary { "primary" } else { "danger" }) type="submit" name="do" value=(value) { (label) } }
        }
    }
}

fn spans(eye: Eye<'_>, device: &str, chosen: u32) -> Markup {
    html! {
        nav.spans aria-label=(eye.words.span) {
            @for hours in stream::SPANS {
                a.button.quiet href=(format!("{}?hours={hours}", device_address(device)))
                    aria-current=[(hours == chosen).then_some("true")] { ((eye.words.hours)(hours)) }
            }
        }
    }
}

fn stream_card(
    eye: Eye<'_>,
    device: &DeviceRow,
    row: &StreamRow,
    as_of: aisle_event::Timestamp,
    hours: u32,
) -> Markup {
    let (words, counts) = (eye.words, takes_part(device.state));
    html! {
        article.card data-key=(format!("stream {}", row.stream)) {
            h3 { (row.stream) }
            p.label {
                ((words.stream_kind)(row.kind))
                @if let Some(seconds) = row.interval_s { ", " ((words.interval)(seconds)) }
            }
            @if let Some((kind, since)) = row.anomaly {
                p.flag { b { ((words.anomaly)(kind)) } " " (words.since) " " (eye.ago(since)) }
            }
            @match (row.last, row.kind) {
                (Some(reading), _) => div.figure { (eye.reading(reading)) },
                (None, StreamKind::Number) => p.hint {
                    @if counts { (words.first_reading) } @else { (words.not_taken) }
                },
                // Tags and codes say what is there, not how much.
                (None, StreamKind::Tags | StreamKind::Code) => {}
            }
            @if row.chart { (stream::chart(eye, device.device.as_str(), row.stream.as_str(), as_of, hours)) }
            @if let Some((place, sku)) = &row.goods { p.link { ((words.place)(*place)) ": " a href=(product_address(sku)) { (sku) } } }
            @if let Some(unit) = &row.unit { p.link { a href=(unit_address(unit.as_str())) { (unit) } } }
        }
    }
}

fn twin_state(eye: Eye<'_>, twin: &Twin) -> Markup {
    let words = eye.words;
    let reported = twin.reported_version.map_or("–".to_owned(), |version| version.to_string());
    let (class, state) = if twin.in_sync() { ("fine", words.in_sync) } else { ("warn", words.out_of_sync) };
    html! {
        div class={ "card state " (class) } {
            p.label { b { (state) } }
            p { ((words.version)(twin.desired_version, &reported)) }
            @if let Some((version, path, reason)) = &twin.refused {
                p.flag { ((words.refused)(*version)) }
                p { code { (path) } ": " (eye.english(reason)) }
            }
            @if twin.last_known_good { p.flag { (words.last_known_good) } }
            p.trust { @match twin.reported_at { Some(at) => (eye.ago(at)), None => (words.says_nothing) } }
            ul.facts {
                @for row in &twin.settings {
                    li {
                        (row.field.name) ": "
                        @match &row.reported {
                            Some(value) => ((words.says)(&eye.value(value))),
                            None => (words.says_nothing),
                        }
                        @if let Some(value) = row.desired.as_ref().filter(|value| Some(*value) != row.reported.as_ref()) {
                            ", " b { ((words.wanted)(&eye.value(value))) }
                        }
                    }
                }
            }
        }
    }
}

/// What a form shows in a field at first.
fn current(row: &SettingRow) -> &SettingValue {
    row.desired.as_ref().or(row.reported.as_ref()).unwrap_or(&row.field.default)
}

fn settings(eye: Eye<'_>, device: &str, twin: &Twin, trouble: Option<(&Trouble, &Sent)>) -> Markup {
    let trouble = trouble.filter(|(_, sent)| sent.get("do") == Some("set"));
    html! {
        form.card action=(device_address(device)) method="post" {
            (marked())
            @for row in &twin.settings {
                @let now = raw(current(row));
                @let written = trouble.and_then(|(_, sent)| sent.get(&setting_name(&row.field.name)));
                (eye.field("set", &row.field, written.or(Some(&now)), trouble.map(|(trouble, _)| trouble)))
            }
            div.buttons { button.primary type="submit" name="do" value="set" { (eye.words.save) } }
        }
    }
}

fn command_form(eye: Eye<'_>, device: &str, offer: &Offer, trouble: Option<(&Trouble, &Sent)>) -> Markup {
    let about_this = trouble.filter(|(_, sent)| {
        sent.get("do") == Some("command") && sent.get("command") == Some(offer.command.as_str())
    });
    let scope = format!("command-{}", text::encoded(offer.command.as_str()));
    html! {
        form.card action=(device_address(device)) method="post" {
            (marked())
            input type="hidden" name="command" value=(offer.command);
            @for field in &offer.fields {
                @let first = raw(&field.default);
                @let written = about_this.and_then(|(_, sent)| sent.get(&setting_name(&field.name)));
                (eye.field(&scope, field, written.or(Some(&first)), about_this.map(|(trouble, _)| trouble)))
            }
            div.buttons { button type="submit" name="do" value="command" { (offer.command) } }
        }
    }
}

fn commands(eye: Eye<'_>, device: &DevicePage) -> Markup {
    let words = eye.words;
    html! {
        @if device.commands.is_empty() { p.empty { (words.no_commands) } }
        @else {
            ul.list {
                @for command in &device.commands {
                    li.row.calm { span.main {
                        strong { (command.command) }
                        span.why { @match command.end {
                            Some((end, at)) => { ((words.command_end)(end)) span.sep { " · " } (eye.ago(at)) }
                            None => (words.waiting),
                        } }
                        @if let Some(answer) = &command.answer { code { (answer) } }
                        span.trust { (eye.ago(command.at)) @if let Some(by) = &command.by { span.sep { " · " } (by) } }
                    } }
                }
            }
        }
    }
}

/// `POST /staff/devices/{device}`.
pub(super) async fn act(
    colleague: Colleague,
    State(desk): State<Desk>,
    Segment(device): Segment,
    sent: Sent,
) -> Result<Response, Problem> {
    let known = found(&desk, &device)?;
    let id = known.row.device.clone();
    let (read, did) = match sent.must("do")? {
        "approve" => (Ok(Action::Approve { device: id }), "approved"),
        "retire" => (Ok(Action::Retire { device: id }), "retired"),
        "set" => (changed(&known, &sent).map(|settings| Action::Set { device: id, settings }), "set"),
        "command" => {
            let command: Name = sent.id("command")?;
            let offer = known.offers.iter().find(|offer| offer.command == command);
            let offer = offer.ok_or_else(|| Problem::field("command", "is not one that the device knows"))?;
            (args(&offer.fields, &sent).map(|args| Action::Command { device: id, command, args }), "sent")
        }
        _ => return Err(Problem::field("do", "is none of approve, retire, set, command")),
    };
    let done = match read {
        Ok(Action::Set { settings, .. }) if settings.is_empty() => {
            return Ok(colleague.person.see_other(&format!("{}?did=unchanged", device_address(&device))));
        }
        Ok(action) => desk.act(action, colleague.name.clone(), sent.mark()).await?.map_err(|error| {
            let mut trouble = Trouble::from(error);
            trouble.field = trouble.field.map(|field| setting_name(&field));
            trouble
        }),
        Err(trouble) => Err(trouble),
    };
    match done {
        Ok(()) => Ok(colleague.person.see_other(&format!("{}?did={did}", device_address(&device)))),
        Err(trouble) => page(&desk, &colleague, &device, stream::HOURS, Some((&trouble, &sent))),
    }
}

/// The settings that a form wants different from what they are.
fn changed(device: &DevicePage, sent: &Sent) -> Result<BTreeMap<String, SettingValue>, Trouble> {
    let mut settings = BTreeMap::new();
    for row in device.twin.iter().flat_map(|twin| &twin.settings) {
        if let Some(value) = sent.setting(&row.field)?.filter(|value| value != current(row)) {
            settings.insert(row.field.name.clone(), value);
        }
    }
    Ok(settings)
}

fn args(fields: &[Field], sent: &Sent) -> Result<BTreeMap<String, SettingValue>, Trouble> {
    let mut args = BTreeMap::new();
    for field in fields {
        if let Some(value) = sent.setting(field)? {
            args.insert(field.name.clone(), value);
        }
    }
    Ok(args)
}
