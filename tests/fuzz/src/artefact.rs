//! What comes from a hub or a stick before anybody's signature was looked at: metadata, targets, drafts, bundles. Any bytes are one of these or an error, within
//! bounds, and what was read survives its own encoding.

use aisle_artefact::{
    Artefact, ArtefactId, Digest, Draft, Kind, Needs, Repository, Role, SigningKey,
    bundle::{self, Limits, up},
    metadata::{SIGNATURES_MAX, inspect},
    repository::{Delegation, Keys, Online, RootPlan, Validity},
    shelf,
};
use aisle_event::Timestamp;
use std::sync::OnceLock;

const NOW: Timestamp = Timestamp(1_795_132_800_000);
const LATER: Timestamp = Timestamp(1_826_668_800_000);
const PATH: &str = "plugins/buy-two/1.4.0.plugin";

/// Small enough for a bomb to be noticed, large enough for the examples.
const LIMITS: Limits = Limits {
    entries_max: 64,
    unpacked_bytes_max: 1 << 20,
    metadata_bytes_max: 256 << 10,
    content_bytes_max: 64 << 10,
    carried_bytes_max: 16 << 10,
};

/// The input is metadata, after a byte that says whose.
///
/// # Panics
/// When what was read is not bounded, or a draft does not survive its own encoding.
pub fn artefact_metadata(input: &[u8]) {
    let Some((whose, bytes)) = input.split_first() else { return };
    let delegated = Role::delegated("plugins").expect("a good name");
    let roles = [Role::Root, Role::Timestamp, Role::Snapshot, Role::Targets, delegated];
    if let Some(role) = roles.get(usize::from(*whose) % roles.len()) {
        match inspect(role, bytes) {
            Ok(found) => {
                assert!(found.version > 0 && found.signed_by.len() <= SIGNATURES_MAX);
                assert_eq!(found.role, *role);
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    if let Ok(draft) = Draft::read(bytes) {
        let written = draft.write().expect("what was read can be written");
        let again = Draft::read(&written).expect("what was written can be read");
        assert_eq!(
            (again.role(), again.version(), again.signed_by()),
            (draft.role(), draft.version(), draft.signed_by())
        );
        assert!(draft.summary().is_ok_and(|lines| !lines.is_empty()) || draft.summary().is_err());
    }
}

/// The input is a target, as metadata has it; also a path.
///
/// # Panics
/// When what was read is beyond a bound, or does not survive its own encoding.
pub fn artefact_custom(input: &[u8]) {
    match Artefact::decode(PATH, input) {
        Ok(artefact) => {
            assert_eq!(artefact.id.to_string(), PATH);
            assert!((1..=artefact.id.kind().bytes_max()).contains(&artefact.bytes));
            let again = Artefact::decode(PATH, &artefact.encode()).expect("what was written can be read");
            assert_eq!(again, artefact);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let text = String::from_utf8_lossy(input);
    if let Ok(id) = text.parse::<ArtefactId>() {
        assert_eq!(id.to_string(), text, "a path is one identifier's");
    }
}

/// The input is a bundle, or the tar within one.
///
/// # Panics
/// When more was taken in than the bounds allow, or entries were given that are not of their chain.
pub fn artefact_bundle(input: &[u8]) {
    let packed = zstd::stream::encode_all(input, 1).expect("anything can be packed");
    for bundle in [input, &packed] {
        match bundle::inspect(bundle, &LIMITS) {
            Ok(summary) => {
                let entries = summary.metadata.len() as u64 + summary.contents.len() as u64 + summary.carried;
                assert!(entries <= LIMITS.entries_max);
                assert!(summary.contents.iter().all(|(_, bytes)| *bytes <= LIMITS.content_bytes_max));
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        let (mut given, mut head) = (0, None);
        let imported = up::import(bundle, None, &LIMITS, |carried| {
            assert!(carried.bytes.len() as u64 <= LIMITS.carried_bytes_max);
            given += 1;
            head = Some(carried.head);
            Ok(())
        });
        if let Ok(imported) = imported {
            assert_eq!((imported.given, Some(imported.head)), (given, head.or(Some(imported.before))));
        }
    }
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32]).expect("a good seed")
}

fn plugin() -> Artefact {
    let id: ArtefactId = PATH.parse().expect("a good path");
    let needs = Needs { disk_bytes: 7, grants: vec!["stock".into()] };
    Artefact::describe(id, &b"a component"[..], Some(semver::Version::new(0, 1, 0)), needs)
        .expect("a good content")
}

fn drafts() -> Vec<Draft> {
    let one = |number: u8| Keys::one(key(number).public());
    let plan = RootPlan { root: one(1), targets: one(2), snapshot: one(3), timestamp: one(3) };
    let delegation = Delegation { kind: Kind::Plugin, keys: one(4) };
    let made = [
        (Draft::root(1, &plan, LATER), 1),
        (Draft::targets(1, &[delegation], LATER), 2),
        (Draft::artefacts(Kind::Plugin, 1, [&plugin()], LATER), 4),
    ];
    let signed = made.into_iter().map(|(draft, by)| {
        let mut draft = draft.expect("a good draft");
        draft.sign(&key(by));
        draft
    });
    signed.collect()
}

fn repository() -> &'static Repository<shelf::Memory> {
    static REPOSITORY: OnceLock<Repository<shelf::Memory>> = OnceLock::new();
    REPOSITORY.get_or_init(|| {
        let online = key(3);
        let online = Online { snapshot: &online, timestamp: &online };
        let validity = Validity { snapshot_ms: 1 << 40, timestamp_ms: 1 << 40 };
        Repository::init(shelf::Memory::default(), drafts(), &online, validity, NOW)
            .expect("a good repository")
    })
}

/// The metadata of a repository, and the drafts of it.
pub(crate) fn metadata_examples() -> Vec<Vec<u8>> {
    let whose = |role: &Role| match role {
        Role::Root => 0,
        Role::Timestamp => 1,
        Role::Snapshot => 2,
        Role::Targets => 3,
        Role::Delegated(_) => 4,
    };
    let files = repository().files().expect("it is in memory");
    let files = files.into_iter().map(|(name, bytes)| [vec![whose(name.role())], bytes].concat());
    let drafts = drafts().into_iter().map(|draft| {
        let bytes = draft.write().expect("a good draft");
        [vec![whose(draft.role())], bytes].concat()
    });
    files.chain(drafts).collect()
}

/// A target with everything that one can say, and a path.
pub(crate) fn custom_examples() -> Vec<Vec<u8>> {
    vec![plugin().encode(), PATH.into()]
}

/// A bundle each way, and their tars.
pub(crate) fn bundle_examples() -> Vec<Vec<u8>> {
    let files = repository().files().expect("it is in memory");
    let contents = [(plugin(), &b"a component"[..])];
    let down = bundle::down::export(Vec::new(), "hub", &files, Some(b"an order"), contents)
        .expect("written to memory");
    let entries = [("p0/1/1", &b"one"[..]), ("p0/1/2", b"two")];
    let (up, _) =
        up::export(Vec::new(), "store", Digest([7; 32]), entries, &LIMITS).expect("written to memory");
    let tar = |packed: &Vec<u8>| zstd::stream::decode_all(packed.as_slice()).expect("just packed");
    vec![tar(&down), tar(&up), down, up]
}
