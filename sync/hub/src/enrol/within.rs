//! Which rows somebody sees who may something in a part of the stores only. Not here: what a scope is ([`crate::people::role`]).

use crate::{
    database::{Database, DatabaseError},
    people::who::Reach,
};
use aisle_event::StoreId;
use std::collections::BTreeMap;

/// The rows whose stores lie where somebody may.
///
/// # Errors
/// When the database cannot say where a store lies.
pub(crate) async fn within<T>(
    database: &Database,
    reach: &Reach,
    rows: Vec<T>,
    store: impl Fn(&T) -> &str,
) -> Result<Vec<T>, DatabaseError> {
    if reach.is_everything() {
        return Ok(rows);
    }
    let mut known: BTreeMap<String, bool> = BTreeMap::new();
    let mut kept = Vec::with_capacity(rows.len());
    for row in rows {
        let name = store(&row).to_owned();
        let is_within = match known.get(&name) {
            Some(is_within) => *is_within,
            None => {
                let traits = match StoreId::new(&name) {
                    Ok(id) => database.traits(&id).await?,
                    Err(_) => None,
                };
                let is_within = traits.is_some_and(|traits| reach.covers(&traits));
                known.insert(name, is_within);
                is_within
            }
        };
        if is_within {
            kept.push(row);
        }
    }
    Ok(kept)
}
