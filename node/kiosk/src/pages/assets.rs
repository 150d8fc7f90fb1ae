//! The style, the script and the icon: files in the binary, named by their content so that browsers may keep them.

use crate::http::problem::Problem;
use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use std::sync::LazyLock;

/// One file.
pub(crate) struct Asset {
    name: &'static str,
    media_type: &'static str,
    content: &'static str,
    tag: LazyLock<String>,
}

macro_rules! asset {
    ($(#[$meta:meta])* $constant:ident = $name:literal $media_type:literal) => {
        $(#[$meta])*
        pub(crate) static $constant: Asset = Asset {
            name: $name,
            media_type: $media_type,
            content: include_str!(concat!("../assets/", $name)),
            tag: LazyLock::new(|| tag(include_bytes!(concat!("../assets/", $name)))),
        };
    };
}

asset! {
    /// How the pages look.
    STYLE = "kiosk.css" "text/css; charset=utf-8"
}
asset! {
    /// What moves on the pages.
    SCRIPT = "kiosk.js" "text/javascript; charset=utf-8"
}
asset! {
    /// How the staff board looks.
    STAFF_STYLE = "staff.css" "text/css; charset=utf-8"
}
asset! {
    /// What moves on the staff board.
    STAFF_SCRIPT = "staff.js" "text/javascript; charset=utf-8"
}
asset! {
    /// The icon of the window.
    ICON = "icon.svg" "image/svg+xml"
}

/// Every file.
static ALL: [&Asset; 5] = [&STYLE, &SCRIPT, &STAFF_STYLE, &STAFF_SCRIPT, &ICON];

fn tag(content: &[u8]) -> String {
    blake3::hash(content).to_hex().chars().take(16).collect()
}

impl Asset {
    /// Where it is; the address changes with the content.
    pub(crate) fn address(&self) -> String {
        format!("/assets/{}?v={}", self.name, *self.tag)
    }
}

/// `GET /assets/{name}`.
pub(super) async fn serve(Path(name): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let Some(asset) = ALL.into_iter().find(|asset| asset.name == name) else {
        return Problem::unknown_path("there is no such file").into_response();
    };
    let etag = format!("\"{}\"", *asset.tag);
    let is_current = uri.query().and_then(|query| query.strip_prefix("v=")) == Some(asset.tag.as_str());
    let keep = if is_current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let caching = [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, keep.to_owned())];
    let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|value| matches(value, &etag));
    if known {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, asset.media_type)], asset.content).into_response()
}

fn matches(value: &HeaderValue, etag: &str) -> bool {
    value.to_str().is_ok_and(|list| list.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag))
}
