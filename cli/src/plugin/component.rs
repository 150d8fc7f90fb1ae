//! A component as it lies in a file: made from a core module, and read for what it asks for and offers.
//!
//! Not here: whether a store lets it run; that is decided by `aisle-plugin-host` when it is loaded.

use anyhow::{Context, Result, bail};
use serde::Serialize;
use wit_component::{ComponentEncoder, DecodedWasm};
use wit_parser::{Resolve, WorldItem, WorldKey};

/// What a core module begins with; a component has another version and layer there.
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// What a component says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Face {
    /// Functions that it asks for, by interface: `aisle:plugin/kv@0.1.0` with `get`, `set`.
    pub(crate) imports: Vec<Interface>,
    /// Functions that it offers.
    pub(crate) exports: Vec<String>,
}

/// An interface and the functions of it that are named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Interface {
    /// `aisle:plugin/kv@0.1.0`.
    pub(crate) name: String,
    /// Its functions, without those that only speak of types.
    pub(crate) functions: Vec<String>,
}

/// Makes a component from a core module that carries the descriptions of its worlds. Only what it uses is imported.
///
/// # Errors
/// When the module carries none, asks for what its worlds do not have, or would be no valid component.
pub(crate) fn encode(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .context("the module does not say which of the plugins' worlds it is for\nhint: `aisle_plugin_sdk::export!`")?
        .encode()
        .context("the module cannot be made into a component\nhint: a plugin has no operating system: nothing else may be imported than what the SDK has")
}

/// Reads what a component asks for and offers.
///
/// # Errors
/// When the bytes are no component.
pub(crate) fn face(bytes: &[u8]) -> Result<Face> {
    if bytes.starts_with(MODULE) {
        bail!(
            "this is a core module, not a component\nhint: `aisle plugin build` makes a component of a plugin's folder"
        );
    }
    let decoded = wit_component::decode(bytes).context("this is no component")?;
    let DecodedWasm::Component(resolve, world) = decoded else {
        bail!("this is a package of interfaces, not a component");
    };
    let world = resolve.worlds.get(world).context("this component has no world")?;
    let mut face = Face { imports: Vec::new(), exports: Vec::new() };
    for (key, item) in &world.imports {
        let functions = functions(&resolve, item);
        // What is imported for its types alone asks for nothing.
        if !functions.is_empty() {
            face.imports.push(Interface { name: name(&resolve, key), functions });
        }
    }
    for (key, item) in &world.exports {
        match item {
            WorldItem::Function(_) => face.exports.push(name(&resolve, key)),
            _ => face.exports.extend(
                functions(&resolve, item)
                    .iter()
                    .map(|function| format!("{}.{function}", name(&resolve, key))),
            ),
        }
    }
    Ok(face)
}

fn name(resolve: &Resolve, key: &WorldKey) -> String {
    resolve.name_world_key(key)
}

fn functions(resolve: &Resolve, item: &WorldItem) -> Vec<String> {
    match item {
        WorldItem::Interface { id, .. } => resolve
            .interfaces
            .get(*id)
            .map(|interface| interface.functions.keys().cloned().collect())
            .unwrap_or_default(),
        WorldItem::Function(function) => vec![function.name.clone()],
        WorldItem::Type { .. } => Vec::new(),
    }
}
