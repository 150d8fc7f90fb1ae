//! A hub with people who hold keys, and what somebody between hub and store can make of its files.

use aisle_artefact::{
    Artefact, ArtefactId, Client, Digest, Draft, FileName, Kind, Limits, Needs, Repository, SigningKey,
    client::Update,
    repository::{Change, Delegation, Keys, Online, PublishError, Published, RootPlan, Validity},
    shelf, source,
};
use aisle_event::Timestamp;
use olpc_cjson::CanonicalFormatter;
use ring::signature::Ed25519KeyPair;
use serde::Serialize as _;
use serde_json::{Value, json};

/// 2026-11-20, as everybody's trusted time.
pub const NOW: Timestamp = Timestamp(1_795_132_800_000);
pub const HOUR_MS: i64 = 3_600_000;
pub const DAY_MS: i64 = 24 * HOUR_MS;
pub const VALIDITY: Validity = Validity { snapshot_ms: 30 * DAY_MS as u64, timestamp_ms: 7 * DAY_MS as u64 };

/// Whose keys are which.
pub const ROOTS: [u8; 3] = [1, 2, 3];
pub const TARGETS: [u8; 2] = [4, 5];
pub const SNAPSHOT: u8 = 6;
pub const TIMESTAMP: u8 = 7;
pub const PLUGINS: u8 = 8;
pub const PRICES: u8 = 9;

pub fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32]).unwrap()
}

pub fn keys(numbers: &[u8], threshold: u64) -> Keys {
    Keys { keys: numbers.iter().map(|number| key(*number).public().clone()).collect(), threshold }
}

pub fn days(days: i64) -> Timestamp {
    NOW.saturating_add_ms(days * DAY_MS)
}

pub fn plan() -> RootPlan {
    RootPlan {
        root: keys(&ROOTS, 2),
        targets: keys(&TARGETS, 2),
        snapshot: keys(&[SNAPSHOT], 1),
        timestamp: keys(&[TIMESTAMP], 1),
    }
}

pub fn delegations() -> Vec<Delegation> {
    vec![
        Delegation { kind: Kind::Plugin, keys: keys(&[PLUGINS], 1) },
        Delegation { kind: Kind::Prices, keys: keys(&[PRICES], 1) },
    ]
}

pub fn signed(mut draft: Draft, by: &[u8]) -> Draft {
    by.iter().for_each(|number| draft.sign(&key(*number)));
    draft
}

pub fn id(kind: Kind, name: &str, version: &str) -> ArtefactId {
    ArtefactId::new(kind, name, version).unwrap()
}

/// A content that follows from what it is called.
pub fn content(id: &ArtefactId, bytes: usize) -> Vec<u8> {
    let mut content = vec![0; bytes];
    blake3::Hasher::new().update(id.to_string().as_bytes()).finalize_xof().fill(&mut content);
    content
}

pub fn artefact(kind: Kind, name: &str, version: &str) -> Artefact {
    let id = id(kind, name, version);
    let content = content(&id, 3000);
    Artefact::describe(id, content.as_slice(), None, Needs::default()).unwrap()
}

pub fn plugin(name: &str, version: &str) -> Artefact {
    artefact(Kind::Plugin, name, version)
}

pub fn add(artefacts: &[&Artefact]) -> Change {
    Change { add: artefacts.iter().map(|artefact| (*artefact).clone()).collect(), remove: Vec::new() }
}

pub fn first_drafts(expires: Timestamp) -> Vec<Draft> {
    vec![
        signed(Draft::root(1, &plan(), expires).unwrap(), &ROOTS[..2]),
        signed(Draft::targets(1, &delegations(), expires).unwrap(), &TARGETS),
        signed(Draft::artefacts(Kind::Plugin, 1, [], expires).unwrap(), &[PLUGINS]),
        signed(Draft::artefacts(Kind::Prices, 1, [], expires).unwrap(), &[PRICES]),
    ]
}

pub fn online<R>(work: impl FnOnce(&Online<'_>) -> R) -> R {
    let (snapshot, timestamp) = (key(SNAPSHOT), key(TIMESTAMP));
    work(&Online { snapshot: &snapshot, timestamp: &timestamp })
}

/// A hub whose repository has one plugin.
pub struct Hub {
    pub repository: Repository<shelf::Memory>,
    pub now: Timestamp,
}

impl Hub {
    pub fn new() -> Self {
        let drafts = first_drafts(days(365));
        let made = online(|online| Repository::init(shelf::Memory::default(), drafts, online, VALIDITY, NOW));
        let mut hub = Self { repository: made.unwrap(), now: NOW };
        hub.add(Kind::Plugin, &add(&[&plugin("buy-two", "1.4.0")]));
        hub
    }

    /// Changes a kind as those who may do.
    pub fn add(&mut self, kind: Kind, change: &Change) -> Published {
        let by = if kind == Kind::Plugin { PLUGINS } else { PRICES };
        let draft = self.repository.next_artefacts(kind, change, days(365)).unwrap();
        self.publish(vec![signed(draft, &[by])]).unwrap()
    }

    pub fn publish(&mut self, drafts: Vec<Draft>) -> Result<Published, PublishError> {
        online(|online| self.repository.publish(drafts, online, VALIDITY, self.now))
    }

    pub fn refresh(&mut self) -> Published {
        online(|online| self.repository.refresh(online, VALIDITY, self.now)).unwrap()
    }

    /// All that it gives to whoever asks.
    pub fn files(&self) -> source::Memory {
        self.repository.files().unwrap().into_iter().map(|(name, bytes)| (name.to_string(), bytes)).collect()
    }

    pub fn metadata(&self) -> Vec<(FileName, Vec<u8>)> {
        self.repository.files().unwrap()
    }

    pub fn root(&self) -> Vec<u8> {
        self.files()["1.root.json"].clone()
    }
}

/// A store that trusts the hub's first root.
pub struct Store {
    pub dir: tempfile::TempDir,
    pub client: Client,
}

impl Store {
    pub fn new(hub: &Hub) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let client = Client::init(dir.path(), &hub.root(), Limits::default()).unwrap();
        Self { dir, client }
    }

    /// One that has seen what the hub has.
    pub fn updated(hub: &Hub) -> Self {
        let mut store = Self::new(hub);
        store.update(&mut hub.files()).unwrap();
        store
    }

    pub fn update(&mut self, files: &mut source::Memory) -> Result<Update, aisle_artefact::UpdateError> {
        self.client.update(files, NOW)
    }

    pub fn restart(&mut self) {
        self.client = Client::open(self.dir.path(), Limits::default()).unwrap();
    }

    pub fn names(&self) -> Vec<String> {
        self.client.artefacts().map(|artefact| artefact.id.to_string()).collect()
    }
}

/// Metadata with these signatures, whatever it says.
pub fn forge(body: &Value, by: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut message, CanonicalFormatter::new());
    body.serialize(&mut serializer).unwrap();
    let signatures: Vec<Value> = by
        .iter()
        .map(|number| {
            let pair = Ed25519KeyPair::from_seed_unchecked(&[*number; 32]).unwrap();
            let sig = data_encoding::HEXLOWER.encode(pair.sign(&message).as_ref());
            json!({ "keyid": key(*number).id().to_string(), "sig": sig })
        })
        .collect();
    serde_json::to_vec(&json!({ "signed": body, "signatures": signatures })).unwrap()
}

pub fn body(files: &source::Memory, name: &str) -> Value {
    let whole: Value = serde_json::from_slice(&files[name]).unwrap();
    whole["signed"].clone()
}

/// Changes what a file says, signed by these. The numbers in the file's name stay.
pub fn change(files: &mut source::Memory, name: &str, by: &[u8], change: impl FnOnce(&mut Value)) {
    let mut body = body(files, name);
    change(&mut body);
    files.insert(name.to_owned(), forge(&body, by));
}

/// Gives a snapshot what is in the files, and a timestamp the snapshot, signed online: what somebody can do who broke into the hub.
pub fn reseal(files: &mut source::Memory, snapshot: u64, change: impl FnOnce(&mut Value)) {
    let newest = newest(files, "snapshot");
    let mut body = body(files, &format!("{newest}.snapshot.json"));
    body["version"] = json!(snapshot);
    for role in ["targets", "plugins", "prices"] {
        let version = self::newest(files, role);
        body["meta"][format!("{role}.json")] = meta(&files[&format!("{version}.{role}.json")], version);
    }
    change(&mut body);
    let name = format!("{snapshot}.snapshot.json");
    files.insert(name.clone(), forge(&body, &[SNAPSHOT]));
    let meta = meta(&files[&name], snapshot);
    self::change(files, "timestamp.json", &[TIMESTAMP], |body| {
        body["version"] = json!(body["version"].as_u64().unwrap() + 1);
        body["meta"]["snapshot.json"] = meta;
    });
}

pub fn meta(bytes: &[u8], version: u64) -> Value {
    let sha256 = Digest::sha256(bytes).to_string();
    json!({ "version": version, "length": bytes.len(), "hashes": { "sha256": sha256 } })
}

pub fn newest(files: &source::Memory, role: &str) -> u64 {
    let ending = format!(".{role}.json");
    files.keys().filter_map(|name| name.strip_suffix(&ending)?.parse().ok()).max().unwrap()
}
