//! What every node should be, as orders: one for each store for which that has changed. Not here: what is in one ([`crate::fleet::orders`]).

use super::{Ended, Held, Lost, Parts};
use crate::{
    database::{Database, DatabaseError, fleet::NewOrder, read::ROWS_MAX},
    fleet::{
        orders::{Answers, Bytes, Draft, OfNode, releases},
        world::{self, id},
    },
};
use aisle_content::{Manifest, Order, order::NodeOrder};
use aisle_event::{StoreId, Timestamp};
use aisle_fleet::{NodeId, Release, Stamp, rehearsal::encode_candidates};
use std::collections::{BTreeMap, BTreeSet};

/// How many stores are given their orders in one transaction.
const ORDERS_TOGETHER: usize = 32;

/// Every release that anybody names.
fn named(held: &Held) -> impl Iterator<Item = &Release> {
    let groups = held.words.groups.iter().map(|group| &group.says.artefacts);
    let overrides = held.words.overrides.iter().map(|one| &one.says.artefacts);
    let rollouts = held.rollouts.values().map(|kept| &kept.rollout.spec().set);
    groups.chain(overrides).chain(rollouts).flat_map(releases).map(|(_, release)| release)
}

/// Resolves what every node should be, and gives an order to each store for which that has changed. Says how many.
pub(super) async fn give(parts: &Parts, held: &mut Held, now: Timestamp) -> Result<usize, Ended> {
    let database = &parts.database;
    let drafts = {
        let bytes = Bytes::find(database, named(held)).await?;
        let metadata = parts.metadata.current().await?;
        read_prints(database, held).await?;
        let members = &held.members.members;
        let rollouts = held.rollouts.values().map(|kept| &kept.rollout);
        let places: BTreeMap<String, u64> =
            rollouts.clone().map(|rollout| (rollout.spec().rollout.to_string(), rollout.order())).collect();
        let resolved = world::resolve(members, &held.words, rollouts, now);
        let mut answers = Answers::default();
        let mut stores: BTreeMap<&StoreId, Vec<OfNode>> = BTreeMap::new();
        let mut faulty: BTreeSet<&StoreId> = BTreeSet::new();
        for (member, resolved) in members.iter().zip(&resolved) {
            match answers.of(resolved, &bytes, &places) {
                Some(answer) => {
                    let (serial, rehearse) =
                        (member.id.serial.to_string(), held.rehearsing.of_node(&member.id, &bytes));
                    stores.entry(&member.id.store).or_default().push(OfNode { serial, answer, rehearse });
                }
                None => drop(faulty.insert(&member.id.store)),
            }
        }
        // Such a store keeps the order that it has.
        stores.retain(|store, _| !faulty.contains(store));
        let mut drafts = Vec::new();
        for (store, nodes) in stores {
            let is_told_of = metadata.is_some()
                || held.prints.contains_key(store.as_str())
                || nodes.iter().any(|node| !node.answer.is_empty || !node.rehearse.is_empty());
            let draft = Draft::of(store, nodes, &bytes, &metadata);
            let is_new = held.prints.get(store.as_str()).is_none_or(|print| print.as_slice() != draft.print);
            if is_told_of && is_new {
                drafts.push(draft);
            }
        }
        drafts
    };
    let mut given = 0;
    for together in drafts.chunks(ORDERS_TOGETHER) {
        given += write(parts, held, together, now).await?;
    }
    Ok(given)
}

async fn read_prints(database: &Database, held: &mut Held) -> Result<(), DatabaseError> {
    held.prints.clear();
    let mut after = String::new();
    loop {
        let page = database.fleet_orders(&after, ROWS_MAX).await?;
        let is_last = page.len() < ROWS_MAX as usize;
        for (store, print, is_last_word) in page {
            after.clone_from(&store);
            // Where somebody else had the last word, the order is given again.
            held.prints.insert(store, if is_last_word { print } else { Vec::new() });
        }
        if is_last {
            return Ok(());
        }
    }
}

async fn write(parts: &Parts, held: &mut Held, drafts: &[Draft], now: Timestamp) -> Result<usize, Ended> {
    let mut rule = parts.database.rule_fleet(&held.lease).await?.ok_or(Lost)?;
    let mut stamped: Vec<(NodeId, Stamp)> = Vec::new();
    let mut given = 0;
    for draft in drafts {
        let mut nodes = Vec::with_capacity(draft.nodes.len());
        let mut stamps = Vec::with_capacity(draft.nodes.len());
        for OfNode { serial, answer, rehearse } in &draft.nodes {
            let Some(id) = id(draft.store.as_str(), serial) else { continue };
            let last = held.nodes.get(&id).and_then(|node| node.stamp);
            let stamp = Stamp::following(last, answer.hash);
            let mut node = NodeOrder::new(serial.clone(), stamp.version, answer.bytes.clone());
            // They are bounded where they come from; one that could not be written is asked for by nobody.
            let tried = (!rehearse.is_empty()).then(|| encode_candidates(rehearse).ok()).flatten();
            node.rehearse = tried.map(Into::into);
            nodes.push(node);
            if Some(stamp) != last {
                stamps.push((id, stamp));
            }
        }
        let generation = rule.next_generation(draft.store.as_str()).await?;
        let document = Manifest::new(generation, draft.items.clone())
            .map_err(|error| error.to_string())
            .and_then(|manifest| {
                let order = Order::new(&draft.store, manifest.encode(), nodes, &parts.hub, now.0);
                order.seal(|message| parts.receipt_key.sign(message).0).map_err(|error| error.to_string())
            });
        let document = match document {
            Ok(document) => document,
            Err(error) => {
                tracing::error!(store = %draft.store, error, "a store cannot be given an order, and keeps the one that it has");
                continue;
            }
        };
        let order =
            NewOrder { store: draft.store.as_str(), generation, print: &draft.print, document: &document };
        if !rule.put_order(&order).await? {
            continue;
        }
        for (id, stamp) in &stamps {
            rule.put_stamp(id.store.as_str(), id.serial.as_str(), stamp).await?;
        }
        stamped.extend(stamps);
        given += 1;
    }
    rule.commit().await?;
    for (id, stamp) in stamped {
        if let Some(node) = held.nodes.get_mut(&id) {
            node.stamp = Some(stamp);
        }
    }
    Ok(given)
}
