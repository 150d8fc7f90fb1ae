//! `conformance`: the public suite of The Update Framework against our client of it. A command of its own: its suite comes from a place that not every machine
//! reaches.
//!
//! The suite is its authors' repository at one commit, in `target/tools/tuf-conformance`; what it is known to fail stands by name in
//! `tuf_client.xfails`, and one that does not fail any more is an error too. Not here: the client (`sync/artefact`).

use crate::{
    job::Job,
    project::Project,
    tools::{self, Tool},
};
use anyhow::{Context, Result};
use std::fs;

const CLIENT: &str = "tuf_client";

/// Builds the client, and lets the suite judge it.
pub(crate) fn run(project: &Project) -> Result<()> {
    tools::ensure(project, &[Tool::Faketime, Tool::PythonPeers, Tool::TufConformance])?;
    project.cargo(&["build", "-p", "aisle-artefact", "--example", CLIENT]).run()?;
    let client = project.target("debug/examples").join(CLIENT);
    // The suite looks for them beside the client.
    let (known, beside) =
        (project.path("sync/artefact/examples/tuf_client.xfails"), client.with_extension("xfails"));
    fs::copy(&known, &beside)
        .with_context(|| format!("cannot copy `{}` to `{}`", known.display(), beside.display()))?;
    let scratch = project.target("conformance");
    fs::create_dir_all(&scratch).with_context(|| format!("cannot make `{}`", scratch.display()))?;
    Job::new(tools::pytest(project))
        .args(["--quiet", "-p", "no:cacheprovider", "--entrypoint"])
        .args([client, tools::tuf_conformance(project).join("tuf_conformance")])
        .directory(scratch)
        .run()
}
