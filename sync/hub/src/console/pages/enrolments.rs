//! Boxes that ask to come in, and nodes that have: who waits, with which key, who said what; and what is decided about them.
//!
//! Somebody approves exactly the key that they looked at: the form carries it, and another one is refused. Not here: what may be done in which state
//! (`aisle_provisioning::enrolment`), what is done ([`crate::enrol::decide`]).

use super::{
    forms::{self, Done, Line, opened},
    parts::{
        LIST_BYTES_MAX, NAME_CHARS_MAX, REASON_CHARS_MAX, empty, facts, fit, heading_id, pager, section,
        state, table,
    },
};
use crate::{
    console::{
        frame::Page,
        say,
        visit::{Act, Visit},
        wrong::Wrong,
    },
    database::{ClaimRow, EnrolmentRow},
    enrol::{
        decide::{self, Verb},
        within,
    },
    http::Problem,
    people::role::Permission,
};
use aisle_event::{Name, Timestamp};
use aisle_provisioning::{enrolment::State, fingerprint::Fingerprint};
use axum::{
    Form,
    extract::{Path, Query},
    response::Response,
};
use maud::{Markup, html};
use serde::Deserialize;

/// The most boxes on a page.
const BOXES_MAX: u32 = 50;
/// The longest reason, in characters.
const REASON_FIELD_CHARS_MAX: usize = 200;
/// What can be decided, in the order in which it is shown.
const VERBS: [Verb; 5] = [Verb::Approve, Verb::Reject, Verb::Suspend, Verb::Resume, Verb::Ban];
/// Every state, with how it is shown.
const STATES: [State; 6] =
    [State::Pending, State::Claimed, State::Active, State::Renewing, State::Suspended, State::Banned];

#[derive(Deserialize)]
pub(in crate::console) struct Asked {
    /// A state; `all`; those that wait where it is empty.
    #[serde(default)]
    state: String,
    /// The last one of the page before: a store, a slash, a serial.
    #[serde(default)]
    after: String,
}

/// `GET /enrolments?state=&after=`.
pub(in crate::console) async fn list(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Wrong> {
    let wanted = match asked.state.as_str() {
        "" => State::Pending.as_str(),
        "all" => "",
        text => text
            .parse::<State>()
            .map_err(|_| Wrong::Malformed("`state` is no state of a node".into()))?
            .as_str(),
    };
    let after = if asked.after.is_empty() { Some(("", "")) } else { asked.after.split_once('/') };
    let after = after.ok_or_else(|| Wrong::Malformed("`after` is no place in this list".into()))?;
    let found = visit.database().enrolments("", wanted, after, BOXES_MAX + 1).await?;
    let has_more = found.len() > BOXES_MAX as usize;
    let mut found = found;
    found.truncate(BOXES_MAX as usize);
    let last = found.last().map(|row| (row.store.clone(), row.node.clone()));
    let reach = visit.who().reach(Permission::EnrolmentRead);
    let rows = within(visit.database(), &reach, found, |row| &row.store).await?;
    let mut makers = Vec::with_capacity(rows.len());
    for row in rows {
        let maker = claim(&visit, &row.claim).await?.map(|claim| claim.made_by).unwrap_or_default();
        makers.push((row, maker));
    }
    let (html, shown) = fit(&makers, LIST_BYTES_MAX, |(row, maker)| line(&visit, row, maker));
    let next = if shown < makers.len() {
        makers.get(shown.saturating_sub(1)).map(|(row, _)| (row.store.clone(), row.node.clone()))
    } else {
        last.filter(|_| has_more)
    };
    let at = |after: Option<&(String, String)>| {
        let state = if asked.state.is_empty() { "pending" } else { asked.state.as_str() };
        let after = after.map_or_else(String::new, |(store, node)| {
            format!("&after={}", say::encoded(&format!("{store}/{node}")))
        });
        format!("/enrolments?state={state}{after}")
    };
    let inside = html! {
        @if shown == 0 { (empty(if wanted == State::Pending.as_str() { "No box waits." } else { "No box is like this." })) }
        @else { (table(&heading_id("boxes"), &COLUMNS, &html)) }
        (pager((!asked.after.is_empty()).then(|| at(None)).as_deref(), next.as_ref().map(|next| at(Some(next))).as_deref()))
    };
    let body = html! {
        (tabs(if asked.state == "all" { "/enrolments?state=all" } else if wanted == State::Pending.as_str() { "/enrolments" } else { "" }))
        p.hint { "A box that has shown a claim waits here until somebody has compared its key with what the box shows. Nothing is issued before." }
        (section("boxes", if wanted == State::Pending.as_str() { "Boxes that wait" } else { "Boxes" }, &inside))
    };
    Ok(visit.answer(&Page { title: "Enrolment", here: "/enrolments", body }))
}

/// The parts of enrolment.
pub(super) fn tabs(here: &str) -> Markup {
    let ways = [
        ("/enrolments", "Waiting"),
        ("/enrolments?state=all", "All boxes"),
        ("/enrolments?state=suspended", "Suspended"),
        ("/enrolments?state=banned", "Banned"),
        ("/claims", "Claims"),
    ];
    html! {
        nav.tabs aria-label="Parts of enrolment" {
            @for (way, name) in ways { a href=(way) aria-current=[(way == here).then_some("page")] { (name) } }
        }
    }
}

async fn claim(visit: &Visit, locator: &str) -> Result<Option<ClaimRow>, Wrong> {
    let Ok(locator) = locator.parse() else { return Ok(None) };
    let kept = visit.database().claim(&locator).await?;
    Ok(kept.map(|kept| kept.row(Timestamp(visit.now_ms))))
}

const COLUMNS: [(&str, &str); 7] = [
    ("", "Box"),
    ("", "Store"),
    ("", "State"),
    ("", "Key"),
    ("number", "Asked"),
    ("", "From"),
    ("", "Claim made by"),
];

fn line(visit: &Visit, row: &EnrolmentRow, maker: &str) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(address(&row.store, &row.node)) { bdi { (say::cut(&row.node, NAME_CHARS_MAX)) } } }
            td { (say::name(&row.store, NAME_CHARS_MAX)) }
            td { (standing(&row.state)) }
            td { code.whole { (row.key_short) } }
            td.number { (say::ago(visit.now_ms, row.asked_at_ms)) }
            td { @if row.address.is_empty() { span.none { "–" } } @else { (say::name(&row.address, 48)) } }
            td { @if maker.is_empty() { span.none { "not known" } } @else { (say::name(maker, NAME_CHARS_MAX)) } }
        }
    }
}

/// Where a node's page is.
pub(super) fn address(store: &str, node: &str) -> String {
    format!("/enrolments/{}/{}", say::encoded(store), say::encoded(node))
}

/// A state with its colour.
pub(super) fn standing(word: &str) -> Markup {
    let known = STATES.into_iter().find(|state| state.as_str() == word);
    let class = match known {
        Some(State::Active | State::Renewing) => "good",
        Some(State::Pending | State::Suspended) => "warn",
        Some(State::Banned) => "bad",
        Some(State::Claimed) | None => "calm",
    };
    state(class, &say::cut(word, 16))
}

/// `GET /enrolments/{store}/{node}`.
pub(in crate::console) async fn show(
    visit: Visit,
    Path((store, node)): Path<(String, String)>,
    Query(done): Query<Done>,
) -> Result<Response, Wrong> {
    let unknown = || Wrong::NotFound(format!("No node {node} of the store {store} is known here."));
    let database = visit.database();
    let row = database.enrolment_row(&store, &node).await?;
    let word = match &row {
        Some(row) => row.state.clone(),
        None => database.node_state(&store, &node).await?.ok_or_else(unknown)?,
    };
    let claim = match &row {
        Some(row) => claim(&visit, &row.claim).await?,
        None => None,
    };
    let traits = match aisle_event::StoreId::new(&store) {
        Ok(id) => database.traits(&id).await?,
        Err(_) => None,
    };
    let may = visit.may_at(Permission::EnrolmentDecide, traits.as_ref());
    let about = match &row {
        Some(row) => about(&visit, row, claim.as_ref()),
        None => facts(&[
            ("State", standing(&word)),
            ("Store", say::store(&store)),
            ("Key", html! { span.none { "it was made known by hand, with the key of its receipts" } }),
        ]),
    };
    let body = html! {
        (tabs(""))
        (done.notice())
        (section("about", "What is known of it", &about))
        @if may { (acts(&visit, &store, &node, &word, row.as_ref())) }
    };
    Ok(visit.answer(&Page { title: &say::cut(&node, 64), here: "/enrolments", body }))
}

fn about(visit: &Visit, row: &EnrolmentRow, claim: Option<&ClaimRow>) -> Markup {
    let certificate = html! {
        @if row.certificate.is_empty() { span.none { "none yet" } }
        @else { (say::hash(&row.certificate)) ", until " (say::exact(row.not_after_ms).get(..10).unwrap_or_default()) }
        @if row.next_not_after_ms > 0 { "; a further one that it has not shown" }
    };
    let through = html! {
        (say::cut(&row.through, 16)) " by " (say::name(&row.who, NAME_CHARS_MAX)) " (" (say::cut(&row.actor, 16)) ")"
    };
    html! {
        p.key { "Key " code.whole { (row.key_short) } }
        p.hint { "The box shows the same on its first page, and an installer can read it out. All of it: " code.whole { (row.key) } }
        (facts(&[
            ("State", standing(&row.state)),
            ("Since", say::ago(visit.now_ms, row.since_ms)),
            ("By", through),
            ("Reason", html! { @if row.reason.is_empty() { span.none { "none given" } } @else { (say::name(&row.reason, REASON_CHARS_MAX)) } }),
            ("Store", say::store(&row.store)),
            ("Asked", say::ago(visit.now_ms, row.asked_at_ms)),
            ("From", say::name(&row.address, 48)),
            ("Claim", html! { code { (say::cut(&row.claim, 16)) } }),
            ("Claim made by", claim.map_or_else(
                || html! { span.none { "not known" } },
                |claim| html! { (say::name(&claim.made_by, NAME_CHARS_MAX)) ", " (say::ago(visit.now_ms, claim.made_at_ms)) },
            )),
            ("Claim was for", claim.map_or_else(
                || html! { span.none { "not known" } },
                |claim| html! { @if claim.serial.is_empty() { "any box" } @else { "the box " (say::name(&claim.serial, NAME_CHARS_MAX)) } },
            )),
            ("Certificate", certificate),
        ]))
    }
}

/// What a verb is called, what it does, and whether it wants a reason.
const fn words(verb: Verb) -> (&'static str, &'static str, bool) {
    match verb {
        Verb::Approve => {
            ("Let it in", "It gets a certificate for the key above, and for no other one.", false)
        }
        Verb::Reject => ("Do not let it in", "Whoever stands before the box reads the reason.", true),
        Verb::Suspend => {
            ("Keep it out for now", "Its connections end within a minute. It can be let in again.", true)
        }
        Verb::Resume => ("Let it in again", "It may connect again with the certificate that it has.", false),
        Verb::Ban => (
            "Ban it",
            "Its connections end within a minute, and it comes in again by a new claim only, which an admin makes.",
            true,
        ),
    }
}

/// What can be done in its state. The record decides again when it is done.
fn acts(visit: &Visit, store: &str, node: &str, word: &str, row: Option<&EnrolmentRow>) -> Markup {
    let known = STATES.into_iter().find(|state| state.as_str() == word);
    let can = |verb: &Verb| {
        let Some(known) = known else { return false };
        let is_by_hand = row.is_none() && matches!(verb, Verb::Approve | Verb::Reject);
        !is_by_hand && known.actions().any(|action| action.as_str() == verb.as_str())
    };
    let key = row.map_or("", |row| row.key.as_str());
    html! {
        section #acts aria-labelledby=(heading_id("acts")) {
            h2 id=(heading_id("acts")) { "What can be done" }
            @for verb in VERBS.into_iter().filter(can) {
                @let (name, hint, wants_reason) = words(verb);
                @let (id, compared) = (format!("reason-{}", verb.as_str()), format!("compared-{}", verb.as_str()));
                (opened(&visit.caller, name, &format!("{}/{}", address(store, node), verb.as_str()), &html! {
                    p.hint { (hint) }
                    @if !key.is_empty() { input type="hidden" name="key" value=(key); }
                    @if verb == Verb::Approve {
                        div.tick {
                            input id=(compared) name="compared" type="checkbox" value="yes" required;
                            label for=(compared) { "The box shows the key " code { (row.map_or("", |row| row.key_short.as_str())) } }
                        }
                    }
                    (Line { id: &id, name: "reason", label: "Reason", value: "", chars_max: REASON_FIELD_CHARS_MAX, is_required: wants_reason }.field())
                    button.primary type="submit" { (name) }
                }))
            }
        }
    }
}

#[derive(Deserialize)]
pub(in crate::console) struct Decision {
    #[serde(default)]
    reason: String,
    /// The key that was looked at.
    #[serde(default)]
    key: String,
    #[serde(default)]
    compared: String,
}

/// `POST /enrolments/{store}/{node}/{decision}`.
pub(in crate::console) async fn decide(
    act: Act,
    Path((store, node, verb)): Path<(String, String, String)>,
    Form(decision): Form<Decision>,
) -> Result<Response, Wrong> {
    let nothing = || Wrong::NotFound("This is nothing that can be decided about a node.".into());
    let verb: Verb = verb.parse().map_err(|_| nothing())?;
    let reason = decision.reason.trim();
    let reason = Some(reason).filter(|reason| !reason.is_empty()).map(Name::new).transpose();
    let reason =
        reason.map_err(|error| Wrong::Malformed(format!("The reason cannot be kept: it {error}.")))?;
    let key =
        Some(decision.key.trim()).filter(|key| !key.is_empty()).map(str::parse::<Fingerprint>).transpose();
    let key = key.map_err(|error| Wrong::Malformed(error.to_string()))?;
    if verb == Verb::Approve && (key.is_none() || decision.compared != "yes") {
        return Err(Wrong::Malformed(
            "A box is let in with the key that somebody has compared: say that you have.".into(),
        ));
    }
    let people = &act.console.api().people;
    let now = Timestamp(act.now_ms);
    decide::decide(people, act.who(), (&store, &node), verb, reason, key.as_ref(), now)
        .await
        .map_err(Problem::from)?;
    Ok(forms::done(&address(&store, &node), verb.as_str()))
}
