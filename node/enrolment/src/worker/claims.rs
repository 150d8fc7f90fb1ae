//! The claim, step by step, and what becomes of one that does not go through.
//!
//! Not here: how a certificate is taken into use ([`super::visits`]). Guards: nothing that an installer typed is given up before a hub has refused it, and a node that has a certificate
//! keeps it until the new claim is through.

use super::{Went, Worker, draw, later, of_ring};
use crate::{
    calls::{self, Asking},
    fault::Fault,
    hub, plan,
    status::{Standing, Status},
    step::Step,
};
use aisle_event::Timestamp;
use aisle_provisioning::{
    certificate::Facts,
    claim::{ClaimInput, ClaimLink, HubAddress},
    code::Code,
    est::Heard,
    fingerprint::Fingerprint,
    identity::{Chain, Identity},
    keyring,
    roots::Roots,
};
use std::time::Duration;

/// The port that a hub gives certificates on, where nobody says another.
const PORT: u16 = 8_444;

impl Worker {
    pub(super) async fn work_on_claim(&mut self) -> Duration {
        if self.status.borrow().steps.is_empty() {
            self.change(Status::begin);
        }
        match self.claim().await {
            Ok(Went::Through) => {
                self.failed = 0;
                self.show();
                self.change(|status| {
                    (status.fault, status.next_try_ms) = (None, None);
                    status.standing = Standing::Good;
                    status.done(Step::Sync, None);
                    status.claimed += 1;
                });
                tracing::info!("the claim is through; this box is a node of its chain");
                Duration::from_millis(plan::visit_wait_ms(self.setup.visit_ms, draw()))
            }
            Ok(Went::Waits(fault)) => {
                let wait = plan::claim_wait_ms(0, draw(), fault.retry_after_ms.or(Some(30_000)));
                self.change(|status| status.failed(&fault, Some(later(wait))));
                Duration::from_millis(wait)
            }
            Err(fault) if fault.code.is_passing() => {
                let wait = plan::claim_wait_ms(self.failed, draw(), fault.retry_after_ms);
                self.failed = self.failed.saturating_add(1);
                tracing::warn!(code = %fault.code, "the claim does not go on: {fault}");
                self.change(|status| status.failed(&fault, Some(later(wait))));
                Duration::from_millis(wait)
            }
            Err(fault) => {
                tracing::error!(code = %fault.code, "the claim ended: {fault}");
                self.give_up(&fault);
                self.show();
                self.change(|status| status.failed(&fault, None));
                Duration::from_millis(plan::visit_wait_ms(self.setup.visit_ms, draw()))
            }
        }
    }

    /// A claim that a hub refused for good is of no use any more. What stands between may be seen to, and the claim goes on.
    fn give_up(&mut self, fault: &Fault) {
        let is_refused = match fault.code {
            Code::ClaimNeeded | Code::AnswerUnusable => false,
            code => matches!(code.number() / 100, 2 | 4 | 5),
        };
        // A node that goes on with the certificate that it has needs no key for another one.
        let is_left_over = is_refused && self.ring.stage() == keyring::Stage::Renewing;
        if (is_left_over || matches!(fault.code, Code::KeyRefused | Code::KeyUnproved))
            && let Err(error) = self.ring.discard_next()
        {
            tracing::warn!(%error, "a key that was refused is still there");
        }
        if is_refused && let Err(error) = self.ring.discard_claim() {
            tracing::warn!(%error, "a claim that was refused is still there");
        }
    }

    /// The claim, from where it is to where it gets.
    async fn claim(&mut self) -> Result<Went, Fault> {
        if self.ring.stage() == keyring::Stage::Certified {
            return self.settle().await.map(|()| Went::Through);
        }
        let Some(claim) = self.ring.claim().cloned() else { return Ok(Went::Through) };
        let serial = self.serial()?;
        let address = self.address(Some(&claim))?;
        self.change(|status| status.doing(Step::Network, None));
        if !hub::has_network() && !hub::is_here(&address) {
            return Err(Fault::new(Code::NoNetwork, "no address but the machine's own"));
        }
        let chain = self.introduce(&address, &claim).await?;
        self.change(|status| status.doing(Step::Clock, None));
        let mut hub = self.connect(&address, &chain, None).await?;
        let at = self.hear_time(&mut hub, &chain).await?;
        self.change(|status| {
            status.done(Step::Clock, Some(shown_time(at)));
            status.doing(Step::Key, None);
        });
        let key = self.ring.prepare(&mut self.entropy).map_err(|error| of_ring(&error))?;
        self.change(|status| {
            status.key = Some(key.fingerprint().short());
            status.done(Step::Key, Some(key.fingerprint().short()));
            status.doing(Step::Request, None);
        });
        let receipt_key = (self.setup.receipt_key)();
        let receipt_key = receipt_key.map_err(|reason| Fault::new(Code::DiskUnwritable, reason))?;
        let store = self.setup.store.as_ref();
        let asking = Asking { claim: &claim, serial: &serial, store, receipt_key };
        match calls::enrol(&mut hub, &asking, &key).await? {
            Heard::Wait { code, retry_after_s } => {
                let waits = Fault::new(code.unwrap_or(Code::WaitsForApproval), "");
                self.change(|status| {
                    status.done(Step::Request, Some(format!("as box {serial}")));
                    status.doing(Step::Approval, None);
                });
                Ok(Went::Waits(waits.not_before(Some(u64::from(retry_after_s) * 1_000))))
            }
            Heard::Refused { code, text } => Err(Fault::new(code.unwrap_or(Code::NoHub), text)),
            Heard::Issued(issued) => {
                self.change(|status| status.doing(Step::Certificate, None));
                let facts = self.ring.certify(issued).map_err(|error| of_ring(&error))?;
                self.is_of_this_store(&facts)?;
                self.settle().await.map(|()| Went::Through)
            }
        }
    }

    pub(super) fn is_of_this_store(&self, facts: &Facts) -> Result<(), Fault> {
        let found = facts.identity.as_ref().and_then(Identity::store);
        match (&self.setup.store, found) {
            (Some(expected), Some(found)) if expected != found => Err(Fault::new(
                Code::ClaimOfOtherStore,
                format!("the certificate is for store `{found}`, and `store.id` is `{expected}`"),
            )),
            _ => Ok(()),
        }
    }

    /// Finds out that this is the claim's hub, once for each claim and start.
    async fn introduce(&mut self, address: &HubAddress, claim: &ClaimInput) -> Result<Chain, Fault> {
        let locator = claim.code().locator();
        if let Some((known, chain)) = &self.introduced
            && *known == locator
        {
            return Ok(chain.clone());
        }
        self.change(|status| {
            status.done(Step::Network, None);
            status.doing(Step::Hub, Some(address.to_string()));
        });
        let status = self.status.clone();
        let reached = move || status.send_modify(|status| status.doing(Step::Root, None));
        let (roots, chain) = calls::introduce(address, claim, &mut self.entropy, reached).await?;
        let shown = roots.facts().first().map(|root| root.key.short());
        self.trust(roots)?;
        self.change(|status| status.done(Step::Root, shown));
        self.introduced = Some((locator, chain.clone()));
        Ok(chain)
    }

    /// Believes new roots, and the old ones beside them as long as the certificate of the old ones is in use.
    fn trust(&mut self, roots: Roots) -> Result<(), Fault> {
        let is_known = |known: &Roots, root: &Fingerprint| known.have(root);
        let together = match self.ring.roots().filter(|_| self.ring.identity().is_some()) {
            Some(known) if roots.facts().iter().all(|root| is_known(known, &root.key)) => return Ok(()),
            Some(known) => {
                let old = known.certificates().iter().zip(known.facts());
                let old = old.filter(|(_, facts)| !roots.have(&facts.key)).map(|(root, _)| root.clone());
                let all = roots.certificates().iter().cloned().chain(old).collect();
                Roots::new(all).map_err(|error| Fault::of(Code::HubNotTrusted, &error))?
            }
            None => roots,
        };
        self.ring.trust(together).map_err(|error| of_ring(&error))
    }
}

/// A time for people, in UTC, to the minute.
fn shown_time(at: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(at.0);
    time.map_or_else(|_| format!("{} ms", at.0), |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// A link of a code, where the root's fingerprint and the hub are known besides.
#[must_use]
pub fn with_root(code: ClaimInput, hub: Option<&HubAddress>, root: Option<Fingerprint>) -> ClaimInput {
    match (code, hub, root) {
        (ClaimInput::Code(code), Some(hub), Some(root)) => {
            ClaimInput::Link(ClaimLink { code, hub: hub.clone(), root })
        }
        (code, ..) => code,
    }
}

/// An address of a hub as people write it: with or without `https://`, with or without a port.
///
/// # Errors
/// When it is none.
pub fn hub_address(text: &str) -> Result<HubAddress, Fault> {
    let wrong = |text: &str| Fault::new(Code::HubUnnamed, format!("`{text}` is no address of a hub"));
    let plain = text.trim().trim_start_matches("https://").trim_end_matches('/');
    let parsed = plain.parse::<HubAddress>();
    parsed.or_else(|_| format!("{plain}:{PORT}").parse()).map_err(|_| wrong(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_is_named_with_and_without_its_port() {
        for text in ["hub.example", "https://hub.example/", "hub.example:8444"] {
            assert_eq!(hub_address(text).unwrap().to_string(), "hub.example:8444", "{text}");
        }
        assert_eq!(hub_address("10.1.2.3:9").unwrap().to_string(), "10.1.2.3:9");
        assert_eq!(hub_address("no hub at all").unwrap_err().code, Code::HubUnnamed);
    }
}
