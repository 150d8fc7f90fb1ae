//! Old metadata goes: each version of the timestamp is a content of its own, and one that no order names any more is of no use to anybody.
//!
//! Other contents stay until somebody takes them away: a store may be given an old version again. Guards: what any order names, what is in force now and what is an hour old at most is left.

use super::{Artefacts, LookError, release::METADATA};
use crate::{
    content::ContentError,
    database::{DatabaseError, StoredContent},
    publish::Desire,
};
use std::collections::BTreeSet;

/// Another hub may be about to name what was made so lately, in milliseconds.
const FRESH_MS: i64 = 3_600_000;
/// How many go in one sweep; the next one goes on.
const SWEPT_MAX: u32 = 256;
/// How many times so many are looked at in one sweep: more than stores of a fleet that each still name a version of their own.
const PAGES_MAX: u32 = 64;
/// How many orders are read at a time.
const ORDERS_MAX: u32 = 200;

/// Why a sweep ended.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// What is in force cannot be looked at.
    #[error(transparent)]
    Look(#[from] LookError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The place of contents.
    #[error(transparent)]
    Content(#[from] ContentError),
}

impl Artefacts {
    /// Takes contents of metadata away that nobody names any more, the oldest first. Says how many.
    ///
    /// # Errors
    /// When it cannot be looked at, or one cannot be taken away. What was taken away is gone; the next sweep does the rest.
    pub async fn sweep(&self, now_ms: i64) -> Result<usize, SweepError> {
        let in_force = self.in_force().await?.map(|in_force| super::release::timestamp_version(&in_force));
        let version = |name: &str| name.strip_prefix(METADATA)?.parse::<u64>().ok();
        let is_old =
            |content: &StoredContent| version(&content.name).is_some_and(|version| Some(version) != in_force);
        let before_ms = now_ms.saturating_sub(FRESH_MS);
        let (mut swept, mut named, mut after) = (0, None, None);
        for _ in 0..PAGES_MAX {
            let page = self.database().contents_named(METADATA, before_ms, after.as_ref(), SWEPT_MAX).await?;
            let is_last = page.len() < SWEPT_MAX as usize;
            let next = page.last().cloned();
            for content in page.into_iter().filter(is_old) {
                // Read once, and only where something may go.
                if named.is_none() {
                    named = Some(self.named().await?);
                }
                let is_named = named.as_ref().is_none_or(|named| named.contains(&content.hash.to_string()));
                if is_named {
                    continue;
                }
                self.take_away(&content).await?;
                swept += 1;
                if swept == SWEPT_MAX as usize {
                    return Ok(swept);
                }
            }
            // What stays is passed by, so that it holds up nothing behind it.
            after = next;
            if is_last {
                break;
            }
        }
        Ok(swept)
    }

    async fn take_away(&self, content: &StoredContent) -> Result<(), SweepError> {
        let database = self.database();
        // The bytes first: what the list has and is not there goes with the next sweep, what is there and in no list would stay for ever.
        if let Some(tree) = database.tree_of(&content.hash).await? {
            self.contents().remove(&tree).await?;
            database.drop_content(&tree).await?;
        }
        self.contents().remove(&content.hash).await?;
        database.drop_content(&content.hash).await?;
        Ok(())
    }

    /// Everything that an order of any store names.
    async fn named(&self) -> Result<BTreeSet<String>, DatabaseError> {
        let (mut named, mut after) = (BTreeSet::new(), String::new());
        loop {
            let page = self.database().orders_behind(&after, ORDERS_MAX).await?;
            let is_last = page.len() < ORDERS_MAX as usize;
            for (store, row) in page {
                let damaged =
                    |_| DatabaseError::Damaged { table: "desired", column: "manifest", row: store.clone() };
                // One that cannot be read may name anything: then nothing goes.
                let desire = Desire::of(Some(row)).map_err(damaged)?;
                named.extend(desire.items.into_iter().map(|item| item.hash));
                after = store;
            }
            if is_last {
                return Ok(named);
            }
        }
    }
}
