//! A node's keys on its disk.

use crate::{
    disk::CutDisk,
    world::{CHEAP, Member, NOW, Seeded, World, days, node, passphrase, serial},
};
use aisle_provisioning::{
    Identity, Lifetimes, PrivateKey, Serial,
    claim::{ClaimCode, ClaimInput},
    disk::{Disk as _, RealDisk, is_private},
    issue::Subject,
    keyring::{KeyCover, Keyring, KeyringError, Stage},
    request::{self, KeyRules, Request},
};
use rustls_pki_types::CertificateDer;
use std::{path::Path, sync::Arc};

const FOLDER: &str = "/identity";

fn open(disk: &Arc<CutDisk>) -> Keyring {
    Keyring::open(Arc::<CutDisk>::clone(disk), Path::new(FOLDER), None).unwrap()
}

fn claim() -> ClaimInput {
    ClaimInput::Code(ClaimCode::draw(&mut Seeded(1)).unwrap())
}

/// What a hub issues for a key.
fn chain_for(world: &mut World, key: &PrivateKey, identity: &Identity) -> Vec<CertificateDer<'static>> {
    let der = request::make(key, identity.last(), Some(identity)).unwrap();
    let request = Request::read(&der, KeyRules::OWN).unwrap();
    let subject = Subject { identity, key: &request.key, names: &[] };
    world.issuing.issue(subject, &Lifetimes::default(), NOW, &mut world.entropy).unwrap().chain
}

/// A ring that is in use with its first certificate.
fn in_use(world: &mut World, disk: &Arc<CutDisk>) -> Keyring {
    let mut ring = open(disk);
    ring.set_claim(claim()).unwrap();
    ring.trust(world.roots()).unwrap();
    let key = ring.prepare(&mut world.entropy).unwrap();
    let chain = chain_for(world, &key, &node());
    ring.certify(chain).unwrap();
    ring.accepted(1).unwrap();
    ring
}

#[test]
fn a_node_goes_from_the_carton_to_its_second_certificate() {
    let mut world = World::new(1);
    let disk = Arc::new(CutDisk::default());
    let mut ring = open(&disk);
    assert_eq!(ring.stage(), Stage::Unclaimed);
    ring.set_claim(claim()).unwrap();
    ring.trust(world.roots()).unwrap();
    assert_eq!((ring.stage(), open(&disk).claim()), (Stage::Claimed, Some(&claim())));
    let key = ring.prepare(&mut world.entropy).unwrap();
    assert_eq!(ring.stage(), Stage::Claimed);
    assert_eq!(
        open(&disk).prepare(&mut world.entropy).unwrap().fingerprint(),
        key.fingerprint(),
        "it is on the disk"
    );
    let chain = chain_for(&mut world, &key, &node());
    ring.certify(chain).unwrap();
    assert_eq!((ring.stage(), ring.identity()), (Stage::Certified, Some(&node())));
    ring.accepted(1).unwrap();
    assert_eq!((ring.stage(), ring.claim()), (Stage::Active, None));
    assert!(!disk.names().iter().any(|name| name.contains("claim")), "the code is gone");

    let next = ring.prepare(&mut world.entropy).unwrap();
    assert_ne!(next.fingerprint(), key.fingerprint());
    assert_eq!(ring.stage(), Stage::Renewing);
    assert_eq!(ring.offers()[0].facts.key, key.fingerprint(), "the old one is used meanwhile");
    let chain = chain_for(&mut world, &next, &node());
    ring.certify(chain).unwrap();
    assert_eq!(ring.stage(), Stage::Renewed);
    let offered: Vec<_> = ring.offers().iter().map(|offer| offer.facts.key).collect();
    assert_eq!(
        offered,
        [next.fingerprint(), key.fingerprint()],
        "the new one first, the old one if that is refused"
    );
    ring.accepted(1).unwrap();
    assert_eq!(ring.stage(), Stage::Renewed, "that was the old one");
    ring.accepted(2).unwrap();
    assert_eq!((ring.stage(), ring.offers().len()), (Stage::Active, 1));
    assert_eq!(
        disk.names(),
        ["/identity/2.chain.pem", "/identity/2.key.pem", "/identity/current", "/identity/roots.pem"]
    );
    assert!(disk.are_keys_private());
    let again = open(&disk);
    assert_eq!((again.stage(), again.offers()[0].facts.key), (Stage::Active, next.fingerprint()));
}

#[test]
fn a_certificate_that_does_not_belong_here_is_not_kept() {
    let mut world = World::new(2);
    let disk = Arc::new(CutDisk::default());
    let mut ring = open(&disk);
    assert!(matches!(ring.certify(vec![]), Err(KeyringError::NoRoots)));
    ring.trust(world.roots()).unwrap();
    assert!(matches!(ring.certify(vec![]), Err(KeyringError::NothingPrepared)));
    let key = ring.prepare(&mut world.entropy).unwrap();
    let of_another: Member = world.node(NOW);
    assert!(matches!(ring.certify(of_another.issued.chain), Err(KeyringError::OtherKey)));
    let mut stranger = World::new(3);
    let foreign = chain_for(&mut stranger, &key, &node());
    assert!(matches!(ring.certify(foreign), Err(KeyringError::Chain(_))));
    let leaf_alone = chain_for(&mut world, &key, &node())[..1].to_vec();
    assert!(matches!(ring.certify(leaf_alone), Err(KeyringError::Chain(_))));
    assert_eq!(open(&disk).stage(), Stage::Unclaimed);
}

#[test]
fn a_renewal_does_not_make_a_node_somebody_else_but_a_claim_does() {
    let mut world = World::new(4);
    let disk = Arc::new(CutDisk::default());
    let mut ring = in_use(&mut world, &disk);
    let key = ring.prepare(&mut world.entropy).unwrap();
    let other = Identity::node(crate::world::chain(), crate::world::store(), Serial::new("other").unwrap());
    let chain = chain_for(&mut world, &key, &other);
    assert!(matches!(ring.certify(chain.clone()), Err(KeyringError::OtherIdentity { .. })));
    ring.set_claim(claim()).unwrap();
    let mut ring = open(&disk);
    assert!(ring.claim().is_some(), "a claim of a node in use outlives a restart");
    assert_eq!(ring.offers()[0].facts.identity, Some(node()), "and it keeps what it has meanwhile");
    ring.certify(chain).unwrap();
    ring.accepted(2).unwrap();
    assert_eq!(open(&disk).identity(), Some(&other));
    assert_eq!(open(&disk).claim(), None);
}

#[test]
fn a_certificate_of_next_year_is_kept_by_a_node_in_1970() {
    // Nothing here asks for the time: the chain is judged at an instant when it holds.
    let mut world = World::new(5);
    let disk = Arc::new(CutDisk::default());
    let mut ring = open(&disk);
    ring.trust(world.roots()).unwrap();
    let key = ring.prepare(&mut world.entropy).unwrap();
    let der = request::make(&key, serial().as_str(), None).unwrap();
    let request = Request::read(&der, KeyRules::OWN).unwrap();
    let identity = node();
    let subject = Subject { identity: &identity, key: &request.key, names: &[] };
    let issued = world.issuing.issue(subject, &Lifetimes::default(), days(365), &mut world.entropy).unwrap();
    ring.certify(issued.chain).unwrap();
}

#[test]
fn roots_are_renewed_only_by_those_who_are_believed() {
    let mut world = World::new(6);
    let disk = Arc::new(CutDisk::default());
    let mut ring = in_use(&mut world, &disk);
    let stranger = World::new(7);
    assert!(matches!(ring.renew_roots(stranger.roots()), Err(KeyringError::RootsReplaced)));
    let both = vec![world.root.certificate().clone(), stranger.root.certificate().clone()];
    ring.renew_roots(aisle_provisioning::Roots::new(both).unwrap()).unwrap();
    assert_eq!(open(&disk).roots().unwrap().certificates().len(), 2);
}

#[test]
fn what_the_hub_refuses_for_good_is_given_up_and_the_old_key_stays() {
    let mut world = World::new(8);
    let disk = Arc::new(CutDisk::default());
    let mut ring = in_use(&mut world, &disk);
    ring.prepare(&mut world.entropy).unwrap();
    ring.discard_next().unwrap();
    assert_eq!(open(&disk).stage(), Stage::Active);
    ring.set_claim(claim()).unwrap();
    ring.discard_claim().unwrap();
    assert_eq!(open(&disk).claim(), None);
}

#[test]
fn keys_lie_under_a_passphrase_when_there_is_one() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("identity");
    let cover = KeyCover { passphrase: passphrase("from the TPM of this box"), cost: CHEAP };
    let mut entropy = Seeded(9);
    let mut ring = Keyring::open(Arc::new(RealDisk), &folder, Some(cover.clone())).unwrap();
    let key = ring.prepare(&mut entropy).unwrap();
    let file = folder.join("1.key.pem");
    assert!(is_private(&file).unwrap());
    assert!(RealDisk.read(&file).unwrap().starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    let mut again = Keyring::open(Arc::new(RealDisk), &folder, Some(cover)).unwrap();
    assert_eq!(again.prepare(&mut entropy).unwrap().fingerprint(), key.fingerprint());
    let refusal = Keyring::open(Arc::new(RealDisk), &folder, None).unwrap_err();
    assert!(matches!(refusal, KeyringError::Key { .. }), "{refusal}");
}

#[test]
fn a_damaged_pointer_does_not_lose_the_way_to_the_hub() {
    let mut world = World::new(10);
    let disk = Arc::new(CutDisk::default());
    in_use(&mut world, &disk);
    let pointer = Path::new(FOLDER).join("current");
    disk.write(&pointer, b"\0\0\0", aisle_provisioning::disk::Access::Public).unwrap();
    assert_eq!(open(&disk).offers().len(), 1);
}
