//! `test`: everything that must hold before a change goes in.
//!
//! All of it is built once, in the dev profile and with one set of features; the tests of the whole node use the same
//! binary as the check of its HTTP interface.

use crate::{
    bare, check, packages, plugins,
    project::Project,
    screen,
    steps::Steps,
    summary::Summary,
    tools::{self, Tool},
};
use anyhow::{Context, Result};
use std::fs;

/// Where everything random in the interface check comes from.
const SEED: &str = "20";
/// A module may point to a private neighbour: who reads our documentation has the source beside it.
const DOC_FLAGS: &str = "-D warnings -A rustdoc::private_intra_doc_links";
const INTERFACE_SECONDS: &str = "75";

/// Runs everything and prints the test runner's count last.
pub(crate) fn run(project: &Project) -> Result<()> {
    let (mut steps, mut summary) = (Steps::default(), None);
    let done = all(project, &mut steps, &mut summary);
    screen::line(steps.table());
    if let Some(line) = &summary {
        screen::line(line.trim());
        let counted =
            Summary::parse(line).with_context(|| format!("cannot read the test runner's line `{line}`"));
        match (counted, &done) {
            (Ok(counted), _) => screen::line(counted),
            (Err(unread), Ok(())) => return Err(unread),
            (Err(_), Err(_)) => {}
        }
    }
    done
}

fn all(project: &Project, steps: &mut Steps, summary: &mut Option<String>) -> Result<()> {
    steps.step("tools", || {
        tools::ensure(
            project,
            &[
                Tool::CargoNextest,
                Tool::CargoDeb,
                Tool::Chromium,
                Tool::ChromeDriver,
                Tool::Faketime,
                Tool::Promtool,
                Tool::Systemd,
                Tool::Nftables,
                Tool::Mosquitto,
                Tool::MosquittoClients,
                Tool::Openssl,
                Tool::Postgres,
                Tool::Strace,
                Tool::Node,
                Tool::PythonPeers,
                Tool::NodePeers,
                Tool::BareMetal,
                Tool::Wasm,
            ],
        )
    })?;
    check::fast(project, steps)?;
    steps.step("bare metal", || bare::run(project))?;
    steps.step("plugins", || {
        plugins::check(project)?;
        // With the `aisle` of the step `build`: made by itself it has other features, and its sandbox is compiled once more.
        plugins::run_with(project, project.target("debug/aisle"))
    })?;
    steps.step("packages", || packages::for_tests(project))?;
    steps.step("docs", || {
        project.cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", DOC_FLAGS).run()
    })?;
    steps.step("tests", || {
        let job = project
            .cargo(&["nextest", "run", "--workspace", "--no-fail-fast"])
            .env("AISLE_NODE_BIN", project.target("debug/aisle-node"))
            .env("AISLE_HUB_BIN", project.target("debug/aisle-hub"))
            .env("AISLE_PLUGINS_DIR", project.target("plugins"))
            .env("AISLE_PACKAGES_DIR", packages::tried(project))
            .env("AISLE_AXE", tools::axe(project))
            .env("AISLE_PAHO_PYTHON", tools::paho_python(project))
            .env("AISLE_MOTO_SERVER", tools::moto_server(project))
            .env("AISLE_MQTTJS", tools::mqtt_js(project))
            .env("AISLE_OIDC_PROVIDER", tools::oidc_provider(project))
            .env("AISLE_POSTGRES_BIN", tools::postgres().unwrap_or_default());
        let (done, line) = job.run_looking_for(Summary::WORD);
        *summary = line;
        done
    })?;
    steps.step("doc tests", || project.cargo(&["test", "--doc", "--workspace"]).run())?;
    steps.step("interface", || interface(project))
}

/// A foreign reading of our own OpenAPI document against a running node: no 5xx, nothing that the document denies.
fn interface(project: &Project) -> Result<()> {
    let scratch = project.target("interface");
    fs::create_dir_all(&scratch).with_context(|| format!("cannot make `{}`", scratch.display()))?;
    let checks =
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    crate::job::Job::new(project.target("debug/aisle-harness"))
        .args(["with", "--seed", SEED, "--"])
        .args([tools::schemathesis(project)])
        .args(["run", "{url}/openapi.json", "--checks", checks, "--phases", "examples,coverage,fuzzing"])
        .args(["--seed", SEED, "--max-examples", "20", "--max-time", INTERFACE_SECONDS, "--workers", "1"])
        .args(["--generation-database", "none", "--warnings", "off", "--no-color"])
        .env("AISLE_NODE_BIN", project.target("debug/aisle-node"))
        .directory(scratch)
        .run()
}
