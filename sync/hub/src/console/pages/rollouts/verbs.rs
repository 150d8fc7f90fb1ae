//! What people say to a rollout: opened first, with what it does in words, and said then. The rules decide whether it can be said.

use super::address;
use crate::{
    console::{
        pages::{
            forms::{self, opened},
            parts::{empty, heading_id},
        },
        visit::{Act, Visit},
        wrong::Wrong,
    },
    http::fleet::rollouts::{Words, said, speak},
    people::role::Permission,
};
use aisle_fleet::rollout::{RolloutPhase as P, RolloutView};
use axum::{Form, extract::Path, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

/// The longest reason, in characters.
const WHY_CHARS_MAX: usize = 400;

/// A verb: its word, its name, what it does, whether it wants a reason.
type Said = (&'static str, &'static str, &'static str, bool);

const VERBS: [Said; 13] = [
    (
        "preflight",
        "Look ahead",
        "Finds out who would fail, and who has to approve it. Nothing is given to anybody.",
        false,
    ),
    (
        "rehearse",
        "Rehearse",
        "Its stores play what they have recorded through the plugins that it brings, and say what would come out otherwise. Nothing is sold by that.",
        false,
    ),
    (
        "approve",
        "Approve",
        "You have looked at what it brings, to whom, and behind which gates. Who wrote it cannot approve it.",
        false,
    ),
    ("reject", "Send it back", "It is a draft again; its author reads why.", true),
    ("start", "Start", "The first wave begins.", false),
    ("pause", "Pause", "Nothing new begins. What runs goes on.", true),
    ("resume", "Go on", "Its waves go on where they were.", false),
    (
        "promote",
        "Let the wave through",
        "The next wave begins now, whatever the gates of this one say.",
        false,
    ),
    (
        "retry-failed",
        "Try again where it failed",
        "Nodes that gave it up try again; no other node is touched.",
        false,
    ),
    ("exclude", "Take a store out", "The store keeps what it has, and neither passes nor fails.", true),
    ("finish", "Finish", "It ends now; nodes that have not come keep what they have.", false),
    ("rollback", "Take it back", "Every node goes back to what it ran before.", true),
    ("abort", "Abort", "It ends now; what runs is left as it is.", true),
];

/// What may be worth saying to one that is so far; the rules have the last word.
fn fits(word: &str, phase: &P) -> bool {
    let is_under_way = matches!(phase, P::Running | P::Paused { .. } | P::Settling);
    match word {
        "preflight" => matches!(phase, P::Draft | P::AwaitingApproval | P::Ready),
        "rehearse" => phase.may_rehearse(),
        "approve" => *phase == P::AwaitingApproval,
        "reject" => matches!(phase, P::AwaitingApproval | P::Ready),
        "start" => *phase == P::Ready,
        "pause" => matches!(phase, P::Running | P::Settling),
        "resume" => matches!(phase, P::Paused { .. }),
        "promote" => matches!(phase, P::Running | P::Paused { .. }),
        "abort" => is_under_way || phase.is_before(),
        "rollback" => is_under_way || matches!(phase, P::Done | P::Finished { .. } | P::Aborted { .. }),
        "retry-failed" => is_under_way,
        "exclude" => !phase.is_over() && !matches!(phase, P::RollingBack { .. }),
        "finish" => is_under_way || matches!(phase, P::RollingBack { .. }),
        _ => false,
    }
}

pub(super) fn acts(visit: &Visit, name: &str, view: &RolloutView) -> Markup {
    let may = |word: &str| {
        let wanted = if matches!(word, "approve" | "reject") {
            Permission::RolloutApprove
        } else {
            Permission::RolloutStart
        };
        visit.may(wanted)
    };
    let said: Vec<&Said> = VERBS.iter().filter(|(word, ..)| fits(word, &view.phase) && may(word)).collect();
    html! {
        section #acts aria-labelledby=(heading_id("acts")) {
            h2 id=(heading_id("acts")) { "What can be said to it" }
            @if said.is_empty() { (empty("Nothing as it stands, or nothing by you.")) }
            div.acts {
                @for (word, called, hint, wants_why) in said {
                    @let (why, store) = (format!("why-{word}"), format!("store-{word}"));
                    (opened(&visit.caller, called, &format!("{}/{word}", address(name)), &html! {
                        p.hint { (hint) }
                        @if *word == "exclude" {
                            label for=(store) { "Store" }
                            input id=(store) name="store" type="text" maxlength="64" required autocomplete="off" spellcheck="false";
                        }
                        @if *wants_why {
                            label for=(why) { "Why" }
                            input id=(why) name="why" type="text" maxlength=(WHY_CHARS_MAX) required autocomplete="off";
                        }
                        button.primary type="submit" { (called) }
                    }))
                }
            }
        }
    }
}

#[derive(Deserialize)]
pub(in crate::console) struct Fields {
    #[serde(default)]
    why: String,
    #[serde(default)]
    store: String,
}

/// `POST /rollouts/{rollout}/{verb}`.
pub(in crate::console) async fn say(
    act: Act,
    Path((name, word)): Path<(String, String)>,
    Form(fields): Form<Fields>,
) -> Result<Response, Wrong> {
    // These want another right, and have lines of their own.
    if matches!(word.as_str(), "approve" | "reject") {
        return Err(Wrong::Method);
    }
    spoken(&act, &name, &word, fields).await
}

/// `POST /rollouts/{rollout}/approve`.
pub(in crate::console) async fn approve(
    act: Act,
    Path(name): Path<String>,
    Form(fields): Form<Fields>,
) -> Result<Response, Wrong> {
    spoken(&act, &name, "approve", fields).await
}

/// `POST /rollouts/{rollout}/reject`.
pub(in crate::console) async fn reject(
    act: Act,
    Path(name): Path<String>,
    Form(fields): Form<Fields>,
) -> Result<Response, Wrong> {
    spoken(&act, &name, "reject", fields).await
}

async fn spoken(act: &Act, name: &str, word: &str, fields: Fields) -> Result<Response, Wrong> {
    let given = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let words = Words { why: given(fields.why), store: given(fields.store) };
    let said = said(word, &words)?;
    let (_, is_alone) = speak(act.console.api(), act.who(), name, said).await?;
    Ok(forms::done(&address(name), if is_alone { "said-alone" } else { "said" }))
}
