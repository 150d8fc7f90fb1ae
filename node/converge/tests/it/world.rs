//! A hub that signs and orders, and a store whose plugins are texts.

use aisle_artefact::{
    Artefact, ArtefactId, Digest, Draft, Kind as Listed, Needs, Repository, SigningKey,
    bundle::down,
    repository::{Change, Delegation, Keys, Online, RootPlan, Validity},
    shelf,
};
use aisle_content::{Content, Item, Manifest, NodeOrder, Order};
use aisle_converge::{
    Applier, Fleet, Parts, Piece, SetsNode, Status, Surroundings,
    applier::{Outcome, never},
    fleet::Running,
};
use aisle_event::{StoreId, Timestamp};
use aisle_fleet::{
    ContentHash, Denies, DesiredState, Grant, Health, Kind, Reason, Release, Slot, Version, Want,
    converge::{Config, Probation, Trouble},
    desired::Wanted,
    rehearsal::{Candidate, Findings, encode_candidates},
    setting::{SettingKey, Settings},
};
use aisle_protocol::Hash;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// 2026-11-20, as everybody's trusted time.
pub const NOW: Timestamp = Timestamp(1_795_132_800_000);
pub const DAY_MS: i64 = 24 * 3_600_000;
const VALIDITY: Validity = Validity { snapshot_ms: 30 * DAY_MS as u64, timestamp_ms: 7 * DAY_MS as u64 };
/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn store() -> StoreId {
    StoreId::new("berlin-12").unwrap()
}

pub fn slot() -> Slot {
    "plugin/multi-buy".parse().unwrap()
}

/// What a plugin is here. The second word says how it does.
pub fn content(version: &str, how: &str) -> Vec<u8> {
    format!("{version} {how}").into_bytes()
}

pub fn release(version: &str, how: &str) -> Release {
    let bytes = content(version, how);
    Release {
        version: version.parse().unwrap(),
        hash: ContentHash::of(&bytes),
        bytes: bytes.len() as u64,
        needs: aisle_fleet::Needs::default(),
    }
}

/// What only the hub can make, and its nodes can check.
fn mac(message: &[u8], key: &[u8; 32]) -> [u8; 64] {
    let mut signature = [0; 64];
    blake3::Hasher::new_keyed(key).update(message).finalize_xof().fill(&mut signature);
    signature
}

pub const HUB: [u8; 32] = [7; 32];

/// An order for the only node of the store.
pub fn order(generation: u64, version: u64, want: &[Release], metadata: Option<&[u8]>) -> Vec<u8> {
    order_by(&HUB, &store(), generation, version, want, metadata)
}

pub fn order_by(
    key: &[u8; 32],
    store: &StoreId,
    generation: u64,
    version: u64,
    want: &[Release],
    metadata: Option<&[u8]>,
) -> Vec<u8> {
    order_of(key, store, (generation, version), want, metadata, (None, Settings::new()))
}

/// An order for the only node of the store, with candidates in a round.
pub fn rehearse(generation: u64, want: &Release, tried: &[Release], round: u64, metadata: &[u8]) -> Vec<u8> {
    let candidate = |release: &Release| Candidate { slot: slot(), release: release.clone(), round };
    let tried: Vec<Candidate> = tried.iter().map(candidate).collect();
    let tried = encode_candidates(&tried).unwrap();
    let more = (Some(tried), Settings::new());
    order_of(&HUB, &store(), (generation, 1), std::slice::from_ref(want), Some(metadata), more)
}

/// An order with settings of the node.
pub fn order_set(generation: u64, want: &[Release], metadata: Option<&[u8]>, settings: Settings) -> Vec<u8> {
    order_of(&HUB, &store(), (generation, generation), want, metadata, (None, settings))
}

pub fn order_of(
    key: &[u8; 32],
    store: &StoreId,
    (generation, version): (u64, u64),
    want: &[Release],
    metadata: Option<&[u8]>,
    (tried, settings): (Option<Vec<u8>>, Settings),
) -> Vec<u8> {
    order_least(key, store, (generation, version), want, metadata, (tried, settings, None))
}

/// The same with a lowest version that may run.
pub fn order_least(
    key: &[u8; 32],
    store: &StoreId,
    (generation, version): (u64, u64),
    want: &[Release],
    metadata: Option<&[u8]>,
    (tried, settings, minimum): (Option<Vec<u8>>, Settings, Option<&str>),
) -> Vec<u8> {
    let mut state = DesiredState::new();
    state.settings = settings;
    state.minimums.extend(minimum.map(|minimum| (slot(), minimum.parse::<Version>().unwrap())));
    for release in want {
        let wanted = Wanted { want: Want::Release(release.clone()), round: 0 };
        state.slots.insert(slot(), wanted);
    }
    let content = |hash: ContentHash, bytes| Content { hash: Hash(hash.0), bytes, tree: None };
    let item =
        |name: &str, content| Item { name: name.into(), version: "1".into(), content, deltas: Vec::new() };
    let mut items: Vec<Item> =
        want.iter().map(|release| item("plugin/multi-buy", content(release.hash, release.bytes))).collect();
    items.extend(metadata.map(|bytes| item("metadata", content(ContentHash::of(bytes), bytes.len() as u64))));
    items.sort_by(|a, b| a.name.cmp(&b.name));
    let manifest = Manifest::new(generation, items).unwrap().encode();
    let mut node = NodeOrder::new("AB1234".into(), version, state.encode().unwrap());
    node.rehearse = tried.map(Into::into);
    let order = Order::new(store, manifest, vec![node], "hub-eu", NOW.0);
    order.seal(|message| mac(message, key)).unwrap()
}

/// A hub with people who hold keys.
pub struct Hub {
    repository: Repository<shelf::Memory>,
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32]).unwrap()
}

fn keys(numbers: &[u8]) -> Keys {
    Keys {
        keys: numbers.iter().map(|number| key(*number).public().clone()).collect(),
        threshold: numbers.len() as u64,
    }
}

fn signed(mut draft: Draft, by: &[u8]) -> Draft {
    by.iter().for_each(|number| draft.sign(&key(*number)));
    draft
}

fn online<R>(work: impl FnOnce(&Online<'_>) -> R) -> R {
    let (snapshot, timestamp) = (key(6), key(7));
    work(&Online { snapshot: &snapshot, timestamp: &timestamp })
}

impl Hub {
    pub fn new() -> Self {
        let ends = NOW.saturating_add_ms(365 * DAY_MS);
        let plan = RootPlan {
            root: keys(&[1, 2]),
            targets: keys(&[4, 5]),
            snapshot: keys(&[6]),
            timestamp: keys(&[7]),
        };
        let delegations = [Delegation { kind: Listed::Plugin, keys: keys(&[8]) }];
        let drafts = vec![
            signed(Draft::root(1, &plan, ends).unwrap(), &[1, 2]),
            signed(Draft::targets(1, &delegations, ends).unwrap(), &[4, 5]),
            signed(Draft::artefacts(Listed::Plugin, 1, [], ends).unwrap(), &[8]),
        ];
        let made = online(|online| Repository::init(shelf::Memory::default(), drafts, online, VALIDITY, NOW));
        Self { repository: made.unwrap() }
    }

    /// Signs a plugin.
    pub fn sign(&mut self, version: &str, how: &str) -> Artefact {
        let id = ArtefactId::new(Listed::Plugin, "multi-buy", version).unwrap();
        let bytes = content(version, how);
        let artefact = Artefact::describe(id, bytes.as_slice(), None, Needs::default()).unwrap();
        let change = Change { add: vec![artefact.clone()], remove: Vec::new() };
        let ends = NOW.saturating_add_ms(365 * DAY_MS);
        let draft = self.repository.next_artefacts(Listed::Plugin, &change, ends).unwrap();
        let drafts = vec![signed(draft, &[8])];
        online(|online| self.repository.publish(drafts, online, VALIDITY, NOW)).unwrap();
        assert_eq!(artefact.blake3, Digest(release(version, how).hash.0));
        artefact
    }

    pub fn root(&self) -> Vec<u8> {
        let files = self.repository.files().unwrap();
        let root = files.into_iter().find(|(name, _)| name.to_string() == "1.root.json");
        root.unwrap().1
    }

    /// What the line brings.
    pub fn metadata(&self) -> Vec<u8> {
        self.bundle(None, &[])
    }

    /// What a stick brings.
    pub fn bundle(&self, order: Option<&[u8]>, contents: &[(Artefact, Vec<u8>)]) -> Vec<u8> {
        let contents = contents.iter().map(|(artefact, bytes)| (artefact.clone(), bytes.as_slice()));
        let files = self.repository.files().unwrap();
        down::export(Vec::new(), "hub-eu", &files, order, contents).unwrap()
    }
}

/// What runs in a shop, over restarts.
#[derive(Default)]
pub struct Shop {
    pub runs: Mutex<BTreeMap<Slot, String>>,
    pub log: Mutex<Vec<String>>,
    /// What was rehearsed, each time.
    pub played: Mutex<Vec<String>>,
    /// What the node is set to.
    pub settings: Mutex<Settings>,
    /// So often it was set.
    pub sets: AtomicUsize,
    /// What another way has brought in its place.
    pub broken: Mutex<Option<String>>,
    /// What was shown of what runs, each time.
    pub resumed: Mutex<Vec<String>>,
    /// Why what runs cannot be loaded.
    pub unloadable: Mutex<Option<Trouble>>,
    /// The lowest versions that may run, as they were told.
    pub minimums: Mutex<Vec<String>>,
    /// Held while nothing that runs comes to be loaded.
    pub loading: Mutex<()>,
}

impl SetsNode for Shop {
    fn set(&self, settings: &Settings) -> Result<Vec<Reason>, Trouble> {
        if let Some(key) = settings.keys().find(|key| key.as_str().starts_with("sync.")) {
            return Err(never(format!("`{key}` is none that headquarters may set")));
        }
        self.sets.fetch_add(1, Ordering::Relaxed);
        *self.settings.lock().unwrap() = settings.clone();
        let later = settings.keys().filter(|key| key.as_str() == "scrub.every_h").cloned();
        let keys: Vec<SettingKey> = later.collect();
        Ok(if keys.is_empty() { Vec::new() } else { vec![Reason::NextStart { keys }] })
    }
}

struct Texts(Arc<Shop>);

impl Texts {
    fn put(&self, slot: &Slot, piece: Option<&Piece>) {
        let text = piece.map(|piece| String::from_utf8(piece.bytes.clone()).unwrap());
        self.0.log.lock().unwrap().push(text.clone().unwrap_or_else(|| "nothing".into()));
        match text {
            Some(text) => drop(self.0.runs.lock().unwrap().insert(slot.clone(), text)),
            None => drop(self.0.runs.lock().unwrap().remove(slot)),
        }
    }
}

impl Applier for Texts {
    fn kind(&self) -> Kind {
        Kind::Plugin
    }

    fn bytes_max(&self) -> u64 {
        1 << 20
    }

    fn smoke_test(&self, piece: &Piece) -> Outcome {
        if piece.bytes.ends_with(b"broken") { Err(never("it does not load")) } else { Ok(()) }
    }

    fn rehearse(&self, piece: &Piece) -> Result<Findings, Trouble> {
        let text = String::from_utf8(piece.bytes.clone()).unwrap();
        self.0.played.lock().unwrap().push(text.clone());
        match text.as_str() {
            text if text.ends_with("panics") => panic!("as it is told"),
            text if text.ends_with("broken") => Err(never("it does not load")),
            _ => Ok(Findings { calls: 20, same: 19, ..Findings::default() }),
        }
    }

    fn activate(&self, piece: &Piece, _: Option<&Piece>) -> Outcome {
        self.put(&piece.slot, Some(piece));
        Ok(())
    }

    fn revert(&self, slot: &Slot, _: Option<&Piece>, to: Option<&Piece>) -> Outcome {
        self.put(slot, to);
        Ok(())
    }

    fn remove(&self, slot: &Slot, _: Option<&Piece>) -> Outcome {
        self.put(slot, None);
        Ok(())
    }

    fn minimum(&self, slot: &Slot, minimum: &Version) {
        self.0.minimums.lock().unwrap().push(format!("{slot} {minimum}"));
    }

    fn resumes(&self) -> bool {
        true
    }

    fn resume(&self, piece: &Piece) -> Outcome {
        let _one = self.0.loading.lock().unwrap();
        self.0.resumed.lock().unwrap().push(String::from_utf8(piece.bytes.clone()).unwrap());
        self.0.unloadable.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    fn health(&self, slot: &Slot, _: &ContentHash) -> Option<Health> {
        let traps = self.0.runs.lock().unwrap().get(slot).is_some_and(|text| text.ends_with("traps"));
        let traps = if traps { 10 } else { 0 };
        Some(Health { calls: 20, traps, ..Health::default() })
    }

    fn broken(&self, _: &Slot, _: &ContentHash) -> Option<String> {
        self.0.broken.lock().unwrap().clone()
    }
}

/// The time and the disk.
pub struct Place {
    pub now_ms: AtomicI64,
    pub free_bytes: AtomicU64,
    pub grants: Mutex<Option<BTreeSet<Grant>>>,
    pub denies: Mutex<Denies>,
}

impl Surroundings for Place {
    fn wall(&self) -> Option<Timestamp> {
        Some(Timestamp(self.now_ms.load(Ordering::Relaxed)))
    }

    fn trusted(&self) -> Timestamp {
        Timestamp(self.now_ms.load(Ordering::Relaxed))
    }

    fn disk_free_bytes(&self) -> u64 {
        self.free_bytes.load(Ordering::Relaxed)
    }

    fn version(&self) -> Option<Version> {
        "0.1.0".parse().ok()
    }

    fn busy(&self) -> Option<String> {
        None
    }

    fn grants(&self) -> Option<BTreeSet<Grant>> {
        self.grants.lock().unwrap().clone()
    }

    fn denies(&self) -> Denies {
        self.denies.lock().unwrap().clone()
    }
}

pub fn config() -> Config {
    let called = Probation { watch_ms: 1, ..Probation::called() };
    Config {
        kinds: [(Kind::Plugin, called)].into(),
        retry_ms_min: 1,
        retry_ms_max: 50,
        look_again_ms: 20,
        report_gap_ms: 1,
        ..Config::default()
    }
}

/// A node, which can be stopped, killed and started again.
pub struct Node {
    pub dir: tempfile::TempDir,
    pub shop: Arc<Shop>,
    pub place: Arc<Place>,
    pub fleet: Option<(Fleet, Running)>,
}

impl Node {
    pub fn new() -> Self {
        let place = Arc::new(Place {
            now_ms: AtomicI64::new(NOW.0),
            free_bytes: AtomicU64::new(1 << 40),
            grants: Mutex::default(),
            denies: Mutex::default(),
        });
        let dir = tempfile::tempdir().unwrap();
        let mut node = Self { dir, shop: Arc::default(), place, fleet: None };
        node.start();
        node
    }

    pub fn parts(&self) -> Parts {
        Parts {
            data: self.dir.path().into(),
            store: store(),
            serial: Some("AB1234".into()),
            verifies: Some(Box::new(|message, signature| mac(message, &HUB) == *signature)),
            config: config(),
            around: self.place.clone(),
        }
    }

    pub fn start(&mut self) {
        let fleet = Fleet::open(self.parts()).unwrap();
        let running =
            fleet.start(vec![Arc::new(Texts(self.shop.clone()))], Some(self.shop.clone())).unwrap().unwrap();
        self.fleet = Some((fleet, running));
    }

    pub fn stop(&mut self) {
        let (_, running) = self.fleet.take().unwrap();
        running.stop(true);
    }

    pub fn fleet(&self) -> &Fleet {
        &self.fleet.as_ref().unwrap().0
    }

    pub fn status(&self) -> Status {
        self.fleet().status()
    }

    pub fn runs(&self) -> Option<String> {
        self.shop.runs.lock().unwrap().get(&slot()).cloned()
    }

    /// A content comes by the line.
    pub fn bring(&self, bytes: &[u8]) {
        let path = self.dir.path().join("fetched");
        // Another file each time: the one before has a second name by now.
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, bytes).unwrap();
        self.fleet().arrived(&ContentHash::of(bytes), &path).unwrap();
    }

    /// Waits until it is so.
    pub fn until(&self, what: &str, is_so: impl Fn(&Status) -> bool) -> Status {
        let started = Instant::now();
        loop {
            let status = self.status();
            if is_so(&status) {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "never {what}:\n{status}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until this runs and has proved itself.
    pub fn until_proved(&self, version: &str) {
        self.until(&format!("{version} proved"), |status| {
            let report = status.report.slots.get(&slot());
            let good = report.and_then(|report| report.good.as_ref());
            good.is_some_and(|good| good.version.as_str() == version)
        });
    }
}

pub fn path(dir: &Path) -> std::path::PathBuf {
    dir.join("fleet")
}
