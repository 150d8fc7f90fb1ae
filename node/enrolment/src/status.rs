//! How the node stands with its chain: what pages, commands, metrics and the doctor are told.
//!
//! Nothing in it is secret: the key's fingerprint and the serial are read out on the phone. Guards: one value, changed as a whole, so that nobody sees half a step.

use crate::{
    fault::{Fault, FaultReport},
    step::{Mark, Step, StepReport, none_begun},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far the node is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = EnrolmentStage)]
pub enum Stage {
    /// Nobody has claimed it.
    #[default]
    Unclaimed,
    /// A claim is under way.
    Claiming,
    /// It has a certificate.
    Active,
    /// It has one, and the next one is under way.
    Renewing,
    /// Its certificate has run out; it asks for the next with its old key.
    Recovering,
}

/// What headquarters thinks of it, as it was last heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = EnrolmentStanding)]
pub enum Standing {
    /// It may come.
    #[default]
    Good,
    /// It may not, for a while.
    Suspended,
    /// It may not any more.
    Banned,
    /// The hub does not know it, or knows a newer certificate of it.
    Unknown,
}

/// The whole of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Enrolment)]
pub struct Status {
    /// How far it is.
    pub stage: Stage,
    /// What headquarters thinks of it.
    pub standing: Standing,
    /// Which box this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub serial: Option<String>,
    /// Where certificates are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hub: Option<String>,
    /// The fingerprint of the key in use, or of the one that waits for its certificate: what is read out on the phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub key: Option<String>,
    /// Who this is, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "spiffe://shops.example/store/berlin-12/node/4711")]
    pub identity: Option<String>,
    /// The store in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub store: Option<String>,
    /// The steps of the claim: empty before one begins.
    #[serde(default)]
    pub steps: Vec<StepReport>,
    /// What went wrong last; nothing when the last thing went well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub fault: Option<FaultReport>,
    /// When the next try is made, in milliseconds since 1970 by this machine's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_try_ms: Option<i64>,
    /// From when on the certificate holds, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub not_before_ms: Option<i64>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub not_after_ms: Option<i64>,
    /// When it is renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub renew_at_ms: Option<i64>,
    /// When a hub last said the time, by its own clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hub_time_ms: Option<i64>,
    /// When the hub was last reached with this node's certificate, in milliseconds since 1970, as far as the time is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub visited_ms: Option<i64>,
    /// The number of the list of who may not come in.
    pub revoked_number: u64,
    /// How many devices of this store are on it.
    pub devices_banned: usize,
    /// Rises when a claim came through in this process: the node has to take its identity over.
    pub claimed: u32,
}

impl Status {
    /// The steps from their beginning.
    pub(crate) fn begin(&mut self) {
        self.stage = Stage::Claiming;
        self.steps = none_begun();
        self.fault = None;
        self.next_try_ms = None;
    }

    /// A step is under way; those before it are done.
    pub(crate) fn doing(&mut self, step: Step, mut detail: Option<String>) {
        for report in &mut self.steps {
            if report.step < step {
                report.mark = Mark::Done;
            } else if report.step == step {
                report.mark = Mark::Doing;
                report.detail = detail.take().or_else(|| report.detail.take());
            } else {
                report.mark = Mark::Open;
            }
        }
    }

    /// A step is done.
    pub(crate) fn done(&mut self, step: Step, detail: Option<String>) {
        self.doing(step, detail);
        if let Some(report) = self.steps.iter_mut().find(|report| report.step == step) {
            report.mark = Mark::Done;
        }
    }

    /// Something went wrong at the step that is under way.
    pub(crate) fn failed(&mut self, fault: &Fault, next_try_ms: Option<i64>) {
        if next_try_ms.is_none() {
            let under_way = self.steps.iter_mut().filter(|report| report.mark == Mark::Doing);
            under_way.for_each(|report| report.mark = Mark::Failed);
        }
        self.fault = Some(fault.report());
        self.next_try_ms = next_try_ms;
    }

    /// Whether somebody should look: for `/healthz`.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.standing == Standing::Good
            && matches!(self.stage, Stage::Unclaimed | Stage::Active | Stage::Renewing)
    }

    /// Whether it may be claimed now.
    #[must_use]
    pub fn is_claimed(&self) -> bool {
        self.identity.is_some() && !matches!(self.stage, Stage::Unclaimed | Stage::Claiming)
    }

    /// What staff should see of it, with what to do; nothing when all is well.
    #[must_use]
    pub fn alert(&self, now_ms: i64) -> Option<(bool, String)> {
        let code = self.fault.as_ref().map(|fault| format!("{}: {}", fault.code, fault.next_step));
        let code = code.unwrap_or_default();
        match (self.standing, self.stage) {
            (Standing::Banned, _) => {
                Some((true, format!("Headquarters has banned this box; the store goes on selling alone. {code}")))
            }
            (Standing::Suspended, _) => Some((
                false,
                format!("Headquarters has suspended this box; the store goes on selling alone. {code}"),
            )),
            (Standing::Unknown, _) => Some((
                false,
                format!("The hub does not know this box any more; the store goes on selling alone. {code}"),
            )),
            (_, Stage::Recovering) => {
                Some((false, format!("The certificate of this box has run out; it asks for a new one. {code}")))
            }
            (_, Stage::Claiming) => Some((
                false,
                "This box is not part of its chain yet: open /first-boot to see how far it is.".into(),
            )),
            (_, Stage::Unclaimed) => None,
            (Standing::Good, Stage::Active | Stage::Renewing) => self.overdue_days(now_ms).map(|days| {
                let left = self.not_after_ms.map_or(0, |end| end.saturating_sub(now_ms) / DAY_MS);
                (
                    false,
                    format!(
                        "The certificate of this box should have been renewed {days} days ago and holds for {left} more. {code}"
                    ),
                )
            }),
        }
    }

    /// For how many days a renewal is overdue, where that is worth a word.
    #[must_use]
    pub fn overdue_days(&self, now_ms: i64) -> Option<i64> {
        let days = now_ms.saturating_sub(self.renew_at_ms?) / DAY_MS;
        (days >= OVERDUE_DAYS).then_some(days)
    }
}

const DAY_MS: i64 = 24 * 3_600_000;
/// So many days without a renewal are what a line that is down explains.
const OVERDUE_DAYS: i64 = 7;

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_provisioning::code::Code;

    #[test]
    fn a_step_under_way_says_that_those_before_it_are_done() {
        let mut status = Status::default();
        status.begin();
        status.doing(Step::Clock, Some("12:00".into()));
        let marks: Vec<Mark> = status.steps.iter().map(|step| step.mark).collect();
        assert_eq!(marks.iter().filter(|mark| **mark == Mark::Done).count(), 3);
        assert_eq!(marks[3], Mark::Doing);
        status.failed(&Fault::new(Code::HubBusy, ""), Some(5));
        assert_eq!(status.steps[3].mark, Mark::Doing, "it is tried again");
        status.failed(&Fault::new(Code::Rejected, ""), None);
        assert_eq!(status.steps[3].mark, Mark::Failed);
        assert_eq!(status.fault.unwrap().code, "E-502");
    }

    #[test]
    fn staff_are_told_of_a_ban_and_of_a_renewal_that_does_not_come() {
        let active = Status {
            stage: Stage::Active,
            renew_at_ms: Some(0),
            not_after_ms: Some(45 * DAY_MS),
            ..Status::default()
        };
        assert_eq!(active.alert(6 * DAY_MS), None);
        let (urgent, said) = active.alert(9 * DAY_MS).unwrap();
        assert!(!urgent && said.contains("9 days ago") && said.contains("36 more"), "{said}");
        let banned = Status { standing: Standing::Banned, ..active };
        assert!(banned.alert(0).unwrap().0 && !banned.is_whole());
        assert_eq!(Status::default().alert(0), None);
    }
}
