//! The end of a visit, by a touch or because nobody is there any more.
//!
//! Whatever happens to the session, the cookies go: the next shopper finds a kiosk that knows nobody.

use crate::{
    app::App,
    http::problem::Problem,
    pages::{form::Fields, layout, visitor::Visitor},
    shopping,
    strings::Language,
};
use aisle_event::shopper::EndReason;
use axum::{extract::State, response::Response};
use serde::Deserialize;

/// Why the page says that the visit is over.
#[derive(Deserialize)]
pub(super) struct LeaveFields {
    reason: String,
}

/// `POST /leave`.
pub(super) async fn leave(
    State(app): State<App>,
    visitor: Visitor,
    Fields(fields): Fields<LeaveFields>,
) -> Response {
    let reason = if fields.reason == "idle" { EndReason::Idle } else { EndReason::Left };
    end(&app, visitor, reason).await
}

/// `GET /idle`, where a page goes by itself when nobody touches it and scripts are off. It ends the session of the
/// cookie it comes with, which no other site can make a browser send, and no other.
pub(super) async fn idle(State(app): State<App>, visitor: Visitor) -> Response {
    end(&app, visitor, EndReason::Idle).await
}

async fn end(app: &App, mut visitor: Visitor, reason: EndReason) -> Response {
    if let Some(session) = &visitor.session {
        // A node that cannot write still forgets the cookie; the session then ends by its age.
        let _ = shopping::end(app, session.id.as_str(), reason).await;
    }
    visitor.forget();
    layout::see_other(&visitor, "/")
}

/// Which language, and where to go back to.
#[derive(Deserialize)]
pub(super) struct LanguageFields {
    language: String,
    #[serde(rename = "return")]
    place: Option<String>,
}

/// `POST /language`.
pub(super) async fn language(
    mut visitor: Visitor,
    Fields(fields): Fields<LanguageFields>,
) -> Result<Response, Problem> {
    let language = Language::from_code(&fields.language)
        .ok_or_else(|| Problem::field("language", "is not spoken by this kiosk"))?;
    visitor.choose(language);
    Ok(layout::see_other(&visitor, own_place(fields.place.as_deref())))
}

/// A place on this kiosk; anything else is the start. A browser reads `//x` and `/\x` as another site.
fn own_place(place: Option<&str>) -> &str {
    place
        .filter(|place| place.starts_with('/') && place.len() <= 2048)
        .filter(|place| {
            !place.starts_with("//") && place.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        })
        .unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::own_place;

    #[test]
    fn a_way_back_stays_on_this_kiosk() {
        assert_eq!(own_place(Some("/search?q=tea")), "/search?q=tea");
        for place in ["//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb", ""] {
            assert_eq!(own_place(Some(place)), "/", "{place:?}");
        }
    }
}
