//! What comes to a hub and to a box before they know each other: names, claims, requests, bodies of EST; and what a hub signs.
//!
//! Keys come from the operating system, so the bytes of the examples are others in each run; what is done to them follows from the seed.

mod claim;
mod est;
mod identity;
mod request;
mod signed;

pub use claim::claim_code;
pub use est::est_body;
pub use identity::identity;
pub use request::certificate_request;
pub use signed::{revocation_list, time_statement};

pub(crate) use claim::examples as claim_examples;
pub(crate) use est::examples as est_examples;
pub(crate) use identity::examples as identity_examples;
pub(crate) use request::examples as request_examples;
pub(crate) use signed::{list_examples, time_examples};

use aisle_event::Timestamp;
use aisle_provisioning::{
    Chain, Device, Entropy, HubName, Identity, Lifetimes, NoEntropy, PrivateKey, Roots, Serial, Signer,
    Store,
    authority::{Charter, Issuing, NameLimits, Root},
    issue::{Issued, Subject},
    request::{KeyRules, Request, make},
};
use std::sync::OnceLock;

/// 2026-11-22, noon.
const NOW: Timestamp = Timestamp(1_795_348_800_000);

/// Numbers and codes that repeat.
struct Counted(u8);

impl Entropy for Counted {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(5).wrapping_add(17);
            *byte = self.0;
        }
        Ok(())
    }
}

fn chain() -> Chain {
    Chain::new("shops.example").expect("a good name")
}

fn node() -> Identity {
    let (store, serial) = (Store::new("berlin-12"), Serial::new("4711"));
    Identity::node(chain(), store.expect("a good name"), serial.expect("a good name"))
}

fn device() -> Identity {
    let (store, device) = (Store::new("berlin-12"), Device::new("fridge-7"));
    Identity::device(chain(), store.expect("a good name"), device.expect("a good name"))
}

fn hub() -> Identity {
    Identity::hub(chain(), HubName::new("hub-eu").expect("a good name"))
}

/// A chain of stores, and a hub and a node in it.
struct World {
    roots: Roots,
    hub: (PrivateKey, Issued),
    node: (PrivateKey, Issued),
    authorities: Vec<rustls_pki_types::CertificateDer<'static>>,
}

impl World {
    fn signer(&self) -> Signer<'_> {
        Signer { chain: &self.hub.1.chain, key: &self.hub.0 }
    }
}

fn member(issuing: &Issuing, identity: &Identity, entropy: &mut Counted) -> (PrivateKey, Issued) {
    let key = PrivateKey::generate().expect("randomness");
    let der = make(&key, identity.last(), Some(identity)).expect("a request");
    let request = Request::read(&der, KeyRules::OWN).expect("a good request");
    let subject = Subject { identity, key: &request.key, names: &[] };
    let issued = issuing.issue(subject, &Lifetimes::default(), NOW, entropy).expect("a certificate");
    (key, issued)
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let mut entropy = Counted(1);
        let limits = NameLimits::private(&chain());
        let charter = Charter { chain: chain(), limits, lifetimes: Lifetimes::default() };
        let root = Root::create(&charter, NOW, &mut entropy).expect("a root");
        let issuing = root.certify(&charter, NOW, &mut entropy).expect("an authority");
        let authorities = vec![root.certificate().clone(), issuing.certificate().clone()];
        World {
            roots: Roots::new(vec![root.certificate().clone()]).expect("a root"),
            hub: member(&issuing, &hub(), &mut entropy),
            node: member(&issuing, &node(), &mut entropy),
            authorities,
        }
    })
}
