//! What every source file keeps to: a length that can be read, and a head that says what it is for.

use crate::project::Project;
use anyhow::{Context, Result, bail};
use std::fs;

const LINES_MAX: usize = 800;

/// Holds every source file to it.
pub(crate) fn check(project: &Project) -> Result<()> {
    let mut broken = Vec::new();
    for path in project.files(".rs")? {
        let text =
            fs::read_to_string(project.path(&path)).with_context(|| format!("cannot read `{path}`"))?;
        let lines = text.lines().count();
        if lines > LINES_MAX {
            broken.push(format!(
                "`{path}` has {lines} lines; at most {LINES_MAX} are allowed: split it by noun"
            ));
        }
        if !text.starts_with("//!") {
            broken.push(format!(
                "`{path}` does not start with `//!`: say what lives there, what does not, what it guards"
            ));
        }
    }
    if !broken.is_empty() {
        bail!("source files break the rules:\n  {}", broken.join("\n  "));
    }
    Ok(())
}
