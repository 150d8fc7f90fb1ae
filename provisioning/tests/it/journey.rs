//! The whole way, from a slip of paper to a connection, over the bodies that go over the wire.

use crate::{
    disk::CutDisk,
    tls::{End, meet},
    world::{Member, NOW, Seeded, World, chain, hub, hub_names, serial, store},
};
use aisle_event::{Name, Timestamp};
use aisle_provisioning::{
    Code, Identity, Kind, Lifetimes, PrivateKey,
    claim::{
        Claim, ClaimInput, ClaimLink, ClaimSlip, Introduction, Nonce, Redeemed, Redemption, introduction,
    },
    device::RevocationBoard,
    enrolment::{Actor, Admission, Change, Credential, Decision, Enrolment, Presented, Role},
    est::{self, Answer, Heard},
    issue::{Issued, Subject},
    keyring::{Keyring, Stage},
    request::{self, KeyRules, Request},
    time::Floor,
    verify::{HubVerifier, PeerVerifier},
};
use std::{path::Path, sync::Arc};

/// A hub's answers, as its HTTP would give them.
struct Hub {
    world: World,
    claim: Claim,
    record: Option<Enrolment>,
}

impl Hub {
    fn cacerts(&self, asked: &str) -> (Answer, Option<String>) {
        let answer = Answer::authorities(&[
            self.world.root.certificate().clone(),
            self.world.issuing.certificate().clone(),
        ]);
        let (locator, nonce) = introduction::read_ask(asked).unwrap();
        let known = locator == self.claim.locator;
        let proof = known.then(|| Introduction::prove(&self.claim, &nonce, &answer.body).to_header());
        (answer, proof)
    }

    fn simpleenroll(&mut self, authorization: &str, body: &[u8]) -> Answer {
        let Some(Ok(code)) = est::read_basic(authorization) else {
            return Answer::refused(Code::ClaimNeeded, None);
        };
        let der = match est::read_request(Some(est::PKCS10), body) {
            Ok(der) => der,
            Err(error) => return Answer::refused(error.code(), None),
        };
        let request = match Request::read(&der, KeyRules::OWN) {
            Ok(request) => request,
            Err(error) => return Answer::refused(error.code(), None),
        };
        let serial = request.serial().unwrap();
        let shown = Redemption { code: &code, store: None, serial: &serial, key: request.fingerprint() };
        let identity = Identity::node(chain(), self.claim.store.clone(), serial.clone());
        match self.claim.redeem(&shown, NOW) {
            Ok(Redeemed::First(used)) => {
                self.claim = *used;
                let record = Enrolment::claimed(identity.clone(), request.fingerprint(), NOW);
                self.record = Some(record.apply(&Change::Queue, Actor::Hub, None, NOW).unwrap().0);
            }
            Ok(Redeemed::Again) => {}
            Err(error) => return Answer::refused(error.code(), None),
        }
        let record = self.record.as_ref().unwrap();
        match record.at_first(&request.fingerprint()) {
            Decision::Wait(code) => Answer::wait(code, 30),
            Decision::Refuse(refusal) => {
                Answer::refused(refusal.code, refusal.reason.as_ref().map(Name::as_str))
            }
            Decision::Allow | Decision::Recover { .. } => {
                request.is_for(&identity).unwrap();
                let subject = Subject { identity: &identity, key: &request.key, names: &[] };
                let issued = self
                    .world
                    .issuing
                    .issue(subject, &Lifetimes::default(), NOW, &mut self.world.entropy)
                    .unwrap();
                let change = Change::Issue(Credential::from(&issued.facts));
                self.record = Some(record.apply(&change, Actor::Hub, None, NOW).unwrap().0);
                Answer::issued(&issued.chain)
            }
        }
    }
}

fn header(answer: &Answer, name: &str) -> Option<String> {
    answer.headers.iter().find(|(found, _)| *found == name).map(|(_, value)| value.clone())
}

#[test]
fn a_box_goes_from_a_slip_of_paper_to_a_connection_with_its_hub() {
    let world = World::new(1);
    let (claim, code) = Claim::draw(store(), None, NOW, 86_400_000, &mut Seeded(2)).unwrap();
    let link =
        ClaimLink { code, hub: "hub.shops.example:8443".parse().unwrap(), root: world.root.facts().key };
    let slip = ClaimSlip { link, store: store(), serial: None, expires_at: claim.expires_at };
    let mut the_hub = Hub { world, claim, record: None };

    // On paper: once scanned, once typed by somebody in a hurry.
    let text = slip.to_text().unwrap();
    let scanned = text.lines().find_map(|line| line.trim().strip_prefix("link")).unwrap().trim().to_owned();
    let typed = text.lines().find_map(|line| line.trim().strip_prefix("code")).unwrap().trim().to_lowercase();
    for way in [scanned.clone(), typed] {
        let claim: ClaimInput = way.parse().unwrap();
        let nonce = Nonce::draw(&mut Seeded(3)).unwrap();
        let (answer, proof) = the_hub.cacerts(&nonce.ask(claim.code()));
        let proof = proof.map(|proof| proof.parse::<Introduction>().unwrap());
        let roots = Introduction::accept(&claim, &nonce, &answer.body, proof.as_ref()).unwrap();
        assert!(roots.have(&the_hub.world.root.facts().key));
    }

    // At the box, whose clock says 1970 all along.
    let claim: ClaimInput = scanned.parse().unwrap();
    let disk = Arc::new(CutDisk::default());
    let mut ring = Keyring::open(Arc::<CutDisk>::clone(&disk), Path::new("/identity"), None).unwrap();
    ring.set_claim(claim.clone()).unwrap();
    ring.trust(the_hub.world.roots()).unwrap();
    let key = ring.prepare(&mut Seeded(4)).unwrap();
    let request = request::make(&key, serial().as_str(), None).unwrap();
    let body = data_encoding::BASE64.encode(&request);
    let ask = |hub: &mut Hub| {
        let answer = hub.simpleenroll(&est::basic(claim.code()), body.as_bytes());
        Heard::read(
            answer.status,
            header(&answer, "retry-after").as_deref(),
            &answer.body,
            &key.fingerprint(),
        )
        .unwrap()
    };
    let waits = Heard::Wait { code: Some(Code::WaitsForApproval), retry_after_s: 30 };
    assert_eq!(ask(&mut the_hub), waits);
    assert_eq!(ask(&mut the_hub), waits, "however often it asks");
    // Somebody compares serial and fingerprint.
    let record = the_hub.record.clone().unwrap();
    assert_eq!((record.identity.last(), record.claimed_key), (serial().as_str(), key.fingerprint()));
    let approved = record.apply(&Change::Approve, Actor::Person(Role::Operator), None, NOW).unwrap().0;
    the_hub.record = Some(approved);
    let Heard::Issued(chain_of_node) = ask(&mut the_hub) else { panic!("it is issued") };
    ring.certify(chain_of_node).unwrap();

    // The first connection.
    let offer = ring.offers()[0].clone();
    let copy = PrivateKey::from_pkcs8(offer.key.to_der().secret_der()).unwrap();
    let node =
        Member { key: copy, issued: Issued { chain: offer.chain.clone(), facts: offer.facts.clone() } };
    let hub_member = the_hub.world.member(&hub(), &hub_names(), NOW);
    let board = Arc::new(RevocationBoard::default());
    let believes = HubVerifier::new(ring.roots().unwrap(), chain(), Floor::default(), board.clone()).unwrap();
    let takes = PeerVerifier::new(&the_hub.world.roots(), chain(), vec![Kind::Node], board);
    meet(&End::of(&node, Timestamp(0)), Arc::new(believes), &End::of(&hub_member, NOW), Arc::new(takes))
        .unwrap();
    let shown = Presented { facts: &offer.facts, is_revoked: false };
    assert_eq!(the_hub.record.as_ref().unwrap().admit(shown, NOW), Ok(Admission::Welcome));
    ring.accepted(offer.generation).unwrap();
    assert_eq!((ring.stage(), ring.claim()), (Stage::Active, None));
}
