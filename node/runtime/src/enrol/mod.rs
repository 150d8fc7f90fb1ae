//! The node's enrolment, wired: its settings, what the rest of the node takes over of it, its command.
//!
//! ```text
//! start ─ adopt ─> store, [sync], mqtt from DATA/identity      (aisle-enrolment put them there)
//! run ── open ──> Enrolment: page, admin routes, /healthz, alerts; Worker on its own thread
//!         └─ a claim came through ─> the process starts anew by itself, once: who it is goes into every part of it
//! ```
//!
//! Not here: how a box is claimed and its certificate renewed (`aisle-enrolment`). Guards invariant 5: nothing of it keeps the shop from starting or selling.

mod adopt;
mod artefacts;
pub(crate) mod command;
pub(crate) mod config;
pub(crate) mod credential;
mod metrics;

pub(crate) use adopt::{adopt, note_what_mqtt_shows};
pub(crate) use config::{RawEnrolment, RawNode, Settings};
pub(crate) use metrics::Metrics;

use crate::{
    config::Config,
    floor::{IsUnclaimed, Notice, Notices},
    horizon::Watch,
    store::wall_clock,
    sync::files,
};
use aisle_broker::transport::{Judges, Trust};
use aisle_enrolment::{BUILT, Clock, Enrolment, Setup, Worker};
use aisle_provisioning::{
    certificate::Facts,
    identity::{Identity, Store},
};
use aisle_transport::tls::ClockSource;
use std::{collections::BTreeSet, path::Path, sync::Arc};
use tokio::sync::watch;

/// How long the last step of a claim is shown before the node starts anew.
const SEEN_WITHIN: std::time::Duration = std::time::Duration::from_millis(1_500);

/// The time as the folder of the identity knows it.
pub(crate) fn clock(data: &Path) -> Clock {
    Clock::open(&aisle_enrolment::files::folder(data), BUILT, Arc::new(wall_clock))
}

/// What the enrolment works with.
pub(crate) fn setup(data: &Path, config: &Config) -> Setup {
    let settings = &config.enrolment;
    let (of_key, sync) = (data.to_owned(), config.sync.clone());
    let named = config.is_store_named.then(|| Store::try_from(&config.store).ok()).flatten();
    let root = Path::new("/");
    Setup {
        data: data.into(),
        serial: settings.serial.clone().or_else(|| aisle_enrolment::serial::of_box(root)),
        store: named,
        hub: settings.hub.clone(),
        receipt_key: Arc::new(move || {
            let key = files::receipt_key(&of_key, sync.as_ref());
            key.map(|key| key.verifying_key().0).map_err(|error| crate::sync::words(&error))
        }),
        is_artefact_root: Arc::new(artefacts::is_root),
        clock: clock(data),
        visit_ms: settings.visit_ms,
    }
}

/// Opens the enrolment. A node whose own keys cannot be read sells all the same, and says so.
pub(crate) fn open(data: &Path, config: &Config) -> (Option<(Enrolment, Worker)>, Option<String>) {
    match aisle_enrolment::open(setup(data, config)) {
        Ok(opened) => (Some(opened), config.enrolment.problem.clone()),
        Err(error) => {
            let words = crate::sync::words(&error);
            tracing::error!("the node's identity cannot be used, the shop goes on: {words}");
            (None, Some(words))
        }
    }
}

/// How the line to the hub knows the time: by what hubs have signed, once the node has an identity of its own; else by the system's clock.
pub(crate) fn clock_source(config: &Config, enrolment: Option<&Enrolment>) -> ClockSource {
    match enrolment.filter(|_| config.enrolment.is_adopted) {
        None => ClockSource::System,
        Some(enrolment) => {
            let clock = enrolment.clock().clone();
            ClockSource::AtLeast(Arc::new(move || u64::try_from(clock.at_least().0).unwrap_or(0)))
        }
    }
}

/// What the broker asks of client certificates: those of the chain are judged by its time and its bans, and have to be of devices of this store; those of somebody else's
/// authority are judged by the system's clock.
pub(crate) fn trust(data: &Path, config: &Config, enrolment: Option<&Enrolment>) -> Trust {
    if config.mqtt.client_ca_file != Some(aisle_enrolment::files::roots(data)) {
        return Trust::default();
    }
    // As it was at the start: whoever is claimed anew starts anew.
    let own = aisle_enrolment::identity_on_disk(data).ok().flatten().and_then(|facts| facts.identity);
    let is_foreign: Judges =
        Arc::new(move |shown| !own.as_ref().is_some_and(|own| is_device_beside(own, shown)));
    let is_foreign = Some(is_foreign);
    let Some(enrolment) = enrolment else { return Trust { is_foreign, ..Trust::default() } };
    let (clock, bans) = (enrolment.clock().clone(), enrolment.clone());
    Trust {
        at_least_ms: Some(Arc::new(move || u64::try_from(clock.at_least().0).unwrap_or(0))),
        is_foreign,
        is_banned: Some(Arc::new(move |certificate| bans.is_banned(certificate))),
    }
}

/// Whether a certificate is of a device in the store of this node: the chain's roots vouch for all stores, and for nodes and hubs.
fn is_device_beside(own: &Identity, certificate: &[u8]) -> bool {
    let named = Facts::read(certificate).ok().and_then(|facts| facts.identity);
    matches!(&named, Some(Identity::Device { chain, store, .. }) if chain == own.chain() && Some(store) == own.store())
}

/// Whether the first page is served: a node that is set up by files of its own has nothing to be claimed for.
pub(crate) const fn has_first_page(config: &Config) -> bool {
    config.enrolment.first_boot && (config.sync.is_none() || config.enrolment.is_adopted)
}

/// What staff see of the identity and of what runs out, most urgent first.
pub(crate) fn notices(enrolment: Option<Enrolment>, watch: Watch) -> Notices {
    Arc::new(move || {
        let notice = |(is_urgent, words): (bool, String)| Notice { words, is_urgent };
        let of_identity = enrolment.as_ref().and_then(Enrolment::alert).map(notice);
        let horizon = watch.latest();
        let ahead = horizon.alerts().map(|(is_over, said)| (is_over, format!("Without a line: {said}.")));
        of_identity.into_iter().chain(ahead.map(notice)).collect()
    })
}

/// Whether staff are shown the way to the first page: as long as there is a box to be claimed.
pub(crate) fn is_unclaimed(config: &Config, enrolment: Option<Enrolment>) -> IsUnclaimed {
    let may_be = config.sync.is_none() && has_first_page(config);
    Arc::new(move || may_be && enrolment.as_ref().is_some_and(|enrolment| !enrolment.status().is_claimed()))
}

/// Waits until a claim has come through in this process, and whoever looks on has seen it.
pub(crate) async fn claimed(enrolment: Option<&Enrolment>) {
    let Some(enrolment) = enrolment else { return std::future::pending().await };
    let mut status: watch::Receiver<_> = enrolment.watch();
    let through = status.wait_for(|status: &aisle_enrolment::Status| status.claimed > 0).await.is_ok();
    if through {
        // Pages and commands ask a few times a second.
        tokio::time::sleep(SEEN_WITHIN).await;
    } else {
        // The worker has ended, which the node's end says.
        std::future::pending::<()>().await;
    }
}

/// Sends away who came in by the certificate of a device that was banned, once for each ban: it may come by a password from then on. Never ends.
pub(crate) async fn send_banned_away(enrolment: Enrolment, broker: aisle_broker::Broker) {
    let mut status = enrolment.watch();
    let mut known = BTreeSet::new();
    let mut last = None;
    loop {
        let number = status.borrow_and_update().revoked_number;
        if last.replace(number) != Some(number) {
            let banned: BTreeSet<_> = enrolment.banned_devices().into_iter().collect();
            for device in banned.difference(&known) {
                let clients = broker.close_certified(device);
                if clients > 0 {
                    tracing::warn!(device, clients, "a device that was banned was sent away");
                }
            }
            known = banned;
        }
        if status.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_provisioning::{
        authority::{Charter, NameLimits, Root},
        entropy::SystemEntropy,
        identity::{Chain, Device, HubName, Serial},
        issue::Subject,
        key::PrivateKey,
        moment::Lifetimes,
        request::{self, KeyRules, Request},
    };

    #[test]
    fn of_all_that_the_chain_vouches_for_only_devices_of_this_store_come_in() {
        let (entropy, now) = (&mut SystemEntropy::default(), wall_clock());
        let chain = |name: &str| Chain::new(name).unwrap();
        let store = |name: &str| Store::new(name).unwrap();
        let serial = |name: &str| Serial::new(name).unwrap();
        let fridge = || Device::new("fridge-7").unwrap();
        let mut certificate = |identity: &Identity| {
            let limits = NameLimits::private(identity.chain());
            let lifetimes = Lifetimes::default();
            let charter = Charter { chain: identity.chain().clone(), limits, lifetimes };
            let root = Root::create(&charter, now, entropy).unwrap();
            let issuing = root.certify(&charter, now, entropy).unwrap();
            let key = PrivateKey::generate().unwrap();
            let csr = request::make(&key, identity.last(), Some(identity)).unwrap();
            let csr = Request::read(&csr, KeyRules::OWN).unwrap();
            let subject = Subject { identity, key: &csr.key, names: &[] };
            issuing.issue(subject, &lifetimes, now, entropy).unwrap().chain.remove(0)
        };
        let own = Identity::node(chain("shops.example"), store("berlin-12"), serial("box-1"));
        let device = Identity::device(chain("shops.example"), store("berlin-12"), fridge());
        assert!(is_device_beside(&own, &certificate(&device)));
        for other in [
            Identity::device(chain("shops.example"), store("berlin-13"), fridge()),
            Identity::device(chain("others.example"), store("berlin-12"), fridge()),
            Identity::node(chain("shops.example"), store("berlin-12"), serial("fridge-7")),
            Identity::hub(chain("shops.example"), HubName::new("hub-1").unwrap()),
        ] {
            assert!(!is_device_beside(&own, &certificate(&other)), "{other}");
        }
        assert!(!is_device_beside(&own, b"no certificate"));
    }
}
