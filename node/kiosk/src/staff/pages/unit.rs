//! One cold chain unit: how warm it is, when it was not as it must be, and the proof.

use super::{
    layout::{self, Page, Tab},
    parts::{Eye, decimal, device_address, product_address, unit_address, unit_class},
    stream,
};
use crate::{
    http::{
        extract::{Segment, Segments},
        problem::Problem,
    },
    staff::{
        Action, ReportError, ReportForm,
        desk::Desk,
        detail::{ExcursionRow, UnitPage},
        form::{Sent, Trouble},
        visit::Colleague,
    },
};
use aisle_event::Name;
use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::civil::Date;
use maud::{Markup, html};

/// How many days' reports are offered.
const DAYS_MAX: usize = 14;
/// A report is a page of its own: it brings its style, and nothing else.
const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'; sandbox allow-modals";

/// `GET /staff/units/{unit}`.
pub(super) async fn show(
    colleague: Colleague,
    State(desk): State<Desk>,
    Segment(unit): Segment,
) -> Result<Response, Problem> {
    page(&desk, &colleague, &unit, None)
}

fn unknown(unit: &str) -> Problem {
    Problem::unknown_unit(format!("the store has no cold chain unit `{unit}`")).with("unit", "is not known")
}

fn page(
    desk: &Desk,
    colleague: &Colleague,
    unit: &str,
    trouble: Option<(&Trouble, &Sent)>,
) -> Result<Response, Problem> {
    let unit = desk.floor.unit(unit).ok_or_else(|| unknown(unit))?;
    let board = desk.floor.board();
    let eye = Eye::of(colleague);
    let words = eye.words;
    let name = unit.row.unit.as_str();
    let unseen = unit.excursions.iter().filter(|excursion| excursion.acknowledged.is_none());
    let content = html! {
        (eye.outcome(trouble.map(|(trouble, _)| trouble)))
        div #state data-live="state" { (state(eye, &unit)) }
        @for excursion in unseen { (acknowledge(eye, name, excursion, trouble)) }
        section aria-labelledby="sensors-title" {
            h2 #sensors-title { (words.sensors) }
            div #sensors data-live="sensors" {
                @if unit.sensors.is_empty() { p.empty { (words.no_sensors) } }
                @for (device, name) in &unit.sensors {
                    div.card {
                        h3 { a href=(device_address(device.as_str())) { (device) } " · " (name) }
                        (stream::chart(eye, device.as_str(), name.as_str(), board.as_of, stream::HOURS))
                    }
                }
            }
        }
        section aria-labelledby="excursions-title" {
            h2 #excursions-title { (words.excursions) }
            div #excursions data-live="excursions" {
                @if unit.excursions.is_empty() { p.empty { (words.no_excursions) } }
                @else { ul.list { @for excursion in &unit.excursions { (excursion_row(eye, excursion)) } } }
            }
        }
        section aria-labelledby="contents-title" {
            h2 #contents-title { (words.contents) }
            @if unit.goods.is_empty() { p.empty { (words.no_contents) } }
            ul.list {
                @for product in &unit.goods {
                    li { a.row href=(product_address(&product.sku)) {
                        span.main { strong { (product.name.as_ref().map_or(product.sku.as_str(), Name::as_str)) } span.why { (product.sku) } }
                    } }
                }
            }
        }
        section aria-labelledby="reports-title" {
            h2 #reports-title { (words.reports) }
            @if unit.days.is_empty() { p.empty { (words.no_reports) } }
            ul.reports {
                @for day in unit.days.iter().take(DAYS_MAX) {
                    @let address = format!("{}/report/{day}", unit_address(name));
                    li {
                        a.button href=(format!("{address}.html")) { ((words.print)(&day.to_string())) }
                        a.button.quiet href=(format!("{address}.csv")) aria-label=((words.table)(&day.to_string())) { "CSV" }
                    }
                }
            }
        }
    };
    let status = trouble.map_or(StatusCode::OK, |(trouble, _)| trouble.status);
    Ok(layout::answer(desk, colleague, &board, status, &Page { tab: Tab::Cold, title: name, content }))
}

fn state(eye: Eye<'_>, unit: &UnitPage) -> Markup {
    let words = eye.words;
    let row = &unit.row;
    html! {
        div class={ "card state " (unit_class(row.state)) } {
            p.label { b { ((words.unit_state)(row.state)) } " " (words.since) " " (eye.ago(row.since)) }
            @match row.reading {
                Some(reading) => div.figure { (eye.reading(reading)) },
                None => p.value { (words.no_reading) },
            }
            p.hint { ((words.group)(row.group)) ", " ((words.limit)(row.group, &format!("{} °C", decimal(row.limit)))) }
        }
    }
}

fn acknowledge(
    eye: Eye<'_>,
    unit: &str,
    excursion: &ExcursionRow,
    trouble: Option<(&Trouble, &Sent)>,
) -> Markup {
    let words = eye.words;
    let about_this = trouble.filter(|(_, sent)| sent.get("excursion") == Some(excursion.excursion.as_str()));
    let wrong = about_this.filter(|(trouble, _)| trouble.field.as_deref() == Some("action"));
    let id = format!("action-{}", crate::text::encoded(excursion.excursion.as_str()));
    html! {
        form.card.bad action=(unit_address(unit)) method="post" {
            p.label { b { (words.not_acknowledged) } }
            p { ((words.rule)(excursion.rule)) ", " (words.since) " " (eye.ago(excursion.since)) }
            input type="hidden" name="excursion" value=(excursion.excursion);
            div.field {
                label for=(id) { (words.action_taken) }
                input id=(id) name="action" maxlength="200" autocomplete="off" placeholder=(words.action_hint)
                    value=[about_this.and_then(|(_, sent)| sent.get("action"))] aria-invalid=[wrong.map(|_| "true")];
            }
            div.buttons { button.primary type="submit" name="do" value="acknowledge" { (words.acknowledge) } }
        }
    }
}

fn excursion_row(eye: Eye<'_>, excursion: &ExcursionRow) -> Markup {
    let words = eye.words;
    let class = if excursion.closed.is_some() { "calm" } else { "bad" };
    html! {
        li class={ "row " (class) } {
            span.main {
                span.label {
                    @match excursion.closed {
                        Some((_, verdict)) => b { ((words.verdict)(verdict)) },
                        None => b { (words.lasting) },
                    }
                }
                strong { ((words.rule)(excursion.rule)) }
                span.why {
                    ((words.outside_for)(excursion.outside_s / 60))
                    @if let Some(peak) = excursion.peak { ", " ((words.peak)(&format!("{} °C", decimal(peak)))) }
                }
                span.why {
                    @match &excursion.acknowledged {
                        Some((by, action, at)) => {
                            ((words.seen_by)(by.as_str())) ", " (eye.ago(*at))
                            @if let Some(action) = action { ": " (action) }
                        }
                        None => (words.not_acknowledged),
                    }
                }
                @if !excursion.lots.is_empty() {
                    span.why { (words.lots) ": " @for (at, lot) in excursion.lots.iter().enumerate() { @if at > 0 { ", " } (lot) } }
                }
                span.trust { (words.since) " " (eye.ago(excursion.since)) }
            }
        }
    }
}

/// `POST /staff/units/{unit}`.
pub(super) async fn act(
    colleague: Colleague,
    State(desk): State<Desk>,
    Segment(unit): Segment,
    sent: Sent,
) -> Result<Response, Problem> {
    desk.floor.unit(&unit).ok_or_else(|| unknown(&unit))?;
    if sent.must("do")? != "acknowledge" {
        return Err(Problem::field("do", "is not acknowledge"));
    }
    let excursion: Name = sent.id("excursion")?;
    let done = match sent.sentence("action") {
        Ok(action) => desk
            .act(Action::Acknowledge { excursion, action }, colleague.name.clone(), None)
            .await?
            .map_err(Trouble::from),
        Err(trouble) => Err(trouble),
    };
    match done {
        Ok(()) => Ok(colleague.person.see_other(&format!("{}?did=seen", unit_address(&unit)))),
        Err(trouble) => page(&desk, &colleague, &unit, Some((&trouble, &sent))),
    }
}

/// `GET /staff/units/{unit}/report/{file}`, where the file is a day and `.html` or `.csv`.
pub(super) async fn report(
    colleague: Colleague,
    State(desk): State<Desk>,
    Segments(unit, file): Segments,
) -> Result<Response, Problem> {
    let (day, form) = match file.rsplit_once('.') {
        Some((day, "html")) => (day, ReportForm::Html),
        Some((day, "csv")) => (day, ReportForm::Csv),
        _ => return Err(Problem::field("file", "is no day with `.html` or `.csv`")),
    };
    let day: Date =
        day.parse().map_err(|_| Problem::field("file", "does not begin with a day such as 2026-11-21"))?;
    let language = colleague.person.language;
    let name = unit.clone();
    let read = desk.read(move |floor| floor.report(&name, day, language, form)).await?;
    let report = read.map_err(|error| match error {
        ReportError::Unknown => unknown(&unit),
        ReportError::Read(source) => {
            tracing::error!(error = source.as_ref() as &dyn std::error::Error, unit, %day, "a report could not be made");
            Problem::stopped("the records that the report rests on cannot be read; it was logged").retry_after_s(30)
        }
    })?;
    Ok(colleague.person.sign(match form {
        ReportForm::Html => {
            let headers = [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CONTENT_SECURITY_POLICY, REPORT_POLICY),
            ];
            (headers, report).into_response()
        }
        ReportForm::Csv => {
            // Only what any computer takes as the name of a file.
            let plain: String =
                unit.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
            let place = HeaderValue::from_str(&format!("attachment; filename=\"{plain}-{day}.csv\""))
                .map_err(|_| Problem::internal("a file name is no header"))?;
            let mut response = ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], report).into_response();
            response.headers_mut().insert(header::CONTENT_DISPOSITION, place);
            response
        }
    }))
}
