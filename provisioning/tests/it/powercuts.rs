//! A node from the carton to its second renewal, with the power cut at every step of its disk. The hub remembers; the node has what its disk has.
//!
//! Whatever the cut: the node goes on by itself, and from its first certificate on it always has one that the hub takes.

use crate::{
    disk::CutDisk,
    world::{NOW, Seeded, World, node, serial, store},
};
use aisle_event::Name;
use aisle_provisioning::{
    Lifetimes, PrivateKey,
    claim::{Claim, ClaimCode, ClaimInput, Redeemed, Redemption},
    enrolment::{Actor, Admission, Change, Credential, Decision, Enrolment, Presented, State},
    issue::Subject,
    keyring::{Keyring, KeyringError, Stage},
    request::{self, KeyRules, Request},
};
use rustls_pki_types::CertificateDer;
use std::{path::Path, sync::Arc};

const GENERATIONS: u32 = 3;

/// A hub, which keeps what it has answered.
struct Hub {
    world: World,
    claim: Claim,
    record: Option<Enrolment>,
}

impl Hub {
    fn new(world: World) -> (Self, ClaimCode) {
        let (claim, code) = Claim::draw(store(), Some(serial()), NOW, 1_000_000, &mut Seeded(1)).unwrap();
        (Self { world, claim, record: None }, code)
    }

    fn change(&mut self, change: &Change, actor: Actor) {
        let record = self.record.as_ref().unwrap();
        let (after, _) = record.apply(change, actor, Name::new("test").ok(), NOW).unwrap();
        self.record = Some(after);
    }

    fn issue(&mut self, key: &PrivateKey) -> Vec<CertificateDer<'static>> {
        let der = request::make(key, serial().as_str(), None).unwrap();
        let request = Request::read(&der, KeyRules::OWN).unwrap();
        let identity = node();
        let subject = Subject { identity: &identity, key: &request.key, names: &[] };
        let issued =
            self.world.issuing.issue(subject, &Lifetimes::default(), NOW, &mut self.world.entropy).unwrap();
        self.change(&Change::Issue(Credential::from(&issued.facts)), Actor::Hub);
        issued.chain
    }

    fn enrol(&mut self, code: &ClaimCode, key: &PrivateKey) -> Vec<CertificateDer<'static>> {
        let shown = Redemption { code, store: None, serial: &serial(), key: key.fingerprint() };
        match self.claim.redeem(&shown, NOW).expect("the claim is this node's, however often it comes") {
            Redeemed::First(used) => {
                self.claim = *used;
                self.record = Some(Enrolment::claimed(node(), key.fingerprint(), NOW));
                self.change(&Change::Approve, Actor::Hub);
            }
            Redeemed::Again => {}
        }
        let decision = self.record.as_ref().unwrap().at_first(&key.fingerprint());
        assert_eq!(decision, Decision::Allow);
        self.issue(key)
    }

    /// A connection with what a node offers, in its order: which one was taken.
    fn connect(&mut self, ring: &Keyring) -> Option<u32> {
        for offer in ring.offers() {
            let shown = Presented { facts: &offer.facts, is_revoked: false };
            match self.record.as_ref().unwrap().admit(shown, NOW) {
                Ok(Admission::Proved) => {
                    self.change(&Change::Prove(offer.facts.number.clone()), Actor::Node);
                    return Some(offer.generation);
                }
                Ok(_) => return Some(offer.generation),
                Err(_) => {}
            }
        }
        None
    }
}

fn open(disk: &Arc<CutDisk>) -> Result<Keyring, KeyringError> {
    Keyring::open(Arc::<CutDisk>::clone(disk), Path::new("/identity"), None)
}

/// What a node does until it is at its last generation.
fn live(disk: &Arc<CutDisk>, hub: &mut Hub, code: &ClaimCode) -> Result<(), KeyringError> {
    let mut ring = open(disk)?;
    for _ in 0..50 {
        match ring.stage() {
            Stage::Unclaimed => ring.set_claim(ClaimInput::Code(code.clone()))?,
            Stage::Claimed if ring.roots().is_none() => ring.trust(hub.world.roots())?,
            Stage::Claimed => {
                let key = ring.prepare(&mut Seeded(2))?;
                let code = ring.claim().expect("it is claimed").code().clone();
                let chain = hub.enrol(&code, &key);
                ring.certify(chain)?;
            }
            Stage::Active if ring.offers()[0].generation == GENERATIONS => return Ok(()),
            Stage::Active | Stage::Renewing => {
                let key = ring.prepare(&mut Seeded(2))?;
                assert!(hub.connect(&ring).is_some(), "a renewal goes over a connection");
                let chain = hub.issue(&key);
                ring.certify(chain)?;
            }
            Stage::Certified | Stage::Renewed => {
                let taken = hub.connect(&ring).expect("the hub takes one of the node's certificates");
                ring.accepted(taken)?;
            }
        }
    }
    panic!("it goes round in circles at {:?}", ring.stage());
}

#[test]
fn a_cut_at_any_step_loses_neither_the_claim_nor_the_way_to_the_hub() {
    let whole = Arc::new(CutDisk::default());
    let (mut hub, code) = Hub::new(World::new(1));
    live(&whole, &mut hub, &code).unwrap();
    let steps = whole.steps();
    assert!(steps > 40, "{steps}");
    let (mut cuts, mut world) = (0, Some(hub.world));
    for step in 0..steps {
        let mut missing = 0;
        loop {
            let cut = Arc::new(CutDisk::default().cut_at(step));
            let (mut hub, code) = Hub::new(world.take().unwrap());
            live(&cut, &mut hub, &code).unwrap_err();
            assert!(cut.was_cut());
            let disk = Arc::new(cut.after_cut(missing));
            assert!(disk.are_keys_private());
            let ring = open(&disk).unwrap_or_else(|error| panic!("step {step}, {missing} missing: {error}"));
            let is_in_use = matches!(ring.stage(), Stage::Active | Stage::Renewing | Stage::Renewed);
            if is_in_use {
                assert!(hub.connect(&ring).is_some(), "step {step}, {missing} missing: {:?}", ring.stage());
            }
            drop(ring);
            live(&disk, &mut hub, &code)
                .unwrap_or_else(|error| panic!("step {step}, {missing} missing: {error}"));
            assert_eq!(hub.record.as_ref().unwrap().state, State::Active);
            let names = disk.names();
            assert_eq!(names.len(), 4, "step {step}: nothing is left over: {names:?}");
            cuts += 1;
            world = Some(hub.world);
            if missing == cut.unsynced() {
                break;
            }
            missing += 1;
        }
    }
    assert!(cuts > steps, "{cuts} cuts");
}
