//! Where the node's binary is: named by the environment, or beside the program that asks.

use super::error::NodeError;
use std::{env, path::PathBuf};

/// The node's binary: `AISLE_NODE_BIN`, else `aisle-node` in the directory that cargo built the caller into.
///
/// # Errors
/// When there is no file there.
pub fn binary() -> Result<PathBuf, NodeError> {
    let binary =
        env::var_os("AISLE_NODE_BIN").map(PathBuf::from).or_else(beside).unwrap_or("aisle-node".into());
    if binary.is_file() { Ok(binary) } else { Err(NodeError::NoBinary { binary }) }
}

/// Tests lie in `PROFILE/deps/`, programs in `PROFILE/`.
fn beside() -> Option<PathBuf> {
    let caller = env::current_exe().ok()?;
    let directory = caller.parent()?;
    let profile = if directory.ends_with("deps") { directory.parent()? } else { directory };
    Some(profile.join("aisle-node"))
}
