//! People with keys, a repository that they have begun, and a node that believes it.

use crate::people::hall::Hall;
use aisle_artefact::{
    ArtefactId, Client, Draft, Kind, Limits, SigningKey,
    repository::{Keys, Published},
    source,
};
use aisle_content::PluginPackage;
use aisle_event::Timestamp;
use aisle_hub::artefacts::{
    Artefacts, NotPublished,
    add::{Added, NewArtefact},
    ceremony::{Beginning, in_days},
    online::OnlineKeys,
};
use std::collections::BTreeMap;
use tempfile::TempDir;

pub const DAY_MS: i64 = 86_400_000;
/// Whose keys are which.
pub const ROOTS: [u8; 3] = [1, 2, 3];
pub const TARGETS: [u8; 2] = [4, 5];
pub const PLUGINS: u8 = 8;
pub const PRICES: u8 = 9;

pub fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32]).unwrap()
}

pub fn digits(number: u8) -> String {
    key(number).public().digits().unwrap()
}

pub fn keys(numbers: &[u8], threshold: u64) -> Keys {
    Keys { keys: numbers.iter().map(|number| key(*number).public().clone()).collect(), threshold }
}

pub fn signed(mut draft: Draft, by: &[u8]) -> Draft {
    by.iter().for_each(|number| draft.sign(&key(*number)));
    draft
}

pub fn now(hall: &Hall) -> Timestamp {
    Timestamp(hall.now())
}

/// A package of a plugin whose code is noise.
pub fn package(id: &str, version: &str, bytes: usize) -> Vec<u8> {
    let mut component = vec![0; bytes];
    blake3::Hasher::new().update(id.as_bytes()).finalize_xof().fill(&mut component);
    component.extend_from_slice(version.as_bytes());
    let manifest = format!(
        "id = \"{id}\"\nversion = \"{version}\"\nhooks = [\"promotion\"]\ngrants = [\"stock\", \"kv\"]\n"
    );
    PluginPackage { manifest, component }.encode()
}

pub fn id(text: &str) -> ArtefactId {
    text.parse().unwrap()
}

pub fn new(kind: Kind, name: &str, version: &str) -> NewArtefact {
    let (name, version) = (name.into(), version.into());
    NewArtefact { kind, name, version, node_min: None, disk_bytes: 0, grants: Vec::new() }
}

/// The first drafts, signed by everybody who should: two of three roots, both targets, and for plugins and prices one each.
pub fn first_drafts(hall: &Hall) -> Vec<Draft> {
    let one = &hall.one.api.artefacts;
    let online = OnlineKeys::read_or_make(one.online_keys()).unwrap();
    // Hubs on one database have the same.
    let _ = std::fs::copy(one.online_keys(), hall.two.api.artefacts.online_keys());
    drafts(&online, now(hall))
}

/// The same for these keys of a hub.
pub fn drafts(online: &OnlineKeys, now: Timestamp) -> Vec<Draft> {
    let beginning = Beginning {
        root: keys(&ROOTS, 2),
        targets: keys(&TARGETS, 2),
        kinds: BTreeMap::from([(Kind::Plugin, keys(&[PLUGINS], 1)), (Kind::Prices, keys(&[PRICES], 1))]),
        online: online.public(),
        root_expires: in_days(now, 730),
        expires: in_days(now, 365),
    };
    let by = |draft: &Draft| -> Vec<u8> {
        match draft.role().as_str() {
            "root" => ROOTS[..2].to_vec(),
            "targets" => TARGETS.to_vec(),
            "plugins" => vec![PLUGINS],
            _ => vec![PRICES],
        }
    };
    let drafts = beginning.drafts().unwrap();
    drafts
        .into_iter()
        .map(|draft| {
            let by = by(&draft);
            signed(draft, &by)
        })
        .collect()
}

pub async fn begin(hall: &Hall) -> Published {
    hall.one.api.artefacts.publish(first_drafts(hall), None, now(hall)).await.unwrap()
}

/// Brings a plugin and gives its unsigned draft.
pub async fn bring(hall: &Hall, name: &str, version: &str) -> Added {
    let bytes = package(name, version, 40_000).into();
    let artefacts = &hall.one.api.artefacts;
    artefacts.add(new(Kind::Plugin, name, version), bytes, None, in_days(now(hall), 365)).await.unwrap()
}

/// Brings a plugin, signs and publishes it.
pub async fn release(hall: &Hall, name: &str, version: &str) -> Added {
    let added = bring(hall, name, version).await;
    let draft = signed(added.draft.clone(), &[PLUGINS]);
    hall.one.api.artefacts.publish(vec![draft], None, now(hall)).await.unwrap();
    added
}

/// What stands in the table: to see that nothing has changed.
pub async fn standing(artefacts: &Artefacts) -> Vec<(String, u64)> {
    let in_force = artefacts.in_force().await.unwrap().unwrap();
    in_force
        .files()
        .unwrap()
        .into_iter()
        .map(|(name, bytes)| (name.to_string(), bytes.len() as u64))
        .collect()
}

pub fn refused(published: Result<Published, NotPublished>) -> String {
    let error = published.unwrap_err();
    assert!(error.is_of_drafts(), "{error:?}");
    let mut text = format!("{error:?}: {error}");
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// A node that trusts the hub's first root, with a clock that is told.
pub struct Node {
    pub dir: TempDir,
    pub client: Client,
}

impl Node {
    pub async fn new(artefacts: &Artefacts) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = artefacts.first_root().await.unwrap().unwrap();
        let client = Client::init(dir.path(), &root, Limits::default()).unwrap();
        Self { dir, client }
    }

    /// Fetches what the hub has, as by the line.
    pub async fn update(&mut self, artefacts: &Artefacts, now: Timestamp) -> Vec<String> {
        let files = artefacts.in_force().await.unwrap().unwrap().files().unwrap();
        let mut files: source::Memory =
            files.into_iter().map(|(name, bytes)| (name.to_string(), bytes)).collect();
        self.client.update(&mut files, now).unwrap();
        self.names()
    }

    pub fn names(&self) -> Vec<String> {
        self.client.artefacts().map(|artefact| artefact.id.to_string()).collect()
    }
}
