//! The style, the script and the icon: files in the binary. Their names have the hash of what they hold, so a browser keeps them for good and a
//! new hub's pages never meet an old file.

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use std::sync::LazyLock;

/// One file.
pub(super) struct Asset {
    media_type: &'static str,
    content: &'static str,
    name: LazyLock<String>,
}

macro_rules! asset {
    ($(#[$meta:meta])* $constant:ident = $stem:literal . $suffix:literal $media_type:literal) => {
        $(#[$meta])*
        pub(super) static $constant: Asset = Asset {
            media_type: $media_type,
            content: include_str!(concat!("assets/", $stem, ".", $suffix)),
            name: LazyLock::new(|| named($stem, $suffix, include_bytes!(concat!("assets/", $stem, ".", $suffix)))),
        };
    };
}

asset! {
    /// How the pages look.
    STYLE = "console"."css" "text/css; charset=utf-8"
}
asset! {
    /// What keeps the pages up to date.
    SCRIPT = "console"."js" "text/javascript; charset=utf-8"
}
asset! {
    /// The icon of the window.
    ICON = "icon"."svg" "image/svg+xml"
}

static ALL: [&Asset; 3] = [&STYLE, &SCRIPT, &ICON];

fn named(stem: &str, suffix: &str, content: &[u8]) -> String {
    let tag: String = blake3::hash(content).to_hex().chars().take(16).collect();
    format!("{stem}-{tag}.{suffix}")
}

impl Asset {
    /// Where it is.
    pub(super) fn address(&self) -> String {
        format!("/assets/{}", *self.name)
    }
}

/// `GET /assets/{name}`, for everybody: there is nothing of the fleet in it.
pub(super) async fn serve(Path(name): Path<String>) -> Response {
    match ALL.into_iter().find(|asset| *asset.name == name) {
        Some(asset) => (
            [
                (header::CONTENT_TYPE, asset.media_type),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ],
            asset.content,
        )
            .into_response(),
        None => {
            (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], "no such file\n").into_response()
        }
    }
}
