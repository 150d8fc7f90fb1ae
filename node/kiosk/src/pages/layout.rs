//! The frame of every page: head, banner, search, basket, language, and the way out.

use crate::{
    app::App,
    pages::{assets, visitor::Visitor},
    shopping,
    strings::Language,
    text,
};
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

/// What differs from page to page.
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    /// What stands in the search field.
    pub(super) query: &'a str,
    pub(super) content: Markup,
    /// The page closes by itself after so many seconds, instead of after the time without a touch.
    pub(super) closes_after_s: Option<u32>,
}

impl<'a> Page<'a> {
    pub(super) const fn new(title: &'a str, content: Markup) -> Self {
        Self { title, query: "", content, closes_after_s: None }
    }
}

/// A whole answer.
pub(super) fn answer(app: &App, visitor: &Visitor, status: StatusCode, page: &Page<'_>) -> Response {
    let html = frame(app, visitor, page).into_string();
    visitor.sign((status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
}

/// An answer that sends the shopper on, with a GET, whatever they sent.
pub(super) fn see_other(visitor: &Visitor, place: &str) -> Response {
    visitor.sign((StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response())
}

fn frame(app: &App, visitor: &Visitor, page: &Page<'_>) -> Markup {
    let strings = visitor.language.strings();
    let lines = visitor.session.as_ref().map_or(0, |session| session.basket.len());
    let reset_s = page.closes_after_s.or_else(|| visitor.has_traces.then_some(app.config.idle_reset_s));
    // Before a page that closes by itself nobody is asked.
    let warning_s = if page.closes_after_s.is_some() { 0 } else { app.config.idle_warning_s };
    html! {
        (DOCTYPE)
        html lang=(visitor.language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (page.title) " · " (app.config.store_name) }
                link rel="icon" href=(assets::ICON.address()) type="image/svg+xml";
                link rel="stylesheet" href=(assets::STYLE.address());
                script src=(assets::SCRIPT.address()) defer {}
                @if let Some(seconds) = reset_s {
                    noscript { meta http-equiv="refresh" content=(format!("{seconds};url=/idle")); }
                }
            }
            body data-reset-s=[reset_s] data-warning-s=[reset_s.map(|_| warning_s)] {
                a.skip href="#content" { (strings.skip_to_content) }
                header.banner {
                    a.brand href="/" { (app.config.store_name) }
                    form.search role="search" action="/search" method="get" {
                        label.hidden for="q" { (strings.search_label) }
                        input #q name="q" type="search" value=(page.query) placeholder=(strings.search_placeholder)
                            maxlength="64" autocomplete="off" enterkeyhint="search" required;
                        button type="submit" { (strings.search) }
                    }
                    nav aria-label=(strings.main_menu) {
                        a.button.quiet href="/" { (strings.home) }
                        a.button.quiet href="/basket" aria-label=((strings.basket_with)(lines)) {
                            (strings.basket)
                            // The number is in the label; as text it would stand between the label and what one sees.
                            @if lines > 0 { span.count data-count=(lines) {} }
                        }
                    }
                }
                main #content tabindex="-1" {
                    @if let Some(as_of) = shopping::prices_stale_since(app, &visitor.shop) {
                        p.notice role="note" { ((strings.prices_as_of)(&text::local(as_of, app.config.time_zone.zone()))) }
                    }
                    (page.content)
                }
                footer {
                    (languages(visitor))
                    @if visitor.session.is_some() {
                        form action="/leave" method="post" {
                            button.quiet type="submit" name="reason" value="left" { (strings.leave) }
                        }
                    }
                }
                @if reset_s.is_some() && warning_s > 0 {
                    dialog #still-there aria-labelledby="still-there-title" {
                        h2 #still-there-title { (strings.still_there) }
                        p { (strings.still_there_hint) " " strong #still-there-seconds { (warning_s) } " " (strings.seconds) }
                        button #still-there-yes type="button" { (strings.i_am_here) }
                    }
                }
            }
        }
    }
}

fn languages(visitor: &Visitor) -> Markup {
    let strings = visitor.language.strings();
    html! {
        form.languages action="/language" method="post" aria-label=(strings.choose_language) {
            input type="hidden" name="return" value=(visitor.place);
            @for language in Language::ALL {
                button.quiet type="submit" name="language" value=(language.code()) lang=(language.tag())
                    aria-pressed=(if language == visitor.language { "true" } else { "false" }) {
                    (language.strings().language)
                }
            }
        }
    }
}
