//! `aisle plugin inspect`: what a component imports and exports, its size and hash, and what its `plugin.toml` grants.

use super::{
    component::{self, Face},
    subject::{self, COMPONENT_BYTES_MAX, MANIFEST},
};
use crate::output;
use anyhow::{Context, Result};
use serde::Serialize;
use std::path::PathBuf;

/// `plugin inspect`
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  aisle plugin inspect target/my-offer.wasm --json")]
pub(crate) struct Args {
    /// A component, or a plugin's folder, which is built first
    #[arg(value_name = "FILE|DIR", default_value = ".")]
    subject: PathBuf,
    /// The `plugin.toml` whose grants are shown [default: the one in DIR, beside FILE, or above its `target`]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
}

/// What is shown.
#[derive(Debug, Serialize)]
struct Inspected {
    file: PathBuf,
    bytes: usize,
    hash: String,
    #[serde(flatten)]
    face: Face,
    /// Nothing where there is no `plugin.toml`.
    grants: Option<Vec<String>>,
    /// What is imported and not granted: the component would be refused.
    not_granted: Vec<String>,
    /// What is granted and not imported: more than it needs.
    not_needed: Vec<String>,
}

/// Shows it.
pub(crate) fn run(args: &Args, json: bool) -> Result<()> {
    let (file, manifest) = if args.subject.is_dir() {
        (super::build::build(&args.subject, None, None)?.file, Some(args.subject.join(MANIFEST)))
    } else {
        (args.subject.clone(), subject::beside(&args.subject))
    };
    let bytes = subject::bounded(&file, COMPONENT_BYTES_MAX)?;
    let grants = match args.manifest.as_ref().or(manifest.as_ref()) {
        Some(manifest) => {
            let (manifest, _) = subject::read_manifest(manifest)?;
            Some(manifest.grants.iter().map(|grant| grant.as_str().to_owned()).collect::<Vec<_>>())
        }
        None => None,
    };
    let face = component::face(&bytes).with_context(|| format!("cannot read `{}`", file.display()))?;
    let asked: Vec<String> = face.imports.iter().map(|import| grant(&import.name)).collect();
    let granted = grants.clone().unwrap_or_default();
    let without = |all: &[String], some: &[String]| -> Vec<String> {
        all.iter().filter(|name| !some.contains(name)).cloned().collect()
    };
    let inspected = Inspected {
        file,
        bytes: bytes.len(),
        hash: blake3::hash(&bytes).to_hex().to_string(),
        not_granted: grants.as_ref().map(|granted| without(&asked, granted)).unwrap_or_default(),
        not_needed: without(&granted, &asked),
        face,
        grants,
    };
    if json { Ok(output::json(&inspected)?) } else { show(&inspected) }
}

fn show(inspected: &Inspected) -> Result<()> {
    let list = |names: &[String]| -> String {
        let names: Vec<String> = names.iter().map(|name| output::plain(name)).collect();
        if names.is_empty() { String::from("nothing") } else { names.join(", ") }
    };
    output::line(inspected.file.display().to_string())?;
    output::line(format!("  size     {} bytes", inspected.bytes))?;
    output::line(format!("  hash     {}", inspected.hash))?;
    output::line(format!("  exports  {}", list(&inspected.face.exports)))?;
    if inspected.face.imports.is_empty() {
        output::line("  imports  nothing")?;
    }
    for import in &inspected.face.imports {
        let functions = list(&import.functions);
        output::line(format!("  imports  {} ({functions})", output::plain(&import.name)))?;
    }
    match &inspected.grants {
        None => output::line("  grants   no plugin.toml beside it")?,
        Some(grants) => output::line(format!("  grants   {}", list(grants)))?,
    }
    for name in &inspected.not_granted {
        output::line(format!(
            "  missing  `{}` is imported and not granted: it would be refused",
            output::plain(name)
        ))?;
    }
    for name in &inspected.not_needed {
        output::line(format!("  surplus  `{}` is granted and not imported", output::plain(name)))?;
    }
    Ok(())
}

/// `kv` of `aisle:plugin/kv@0.1.0`; a name that is not of that form stays whole.
fn grant(interface: &str) -> String {
    let own = interface.strip_prefix("aisle:plugin/").and_then(|rest| rest.split('@').next());
    own.unwrap_or(interface).to_owned()
}

#[cfg(test)]
mod tests {
    use super::grant;

    #[test]
    fn an_interface_of_ours_is_named_as_its_grant() {
        assert_eq!(grant("aisle:plugin/kv@0.1.0"), "kv");
        assert_eq!(grant("wasi:cli/environment@0.2.0"), "wasi:cli/environment@0.2.0");
    }
}
