//! What a node does that has a certificate: takes a new one into use, visits the hub, renews, hears of bans.
//!
//! Make before break: a certificate is in use once the hub has taken a connection with it. Not here: when the hub is visited ([`crate::plan`]).

use super::{DevicePapers, HUB, Worker, of_disk, of_ring};
use crate::{
    calls::{self, Believed},
    fault::Fault,
    files::{self, Access},
    hub::Hub,
    plan,
    status::Stage,
    step::Step,
};
use aisle_provisioning::{
    certificate,
    code::Code,
    device::RevocationList,
    est::Heard,
    identity::{Chain, Device, Identity},
    key::PrivateKey,
    keyring::{self, KeyringError, Offer},
};
use std::path::{Path, PathBuf};

/// The largest list of bans that is kept, in bytes.
const LIST_BYTES_MAX: u64 = 48 << 20;

impl Worker {
    /// Shows the newest certificate to the hub. When it was taken, the one before goes, and the rest of the node gets what it needs. One that has run out before it was ever shown is
    /// good for getting another one for the same key; the key stays, since a claim is bound to it.
    pub(super) async fn settle(&mut self) -> Result<(), Fault> {
        match self.show_newest().await {
            Err(fault) if fault.code == Code::CertificateExpired => {
                tracing::info!("the certificate has run out before it was in use; another one is asked for");
                self.replace_newest().await?;
                self.show_newest().await
            }
            settled => settled,
        }
    }

    /// Asks for another certificate for the newest key, showing the one that it has.
    async fn replace_newest(&mut self) -> Result<(), Fault> {
        let Some(offer) = self.ring.offers().first().map(|offer| Offer::clone(offer)) else { return Ok(()) };
        let (address, chain) = (self.address(self.ring.claim())?, self.own_chain(&offer)?);
        let mut hub = self.connect(&address, &chain, Some(&offer)).await?;
        self.hear_time(&mut hub, &chain).await?;
        self.certify(&mut hub, &offer, &offer.key).await
    }

    async fn show_newest(&mut self) -> Result<(), Fault> {
        let Some(offer) = self.ring.offers().first().map(|offer| Offer::clone(offer)) else { return Ok(()) };
        self.is_of_this_store(&offer.facts)?;
        let (address, chain) = (self.address(self.ring.claim())?, self.own_chain(&offer)?);
        self.change(|status| {
            if status.stage == Stage::Claiming {
                status.doing(Step::Certificate, None);
            }
        });
        let mut hub = self.connect(&address, &chain, Some(&offer)).await?;
        let settings = calls::settings(&mut hub, None).await?;
        // Before the claim goes, which may be all that says it.
        self.keep_hub(HUB, &address)?;
        self.ring.accepted(offer.generation).map_err(|error| of_ring(&error))?;
        self.forget_claims_hub();
        self.change(|status| {
            if status.stage == Stage::Claiming {
                let name = offer.facts.identity.as_ref().map(ToString::to_string);
                status.done(Step::Certificate, name);
                status.doing(Step::Sync, None);
            }
        });
        self.export()?;
        if let Some((settings, _)) = settings {
            // The next visit asks for them again, and for the list of bans.
            settings
                .keep(&self.setup.data, &*self.setup.is_artefact_root)
                .map_err(|error| of_disk(&error))?;
        }
        self.visited();
        self.show();
        Ok(())
    }

    fn own_chain(&self, offer: &Offer) -> Result<Chain, Fault> {
        match &offer.facts.identity {
            Some(identity) => Ok(identity.chain().clone()),
            None => self.chain(),
        }
    }

    /// Puts the certificate in use where the line to the hub and the broker read it: the key first, so that who reads between the two
    /// finds a pair that does not fit, and looks again.
    fn export(&self) -> Result<(), Fault> {
        let Some(offer) = self.ring.offers().last().copied() else { return Ok(()) };
        let data = &self.setup.data;
        let write = || {
            let key = offer.key.to_pem();
            files::settle(&files::private_key(data), key.as_bytes(), Access::Owner)?;
            let chain = certificate::to_pem(&offer.chain);
            files::settle(&files::certificate(data), chain.as_bytes(), Access::All)
        };
        write().map(drop).map_err(|error| of_disk(&error))
    }

    fn visited(&self) {
        let at = self.setup.clock.guess().0;
        self.change(|status| status.visited_ms = Some(at));
    }

    /// A visit of a node that has a certificate.
    pub(super) async fn visit(&mut self) -> Result<(), Fault> {
        // A kill may have come between the keyring and the copies.
        self.export()?;
        if self.ring.stage() == keyring::Stage::Renewed {
            self.settle_or_fall_back().await?;
        }
        let Some(offer) = self.ring.offers().last().map(|offer| Offer::clone(offer)) else { return Ok(()) };
        let (address, chain) = (self.address(None)?, self.own_chain(&offer)?);
        let mut hub = self.connect(&address, &chain, Some(&offer)).await?;
        self.hear_time(&mut hub, &chain).await?;
        let is_due = plan::is_due(
            &offer.facts,
            self.setup.clock.guess(),
            self.setup.clock.judge(offer.facts.validity),
        );
        if is_due {
            self.renew(&mut hub, &offer).await?;
            // What follows is asked with the new one.
            hub = self.connect(&address, &chain, self.ring.offers().last().copied()).await?;
        }
        if let Some((settings, tag)) = calls::settings(&mut hub, self.settings_tag.as_deref()).await? {
            settings
                .keep(&self.setup.data, &*self.setup.is_artefact_root)
                .map_err(|error| of_disk(&error))?;
            if settings.revoked_number > self.banned.get().number() {
                self.fetch_bans(&mut hub, &chain).await?;
            }
            // Last: what was not done is told again with the next visit.
            self.settings_tag = tag;
        }
        self.visited();
        Ok(())
    }

    /// A new certificate that the hub does not take leaves the one in use.
    async fn settle_or_fall_back(&mut self) -> Result<(), Fault> {
        match self.settle().await {
            Err(fault) if matches!(fault.code, Code::NodeUnknown | Code::AnswerUnusable) => {
                tracing::warn!(code = %fault.code, "the next certificate is not taken; it is asked for anew");
                self.ring.discard_next().map_err(|error| of_ring(&error))
            }
            settled => settled,
        }
    }

    async fn renew(&mut self, hub: &mut Hub, offer: &Offer) -> Result<(), Fault> {
        let key = self.ring.prepare(&mut self.entropy).map_err(|error| of_ring(&error))?;
        self.show();
        self.certify(hub, offer, &key).await?;
        self.settle().await?;
        tracing::info!("the certificate is renewed, and the hub takes the new one");
        Ok(())
    }

    /// Asks for a certificate for the next key, over a connection that shows this one, and keeps it.
    async fn certify(&mut self, hub: &mut Hub, offer: &Offer, key: &PrivateKey) -> Result<(), Fault> {
        let receipt_key = (self.setup.receipt_key)();
        let receipt_key = receipt_key.map_err(|reason| Fault::new(Code::DiskUnwritable, reason))?;
        match calls::renew(hub, offer, key, receipt_key).await? {
            Heard::Issued(issued) => self.ring.certify(issued).map(drop).map_err(|error| of_ring(&error)),
            Heard::Wait { code, retry_after_s } => {
                let fault = Fault::new(code.unwrap_or(Code::CannotIssue), "the renewal waits");
                Err(fault.not_before(Some(u64::from(retry_after_s) * 1_000)))
            }
            Heard::Refused { code, text } => Err(Fault::new(code.unwrap_or(Code::NoHub), text)),
        }
    }

    /// Fetches the list of who may not come in, keeps it, and lets it count.
    async fn fetch_bans(&mut self, hub: &mut Hub, chain: &Chain) -> Result<(), Fault> {
        let Some(store) = self.ring.identity().and_then(Identity::store).cloned() else { return Ok(()) };
        let floor = self.setup.clock.floor();
        let roots = self.ring.roots().ok_or_else(|| of_ring(&KeyringError::NoRoots))?;
        let believed = Believed { roots, chain, floor: &floor, banned: &self.banned };
        let (list, _) = calls::revoked(hub, &store, believed).await?;
        if list.number() == self.banned.get().number() {
            return Ok(());
        }
        let list = list.for_store(&store);
        let kept = files::replace(&bans_file(&self.setup.data), &list.encode(), Access::Owner);
        kept.map_err(|error| of_disk(&error))?;
        // There is one worker, so nobody has put a newer one there.
        let _ = self.banned.set(list);
        self.show();
        Ok(())
    }

    async fn as_node(&self) -> Result<(Hub, Chain), Fault> {
        let offer = self.ring.offers().last().map(|offer| Offer::clone(offer));
        let offer =
            offer.ok_or_else(|| Fault::new(Code::NotInThisState, "this box has no certificate yet"))?;
        let chain = self.own_chain(&offer)?;
        let hub = self.connect(&self.address(None)?, &chain, Some(&offer)).await?;
        Ok((hub, chain))
    }

    pub(super) async fn device(&mut self, device: &Device, csr: &[u8]) -> Result<DevicePapers, Fault> {
        let (mut hub, _) = self.as_node().await?;
        let chain = calls::device(&mut hub, device.as_str(), csr).await?;
        let roots = self.ring.roots().ok_or_else(|| of_ring(&KeyringError::NoRoots))?;
        let verified = roots.verify(&chain, self.setup.clock.guess());
        let facts = verified.map_err(|error| Fault::of(Code::AnswerUnusable, &error))?;
        let named =
            matches!(&facts.identity, Some(Identity::Device { device: found, .. }) if found == device);
        if !named {
            return Err(Fault::new(Code::AnswerUnusable, "the certificate that came is for another device"));
        }
        Ok(DevicePapers { chain_pem: certificate::to_pem(&chain), roots_pem: roots.to_pem() })
    }

    pub(super) async fn ban_device(&mut self, device: &Device) -> Result<(), Fault> {
        let (mut hub, _) = self.as_node().await?;
        calls::ban_device(&mut hub, device.as_str()).await
    }
}

/// Where the list of who may not come in is kept.
pub(crate) fn bans_file(data: &Path) -> PathBuf {
    files::folder(data).join("revoked")
}

/// The list that was kept; none where there is none that can be read, since the next visit fetches one.
pub(crate) fn kept_bans(data: &Path) -> RevocationList {
    let bytes = files::read(&bans_file(data), LIST_BYTES_MAX).ok().flatten();
    bytes.and_then(|bytes| RevocationList::decode(&bytes).ok()).unwrap_or_default()
}
