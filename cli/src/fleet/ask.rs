//! What is asked of a hub: method, path, query, body; and the same as a line for `curl`.
//!
//! Not here: how it is sent and sent again ([`super::hub`]). Guards: no token and no password is ever part of a line.

use super::error::FleetError;
use serde_json::Value;
use std::{fmt::Write as _, path::PathBuf};

/// The methods that a hub knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether it changes something.
    pub(super) fn changes(self) -> bool {
        self != Self::Get
    }
}

/// The body of what changes something and says nothing besides.
pub(super) const NOTHING: &str = "{}";

/// By what the hub knows who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// A token.
    Token,
    /// A session of a person: its cookie, and what only its own page knows.
    Session,
    /// Nothing yet: somebody signs in.
    Nobody,
}

/// What goes along.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// Nothing.
    None,
    /// JSON.
    Json(Value),
    /// JSON that nobody may see, such as a password.
    Secret(Value),
    /// A text of documents, from a file.
    Documents {
        /// Which file; none for standard input.
        file: Option<PathBuf>,
        /// What it says.
        text: String,
    },
}

impl Body {
    /// Its media type.
    pub(super) const fn media_type(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Json(_) | Self::Secret(_) => Some("application/json"),
            Self::Documents { .. } => Some("application/yaml"),
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::None => Vec::new(),
            Self::Json(value) | Self::Secret(value) => value.to_string().into_bytes(),
            Self::Documents { text, .. } => text.clone().into_bytes(),
        }
    }
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Body,
    /// The version that is meant, where something is edited.
    pub(super) if_match: Option<String>,
}

impl Ask {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path)
    }

    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), body: Body::None, if_match: None }
    }

    pub(super) fn post(path: impl Into<String>, body: Value) -> Self {
        Self { body: Body::Json(body), ..Self::new(Method::Post, path) }
    }

    pub(super) fn put(path: impl Into<String>, body: Value) -> Self {
        Self { body: Body::Json(body), ..Self::new(Method::Put, path) }
    }

    pub(super) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::Delete, path)
    }

    /// With something in the query, where there is something.
    pub(super) fn with(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// Path and query.
    pub(super) fn target(&self) -> String {
        let mut target = self.path.clone();
        for (place, (name, value)) in self.query.iter().enumerate() {
            let sign = if place == 0 { '?' } else { '&' };
            // Writing to a string has no way to fail.
            let _ = write!(target, "{sign}{name}={}", encoded(value));
        }
        target
    }

    /// As somebody would type it, with what is really sent. The token, a session's cookie and its other half stand in it by the names of variables; what is secret does not stand in it.
    pub(super) fn curl(&self, origin: &str, by: By, key: Option<&str>, ca_file: Option<&str>) -> String {
        let mut line = String::from("curl");
        if self.method.changes() {
            let _ = write!(line, " -X {}", self.method.as_str());
        }
        let _ = write!(line, " {}", quoted(&format!("{origin}{}", self.target())));
        line.push_str(match by {
            By::Token => " -H \"Authorization: Bearer $AISLE_TOKEN\"",
            By::Session => " -H \"Cookie: $AISLE_COOKIE\" -H \"X-CSRF-Token: $AISLE_CSRF\"",
            By::Nobody => "",
        });
        let is_empty =
            matches!(self.body, Body::None) && !matches!(self.method, Method::Get | Method::Delete);
        let media_type = self.body.media_type().or(is_empty.then_some("application/json"));
        let headers = [
            ("Origin", (by != By::Token).then_some(origin)),
            ("Content-Type", media_type),
            ("If-Match", self.if_match.as_deref()),
            ("Idempotency-Key", key),
        ];
        for (name, value) in headers {
            if let Some(value) = value {
                let _ = write!(line, " -H {}", quoted(&format!("{name}: {value}")));
            }
        }
        if let Some(file) = ca_file {
            let _ = write!(line, " --cacert {}", quoted(file));
        }
        match &self.body {
            Body::None if is_empty => {
                let _ = write!(line, " -d '{NOTHING}'");
            }
            Body::None => {}
            Body::Json(value) => {
                let _ = write!(line, " -d {}", quoted(&value.to_string()));
            }
            Body::Secret(_) => line.push_str(" -d @-"),
            Body::Documents { file: Some(file), .. } => {
                let _ = write!(line, " --data-binary {}", quoted(&format!("@{}", file.display())));
            }
            Body::Documents { file: None, .. } => line.push_str(" --data-binary @-"),
        }
        line
    }
}

/// A text as one part of a path, or as a value in a query.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A path of parts, each of which may be any text. A part of dots alone would lead elsewhere.
pub(super) fn path(base: &str, parts: &[&str]) -> Result<String, FleetError> {
    let mut path = base.to_owned();
    for part in parts {
        if part.is_empty() || part.bytes().all(|byte| byte == b'.') {
            return Err(FleetError::Name { part: crate::output::plain(part) });
        }
        path.push('/');
        path.push_str(&encoded(part));
    }
    Ok(path)
}

/// For a shell: between single quotation marks unless it is plain.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:@=".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{Ask, Body, By, Method, path};
    use serde_json::json;

    #[test]
    fn a_line_for_curl_says_all_but_what_is_secret() {
        let ask = Ask::post("/v1/rollouts/a/pause", json!({ "why": "it's odd" }));
        assert_eq!(
            ask.curl("https://hub.example", By::Token, Some("k1"), Some("/tmp/ca file.pem")),
            r#"curl -X POST https://hub.example/v1/rollouts/a/pause -H "Authorization: Bearer $AISLE_TOKEN" -H 'Content-Type: application/json' -H 'Idempotency-Key: k1' --cacert '/tmp/ca file.pem' -d '{"why":"it'\''s odd"}'"#
        );
        let secret = Ask {
            body: Body::Secret(json!({ "password": "hush" })),
            ..Ask::new(Method::Post, "/v1/session")
        };
        assert_eq!(
            secret.curl("https://hub.example", By::Nobody, None, None),
            "curl -X POST https://hub.example/v1/session -H 'Origin: https://hub.example' -H 'Content-Type: application/json' -d @-"
        );
        assert_eq!(
            Ask::delete("/v1/session").curl("https://hub.example", By::Session, Some("k2"), None),
            r#"curl -X DELETE https://hub.example/v1/session -H "Cookie: $AISLE_COOKIE" -H "X-CSRF-Token: $AISLE_CSRF" -H 'Origin: https://hub.example' -H 'Idempotency-Key: k2'"#
        );
        let line =
            Ask::new(Method::Post, "/v1/rollouts/r/start").curl("https://hub.example", By::Token, None, None);
        assert!(line.ends_with(" -H 'Content-Type: application/json' -d '{}'"), "{line}");
    }

    #[test]
    fn what_would_lead_elsewhere_is_encoded_or_refused() {
        assert_eq!(path("/v1/stores", &["a/../b?c d"]).unwrap(), "/v1/stores/a%2F..%2Fb%3Fc%20d");
        assert!(path("/v1/stores", &[".."]).is_err());
        assert!(path("/v1/stores", &[""]).is_err());
        let ask =
            Ask::get("/v1/members").with("filter", Some("region in (eu,us)")).with("after", None::<String>);
        assert_eq!(ask.target(), "/v1/members?filter=region%20in%20%28eu%2Cus%29");
    }
}
