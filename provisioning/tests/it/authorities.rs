//! Roots and issuing authorities: made, kept, opened, rotated; read by `openssl`, and killed at every step.

use crate::{
    disk::CutDisk,
    openssl::OpenSsl,
    world::{CHEAP, NOW, Seeded, World, charter, days, hub, node, passphrase},
};
use aisle_provisioning::{
    Identity, KeyCost, Lifetimes, PrivateKey,
    authority::{AuthorityFolder, Ceremony, FolderError, NameLimits, Secrets},
    certificate,
    disk::{RealDisk, is_private},
    issue::{IssueError, Subject},
    key::KeyError,
    request::{self, KeyRules, Request},
};
use rustls_pki_types::ServerName;
use std::{path::Path, sync::Arc};

fn secrets() -> Secrets {
    Secrets {
        root: passphrase("the root's four words"),
        issuing: passphrase("the hub's four words"),
        cost: CHEAP,
    }
}

#[test]
fn an_authority_is_made_once_and_opened_at_every_start() {
    let place = tempfile::tempdir().unwrap();
    let (safe, hub) = (place.path().join("usb"), place.path().join("hub"));
    let folder = AuthorityFolder::new(Arc::new(RealDisk), &hub);
    let (charter, secrets) = (charter(), secrets());
    let ceremony = Ceremony { safe: &safe, charter: &charter, secrets: &secrets, now: NOW };
    let mut entropy = Seeded(1);
    let made = folder.init(&ceremony, &mut entropy).unwrap();
    for private in ["usb/root.key.pem", "hub/issuing-1.key.pem"] {
        assert!(is_private(&place.path().join(private)).unwrap(), "{private}");
    }
    assert!(!hub.join("root.key.pem").exists(), "the root's key is not where the hub is");
    assert_eq!(made.to_be_carried_away, [safe.join("root.key.pem"), safe.join("root.pem")]);

    let unlocked = folder.unlock(&secrets.issuing, NOW).unwrap();
    assert!(unlocked.roots.have(&made.root));
    assert_eq!(unlocked.generation, 1);
    assert!(matches!(folder.init(&ceremony, &mut entropy), Err(FolderError::Exists { .. })));
    let refusal = folder.unlock(&secrets.root, NOW).unwrap_err();
    assert!(matches!(&refusal, FolderError::File { .. }), "{refusal}");
    let together = Ceremony { safe: &hub, ..ceremony };
    assert!(matches!(folder.init(&together, &mut entropy), Err(FolderError::Together { .. })));
    let none = AuthorityFolder::new(Arc::new(RealDisk), &place.path().join("other"));
    assert!(matches!(none.unlock(&secrets.issuing, NOW), Err(FolderError::None { .. })));
}

#[test]
fn a_key_under_a_passphrase_is_read_by_openssl_and_one_of_openssl_is_read_here() {
    let openssl = OpenSsl::new();
    let key = PrivateKey::generate().unwrap();
    let secret = passphrase("correct-horse-battery");
    // The default cost: OpenSSL must take it without being asked for more memory.
    let pem = key.to_encrypted_pem(&secret, KeyCost::default(), &mut Seeded(2)).unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    openssl.file("key.pem", &pem);
    let text = openssl.must("pkey -in key.pem -passin pass:correct-horse-battery -noout -text");
    assert!(text.contains("prime256v1"), "{text}");
    assert!(openssl.run("pkey -in key.pem -passin pass:another-horse -noout").is_err());
    let parsed = openssl.must("asn1parse -in key.pem").to_lowercase();
    assert!(parsed.contains(":scrypt") && parsed.contains(":aes-256-cbc"), "{parsed}");

    let again = PrivateKey::from_pem(&pem, Some(&secret)).unwrap();
    assert_eq!(again.fingerprint(), key.fingerprint());
    assert!(matches!(PrivateKey::from_pem(&pem, None), Err(KeyError::Encrypted)));
    let other = passphrase("another-horse-battery");
    assert!(matches!(PrivateKey::from_pem(&pem, Some(&other)), Err(KeyError::Passphrase)));

    openssl.must("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes-256-cbc -pass pass:correct-horse-battery -out theirs.pem");
    let theirs = String::from_utf8(openssl.read("theirs.pem")).unwrap();
    PrivateKey::from_pem(&theirs, Some(&secret)).unwrap();
    openssl.must("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out other.pem");
    let other = String::from_utf8(openssl.read("other.pem")).unwrap();
    assert!(matches!(PrivateKey::from_pem(&other, None), Err(KeyError::Kind)));
}

#[test]
fn a_key_file_that_asks_for_more_work_than_anybody_pays_is_refused_first() {
    let openssl = OpenSsl::new();
    let secret = passphrase("correct-horse-battery");
    openssl.must("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out clear.pem");
    openssl.must("pkcs8 -topk8 -in clear.pem -iter 10000001 -v2 aes-256-cbc -passout pass:correct-horse-battery -out dear.pem");
    let pem = String::from_utf8(openssl.read("dear.pem")).unwrap();
    assert!(matches!(PrivateKey::from_pem(&pem, Some(&secret)), Err(KeyError::Cost)));
}

#[test]
fn openssl_believes_what_is_issued_here() {
    let mut world = World::new(3);
    let openssl = OpenSsl::new();
    let node = world.node(NOW);
    openssl
        .file("root.pem", certificate::to_pem(&[world.root.certificate().clone()]))
        .file("issuing.pem", certificate::to_pem(&[world.issuing.certificate().clone()]))
        .file("node.pem", certificate::to_pem(&node.issued.chain[..1]));
    let at = NOW.0 / 1_000;
    let verified = openssl.must(&format!(
        "verify -x509_strict -attime {at} -purpose sslclient -CAfile root.pem -untrusted issuing.pem node.pem"
    ));
    assert!(verified.contains("node.pem: OK"), "{verified}");
    let text = openssl.must("x509 -in issuing.pem -noout -text");
    for expected in
        ["CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "DNS:shops.example", "IP:10.0.0.0/255.0.0.0"]
    {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    let text = openssl.must("x509 -in root.pem -noout -text");
    assert!(text.contains("CA:TRUE, pathlen:1"), "{text}");
}

#[test]
fn after_a_rotation_both_authorities_are_believed_and_only_the_new_one_issues() {
    let disk = Arc::new(CutDisk::default());
    let folder = AuthorityFolder::new(Arc::<CutDisk>::clone(&disk), Path::new("/hub"));
    let (charter, secrets) = (charter(), secrets());
    let ceremony = Ceremony { safe: Path::new("/usb"), charter: &charter, secrets: &secrets, now: NOW };
    let mut entropy = Seeded(4);
    folder.init(&ceremony, &mut entropy).unwrap();
    let before = folder.unlock(&secrets.issuing, NOW).unwrap();
    let issue = |issuing: &aisle_provisioning::authority::Issuing, now, entropy: &mut Seeded| {
        let key = PrivateKey::generate().unwrap();
        let request = Request::read(&request::make(&key, "x", None).unwrap(), KeyRules::OWN).unwrap();
        let identity = node();
        let subject = Subject { identity: &identity, key: &request.key, names: &[] };
        issuing.issue(subject, &Lifetimes::default(), now, entropy)
    };
    let old = issue(&before.issuing, NOW, &mut entropy).unwrap();
    let later = Ceremony { now: days(30), ..ceremony };
    assert_eq!(folder.rotate(&later, &mut entropy).unwrap(), 2);
    let after = folder.unlock(&secrets.issuing, days(30)).unwrap();
    assert_ne!(after.issuing.facts().key, before.issuing.facts().key);
    assert_eq!(after.between.len(), 2, "nodes are told of both");
    assert!(!disk.names().contains(&"/hub/issuing-1.key.pem".to_owned()), "the old key is gone");
    let new = issue(&after.issuing, days(30), &mut entropy).unwrap();
    for issued in [&old, &new] {
        after.roots.verify(&issued.chain, days(31)).unwrap();
    }
    // Once the old authority has run out, it is not told of any more.
    let end = after.unlocked_until();
    assert_eq!(folder.unlock(&secrets.issuing, end).unwrap().between.len(), 1);
    assert!(matches!(issue(&before.issuing, end, &mut entropy), Err(IssueError::AuthorityOver)));
}

trait UnlockedUntil {
    fn unlocked_until(&self) -> aisle_event::Timestamp;
}

impl UnlockedUntil for aisle_provisioning::authority::Unlocked {
    /// A moment after the older authority has run out.
    fn unlocked_until(&self) -> aisle_event::Timestamp {
        let older = aisle_provisioning::Facts::read(&self.between[1]).unwrap();
        older.validity.not_after.saturating_add_ms(1_000)
    }
}

#[test]
fn a_rotation_needs_the_very_root_that_stores_believe() {
    let disk = Arc::new(CutDisk::default());
    let (charter, secrets) = (charter(), secrets());
    let mut entropy = Seeded(5);
    let ceremony = |safe| Ceremony { safe, charter: &charter, secrets: &secrets, now: NOW };
    let ours = AuthorityFolder::new(Arc::<CutDisk>::clone(&disk), Path::new("/hub"));
    ours.init(&ceremony(Path::new("/usb")), &mut entropy).unwrap();
    let theirs = AuthorityFolder::new(Arc::<CutDisk>::clone(&disk), Path::new("/other-hub"));
    theirs.init(&ceremony(Path::new("/other-usb")), &mut entropy).unwrap();
    let refusal = ours.rotate(&ceremony(Path::new("/other-usb")), &mut entropy).unwrap_err();
    assert!(matches!(refusal, FolderError::OtherRoot { .. }), "{refusal}");
    let refusal = ours.rotate(&ceremony(Path::new("/nothing")), &mut entropy).unwrap_err();
    assert!(refusal.to_string().contains("bring the medium"), "{refusal}");
}

#[test]
fn a_kill_at_any_step_of_making_or_rotating_an_authority_goes_on() {
    let (charter, secrets) = (charter(), secrets());
    let (safe, hub) = (Path::new("/usb"), Path::new("/hub"));
    let ceremony = Ceremony { safe, charter: &charter, secrets: &secrets, now: NOW };
    let run = |disk: &Arc<CutDisk>, entropy: &mut Seeded| {
        let folder = AuthorityFolder::new(Arc::<CutDisk>::clone(disk), hub);
        match folder.init(&ceremony, entropy) {
            Ok(_) | Err(FolderError::Exists { .. }) => {}
            Err(error) => return Err(error),
        }
        folder.rotate(&ceremony, entropy)
    };
    let whole = Arc::new(CutDisk::default());
    run(&whole, &mut Seeded(6)).unwrap();
    let steps = whole.steps();
    assert!(steps > 20, "{steps}");
    for step in 0..steps {
        let cut = Arc::new(CutDisk::default().cut_at(step));
        run(&cut, &mut Seeded(6)).unwrap_err();
        for missing in 0..=cut.unsynced() {
            let disk = Arc::new(cut.after_cut(missing));
            let folder = AuthorityFolder::new(Arc::<CutDisk>::clone(&disk), hub);
            // What was there before the kill still opens, if anything was.
            let before = match folder.unlock(&secrets.issuing, NOW) {
                Ok(unlocked) => Some(unlocked.roots.facts()[0].key),
                Err(FolderError::None { .. }) => None,
                Err(error) => panic!("step {step}, {missing} names missing: {error}"),
            };
            run(&disk, &mut Seeded(7)).unwrap();
            let after = folder.unlock(&secrets.issuing, NOW).unwrap();
            assert!(before.is_none_or(|before| after.roots.have(&before)), "the root stays");
            let keys = disk
                .names()
                .iter()
                .filter(|name| name.starts_with("/hub/") && name.ends_with(".key.pem"))
                .count();
            assert_eq!(keys, 1, "{:?}", disk.names());
            assert!(disk.are_keys_private());
            assert!(!disk.names().iter().any(|name| name.ends_with(".new")), "{:?}", disk.names());
        }
    }
}

#[test]
fn an_authority_vouches_for_no_name_beyond_its_limits() {
    let mut world = World::new(8);
    let key = PrivateKey::generate().unwrap();
    let request = Request::read(&request::make(&key, "hub-eu", None).unwrap(), KeyRules::OWN).unwrap();
    let mut issue = |identity: &Identity, name: &str| {
        let names = [ServerName::try_from(name.to_owned()).unwrap()];
        let subject = Subject { identity, key: &request.key, names: &names };
        world.issuing.issue(subject, &Lifetimes::default(), NOW, &mut world.entropy)
    };
    for good in
        ["hub.shops.example", "shops.example", "box.local", "10.1.2.3", "192.168.7.7", "fd00::1", "::1"]
    {
        issue(&hub(), good).unwrap();
    }
    for bad in ["bank.example", "notshops.example", "8.8.8.8", "2001:db8::1"] {
        let refusal = issue(&hub(), bad).unwrap_err();
        assert!(matches!(refusal, IssueError::Limits { .. }), "{bad}: {refusal}");
    }
    let refusal = issue(&crate::world::device(), "hub.shops.example").unwrap_err();
    assert!(matches!(refusal, IssueError::Names { .. }));
    let mut limits = NameLimits::none();
    assert!(limits.allow_domain("no domain").is_err());
    assert!(limits.allow_domain("ok.example").is_ok());
    for network in ["10.0.0.0", "10.0.0.0/33", "x/8", "::/129"] {
        assert!(network.parse::<aisle_provisioning::authority::NetworkLimit>().is_err(), "{network}");
    }
}
