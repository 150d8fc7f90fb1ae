//! What people say to a rollout: opened first, with what it does in words, and said then. The rules decide whether it can be said.

use super::{address, write};
use crate::{
    console::{
        frame::Page,
        pages::{
            forms::{self, form, opened},
            parts::{empty, heading_id},
            typed::{Line, Typed},
        },
        say,
        visit::{Act, Visit},
        wrong::Wrong,
    },
    database::fleet::KeptRollout,
    fleet::forget,
    http::{
        Problem,
        fleet::{
            rollouts::{Words, said, speak},
            voice,
        },
    },
    people::{role::Permission, who::MACHINE},
};
use aisle_fleet::rollout::{RolloutPhase as P, RolloutView};
use axum::{Form, extract::Path, http::StatusCode, response::Response};
use maud::{Markup, html};

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

pub(super) fn acts(visit: &Visit, name: &str, kept: &KeptRollout, view: &RolloutView) -> Markup {
    // The machine alone may decide where no person can; whether that is so is looked at when it is said.
    let is_author = kept.rollout.author() == visit.who().id && visit.who().id != MACHINE;
    let may = |word: &str| match word {
        // Who wrote it is no second person; that they cannot is said, and not tried.
        "approve" => visit.may(Permission::RolloutApprove) && !is_author,
        "reject" => visit.may(Permission::RolloutApprove),
        _ => visit.may(Permission::RolloutStart),
    };
    let said: Vec<&Said> = VERBS.iter().filter(|(word, ..)| fits(word, &view.phase) && may(word)).collect();
    let may_write = visit.may(Permission::RolloutStart);
    html! {
        section #acts aria-labelledby=(heading_id("acts")) {
            h2 id=(heading_id("acts")) { "What can be said to it" }
            @if view.phase == P::AwaitingApproval {
                p.outcome.warn role="status" {
                    "It waits for a second person: "
                    (say::number(view.approvals.len() as u64)) " of " (say::number(view.approvals_needed)) " have approved it."
                    @if is_author { " You wrote it, so it is not you." }
                }
            }
            @if said.is_empty() { (empty("Nothing as it stands, or nothing by you.")) }
            div.acts {
                @for (word, called, hint, wants_why) in said {
                    (opened(&visit.caller, called, &format!("{}/{word}", address(name)), &fields(&Typed::default(), &format!("{word}-"), word, called, hint, *wants_why)))
                }
                @if may_write && view.phase.is_over() {
                    (opened(&visit.caller, "Forget it", &format!("{}/delete", address(name)), &html! {
                        p.hint { "It and what happened to it go from this hub; the audit log keeps who did what. What stores run stays as it is: where something else would follow for a node, it is not done." }
                        button type="submit" { "Forget it" }
                    }))
                }
            }
            @if may_write {
                div.buttons {
                    @if view.phase == P::Draft { a.button href=(format!("{}?draft={}", write::ADDRESS, say::encoded(name))) { "Change the draft" } }
                    a.button href=(format!("{}?like={}", write::ADDRESS, say::encoded(name))) { "Write one like it" }
                }
            }
        }
    }
}

/// The fields of a verb. `before` tells their ids apart where several verbs want a reason on one page.
fn fields(typed: &Typed, before: &str, word: &str, called: &str, hint: &str, wants_why: bool) -> Markup {
    let (why, store) = (format!("{before}why"), format!("{before}store"));
    html! {
        p.hint { (hint) }
        @if word == "exclude" {
            (typed.line(Line { id: &store, name: "store", label: "Store", chars_max: 64, is_required: true, ..Line::default() }))
        }
        @if wants_why {
            (typed.line(Line { id: &why, name: "why", label: "Why", chars_max: WHY_CHARS_MAX, is_required: true, ..Line::default() }))
        }
        button.primary type="submit" { (called) }
    }
}

/// `POST /rollouts/{rollout}/{verb}`.
pub(in crate::console) async fn say(
    act: Act,
    Path((name, word)): Path<(String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
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
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Wrong> {
    spoken(&act, &name, "approve", fields).await
}

/// `POST /rollouts/{rollout}/reject`.
pub(in crate::console) async fn reject(
    act: Act,
    Path(name): Path<String>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Wrong> {
    spoken(&act, &name, "reject", fields).await
}

/// `POST /rollouts/{rollout}/delete`.
pub(in crate::console) async fn delete(act: Act, Path(name): Path<String>) -> Result<Response, Wrong> {
    forget::forget(voice(act.console.api(), act.who()), &name).await.map_err(Problem::from)?;
    Ok(forms::done("/rollouts", "forgotten"))
}

async fn spoken(act: &Act, name: &str, word: &str, sent: Vec<(String, String)>) -> Result<Response, Wrong> {
    let mut typed = Typed::of(sent);
    let given = |name: &str| Some(typed.get(name).to_owned()).filter(|text| !text.is_empty());
    let words = Words { why: given("why"), store: given("store") };
    let done = match said(word, &words) {
        Ok(said) => speak(act.console.api(), act.who(), name, said).await,
        Err(problem) => Err(problem),
    };
    let problem = match done {
        Ok((_, is_alone)) => {
            return Ok(forms::done(&address(name), if is_alone { "said-alone" } else { "said" }));
        }
        Err(problem) => problem,
    };
    // Where something was typed, or the rollout is elsewhere by now, the form is there once more; of anything else a page says more.
    let status = problem.status();
    let is_of_form = matches!(status, StatusCode::BAD_REQUEST | StatusCode::CONFLICT);
    let known = VERBS.iter().find(|(known, ..)| *known == word);
    let Some((_, called, hint, wants_why)) = known.filter(|_| is_of_form) else { return Err(problem.into()) };
    typed.told(&problem, &[("why", "why"), ("store", "store")]);
    let place = address(name);
    let body = html! {
        p.sub { "Of the rollout " a href=(place) { bdi { (say::cut(name, 80)) } } }
        (typed.summary())
        (form(&act.caller, &format!("{place}/{word}"), &fields(&typed, "", word, called, hint, *wants_why)))
    };
    Ok(act.answer(status, &Page { title: called, here: "/rollouts", body }))
}
