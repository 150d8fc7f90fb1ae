//! What a hub says when it refuses (RFC 9457), in words for a terminal: what, which field and why, and what to do next.
//!
//! Not here: what follows from it ([`super::error`]). What a hub says is shown escaped: it may repeat what anybody has written.

use crate::output::plain;
use serde::Deserialize;

/// The media type of a problem.
const MEDIA_TYPE: &str = "application/problem+json";
/// What the types of a hub's problems begin with.
const OF_HUB: &str = "urn:aisle:problem:";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    detail: String,
    errors: Vec<Wrong>,
}

#[derive(Debug, Deserialize)]
struct Wrong {
    field: String,
    reason: String,
}

/// What to do where the hub does not say it itself.
fn hint(status: u16, kind: &str) -> &'static str {
    match (status, kind.rsplit(':').next().unwrap_or_default()) {
        (401, _) => "the token is not good here, or no more: `aisle fleet login`",
        (_, "second-person") => "somebody else has to do that",
        (_, "session-wanted") => "that can be done on the console only",
        (403, _) => {
            "`aisle fleet me` shows what you may; a token may less than its person: `aisle fleet login --scope …`"
        }
        (404, _) => "is the name right? Names are told apart by case",
        (412, _) => "look at it again, and say it again",
        (413, _) => "say it in several parts",
        (429, _) => "wait a while",
        (500.., _) => "the hub's log has the reason; what was asked can be asked again",
        _ => "",
    }
}

/// Which problem a hub says it is. None for what another server answers: a proxy, a sign-in page, whoever has the hub's address now.
pub(super) fn of_hub(media_type: &str, body: &[u8]) -> Option<String> {
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let problem =
        media_type.eq_ignore_ascii_case(MEDIA_TYPE).then(|| serde_json::from_slice::<Problem>(body));
    Some(problem?.ok()?.kind.strip_prefix(OF_HUB)?.to_owned())
}

/// What a refusal says, with a hint on a line of its own.
pub(super) fn said(status: u16, body: &[u8]) -> String {
    let Some(problem) =
        serde_json::from_slice::<Problem>(body).ok().filter(|problem| !problem.title.is_empty())
    else {
        let hint = hint(status, "");
        let hint = if hint.is_empty() { String::new() } else { format!("\nhint: {hint}") };
        return format!("the hub answered {status}{hint}");
    };
    let mut text = if problem.detail.is_empty() {
        problem.title
    } else {
        format!("{}: {}", problem.title, problem.detail)
    };
    for Wrong { field, reason } in problem.errors {
        if !text.contains(&reason) {
            text.push_str(&format!("; `{field}` {reason}"));
        }
    }
    // A hint stands in the middle where fields come behind it.
    let (what, own) =
        text.split_once("\nhint: ").map_or((text.as_str(), None), |(what, own)| (what, Some(own)));
    let general = hint(status, &problem.kind);
    let hint = own.map(plain).or_else(|| (!general.is_empty()).then(|| general.to_owned()));
    let what = plain(what);
    hint.map_or_else(|| what.clone(), |hint| format!("{what}\nhint: {hint}"))
}

#[cfg(test)]
mod tests {
    use super::{of_hub, said};

    #[test]
    fn a_refusal_says_what_which_field_and_what_next() {
        let body = br#"{"type":"urn:aisle:problem:malformed","title":"The request is malformed","status":400,
            "detail":"`who` cannot be read","errors":[{"field":"who","reason":"has an open bracket"}]}"#;
        assert_eq!(
            said(400, body),
            "The request is malformed: `who` cannot be read; `who` has an open bracket"
        );
        let own = br#"{"title":"No","detail":"`roles` is wrong\nhint: `viewer` or `admin`","errors":[]}"#;
        assert_eq!(said(400, own), "No: `roles` is wrong\nhint: `viewer` or `admin`");
        assert!(said(401, b"{}").starts_with("the hub answered 401\nhint: the token is not good"));
        assert!(said(502, b"<html>").contains("502"));
    }

    #[test]
    fn only_what_says_so_in_form_and_type_is_a_hubs() {
        let body = br#"{"type":"urn:aisle:problem:no-token","title":"Sign in, or send a token"}"#;
        for media_type in ["application/problem+json", "Application/Problem+JSON; charset=utf-8"] {
            assert_eq!(of_hub(media_type, body).as_deref(), Some("no-token"), "{media_type}");
        }
        assert_eq!(of_hub("application/json", body), None);
        assert_eq!(
            of_hub("application/problem+json", br#"{"type":"about:blank","title":"Not Found"}"#),
            None
        );
        assert_eq!(of_hub("application/problem+json", b"<html>"), None);
    }

    #[test]
    fn what_could_steer_the_terminal_is_escaped() {
        let body = br#"{"title":"No such store","detail":"no store `\u001b[2J`"}"#;
        assert!(!said(404, body).contains('\u{1b}'));
    }
}
