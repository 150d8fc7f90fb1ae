//! The search: stores, nodes, contents, policies and erasures by a part of what they are called, as far as somebody may see each. For pages and for programs.

use crate::{
    database::{
        Database, DatabaseError,
        glance::{ContentRow, FoundErasure, FoundNode},
        grid::GridRow,
        read::PolicyRow,
    },
    filter::{Filter, What},
    people::{role::Permission, who::Who},
};

/// The most characters that are looked for.
pub(crate) const CHARS_MAX: usize = 100;
/// The fewest digits of a hash.
const DIGITS_MIN: usize = 6;

/// What is called like it, of each kind as much as was asked for.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) stores: Vec<GridRow>,
    pub(crate) nodes: Vec<FoundNode>,
    pub(crate) contents: Vec<ContentRow>,
    pub(crate) policies: Vec<PolicyRow>,
    pub(crate) erasures: Vec<FoundErasure>,
}

/// Looks for it; nothing is called like nothing. `most`: rows of each kind.
///
/// # Errors
/// When the database cannot say.
pub(crate) async fn find(
    database: &Database,
    who: &Who,
    text: &str,
    most: u32,
) -> Result<Found, DatabaseError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Found::default());
    }
    let reach = who.reach(Permission::StoreRead);
    let filter = Filter::of(What::Name(text.to_owned())).within(reach.clone());
    let mut found = Found {
        stores: database.grid(&filter, None, "", most).await?,
        nodes: database.find_nodes(text, &reach, most).await?,
        ..Found::default()
    };
    if who.may(Permission::ArtefactRead) {
        found.contents = database.find_contents(text, most).await?;
    }
    if who.may(Permission::PolicyRead) {
        let wanted = text.to_lowercase();
        let is_it = |row: &PolicyRow| {
            row.name.to_lowercase().contains(&wanted)
                || (wanted.len() >= DIGITS_MIN && row.hash.starts_with(&wanted))
        };
        found.policies = database.policies().await?.into_iter().filter(is_it).take(most as usize).collect();
    }
    if who.may(Permission::ErasureRead) {
        found.erasures = database.find_erasures(text, most).await?;
    }
    Ok(found)
}
