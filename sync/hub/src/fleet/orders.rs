//! From what nodes should be to the orders of their stores.
//!
//! ```text
//! Resolved ─ less what is not at this hub ─> state, bytes, hash ─┐
//!                                                                ├─ of all nodes of a store: items, states ─> print ─ another than last time ─> Order, signed
//! slots of its nodes ─ the newest under the slot's name ─> items ┘
//! ```
//!
//! Guards: an order names nothing whose bytes are not here, and a store whose order would say the same is left alone.

use super::metadata::Current;
use crate::database::{Database, DatabaseError};
use aisle_content::{Content, Delta, Item, manifest::ITEMS_MAX, order::NODES_MAX};
use aisle_event::StoreId;
use aisle_fleet::{
    ArtefactSet, ContentHash, Release, Slot,
    desired::{Resolved, Source},
    rehearsal::{Candidate, encode_candidates},
};
use aisle_protocol::Hash;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// What the metadata's item is called.
const METADATA: &str = "metadata";
/// How many digits of its hash tell a version from the one that has the slot's name.
const DIGITS: usize = 12;

/// Every release of a set, with its slot.
pub(super) fn releases(set: &ArtefactSet) -> impl Iterator<Item = (&Slot, &Release)> {
    set.iter().filter_map(|(slot, want)| Some((slot, want.release()?)))
}

/// The contents that are at this hub, with the ways to them.
#[derive(Debug, Default)]
pub(super) struct Bytes(HashMap<ContentHash, (Content, Vec<Delta>)>);

impl Bytes {
    /// Looks for these.
    pub(super) async fn find(
        database: &Database,
        releases: impl Iterator<Item = &Release>,
    ) -> Result<Self, DatabaseError> {
        let wanted: BTreeSet<(ContentHash, u64)> =
            releases.map(|release| (release.hash, release.bytes)).collect();
        let mut found = HashMap::new();
        for (hash, bytes) in wanted {
            let name = Hash(hash.0);
            // Another length is another thing than was released.
            if database.content_bytes(&name).await? != Some(bytes) {
                continue;
            }
            let mut content = Content { hash: name, bytes, tree: None };
            if content.pieces() > 1 {
                let tree = database.content_named(&format!("tree of {name}")).await?;
                let Some(tree) = tree.and_then(|tree| <[u8; 32]>::try_from(tree).ok()) else { continue };
                content.tree = Some(Hash(tree));
            }
            found.insert(hash, (content, database.deltas(&name).await?));
        }
        Ok(Self(found))
    }

    /// The content of a release.
    pub(super) fn get(&self, release: &Release) -> Option<&(Content, Vec<Delta>)> {
        self.0.get(&release.hash).filter(|(content, _)| content.bytes == release.bytes)
    }
}

/// What a node should be, as far as it can be fetched here. Shared by nodes of which the same is said.
#[derive(Debug)]
pub(super) struct Answer {
    /// The canonical bytes.
    pub bytes: Vec<u8>,
    /// Their hash.
    pub hash: ContentHash,
    /// True when nothing is said.
    pub is_empty: bool,
    /// What is to be fetched, and how new the rollout is that brings it.
    wants: Vec<(Slot, Release, u64)>,
}

/// Makes answers, each once.
#[derive(Debug, Default)]
pub(super) struct Answers(HashMap<usize, Option<Arc<Answer>>>);

impl Answers {
    /// Nothing where no state can be made of it, which is said in the log.
    pub(super) fn of(
        &mut self,
        resolved: &Arc<Resolved>,
        bytes: &Bytes,
        places: &BTreeMap<String, u64>,
    ) -> Option<Arc<Answer>> {
        // As long as all are held, no two have one address.
        let address = Arc::as_ptr(resolved).addr();
        self.0.entry(address).or_insert_with(|| answer(resolved, bytes, places).map(Arc::new)).clone()
    }
}

fn answer(resolved: &Resolved, bytes: &Bytes, places: &BTreeMap<String, u64>) -> Option<Answer> {
    let mut state = resolved.state.clone();
    state.slots.retain(|_, wanted| wanted.want.release().is_none_or(|release| bytes.get(release).is_some()));
    let newness = |slot: &Slot| match resolved.why.get(slot).and_then(|why| why.source.as_ref()) {
        Some(Source::Rollout { rollout }) => places.get(rollout.as_str()).copied().unwrap_or(0),
        _ => 0,
    };
    let wants = state
        .slots
        .iter()
        .filter_map(|(slot, wanted)| Some((slot.clone(), wanted.want.release()?.clone(), newness(slot))))
        .collect();
    let encoded = state.encode();
    let bytes = encoded
        .inspect_err(|error| tracing::error!(%error, "no state can be made of what is said of some nodes"))
        .ok()?;
    let is_empty = state.slots.is_empty()
        && state.minimums.is_empty()
        && state.settings.is_empty()
        && state.maintenance.is_none();
    Some(Answer { hash: ContentHash::of(&bytes), bytes, is_empty, wants })
}

/// What one node is to be given.
#[derive(Debug)]
pub(super) struct OfNode {
    /// Which.
    pub serial: String,
    /// What it should be.
    pub answer: Arc<Answer>,
    /// What it is to try without putting it in place.
    pub rehearse: Vec<Candidate>,
}

/// What a store is to be given.
#[derive(Debug)]
pub(super) struct Draft {
    /// Which store.
    pub store: StoreId,
    /// What it fetches.
    pub items: Vec<Item>,
    /// Its nodes, by serial.
    pub nodes: Vec<OfNode>,
    /// BLAKE3 of all that.
    pub print: [u8; 32],
}

impl Draft {
    /// Of the nodes of a store.
    pub(super) fn of(store: &StoreId, mut nodes: Vec<OfNode>, bytes: &Bytes, metadata: &Current) -> Self {
        nodes.sort_by(|a, b| a.serial.cmp(&b.serial));
        if nodes.len() > NODES_MAX {
            tracing::warn!(%store, nodes = nodes.len(), NODES_MAX, "a store has more nodes than an order tells of");
            nodes.truncate(NODES_MAX);
        }
        let mut items = items(&nodes, bytes, metadata);
        let tried = tried(&nodes, bytes, &items);
        if items.len() + tried.len() > ITEMS_MAX {
            tracing::warn!(%store, "a store has so much to fetch that there is no room for what it is to rehearse");
            nodes.iter_mut().for_each(|node| node.rehearse.clear());
        } else if !tried.is_empty() {
            items.extend(tried);
            items.sort_by(|a, b| a.name.cmp(&b.name));
        }
        let mut hasher = blake3::Hasher::new_derive_key("aisle 2026-11-22 what an order was made of");
        for item in &items {
            // Writing to a `Vec` has no way to fail.
            let item = minicbor::to_vec(item).unwrap_or_default();
            hasher.update(&(item.len() as u64).to_le_bytes()).update(&item);
        }
        hasher.update(&[0xff]);
        for OfNode { serial, answer, .. } in &nodes {
            hasher
                .update(&(serial.len() as u64).to_le_bytes())
                .update(serial.as_bytes())
                .update(&answer.hash.0);
        }
        // Where nothing is to be rehearsed the hash is what it always was.
        for OfNode { serial, rehearse, .. } in nodes.iter().filter(|node| !node.rehearse.is_empty()) {
            hasher
                .update(&[0xfe])
                .update(serial.as_bytes())
                .update(&encode_candidates(rehearse).unwrap_or_default());
        }
        Self { store: store.clone(), items, nodes, print: *hasher.finalize().as_bytes() }
    }
}

/// Another name under which a version of a slot is fetched.
fn beside(slot: &Slot, hash: &ContentHash) -> String {
    let digits: String = hash.to_string().chars().take(DIGITS).collect();
    format!("{slot}+{digits}")
}

/// What is fetched only to be tried. It never has the name of its slot: whoever reads a manifest takes that for what is wanted.
fn tried(nodes: &[OfNode], bytes: &Bytes, items: &[Item]) -> Vec<Item> {
    let mut all: BTreeMap<String, Item> = BTreeMap::new();
    for Candidate { slot, release, .. } in nodes.iter().flat_map(|node| &node.rehearse) {
        let Some((content, deltas)) = bytes.get(release) else { continue };
        if items.iter().any(|item| item.content.hash == content.hash) {
            continue;
        }
        let (name, version) = (beside(slot, &release.hash), release.version.to_string());
        all.insert(name.clone(), Item { name, version, content: *content, deltas: deltas.clone() });
    }
    all.into_values().collect()
}

fn items(nodes: &[OfNode], bytes: &Bytes, metadata: &Current) -> Vec<Item> {
    let mut of_slot: BTreeMap<&Slot, BTreeMap<ContentHash, (u64, &Release)>> = BTreeMap::new();
    for (slot, release, newness) in nodes.iter().flat_map(|node| &node.answer.wants) {
        let known = of_slot.entry(slot).or_default().entry(release.hash).or_insert((*newness, release));
        known.0 = known.0.max(*newness);
    }
    let mut items = Vec::new();
    if let Some((version, content)) = metadata {
        items.push(Item {
            name: METADATA.into(),
            version: version.clone(),
            content: *content,
            deltas: Vec::new(),
        });
    }
    for (slot, versions) in of_slot {
        let newest = versions.values().max_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| a.1.version.cmp(&b.1.version)).then_with(|| a.1.hash.cmp(&b.1.hash))
        });
        let newest = newest.map(|(_, release)| release.hash);
        for (hash, (_, release)) in &versions {
            let Some((content, deltas)) = bytes.get(release) else { continue };
            let mut name = slot.to_string();
            if Some(*hash) != newest {
                name = beside(slot, hash);
            }
            items.push(Item {
                name,
                version: release.version.to_string(),
                content: *content,
                deltas: deltas.clone(),
            });
        }
    }
    items.sort_by(|a, b| a.name.cmp(&b.name));
    items
}
