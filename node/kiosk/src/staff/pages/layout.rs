//! The frame of every page of the board: banner with the state of the line, content, and the way around at the bottom.

use crate::{
    pages::assets,
    staff::{
        board::{AlertKind, Board, UnitState},
        desk::Desk,
        visit::{Colleague, Person},
        words::{self, Words},
    },
    strings::Language,
    text,
};
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A part of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::staff) enum Tab {
    Now,
    Tasks,
    Products,
    Cold,
    Devices,
}

impl Tab {
    const ALL: [Self; 5] = [Self::Now, Self::Tasks, Self::Products, Self::Cold, Self::Devices];

    const fn address(self) -> &'static str {
        match self {
            Self::Now => "/staff",
            Self::Tasks => "/staff/tasks",
            Self::Products => "/staff/products",
            Self::Cold => "/staff/units",
            Self::Devices => "/staff/devices",
        }
    }

    const fn name(self, words: &Words) -> &'static str {
        match self {
            Self::Now => words.now,
            Self::Tasks => words.tasks,
            Self::Products => words.products,
            Self::Cold => words.cold,
            Self::Devices => words.devices,
        }
    }

    /// A picture of 24 by 24, drawn in lines.
    const fn icon(self) -> &'static str {
        match self {
            Self::Now => r#"<path d="M3 11 12 4l9 7M6 9.5V20h12V9.5"/>"#,
            Self::Tasks => {
                r#"<path d="M9 6h11M9 12h11M9 18h11M3.5 6l1 1 2-2M3.5 12l1 1 2-2M3.5 18l1 1 2-2"/>"#
            }
            Self::Products => r#"<path d="M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8"/>"#,
            Self::Cold => {
                r#"<path d="M12 3v18M4.2 7.5l15.6 9M19.8 7.5l-15.6 9M9.5 4.5 12 7l2.5-2.5M9.5 19.5 12 17l2.5 2.5"/>"#
            }
            Self::Devices => {
                r#"<path d="M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4"/>"#
            }
        }
    }

    /// How many things of this part need somebody.
    fn wanting(self, board: &Board) -> usize {
        let devices =
            |kind: AlertKind| !matches!(kind, AlertKind::Excursion | AlertKind::Plugin | AlertKind::Node);
        match self {
            Self::Now | Self::Products => 0,
            Self::Tasks => board.totals.tasks as usize,
            Self::Cold => board.units.iter().filter(|unit| unit.state != UnitState::Fine).count(),
            Self::Devices => board.alerts.iter().filter(|alert| devices(alert.kind)).count(),
        }
    }
}

/// What differs from page to page.
pub(in crate::staff) struct Page<'a> {
    pub(in crate::staff) tab: Tab,
    pub(in crate::staff) title: &'a str,
    pub(in crate::staff) content: Markup,
}

/// A page for somebody who is signed in.
pub(in crate::staff) fn answer(
    desk: &Desk,
    colleague: &Colleague,
    board: &Board,
    status: StatusCode,
    page: &Page<'_>,
) -> Response {
    let words = words::of(colleague.person.language);
    let zone = desk.app.config.time_zone.zone();
    let totals = board.totals;
    let person = &colleague.person;
    let inside = html! {
        header.top {
            a.brand href="/staff" { (desk.app.config.store_name) }
            a.pill #live href=(person.place) data-seq=(board.seq) {
                span.dot {}
                span #live-text role="status" { ((words.as_of)(&text::clock(board.as_of, zone))) }
                span.hidden { ". " (words.look_again) }
            }
        }
        // Said to those who do not see, when it changes.
        p.hidden #news role="status" aria-live="polite" {
            ((words.summary)(totals.tasks, totals.alerts, totals.gaps))
        }
        main #content tabindex="-1" {
            h1 { (page.title) }
            (page.content)
        }
        footer {
            p { ((words.signed_in_as)(colleague.name.as_str())) }
            @if desk.floor.is_unclaimed() { p { a href="/first-boot" { (words.claim_box) } } }
            (languages(person))
            form action="/staff/sign-out" method="post" { button.quiet type="submit" { (words.sign_out) } }
        }
        nav.tabs #tabs aria-label=(words.parts) data-live="tabs" {
            @for tab in Tab::ALL {
                a href=(tab.address()) aria-current=[(tab == page.tab).then_some("page")] {
                    svg viewBox="0 0 24 24" aria-hidden="true" focusable="false" { (PreEscaped(tab.icon())) }
                    span { (tab.name(words)) }
                    @let wanting = tab.wanting(board);
                    @if wanting > 0 { b.badge { (wanting) } }
                }
            }
        }
    };
    // Two beats may be late before a page says that it is not live.
    let silent_s = desk.config.live_heartbeat_s.saturating_mul(2).saturating_add(5);
    person.sign(whole(&desk.app.config.store_name, person, status, page.title, Some(silent_s), &inside))
}

/// A page for somebody who is not.
pub(in crate::staff) fn bare(
    store: &str,
    person: &Person,
    status: StatusCode,
    title: &str,
    content: &Markup,
) -> Response {
    let inside = html! {
        header.top { a.brand href="/staff" { (store) } }
        main #content tabindex="-1" { (content) }
        footer { (languages(person)) }
    };
    person.sign(whole(store, person, status, title, None, &inside))
}

fn whole(
    store: &str,
    person: &Person,
    status: StatusCode,
    title: &str,
    silent_s: Option<u32>,
    inside: &Markup,
) -> Response {
    let words = words::of(person.language);
    let html = html! {
        (DOCTYPE)
        html lang=(person.language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) " · " (words.staff) " · " (store) }
                link rel="icon" href=(assets::ICON.address()) type="image/svg+xml";
                link rel="stylesheet" href=(assets::STAFF_STYLE.address());
                @if silent_s.is_some() { script src=(assets::STAFF_SCRIPT.address()) defer {} }
            }
            body.tabbed[silent_s.is_some()] data-now=(person.now.0) data-silent-s=[silent_s] data-live=(words.live) data-not-live=(words.not_live_since)
                data-ago-now=(words.ago_now) data-ago-min=(words.ago_min) data-ago-h=(words.ago_h)
                data-ago-d=(words.ago_d) data-ahead=(words.ahead) {
                a.skip href="#content" { (words.skip) }
                (inside)
            }
        }
    };
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html.into_string()).into_response()
}

fn languages(person: &Person) -> Markup {
    let strings = person.language.strings();
    html! {
        form.languages action="/language" method="post" aria-label=(strings.choose_language) {
            input type="hidden" name="return" value=(person.place);
            @for language in Language::ALL {
                button.quiet type="submit" name="language" value=(language.code()) lang=(language.tag())
                    aria-pressed=(if language == person.language { "true" } else { "false" }) {
                    (language.strings().language)
                }
            }
        }
    }
}
