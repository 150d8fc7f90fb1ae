//! The stores that a line of text asks for, saved filters among it: what the console's grid and programs are shown.
//!
//! The database answers all that is asked of a store itself. A saved filter is about nodes, by the rules of `aisle-fleet`: the nodes are read once, and a store is meant when one of its
//! nodes is. Not here: reading the text ([`crate::filter`]), SQL ([`crate::database::grid`]).

use super::world::Members;
use crate::{
    database::{Database, DatabaseError, fleet::WordKind, grid::GridRow, read::ROWS_MAX},
    filter::{Filter, Saved},
};
use aisle_fleet::Selector;
use std::collections::HashSet;

/// What is asked, with what saved filters of it say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sought {
    filter: Filter,
    picks: Vec<Pick>,
}

/// Stores of which a node is meant, or of which none is.
#[derive(Debug, Clone)]
struct Pick {
    is_not: bool,
    who: Selector,
}

impl Sought {
    /// Looks up the saved filters that are asked for, and says of each that is not there so; it is left out.
    ///
    /// # Errors
    /// When the database cannot say.
    pub(crate) async fn of(
        database: &Database,
        mut filter: Filter,
    ) -> Result<(Self, Vec<String>), DatabaseError> {
        let (mut picks, mut faults) = (Vec::new(), Vec::new());
        for Saved { is_not, name } in filter.take_saved() {
            match selector(database, &name).await? {
                Ok(who) => picks.push(Pick { is_not, who }),
                Err(fault) => faults.push(fault),
            }
        }
        Ok((Self { filter, picks }, faults))
    }

    /// The stores, by name, after one. `wanted`: the version of the policy that stores should apply.
    ///
    /// # Errors
    /// When the database cannot say.
    pub(crate) async fn stores(
        &self,
        database: &Database,
        wanted: Option<u32>,
        after: &str,
        rows_max: u32,
    ) -> Result<Vec<GridRow>, DatabaseError> {
        if self.picks.is_empty() {
            return database.grid(&self.filter, wanted, after, rows_max).await;
        }
        let members = Members::read(database).await?.members;
        let meant: Vec<(bool, HashSet<&str>)> = self
            .picks
            .iter()
            .map(|pick| {
                let of_it = members.iter().filter(|member| pick.who.matches(member));
                (pick.is_not, of_it.map(|member| member.id.store.as_str()).collect())
            })
            .collect();
        let is_meant = |row: &GridRow| {
            meant.iter().all(|(is_not, stores)| *is_not != stores.contains(row.store.as_str()))
        };
        let most = rows_max.clamp(1, ROWS_MAX) as usize;
        let (mut found, mut after) = (Vec::new(), after.to_owned());
        loop {
            let page = database.grid(&self.filter, wanted, &after, ROWS_MAX).await?;
            let is_last = page.len() < ROWS_MAX as usize;
            after = page.last().map(|row| row.store.clone()).unwrap_or_default();
            found.extend(page.into_iter().filter(is_meant));
            if is_last || found.len() >= most {
                found.truncate(most);
                return Ok(found);
            }
        }
    }
}

/// The selector of a saved filter, or why there is none.
///
/// # Errors
/// When the database cannot say.
pub(crate) async fn selector(
    database: &Database,
    name: &str,
) -> Result<Result<Selector, String>, DatabaseError> {
    let Some(word) = database.fleet_word(WordKind::Filter, name, "").await? else {
        return Ok(Err(format!("no saved filter is called `{}`", name.escape_debug())));
    };
    let damaged =
        |_| DatabaseError::Damaged { table: "fleet_words", column: "document", row: word.name.clone() };
    let filter: aisle_fleet::Filter = serde_json::from_str(&word.document).map_err(damaged)?;
    Ok(Ok(filter.who))
}
