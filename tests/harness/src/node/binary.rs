//! Where the binaries are: named by the environment, or beside the program that asks.

use super::error::NodeError;
use std::{env, path::PathBuf};

/// The node's binary: `AISLE_NODE_BIN`, else `aisle-node` in the directory that cargo built the caller into.
///
/// # Errors
/// When there is no file there.
pub fn binary() -> Result<PathBuf, NodeError> {
    let variable = "AISLE_NODE_BIN";
    let binary = env::var_os(variable).map(PathBuf::from).or_else(beside).unwrap_or("aisle-node".into());
    there(binary, "aisle-node", variable)
}

/// The command of those who write plugins: `AISLE_BIN`, else `aisle` beside the node's binary.
///
/// # Errors
/// When there is no file there.
pub fn author_binary() -> Result<PathBuf, NodeError> {
    let variable = "AISLE_BIN";
    let binary = match env::var_os(variable) {
        Some(named) => named.into(),
        None => binary()?.with_file_name("aisle"),
    };
    there(binary, "aisle", variable)
}

/// The hub's binary: `AISLE_HUB_BIN`, else `aisle-hub` beside the node's.
///
/// # Errors
/// When there is no file there.
pub fn hub_binary() -> Result<PathBuf, NodeError> {
    let variable = "AISLE_HUB_BIN";
    let binary = match env::var_os(variable) {
        Some(named) => named.into(),
        None => binary()?.with_file_name("aisle-hub"),
    };
    there(binary, "aisle-hub", variable)
}

fn there(binary: PathBuf, package: &'static str, variable: &'static str) -> Result<PathBuf, NodeError> {
    if binary.is_file() { Ok(binary) } else { Err(NodeError::NoBinary { binary, package, variable }) }
}

/// Tests lie in `PROFILE/deps/`, programs in `PROFILE/`.
fn beside() -> Option<PathBuf> {
    let caller = env::current_exe().ok()?;
    let directory = caller.parent()?;
    let profile = if directory.ends_with("deps") { directory.parent()? } else { directory };
    Some(profile.join("aisle-node"))
}
