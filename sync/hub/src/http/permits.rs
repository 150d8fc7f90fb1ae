//! Which route wants what: one line for each method of each path.
//!
//! What stands in no line is not served to anybody, and a test holds the lines against the OpenAPI document and every role; so a new route comes with
//! its line. Not here: who may what ([`crate::people::role`]), the check itself ([`super::access`]). Guards: no route is open by an oversight.

use crate::people::role::Permission;
use Need::{Anyone, Open, Part, Session, Store, Whole};
use Permission as P;
use axum::http::Method;
use utoipa::openapi::{
    Content, ObjectBuilder, OpenApi, Ref, RefOr, Required, ResponseBuilder, SecurityRequirement, Type,
    extensions::Extensions,
    path::{Operation, ParameterBuilder, ParameterIn},
};

/// What a route wants of who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it is for everybody.
    Open,
    /// To be somebody.
    Anyone,
    /// To be a person who has signed in; tokens do not do.
    Session,
    /// A permission everywhere: it is about no single store.
    Whole(Permission),
    /// A permission at the store that the path names as `{store}`. The store's region and labels are looked at before the route is.
    Store(Permission),
    /// A permission somewhere; the route shows and does what lies within (`Who::reach`).
    Part(Permission),
}

impl Need {
    /// The permission, where it is one.
    #[must_use]
    pub const fn permission(self) -> Option<Permission> {
        match self {
            Whole(permission) | Store(permission) | Part(permission) => Some(permission),
            Open | Anyone | Session => None,
        }
    }

    /// As the OpenAPI document has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Open => "open",
            Anyone => "anyone",
            Session => "session",
            Whole(permission) | Store(permission) | Part(permission) => permission.as_str(),
        }
    }
}

/// Method, path as the router has it, need.
pub type Line = (Method, &'static str, Need);

/// The lines.
pub const ROUTES: &[Line] = &[
    (Method::GET, "/healthz", Open),
    (Method::GET, "/readyz", Open),
    (Method::GET, "/metrics", Whole(P::HubRead)),
    (Method::GET, "/v1/totals", Whole(P::StoreRead)),
    (Method::GET, "/v1/counts", Part(P::StoreRead)),
    (Method::GET, "/v1/search", Part(P::StoreRead)),
    (Method::GET, "/v1/relay", Whole(P::HubRead)),
    (Method::GET, "/v1/relays", Whole(P::HubRead)),
    (Method::GET, "/v1/alerts", Whole(P::HubRead)),
    (Method::GET, "/v1/stores", Part(P::StoreRead)),
    (Method::GET, "/v1/stores/{store}", Store(P::StoreRead)),
    (Method::GET, "/v1/stores/{store}/nodes", Store(P::StoreRead)),
    (Method::GET, "/v1/stores/{store}/cursors", Store(P::StoreRead)),
    (Method::GET, "/v1/stores/{store}/desired", Store(P::StoreRead)),
    (Method::GET, "/v1/stores/{store}/reports", Store(P::StoreRead)),
    (Method::GET, "/v1/stores/{store}/events", Store(P::EventRead)),
    (Method::GET, "/v1/stores/{store}/receipts", Store(P::ReceiptRead)),
    (Method::GET, "/v1/stores/{store}/fields", Store(P::ReceiptRead)),
    (Method::GET, "/v1/stores/{store}/erasures", Store(P::ErasureRead)),
    (Method::GET, "/v1/claims", Part(P::EnrolmentRead)),
    (Method::POST, "/v1/claims", Part(P::EnrolmentDecide)),
    (Method::DELETE, "/v1/claims/{locator}", Part(P::EnrolmentDecide)),
    (Method::GET, "/v1/enrolments", Part(P::EnrolmentRead)),
    (Method::GET, "/v1/enrolments/{store}/{node}", Store(P::EnrolmentRead)),
    (Method::POST, "/v1/enrolments/{store}/{node}/{decision}", Store(P::EnrolmentDecide)),
    (Method::GET, "/v1/policies", Whole(P::PolicyRead)),
    (Method::POST, "/v1/policies", Whole(P::PolicyPublish)),
    (Method::GET, "/v1/policies/{hash}", Whole(P::PolicyRead)),
    (Method::GET, "/v1/followers", Whole(P::PolicyRead)),
    (Method::GET, "/v1/unproven", Whole(P::ReceiptRead)),
    (Method::GET, "/v1/contents", Whole(P::ArtefactRead)),
    (Method::GET, "/v1/contents/{hash}", Whole(P::ArtefactRead)),
    (Method::GET, "/v1/artefacts", Whole(P::ArtefactRead)),
    (Method::POST, "/v1/artefacts", Whole(P::ArtefactPublish)),
    (Method::GET, "/v1/artefacts/{kind}/{name}", Whole(P::ArtefactRead)),
    (Method::GET, "/v1/metadata", Whole(P::ArtefactRead)),
    (Method::POST, "/v1/metadata", Whole(P::ArtefactPublish)),
    (Method::POST, "/v1/metadata/drafts", Whole(P::ArtefactPublish)),
    (Method::POST, "/v1/session", Open),
    (Method::DELETE, "/v1/session", Session),
    (Method::POST, "/v1/setup", Open),
    (Method::GET, "/v1/oidc/start", Open),
    (Method::GET, "/v1/oidc/callback", Open),
    (Method::GET, "/v1/me", Anyone),
    (Method::PUT, "/v1/me/password", Session),
    (Method::GET, "/v1/me/sessions", Anyone),
    (Method::DELETE, "/v1/me/sessions/{session}", Session),
    (Method::GET, "/v1/me/tokens", Anyone),
    (Method::POST, "/v1/me/tokens", Session),
    (Method::DELETE, "/v1/me/tokens/{token}", Anyone),
    (Method::GET, "/v1/roles", Anyone),
    (Method::GET, "/v1/people", Whole(P::PeopleRead)),
    (Method::POST, "/v1/people", Whole(P::PeopleManage)),
    (Method::GET, "/v1/people/{person}", Whole(P::PeopleRead)),
    (Method::PATCH, "/v1/people/{person}", Whole(P::PeopleManage)),
    (Method::POST, "/v1/people/{person}/reset", Whole(P::PeopleManage)),
    (Method::GET, "/v1/people/{person}/sessions", Whole(P::PeopleRead)),
    (Method::DELETE, "/v1/people/{person}/sessions/{session}", Whole(P::PeopleManage)),
    (Method::GET, "/v1/tokens", Whole(P::PeopleRead)),
    (Method::DELETE, "/v1/tokens/{token}", Whole(P::PeopleManage)),
    (Method::GET, "/v1/approvals", Whole(P::ApprovalRead)),
    (Method::GET, "/v1/approvals/{approval}", Whole(P::ApprovalRead)),
    (Method::DELETE, "/v1/approvals/{approval}", Whole(P::ApprovalRead)),
    (Method::POST, "/v1/approvals/{approval}/decision", Whole(P::ApprovalRead)),
    (Method::GET, "/v1/audit", Whole(P::AuditRead)),
    (Method::PATCH, "/v1/stores/{store}/labels", Store(P::StoreLabel)),
    (Method::GET, "/v1/members", Part(P::StoreRead)),
    (Method::GET, "/v1/members/{store}/{serial}", Store(P::StoreRead)),
    (Method::GET, "/v1/device-results", Part(P::StoreRead)),
    (Method::GET, "/v1/groups", Whole(P::StoreRead)),
    (Method::GET, "/v1/groups/{group}", Whole(P::StoreRead)),
    (Method::PUT, "/v1/groups/{group}", Whole(P::DesiredWrite)),
    (Method::DELETE, "/v1/groups/{group}", Whole(P::DesiredWrite)),
    (Method::GET, "/v1/filters", Whole(P::StoreRead)),
    (Method::GET, "/v1/filters/{filter}", Whole(P::StoreRead)),
    (Method::PUT, "/v1/filters/{filter}", Whole(P::StoreLabel)),
    (Method::DELETE, "/v1/filters/{filter}", Whole(P::StoreLabel)),
    (Method::GET, "/v1/overrides", Part(P::StoreRead)),
    (Method::GET, "/v1/overrides/{store}", Store(P::StoreRead)),
    (Method::PUT, "/v1/overrides/{store}", Store(P::DesiredWrite)),
    (Method::DELETE, "/v1/overrides/{store}", Store(P::DesiredWrite)),
    (Method::GET, "/v1/overrides/{store}/{serial}", Store(P::StoreRead)),
    (Method::PUT, "/v1/overrides/{store}/{serial}", Store(P::DesiredWrite)),
    (Method::DELETE, "/v1/overrides/{store}/{serial}", Store(P::DesiredWrite)),
    (Method::GET, "/v1/rollouts", Whole(P::RolloutRead)),
    (Method::POST, "/v1/rollouts", Whole(P::RolloutStart)),
    (Method::GET, "/v1/rollouts/{rollout}", Whole(P::RolloutRead)),
    (Method::DELETE, "/v1/rollouts/{rollout}", Whole(P::RolloutStart)),
    (Method::GET, "/v1/rollouts/{rollout}/nodes", Whole(P::RolloutRead)),
    (Method::GET, "/v1/rollouts/{rollout}/events", Whole(P::RolloutRead)),
    (Method::GET, "/v1/rollouts/{rollout}/devices", Whole(P::RolloutRead)),
    (Method::POST, "/v1/rollouts/{rollout}/approve", Whole(P::RolloutApprove)),
    (Method::POST, "/v1/rollouts/{rollout}/reject", Whole(P::RolloutApprove)),
    (Method::POST, "/v1/rollouts/{rollout}/{verb}", Whole(P::RolloutStart)),
    (Method::POST, "/v1/apply", Whole(P::DesiredWrite)),
];

/// What is known of a path and a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// It wants this.
    Needs(Need),
    /// The path takes other methods.
    OtherMethods,
    /// No line has the path.
    NoLine,
}

/// What a route wants. What is asked for with HEAD is what GET gives.
pub(super) fn need(method: &Method, path: &str) -> Known {
    need_in(ROUTES, method, path)
}

/// The same of another table: the console's pages have one of their own.
pub(crate) fn need_in(lines: &[Line], method: &Method, path: &str) -> Known {
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    let mut of_path = lines.iter().filter(|(_, line, _)| *line == path).peekable();
    if of_path.peek().is_none() {
        return Known::NoLine;
    }
    let found = of_path.find(|(line, ..)| line == method);
    found.map_or(Known::OtherMethods, |(.., need)| Known::Needs(*need))
}

/// What every route can answer: an address with a NUL in it is read by none.
const REFUSALS_OF_ALL: [(&str, &str); 1] = [("400", "The request is malformed")];
/// What every route can answer that takes a body, and what besides where that is JSON.
const REFUSALS_OF_BODIES: [(&str, &str); 1] = [("413", "The request is too large")];
const REFUSALS_OF_JSON: [(&str, &str); 1] = [("415", "The request is no `application/json`")];
/// What every route can answer that wants to know who asks, and what besides where a key makes sure that something is done once.
const REFUSALS: [(&str, &str); 3] = [
    ("401", "Nobody, or nobody who is known"),
    ("403", "It may not be done by whoever asks"),
    ("429", "Too much was wrong from this address: later again"),
];
const REFUSALS_OF_KEYS: [(&str, &str); 3] = [
    (
        "409",
        "It contradicts what is there, or the same request is being done or was done without an answer that was kept",
    ),
    ("413", "The request is too large"),
    ("422", "The `Idempotency-Key` came with another request"),
];

/// Adds answers that every such route has, where its own lines say nothing of them.
fn may_answer(operation: &mut Operation, refusals: &[(&str, &str)]) {
    for (status, why) in refusals {
        let problem = Content::new(Some(Ref::from_schema_name("Problem")));
        let answer = ResponseBuilder::new().description(*why).content("application/problem+json", problem);
        operation.responses.responses.entry((*status).to_owned()).or_insert_with(|| RefOr::T(answer.build()));
    }
}

/// Adds what is answered where a body is too large or of another kind.
fn may_refuse_body(operation: &mut Operation) {
    let Some(body) = &operation.request_body else { return };
    let is_json = matches!(body, RefOr::T(body) if body.content.contains_key("application/json"));
    may_answer(operation, &REFUSALS_OF_BODIES);
    if is_json {
        may_answer(operation, &REFUSALS_OF_JSON);
    }
}

/// The header by which a request that is sent again is done once.
fn takes_key(operation: &mut Operation) {
    let schema =
        ObjectBuilder::new().schema_type(Type::String).min_length(Some(16)).max_length(Some(128)).build();
    let key = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Random; the same request with the same key is done once, and answered again for a day.",
        ))
        .schema(Some(schema))
        .build();
    operation.parameters.get_or_insert_default().push(RefOr::T(key));
}

/// Writes into the document what each route wants: `x-permission`, by which ways one can show who one is, the key of what is to be done once, and the refusals
/// that all of them share.
pub(super) fn describe(document: &mut OpenApi) {
    for (method, path, need) in ROUTES {
        let Some(item) = document.paths.paths.get_mut(*path) else { continue };
        let operation: Option<&mut Operation> = match method.as_str() {
            "GET" => item.get.as_mut(),
            "POST" => item.post.as_mut(),
            "PUT" => item.put.as_mut(),
            "PATCH" => item.patch.as_mut(),
            "DELETE" => item.delete.as_mut(),
            _ => None,
        };
        let Some(operation) = operation else { continue };
        let said: Extensions = [("x-permission", need.as_str())].into_iter().collect();
        operation.extensions.get_or_insert_default().merge(said);
        may_answer(operation, &REFUSALS_OF_ALL);
        may_refuse_body(operation);
        let ways: &[&str] = match need {
            Open => continue,
            Session => &["session"],
            _ => &["token", "session"],
        };
        may_answer(operation, &REFUSALS);
        if *method != Method::GET {
            takes_key(operation);
            may_answer(operation, &REFUSALS_OF_KEYS);
        }
        let none: [&str; 0] = [];
        operation.security = Some(ways.iter().map(|way| SecurityRequirement::new(*way, none)).collect());
    }
}
