//! A chain with its authority, a hub's record of one node, and randomness that repeats.

use aisle_event::Timestamp;
use aisle_provisioning::{
    Chain, Device, Entropy, HubName, Identity, KeyCost, Lifetimes, NoEntropy, Passphrase, PrivateKey, Roots,
    Serial, Signer, Store,
    authority::{Charter, Issuing, NameLimits, Root},
    issue::{Issued, Subject},
    moment::DAY_MS,
    request::{self, KeyRules, Request},
};
use rustls_pki_types::ServerName;

/// 2026-11-22, noon.
pub const NOW: Timestamp = Timestamp(1_795_348_800_000);

/// Work that no test waits for.
pub const CHEAP: KeyCost = KeyCost { log_n: 10, p: 1 };

/// `SplitMix64`: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
pub struct Seeded(pub u64);

impl Seeded {
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for byte in bytes {
            *byte = self.number() as u8;
        }
        Ok(())
    }
}

pub fn days(count: i64) -> Timestamp {
    Timestamp(NOW.0 + count * DAY_MS)
}

pub fn chain() -> Chain {
    Chain::new("shops.example").unwrap()
}

pub fn store() -> Store {
    Store::new("berlin-12").unwrap()
}

pub fn serial() -> Serial {
    Serial::new("A1b2.c_d").unwrap()
}

pub fn node() -> Identity {
    Identity::node(chain(), store(), serial())
}

pub fn device() -> Identity {
    Identity::device(chain(), store(), Device::new("fridge-7").unwrap())
}

pub fn hub() -> Identity {
    Identity::hub(chain(), HubName::new("hub-eu").unwrap())
}

pub fn relay() -> Identity {
    Identity::relay(chain(), HubName::new("hub-eu").unwrap())
}

pub fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text).unwrap()
}

pub fn charter() -> Charter {
    Charter { chain: chain(), limits: NameLimits::private(&chain()), lifetimes: Lifetimes::default() }
}

pub fn hub_names() -> Vec<ServerName<'static>> {
    vec![ServerName::try_from("hub.shops.example").unwrap(), ServerName::try_from("127.0.0.1").unwrap()]
}

/// A root, who issues below it, and randomness.
pub struct World {
    pub root: Root,
    pub issuing: Issuing,
    pub entropy: Seeded,
}

/// Somebody with a key and a certificate.
pub struct Member {
    pub key: PrivateKey,
    pub issued: Issued,
}

impl Member {
    pub fn signer(&self) -> Signer<'_> {
        Signer { chain: &self.issued.chain, key: &self.key }
    }
}

impl World {
    pub fn new(seed: u64) -> Self {
        Self::chartered(seed, &charter())
    }

    pub fn chartered(seed: u64, charter: &Charter) -> Self {
        let mut entropy = Seeded(seed);
        let root = Root::create(charter, NOW, &mut entropy).unwrap();
        let issuing = root.certify(charter, NOW, &mut entropy).unwrap();
        Self { root, issuing, entropy }
    }

    pub fn roots(&self) -> Roots {
        Roots::new(vec![self.root.certificate().clone()]).unwrap()
    }

    pub fn member(&mut self, identity: &Identity, names: &[ServerName<'static>], now: Timestamp) -> Member {
        let key = PrivateKey::generate().unwrap();
        let der = request::make(&key, identity.last(), Some(identity)).unwrap();
        let request = Request::read(&der, KeyRules::OWN).unwrap();
        request.is_for(identity).unwrap();
        let subject = Subject { identity, key: &request.key, names };
        let issued = self.issuing.issue(subject, &Lifetimes::default(), now, &mut self.entropy).unwrap();
        Member { key, issued }
    }

    pub fn hub(&mut self, now: Timestamp) -> Member {
        self.member(&hub(), &hub_names(), now)
    }

    pub fn node(&mut self, now: Timestamp) -> Member {
        self.member(&node(), &[], now)
    }
}
