//! The law of the layout: which crate may depend on which, where each lies, and who alone may name a heavy crate.
//!
//! The table says what is allowed, so what it does not say is refused; ARCHITECTURE.md gives the reasons at length.

use crate::project::Project;
use anyhow::{Result, bail};
use cargo_metadata::{Dependency, DependencyKind, Package};

/// A member of the workspace and what it may depend on.
struct Member {
    name: &'static str,
    path: &'static str,
    may_use: &'static [&'static str],
}

const fn member(name: &'static str, path: &'static str, may_use: &'static [&'static str]) -> Member {
    Member { name, path, may_use }
}

/// Nothing may use `aisle-node`, and nothing but tests may use what lies under `tests/`: no line names them.
const MEMBERS: &[Member] = &[
    member("aisle-artefact", "sync/artefact", &["aisle-event"]),
    member("aisle-content", "sync/content", &["aisle-event", "aisle-protocol"]),
    member("aisle-event", "sync/event", &[]),
    member("aisle-fleet", "sync/fleet", &["aisle-event"]),
    member(
        "aisle-hub",
        "sync/hub",
        &[
            "aisle-artefact",
            "aisle-content",
            "aisle-event",
            "aisle-fleet",
            "aisle-protocol",
            "aisle-residency",
            "aisle-service",
            "aisle-provisioning",
            "aisle-transport",
        ],
    ),
    member("aisle-journal", "sync/journal", &["aisle-event"]),
    member(
        "aisle-outbox",
        "sync/outbox",
        &["aisle-event", "aisle-journal", "aisle-protocol", "aisle-residency"],
    ),
    member("aisle-protocol", "sync/protocol", &["aisle-event"]),
    member("aisle-provisioning", "provisioning", &["aisle-event"]),
    member("aisle-residency", "sync/residency", &["aisle-event", "aisle-protocol"]),
    member("aisle-service", "deploy/service", &[]),
    member("aisle-transport", "sync/transport", &["aisle-event", "aisle-protocol"]),
    member("aisle-vault", "sync/vault", &["aisle-event", "aisle-journal", "aisle-residency"]),
    member("aisle-state", "node/state", &["aisle-event", "aisle-journal"]),
    member("aisle-model", "node/model", &["aisle-content", "aisle-fleet"]),
    member("aisle-recommend", "node/recommend", &["aisle-event"]),
    member("aisle-kiosk", "node/kiosk", &["aisle-event", "aisle-journal", "aisle-state", "aisle-recommend"]),
    member("aisle-broker", "node/broker", &["aisle-event", "aisle-journal", "aisle-state"]),
    member(
        "aisle-devices",
        "node/devices",
        &["aisle-event", "aisle-journal", "aisle-broker", "aisle-firmware-config", "aisle-state"],
    ),
    member("aisle-inventory", "node/inventory", &["aisle-event", "aisle-firmware-config", "aisle-device"]),
    member(
        "aisle-converge",
        "node/converge",
        &["aisle-artefact", "aisle-content", "aisle-event", "aisle-fleet", "aisle-protocol"],
    ),
    member("aisle-enrolment", "node/enrolment", &["aisle-event", "aisle-provisioning"]),
    member("aisle-plugin-host", "plugins/host", &["aisle-event"]),
    member("aisle-firmware-config", "firmware-config", &[]),
    member("aisle-device", "firmware-config/device", &["aisle-firmware-config"]),
    member(
        "aisle-node",
        "node/runtime",
        &[
            "aisle-event",
            "aisle-journal",
            "aisle-state",
            "aisle-recommend",
            "aisle-kiosk",
            "aisle-model",
            "aisle-plugin-host",
            "aisle-broker",
            "aisle-devices",
            "aisle-inventory",
            "aisle-firmware-config",
            "aisle-device",
            "aisle-enrolment",
            "aisle-artefact",
            "aisle-content",
            "aisle-converge",
            "aisle-fleet",
            "aisle-outbox",
            "aisle-protocol",
            "aisle-provisioning",
            "aisle-residency",
            "aisle-service",
            "aisle-transport",
            "aisle-vault",
        ],
    ),
    member("aisle-harness", "tests/harness", &["aisle-event", "aisle-journal", "aisle-device"]),
    member(
        "aisle-e2e",
        "tests/e2e",
        &[
            "aisle-artefact",
            "aisle-content",
            "aisle-event",
            "aisle-fleet",
            "aisle-journal",
            "aisle-harness",
            "aisle-model",
            "aisle-protocol",
            "aisle-residency",
        ],
    ),
    member(
        "aisle-bench",
        "tests/bench",
        &[
            "aisle-event",
            "aisle-journal",
            "aisle-recommend",
            "aisle-plugin-host",
            "aisle-harness",
            "aisle-devices",
            "aisle-fleet",
            "aisle-inventory",
            "aisle-device",
            "aisle-outbox",
            "aisle-protocol",
            "aisle-provisioning",
            "aisle-residency",
            "aisle-transport",
        ],
    ),
    member("aisle-crash", "tests/crash", &["aisle-event", "aisle-journal", "aisle-harness"]),
    member(
        "aisle-fuzz",
        "tests/fuzz",
        &[
            "aisle-event",
            "aisle-journal",
            "aisle-broker",
            "aisle-plugin-host",
            "aisle-devices",
            "aisle-enrolment",
            "aisle-inventory",
            "aisle-firmware-config",
            "aisle-artefact",
            "aisle-content",
            "aisle-fleet",
            "aisle-model",
            "aisle-protocol",
            "aisle-provisioning",
            "aisle-residency",
        ],
    ),
    member(
        "aisle-simulate",
        "tests/simulate",
        &["aisle-event", "aisle-journal", "aisle-outbox", "aisle-protocol", "aisle-residency"],
    ),
    member(
        "aisle",
        "cli",
        &[
            "aisle-content",
            "aisle-plugin-host",
            "aisle-event",
            "aisle-fleet",
            "aisle-journal",
            "aisle-model",
            "aisle-provisioning",
            "aisle-vault",
        ],
    ),
    member("xtask", "xtask", &[]),
];

/// Crates that shape whoever names them: each has one owner, so that it can be replaced in one place.
const OWNED: &[(&str, &str)] = &[
    ("object_store", "aisle-hub"),
    ("ort", "aisle-model"),
    ("ort-tract", "aisle-model"),
    ("parquet", "aisle-hub"),
    ("qrcode", "aisle-provisioning"),
    ("quinn", "aisle-transport"),
    ("rumqttc", "aisle-devices"),
    ("sled", "aisle-state"),
    ("sqlx", "aisle-hub"),
    ("tough", "aisle-artefact"),
    ("wasmtime", "aisle-plugin-host"),
];

/// Tests and benchmarks that use an owned crate as what it also is: somebody else's program, on the other side of the wire or measured
/// beside ours. Nothing depends on what lies under `tests/`, so no such edge reaches what is shipped.
const PEERS: &[(&str, &str)] =
    &[("rumqttc", "aisle-e2e"), ("sqlx", "aisle-bench"), ("wasmtime", "aisle-bench")];

/// Holds the workspace to the law.
pub(crate) fn check(project: &Project) -> Result<()> {
    let metadata = project.metadata();
    let broken: Vec<String> =
        metadata.workspace_packages().into_iter().flat_map(|package| breaches(package, project)).collect();
    if !broken.is_empty() {
        bail!(
            "the layout breaks its law:\n  {}\nhint: the law is the table in xtask/src/edges.rs; it changes together \
             with ARCHITECTURE.md",
            broken.join("\n  ")
        );
    }
    Ok(())
}

fn breaches(package: &Package, project: &Project) -> Vec<String> {
    let name = package.name.as_str();
    let Some(member) = MEMBERS.iter().find(|member| member.name == name) else {
        return vec![format!("`{name}` is no crate that the table knows")];
    };
    let place = package.manifest_path.parent().and_then(|place| place.strip_prefix(project.root()).ok());
    let misplaced = place
        .filter(|place| place.as_str() != member.path)
        .map(|place| format!("`{name}` lies in `{place}`; its place is `{}`", member.path));
    misplaced
        .into_iter()
        .chain(package.dependencies.iter().filter_map(|dependency| breach(member, dependency)))
        .collect()
}

fn breach(member: &Member, dependency: &Dependency) -> Option<String> {
    let (name, used) = (member.name, dependency.name.as_str());
    let edge = match dependency.kind {
        DependencyKind::Development => format!("`{name}` → `{used}` (in its tests)"),
        DependencyKind::Build => format!("`{name}` → `{used}` (in its build script)"),
        _ => format!("`{name}` → `{used}`"),
    };
    if let Some((_, owner)) = OWNED.iter().find(|(owned, _)| *owned == used) {
        let is_peer = PEERS.contains(&(used, name));
        return (*owner != name && !is_peer).then(|| format!("{edge}: only `{owner}` names `{used}`"));
    }
    MEMBERS.iter().find(|other| other.name == used)?;
    // A crate's tests may use the crate itself with more features.
    if used == name || member.may_use.contains(&used) {
        return None;
    }
    Some(if member.may_use.is_empty() {
        format!("{edge}: `{name}` depends on no crate of ours")
    } else if used == "aisle-node" {
        format!("{edge}: nothing depends on the binary, which only wires")
    } else {
        format!("{edge}: `{name}` may use {} and no other crate of ours", member.may_use.join(", "))
    })
}
