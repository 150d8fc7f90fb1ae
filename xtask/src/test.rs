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
/// How long the reader of an OpenAPI document goes on, at the node and at the hub.
const NODE_SECONDS: &str = "75";
const HUB_SECONDS: &str = "100";

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

/// A foreign reading of our own OpenAPI documents against a running node and a running hub: no 5xx, nothing that the document denies.
fn interface(project: &Project) -> Result<()> {
    conform(project, &[], &["{url}/openapi.json", "--max-examples", "20", "--max-time", NODE_SECONDS])?;
    // A hub does not serve its document. The token is that of whoever runs the hub: a person's is in a list that the reader finds, and it revokes what it
    // finds there; from then on everything would be 401, which every route may answer. Sign-in is for the hub's own pages, which `Origin` names.
    let document = project.path("sync/hub/openapi.json").display().to_string();
    let hub = [
        document.as_str(),
        "--url",
        "{url}",
        "--header",
        "Authorization: Bearer {token}",
        "--header",
        "Origin: {url}",
        "--max-examples",
        "5",
        "--max-time",
        HUB_SECONDS,
    ];
    conform(project, &["--hub"], &hub)
}

/// Holds what `aisle-harness with` starts to a document.
fn conform(project: &Project, with: &[&str], document: &[&str]) -> Result<()> {
    let scratch = project.target("interface");
    fs::create_dir_all(&scratch).with_context(|| format!("cannot make `{}`", scratch.display()))?;
    let checks =
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    let job = crate::job::Job::new(project.target("debug/aisle-harness"))
        .args(["with", "--seed", SEED])
        .args(with)
        .args(["--"])
        .args([tools::schemathesis(project)])
        .args(["run"])
        .args(document)
        .args(["--checks", checks, "--phases", "examples,coverage,fuzzing"])
        .args(["--seed", SEED, "--workers", "1"])
        .args(["--generation-database", "none", "--warnings", "off", "--no-color"])
        .env("AISLE_NODE_BIN", project.target("debug/aisle-node"))
        .env("AISLE_HUB_BIN", project.target("debug/aisle-hub"))
        .env("AISLE_BIN", project.target("debug/aisle"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .directory(scratch);
    let job = if with.is_empty() {
        job
    } else {
        job.env("PYTHONPATH", project.path("xtask/interface")).env("SCHEMATHESIS_HOOKS", "fresh_keys")
    };
    job.run()
}
