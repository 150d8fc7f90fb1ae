//! The plugins of the demo: offers that fit the generated shop, installed on the node that runs.
//!
//! Components come from `cargo xtask plugins`; the demo goes on without those that were not built, and says so.

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

/// Where components lie: `AISLE_PLUGINS_DIR`, else `plugins` two folders above the node's binary.
fn components() -> Option<PathBuf> {
    let named = std::env::var_os("AISLE_PLUGINS_DIR").map(PathBuf::from);
    named.or_else(|| Some(node::binary().ok()?.parent()?.parent()?.join("plugins")))
}

/// Installs the plugins. What to type to swap one, when there is one.
pub(crate) async fn install(data: &Path, scratch: &Path) -> Result<Option<String>> {
    let Some(components) = components() else { return Ok(None) };
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
        let file = scratch.join(format!("{name}.toml"));
        fs::write(&file, manifest).with_context(|| format!("cannot write `{}`", file.display()))?;
        let mut command = Command::new(node::binary()?);
        command.args(["plugin", "install"]).arg(&component).arg("--manifest").arg(&file);
        command.args(["--by", "demo"]).arg("--data").arg(data).kill_on_drop(true);
        let installed = command.output().await.context("cannot install a plugin")?;
        if !installed.status.success() {
            bail!("cannot install `{name}`:\n{}", String::from_utf8_lossy(&installed.stderr));
        }
        if name == SWAPPED.0 {
            let file = scratch.join(format!("{name}-swap.toml"));
            fs::write(&file, SWAPPED.1).with_context(|| format!("cannot write `{}`", file.display()))?;
            let (node, component) = (node::binary()?, component.display().to_string());
            swap = Some(format!(
                "{} plugin install {component} --manifest {} --data {}",
                node.display(),
                file.display(),
                data.display()
            ));
        }
    }
    Ok(swap)
}
