//! Which page wants what: one line for each method of each path, as [`crate::http::permits`] has for programs.
//!
//! A page that stands in no line is shown to nobody, and a test asks every page as every role. Not here: the check ([`super::door`]), roles
//! ([`crate::people::role`]). Guards: no page is open by an oversight.

use crate::{
    http::permits::{
        Line,
        Need::{self, Anyone, Open, Part, Session, Store, Whole},
    },
    people::{role::Permission as P, who::Who},
};
use axum::http::Method;

/// The lines.
pub const PAGES: &[Line] = &[
    (Method::GET, "/sign-in", Open),
    (Method::POST, "/sign-in", Open),
    (Method::GET, "/set-up", Open),
    (Method::POST, "/set-up", Open),
    (Method::GET, "/assets/{name}", Open),
    (Method::POST, "/sign-out", Anyone),
    (Method::GET, "/", Part(P::StoreRead)),
    (Method::GET, "/events", Part(P::StoreRead)),
    (Method::GET, "/search", Part(P::StoreRead)),
    (Method::GET, "/stores/{store}", Store(P::StoreRead)),
    (Method::GET, "/stores/{store}/fields", Store(P::ReceiptRead)),
    (Method::GET, "/stores/{store}/receipts", Store(P::ReceiptRead)),
    (Method::POST, "/stores/{store}/labels", Store(P::StoreLabel)),
    (Method::GET, "/stores/{store}/override", Store(P::DesiredWrite)),
    (Method::POST, "/stores/{store}/override", Store(P::DesiredWrite)),
    (Method::POST, "/stores/{store}/override/delete", Store(P::DesiredWrite)),
    (Method::GET, "/groups", Whole(P::StoreRead)),
    (Method::GET, "/groups/write", Whole(P::DesiredWrite)),
    (Method::POST, "/groups/write", Whole(P::DesiredWrite)),
    (Method::POST, "/groups/delete", Whole(P::DesiredWrite)),
    (Method::GET, "/filters/write", Whole(P::StoreLabel)),
    (Method::POST, "/filters/write", Whole(P::StoreLabel)),
    (Method::POST, "/filters/delete", Whole(P::StoreLabel)),
    (Method::GET, "/write-rollout", Whole(P::RolloutStart)),
    (Method::POST, "/write-rollout", Whole(P::RolloutStart)),
    (Method::GET, "/rollouts", Whole(P::RolloutRead)),
    (Method::GET, "/rollouts/{rollout}", Whole(P::RolloutRead)),
    (Method::GET, "/rollouts/{rollout}/nodes", Whole(P::RolloutRead)),
    (Method::POST, "/rollouts/{rollout}/approve", Whole(P::RolloutApprove)),
    (Method::POST, "/rollouts/{rollout}/reject", Whole(P::RolloutApprove)),
    (Method::POST, "/rollouts/{rollout}/delete", Whole(P::RolloutStart)),
    (Method::POST, "/rollouts/{rollout}/{verb}", Whole(P::RolloutStart)),
    (Method::GET, "/artefacts", Whole(P::ArtefactRead)),
    (Method::GET, "/contents", Whole(P::ArtefactRead)),
    (Method::GET, "/contents/{hash}", Whole(P::ArtefactRead)),
    (Method::GET, "/policies", Whole(P::PolicyRead)),
    (Method::GET, "/policies/{hash}", Whole(P::PolicyRead)),
    (Method::GET, "/alerts", Whole(P::HubRead)),
    (Method::GET, "/relay", Whole(P::HubRead)),
    (Method::GET, "/enrolments", Part(P::EnrolmentRead)),
    (Method::GET, "/enrolments/{store}/{node}", Store(P::EnrolmentRead)),
    (Method::POST, "/enrolments/{store}/{node}/{decision}", Store(P::EnrolmentDecide)),
    (Method::GET, "/claims", Part(P::EnrolmentRead)),
    // Which store is asked for stands in the form, and is looked at with it.
    (Method::POST, "/claims", Part(P::EnrolmentDecide)),
    (Method::POST, "/claims/{locator}/withdraw", Part(P::EnrolmentDecide)),
    (Method::GET, "/approvals", Whole(P::ApprovalRead)),
    (Method::GET, "/approvals/{approval}", Whole(P::ApprovalRead)),
    (Method::POST, "/approvals/{approval}/{decision}", Whole(P::ApprovalRead)),
    (Method::GET, "/people", Whole(P::PeopleRead)),
    (Method::POST, "/people", Whole(P::PeopleManage)),
    (Method::GET, "/people/{person}", Whole(P::PeopleRead)),
    (Method::POST, "/people/{person}", Whole(P::PeopleManage)),
    (Method::POST, "/people/{person}/disable", Whole(P::PeopleManage)),
    (Method::POST, "/people/{person}/enable", Whole(P::PeopleManage)),
    (Method::POST, "/people/{person}/reset", Whole(P::PeopleManage)),
    (Method::POST, "/people/{person}/sessions/{session}/end", Whole(P::PeopleManage)),
    (Method::POST, "/people/{person}/tokens/{token}/revoke", Whole(P::PeopleManage)),
    (Method::GET, "/audit", Whole(P::AuditRead)),
    (Method::GET, "/me", Anyone),
    (Method::POST, "/me/password", Session),
    (Method::POST, "/me/sessions/{session}/end", Session),
    (Method::POST, "/me/tokens", Session),
    (Method::POST, "/me/tokens/{token}/revoke", Session),
];

/// Whether somebody may somewhere what a page wants, so that it is worth leading them there.
pub(super) fn lets(who: &Who, need: Need) -> bool {
    match need {
        Whole(permission) => who.may(permission),
        Store(permission) | Part(permission) => !who.reach(permission).is_nothing(),
        Open | Anyone | Session => true,
    }
}

/// Whether a way leads to a page that somebody may see, as far as that is known before they are there.
pub(super) fn leads(who: &Who, path: &str) -> bool {
    PAGES.iter().any(|(method, line, need)| *method == Method::GET && *line == path && lets(who, *need))
}

/// Whether they may see all of what a page shows.
pub(super) fn is_whole(who: &Who, path: &str) -> bool {
    let line = PAGES.iter().find(|(method, line, _)| *method == Method::GET && *line == path);
    line.and_then(|(.., need)| need.permission()).is_some_and(|permission| who.may(permission))
}
