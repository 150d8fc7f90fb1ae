//! A foreign payload: a text, or JSON with pointers into it (RFC 6901).
//!
//! Not here: what is made of it. The payload is parsed once for all that ask, and not beyond [`PAYLOAD_BYTES_MAX`].

use crate::heard::Problem;
use serde_json::Value;
use std::cell::OnceCell;

/// A larger foreign payload is refused unread.
pub const PAYLOAD_BYTES_MAX: usize = 256 << 10;

/// What is wrong somewhere in a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) path: String,
    pub(super) reason: String,
    pub(super) hint: Option<String>,
    pub(super) problem: Problem,
}

impl Wrong {
    pub(super) fn new(path: &str, reason: impl Into<String>, problem: Problem) -> Self {
        Self { path: path.to_owned(), reason: reason.into(), hint: None, problem }
    }
}

pub(super) struct Payload<'a> {
    bytes: &'a [u8],
    json: OnceCell<Result<Value, String>>,
}

/// What a pointer leads to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Found<'a> {
    /// The payload as it is.
    Text(&'a str),
    /// A place in JSON.
    Json(&'a Value),
}

impl<'a> Payload<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, json: OnceCell::new() }
    }

    pub(super) fn text(&self) -> Result<&'a str, Wrong> {
        if self.bytes.len() > PAYLOAD_BYTES_MAX {
            return Err(Wrong::new("", too_long(), Problem::Payload));
        }
        let text = std::str::from_utf8(self.bytes);
        text.map(str::trim).map_err(|_| Wrong::new("", "is not UTF-8", Problem::Payload))
    }

    pub(super) fn json(&self) -> Result<&Value, Wrong> {
        let parse = || {
            if self.bytes.len() > PAYLOAD_BYTES_MAX {
                return Err(too_long());
            }
            serde_json::from_slice(self.bytes).map_err(|error| format!("is no JSON: {error}"))
        };
        let json = self.json.get_or_init(parse).as_ref();
        json.map_err(|reason| Wrong::new("", reason.clone(), Problem::Payload))
    }

    /// What stands at a pointer, or the whole as a text; nothing when there is nothing, or null.
    pub(super) fn find(&self, pointer: Option<&str>) -> Result<Option<Found<'_>>, Wrong> {
        match pointer {
            None => self.text().map(|text| Some(Found::Text(text))),
            Some(pointer) => Ok(find(self.json()?, pointer)),
        }
    }
}

fn too_long() -> String {
    format!("has more than {PAYLOAD_BYTES_MAX} bytes")
}

pub(super) fn find<'a>(json: &'a Value, pointer: &str) -> Option<Found<'a>> {
    json.pointer(pointer).filter(|value| !value.is_null()).map(Found::Json)
}

impl Found<'_> {
    /// As a text, where it is a single thing.
    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.to_owned()),
            Self::Json(Value::String(text)) => Some(text.trim().to_owned()),
            Self::Json(value @ (Value::Bool(_) | Value::Number(_))) => Some(value.to_string()),
            Self::Json(_) => None,
        }
    }
}

/// Whether a text is a pointer.
pub(super) fn is_pointer(text: &str) -> bool {
    let tildes_ok = text.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    text.len() <= 128 && (text.is_empty() || text.starts_with('/')) && tildes_ok
}
