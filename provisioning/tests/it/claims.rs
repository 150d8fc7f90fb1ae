//! Claim codes, links, slips; what a claim is good for; and how a box finds out which hub is its own.

use crate::{
    openssl::OpenSsl,
    world::{NOW, Seeded, World, days, store},
};
use aisle_provisioning::{
    Code, Fingerprint, PrivateKey, Serial, Store,
    claim::{
        Claim, ClaimCode, ClaimError, ClaimInput, ClaimLink, ClaimSlip, ClaimState, CodeError, HubAddress,
        Introduction, IntroductionError, LinkError, Nonce, Redeemed, Redemption, introduction,
    },
    est::Answer,
    moment::DAY_MS,
};
use proptest::prelude::*;

const WEEK_MS: u64 = 7 * DAY_MS.unsigned_abs();

fn code(seed: u64) -> ClaimCode {
    ClaimCode::draw(&mut Seeded(seed)).unwrap()
}

fn text(seed: u64) -> String {
    code(seed).to_groups().to_string()
}

fn plain(seed: u64) -> Vec<char> {
    text(seed).chars().filter(|c| *c != '-').collect()
}

const LETTERS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#[test]
fn a_code_is_five_groups_of_five_and_reads_back() {
    for seed in 0..500 {
        let text = text(seed);
        let groups: Vec<&str> = text.split('-').collect();
        assert!(groups.len() == 5 && groups.iter().all(|group| group.len() == 5), "{text}");
        assert_eq!(text.parse::<ClaimCode>().unwrap(), code(seed));
        assert_eq!(code(seed).locator().as_str(), groups[0]);
    }
}

#[test]
fn a_code_does_not_show_where_things_are_logged() {
    let code = code(1);
    let shown = format!("{code:?} {:?}", ClaimInput::Code(code.clone()));
    let groups = code.to_groups();
    for secret in groups.split('-').skip(1) {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn every_wrong_character_is_found_and_its_group_named() {
    for seed in 0..8 {
        let right = plain(seed);
        for place in 0..right.len() {
            for letter in LETTERS.chars().filter(|letter| *letter != right[place]) {
                let mut wrong = right.clone();
                wrong[place] = letter;
                let refusal = wrong.iter().collect::<String>().parse::<ClaimCode>().unwrap_err();
                assert_eq!(refusal, CodeError::Check { group: Some(place / 5 + 1) });
                assert_eq!(refusal.code(), Code::CodeMistyped);
            }
        }
    }
}

#[test]
fn every_swap_of_two_characters_is_found_wherever_they_stand() {
    for seed in 0..20 {
        let right = plain(seed);
        for (one, other) in (0..25).flat_map(|one| (one + 1..25).map(move |other| (one, other))) {
            let mut wrong = right.clone();
            wrong.swap(one, other);
            let read = wrong.iter().collect::<String>().parse::<ClaimCode>();
            assert_eq!(read.is_ok(), right[one] == right[other], "{one} {other}");
        }
    }
}

proptest! {
    #[test]
    fn any_two_wrong_characters_are_found(seed in any::<u64>(), one in 0_usize..25, other in 0_usize..25, by in 1_usize..32, also in 1_usize..32) {
        prop_assume!(one != other);
        let letters: Vec<char> = LETTERS.chars().collect();
        let mut wrong = plain(seed);
        for (place, by) in [(one, by), (other, also)] {
            let value = letters.iter().position(|letter| *letter == wrong[place]).unwrap();
            wrong[place] = letters[value ^ by];
        }
        let read = wrong.iter().collect::<String>().parse::<ClaimCode>();
        let is_found = matches!(read, Err(CodeError::Check { .. }));
        prop_assert!(is_found);
    }

    #[test]
    fn slips_of_the_finger_are_forgiven(seed in any::<u64>(), slips in any::<u64>()) {
        let mut random = Seeded(slips);
        let mut typed = String::new();
        for c in text(seed).chars() {
            let c = match (c, random.number() % 4) {
                ('0', 0) => 'O',
                ('0', 1) => 'o',
                ('1', 0) => 'I',
                ('1', 1) => 'l',
                ('1', 2) => 'L',
                ('-', 0) => '\u{2013}',
                ('-', 1) => '\n',
                ('-', 2) => continue,
                (c, 0 | 1) => c.to_ascii_lowercase(),
                (c, _) => c,
            };
            typed.push(c);
            if random.number().is_multiple_of(5) {
                typed.push(' ');
            }
        }
        prop_assert_eq!(typed.parse::<ClaimCode>().unwrap(), code(seed));
    }
}

#[test]
fn what_is_no_code_is_refused_with_the_place() {
    let refused = |text: &str| text.parse::<ClaimCode>().unwrap_err();
    assert_eq!(refused(""), CodeError::Length { found: 0 });
    assert!(refused("7K3QM-0T9XA").to_string().contains("group 3 is not complete"));
    let mut with_u = plain(1);
    with_u[7] = 'u';
    let refusal = refused(&with_u.iter().collect::<String>());
    assert!(refusal.to_string().contains("group 2") && refusal.to_string().contains('V'), "{refusal}");
    assert!(refused(&"A".repeat(10_000)).to_string().len() < 200);
    assert!(refused(&format!("{}0", text(1))).to_string().contains("nothing else"));
}

#[test]
fn a_link_carries_the_hub_and_its_root_and_reads_back() {
    let root = Fingerprint([7; 32]);
    for hub in ["hub.shops.example:8443", "10.1.2.3:443", "[fd00::1]:8443"] {
        let link = ClaimLink { code: code(3), hub: hub.parse().unwrap(), root };
        let uri = link.to_uri();
        assert!(uri.starts_with("aisle-claim:"));
        assert_eq!(uri.parse::<ClaimLink>().unwrap(), link);
        assert_eq!(uri.parse::<ClaimInput>().unwrap(), ClaimInput::Link(link.clone()));
        assert_eq!(link.hub.to_string(), hub);
        link.hub.server_name().unwrap();
    }
    assert_eq!(text(3).parse::<ClaimInput>().unwrap(), ClaimInput::Code(code(3)));
}

#[test]
fn a_link_with_anything_else_in_it_is_refused() {
    let root = Fingerprint([7; 32]).to_base64url();
    let code = text(3);
    let refused = |uri: String| uri.parse::<ClaimLink>().unwrap_err();
    assert_eq!(refused(code.clone()), LinkError::Scheme);
    assert_eq!(refused(format!("aisle-claim:{code}?root={root}")), LinkError::Missing { key: "hub" });
    assert_eq!(refused(format!("aisle-claim:{code}?hub=a:1")), LinkError::Missing { key: "root" });
    let twice = format!("aisle-claim:{code}?hub=a:1&hub=b:1&root={root}");
    assert!(matches!(refused(twice), LinkError::Key { .. }));
    let more = format!("aisle-claim:{code}?hub=a:1&root={root}&run=x");
    assert!(matches!(refused(more), LinkError::Key { .. }));
    for hub in ["a", "a:0", "a:70000", "::1:8443", "[a]:1", "a b:1", "user@a:1", "a/b:1", ":1"] {
        assert!(
            matches!(refused(format!("aisle-claim:{code}?hub={hub}&root={root}")), LinkError::Hub { .. }),
            "{hub}"
        );
    }
    assert!(matches!(refused(format!("aisle-claim:{code}?hub=a:1&root=x")), LinkError::Root(_)));
    assert!(matches!(refused("aisle-claim:".repeat(1_000)), LinkError::TooLong { .. }));
}

#[test]
fn a_slip_has_what_an_installer_needs_and_a_picture_of_it() {
    let hub: HubAddress = "hub.shops.example:8443".parse().unwrap();
    let link = ClaimLink { code: code(4), hub, root: Fingerprint([9; 32]) };
    let slip = ClaimSlip { link, store: store(), serial: None, expires_at: days(7) };
    let text = slip.to_text().unwrap();
    for needed in ["berlin-12", "hub.shops.example:8443", "2026-11-29 12:00 UTC", "aisle-claim:", "0909 0909"]
    {
        assert!(text.contains(needed), "{needed} in {}", *text);
    }
    assert!(text.contains(&*code(4).to_groups()) && text.contains('█'));
    let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 160, "{widest} columns");
    let svg = slip.to_svg().unwrap();
    assert!(svg.starts_with("<?xml") && svg.contains("<svg") && svg.len() < 100_000);
}

struct Box<'a> {
    serial: Serial,
    store: Option<&'a Store>,
    key: Fingerprint,
}

impl Box<'_> {
    fn shows(
        &self,
        claim: &Claim,
        code: &ClaimCode,
        now: aisle_event::Timestamp,
    ) -> Result<Redeemed, ClaimError> {
        claim.redeem(&Redemption { code, store: self.store, serial: &self.serial, key: self.key }, now)
    }
}

fn claim(seed: u64, serial: Option<&str>) -> (Claim, ClaimCode) {
    let serial = serial.map(|serial| Serial::new(serial).unwrap());
    Claim::draw(store(), serial, NOW, WEEK_MS, &mut Seeded(seed)).unwrap()
}

fn a_box(serial: &str, key: u8) -> Box<'static> {
    Box { serial: Serial::new(serial).unwrap(), store: None, key: Fingerprint([key; 32]) }
}

#[test]
fn a_claim_works_once() {
    let (open, code) = claim(5, None);
    let Ok(Redeemed::First(used)) = a_box("4711", 1).shows(&open, &code, days(1)) else { panic!("it works") };
    assert!(matches!(used.state, ClaimState::Used { .. }));
    let replayed = a_box("4712", 2).shows(&used, &code, days(1)).unwrap_err();
    assert!(matches!(replayed, ClaimError::Used { .. }) && replayed.code() == Code::ClaimUsed, "{replayed}");
    let same_serial = a_box("4711", 2).shows(&used, &code, days(1)).unwrap_err();
    assert!(matches!(same_serial, ClaimError::Used { .. }), "a copied serial is not enough");
}

#[test]
fn a_box_that_was_cut_off_comes_again_with_its_claim_however_late() {
    let (open, code) = claim(6, None);
    let Ok(Redeemed::First(used)) = a_box("4711", 1).shows(&open, &code, days(6)) else { panic!("it works") };
    assert_eq!(a_box("4711", 1).shows(&used, &code, days(30)), Ok(Redeemed::Again));
}

#[test]
fn a_claim_is_for_its_store_and_its_box_and_its_time() {
    let (open, code) = claim(7, Some("4711"));
    let other = Store::new("paris-1").unwrap();
    let elsewhere = Box { store: Some(&other), ..a_box("4711", 1) };
    let refusal = elsewhere.shows(&open, &code, NOW).unwrap_err();
    assert!(matches!(refusal, ClaimError::OtherStore { .. }) && refusal.code() == Code::ClaimOfOtherStore);
    let refusal = a_box("4712", 1).shows(&open, &code, NOW).unwrap_err();
    assert!(matches!(refusal, ClaimError::OtherBox { .. }));
    let refusal = a_box("4711", 1).shows(&open, &code, days(8)).unwrap_err();
    assert_eq!(refusal, ClaimError::Expired { at: days(7) });
    let withdrawn = open.withdrawn(days(1));
    assert_eq!(a_box("4711", 1).shows(&withdrawn, &code, days(1)), Err(ClaimError::Withdrawn));
    let home = store();
    let right = Box { store: Some(&home), ..a_box("4711", 1) };
    assert!(right.shows(&open, &code, days(7)).is_ok());
    assert!(open.may_reclaim() && !claim(7, None).0.may_reclaim(), "a known box is taken over only by name");
}

#[test]
fn who_does_not_know_the_code_learns_nothing_of_the_claim() {
    let (open, _) = claim(8, Some("4711"));
    let guess = code(9);
    let states = [open.clone(), open.withdrawn(NOW)];
    for claim in &states {
        for now in [NOW, days(100)] {
            assert_eq!(a_box("9", 1).shows(claim, &guess, now), Err(ClaimError::Unknown));
        }
    }
    assert!(!format!("{open:?}").contains("digest"));
    assert_ne!(open.digest, open.introduction_key);
}

#[test]
fn a_claim_holds_no_longer_than_a_quarter() {
    let (claim, _) = Claim::draw(store(), None, NOW, u64::MAX, &mut Seeded(1)).unwrap();
    assert_eq!(claim.expires_at, days(90));
}

#[test]
fn a_box_believes_the_hub_that_knows_its_claim_and_no_other() {
    let (ours, theirs) = (World::new(10), World::new(11));
    let (claim, code) = claim(12, None);
    let nonce = Nonce::draw(&mut Seeded(13)).unwrap();
    let body = |world: &World| {
        let certificates = [world.root.certificate().clone(), world.issuing.certificate().clone()];
        Answer::authorities(&certificates).body
    };
    let (locator, asked) = introduction::read_ask(&nonce.ask(&code)).unwrap();
    assert_eq!((&locator, asked), (&claim.locator, nonce));
    let proof = Introduction::prove(&claim, &asked, &body(&ours));
    let proof: Introduction = proof.to_header().parse().unwrap();
    let input = ClaimInput::Code(code.clone());

    let roots = Introduction::accept(&input, &nonce, &body(&ours), Some(&proof)).unwrap();
    assert_eq!(roots.certificates(), [ours.root.certificate().clone()]);
    for (what, nonce, body, proof) in [
        ("another hub's roots", nonce, body(&theirs), Some(&proof)),
        ("an answer to another question", Nonce([0; 32]), body(&ours), Some(&proof)),
        ("no proof", nonce, body(&ours), None),
    ] {
        let refusal = Introduction::accept(&input, &nonce, &body, proof).unwrap_err();
        assert!(matches!(refusal, IntroductionError::Unproved), "{what}");
        assert_eq!(refusal.code(), Code::HubUnproved);
    }
    let (another, _) = self::claim(14, None);
    let forged = Introduction::prove(&another, &nonce, &body(&theirs));
    assert!(Introduction::accept(&input, &nonce, &body(&theirs), Some(&forged)).is_err());
}

#[test]
fn the_long_form_believes_the_root_that_it_names_and_no_other() {
    let (ours, theirs) = (World::new(15), World::new(16));
    let (_, code) = claim(17, None);
    let hub = "hub.shops.example:8443".parse().unwrap();
    let input = ClaimInput::Link(ClaimLink { code, hub, root: ours.root.facts().key });
    let nonce = Nonce([1; 32]);
    let (our_root, their_root) = (ours.root.certificate().clone(), theirs.root.certificate().clone());
    let both = Answer::authorities(&[their_root.clone(), our_root.clone()]).body;
    let roots = Introduction::accept(&input, &nonce, &both, None).unwrap();
    assert_eq!(roots.certificates(), [our_root], "the one beside it is nobody's word");
    let refusal =
        Introduction::accept(&input, &nonce, &Answer::authorities(&[their_root]).body, None).unwrap_err();
    assert!(matches!(refusal, IntroductionError::OtherRoot { .. }));
    assert_eq!(refusal.code(), Code::HubOfOtherRoot);
    let refusal =
        Introduction::accept(&input, &nonce, b"<html>Welcome to the guest network", None).unwrap_err();
    assert_eq!(refusal.code(), Code::NoHub);
}

#[test]
fn a_fingerprint_is_what_openssl_makes_of_the_key() {
    let openssl = OpenSsl::new();
    let key = PrivateKey::generate().unwrap();
    openssl.file("key.pem", key.to_pem().as_bytes());
    openssl.must("pkey -in key.pem -pubout -outform DER -out public.der");
    let hash = openssl.must("dgst -sha256 -r public.der");
    assert!(hash.starts_with(&key.fingerprint().to_string()), "{hash}");
    let text = key.fingerprint().to_string();
    assert_eq!(text.parse::<Fingerprint>().unwrap(), key.fingerprint());
    assert_eq!(key.fingerprint().to_base64url().parse::<Fingerprint>().unwrap(), key.fingerprint());
    assert_eq!(key.fingerprint().short().replace(' ', ""), text[..20]);
}
