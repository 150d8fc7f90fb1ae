//! The plugins of the demo: offers that fit the generated shop, installed on the node that runs.
//!
//! They are installed by `aisle`, as their authors would, and so is the one that is printed for trying a swap. Components come from
//! `cargo xtask plugins`; the demo goes on without those that were not built, and says so.

use super::screen;
use aisle_harness::node;
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tokio::process::Command;

/// What the demo installs: the component's name, and its manifest with settings for the generated shop.
const PLUGINS: [(&str, &str); 3] = [
    ("multi-buy", include_str!("offers/multi-buy.toml")),
    ("fresh-markdown", include_str!("offers/fresh-markdown.toml")),
    ("stock-aware-ranking", include_str!("offers/stock-aware-ranking.toml")),
];
/// A file of settings for trying a swap, beside the manifest of the plugin that it replaces.
const SWAPPED: (&str, &str) = ("multi-buy", include_str!("offers/multi-buy-swap.toml"));

/// What to type while the demo runs.
pub(crate) struct Swap {
    /// Puts another version in the place of the one that gives offers.
    pub(crate) there: String,
    /// Lets that one run again.
    pub(crate) back: String,
}

/// The node that runs.
pub(crate) struct At<'a> {
    /// Where it serves.
    pub(crate) url: &'a str,
    /// Its data directory, which holds its token.
    pub(crate) data: &'a Path,
}

/// Where components lie: `AISLE_PLUGINS_DIR`, else `plugins` two folders above the node's binary.
fn components() -> Option<PathBuf> {
    let named = std::env::var_os("AISLE_PLUGINS_DIR").map(PathBuf::from);
    named.or_else(|| Some(node::binary().ok()?.parent()?.parent()?.join("plugins")))
}

/// Installs the plugins. What to type to swap one, when there is one.
pub(crate) async fn install(at: &At<'_>, scratch: &Path) -> Result<Option<Swap>> {
    let Some(components) = components() else { return Ok(None) };
    let aisle = match node::author_binary() {
        Ok(aisle) => aisle,
        Err(error) => {
            screen::line(format_args!("the demo goes without plugins: {error}"));
            return Ok(None);
        }
    };
    let token = at.data.join("admin.token");
    let mut swap = None;
    for (name, manifest) in PLUGINS {
        let component = components.join(format!("{name}.wasm"));
        if !component.is_file() {
            screen::line(format_args!(
                "there is no `{}`, so the demo goes without it; `cargo xtask plugins` builds it",
                component.display()
            ));
            continue;
        }
        let file = write(scratch, &format!("{name}.toml"), manifest)?;
        let mut command = Command::new(&aisle);
        command.args(["plugin", "install"]).arg(&component).arg("--manifest").arg(&file);
        command.args(["--by", "demo", "--node", at.url]).arg("--token-file").arg(&token);
        // A group of its own: Ctrl-C comes to us, who stop what runs in order.
        command.kill_on_drop(true).process_group(0);
        let installed = command.output().await.context("cannot install a plugin")?;
        if !installed.status.success() {
            bail!("cannot install `{name}`:\n{}", String::from_utf8_lossy(&installed.stderr));
        }
        if name == SWAPPED.0 {
            let file = write(scratch, &format!("{name}-swap.toml"), SWAPPED.1)?;
            let (aisle, component, file) = (aisle.display(), component.display(), file.display());
            let node = format!("--node {} --token-file {}", at.url, token.display());
            swap = Some(Swap {
                there: format!("{aisle} plugin install {component} --manifest {file} {node}"),
                back: format!("{aisle} plugin rollback {name} {node}"),
            });
        }
    }
    Ok(swap)
}

fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let file = folder.join(name);
    fs::write(&file, text).with_context(|| format!("cannot write `{}`", file.display()))?;
    Ok(file)
}
