//! What must be installed beside the toolchain, how each thing is found, and how it gets there.
//!
//! What is there already is used and the network left alone. What is missing is installed: by the system's packages
//! where it belongs to the system, below `target/tools` where it does not. What cannot be installed is named, with
//! what to do about it.

use crate::{bare, compiler, job::Job, plugins, project::Project, screen};
use anyhow::{Context, Result, bail};
use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Once,
};

const NEXTEST_VERSION: &str = "0.9.143";
const DEB_VERSION: &str = "3.8.0";
const REQUIREMENTS: &str = "xtask/requirements.txt";
const TUF_CONFORMANCE: &str = "https://github.com/theupdateframework/tuf-conformance";
const TUF_CONFORMANCE_TAG: &str = "v2.4.0";
const TUF_CONFORMANCE_COMMIT: &str = "500c525c9ce287a472fd334fe8d885cace667d32";
const NODE_PACKAGES: &[&str] = &["package.json", "package-lock.json"];

/// Something that a command calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    /// The test runner.
    CargoNextest,
    /// Makes the Debian packages.
    CargoDeb,
    /// Licences and advisories; never installed by us, because nothing that must pass needs it.
    CargoDeny,
    /// The fuzzer's driver; like cargo-deny.
    CargoFuzz,
    /// The browser that the pages are tested in.
    Chromium,
    /// Its remote control.
    ChromeDriver,
    /// Runs a node in another year.
    Faketime,
    /// The reader of our metrics.
    Promtool,
    /// What runs the programs on a store's computer; packages are tried under it.
    Systemd,
    /// The reader of the firewall's example.
    Nftables,
    /// The load generator of the HTTP benchmarks.
    Wrk,
    /// Holds back the node's syncs, for a benchmark on a slower disk.
    Strace,
    /// The broker that ours is measured against and bridged with.
    Mosquitto,
    /// Its clients.
    MosquittoClients,
    /// Another reader and maker of keys, requests and certificates.
    Openssl,
    /// The database that several hubs share.
    Postgres,
    /// What sync is measured against.
    Nats,
    /// Runs MQTT.js and the identity provider.
    Node,
    /// The reader of our OpenAPI document, an MQTT client, and a server of S3.
    PythonPeers,
    /// The public suite that judges clients of The Update Framework.
    TufConformance,
    /// The accessibility rules, another MQTT client, and an identity provider.
    NodePeers,
    /// A compiler for the controllers of devices.
    BareMetal,
    /// A compiler for plugins.
    Wasm,
}

/// Makes sure that the tools are there.
pub(crate) fn ensure(project: &Project, tools: &[Tool]) -> Result<()> {
    for tool in tools {
        if tool.is_there(project) {
            continue;
        }
        screen::aside(format_args!("installing {}", tool.name()));
        if let Err(error) = tool.install(project) {
            bail!("`{}` is missing: {error:#}\nhint: {}", tool.name(), tool.by_hand());
        }
        if !tool.is_there(project) {
            bail!("`{}` was installed and still cannot be found\nhint: {}", tool.name(), tool.by_hand());
        }
    }
    Ok(())
}

/// The reader of our OpenAPI document, one of `PythonPeers`.
pub(crate) fn schemathesis(project: &Project) -> PathBuf {
    python(project).join("bin/schemathesis")
}

/// The Python that finds paho-mqtt, one of `PythonPeers`.
pub(crate) fn paho_python(project: &Project) -> PathBuf {
    python(project).join("bin/python")
}

/// Runs suites in Python, one of `PythonPeers`.
pub(crate) fn pytest(project: &Project) -> PathBuf {
    python(project).join("bin/pytest")
}

/// The folder of the suite that judges clients of The Update Framework.
pub(crate) fn tuf_conformance(project: &Project) -> PathBuf {
    project.target("tools/tuf-conformance")
}

/// The server of S3, one of `PythonPeers`.
pub(crate) fn moto_server(project: &Project) -> PathBuf {
    python(project).join("bin/moto_server")
}

/// The folder of PostgreSQL's programs: the one that `pg_config` names, else the newest that Debian installed.
pub(crate) fn postgres() -> Option<PathBuf> {
    postgres_named().into_iter().chain(postgres_installed()).find(|folder| has_postgres(folder))
}

/// The accessibility rules, one of `NodePeers`.
pub(crate) fn axe(project: &Project) -> PathBuf {
    npm(project).join("node_modules/axe-core/axe.min.js")
}

/// The folder of MQTT.js, one of `NodePeers`.
pub(crate) fn mqtt_js(project: &Project) -> PathBuf {
    npm(project).join("node_modules/mqtt")
}

/// The folder of the identity provider, one of `NodePeers`.
pub(crate) fn oidc_provider(project: &Project) -> PathBuf {
    npm(project).join("node_modules/oidc-provider")
}

impl Tool {
    const fn name(self) -> &'static str {
        match self {
            Self::CargoNextest => "cargo-nextest",
            Self::CargoDeb => "cargo-deb",
            Self::CargoDeny => "cargo-deny",
            Self::CargoFuzz => "cargo-fuzz",
            Self::Chromium => "chromium",
            Self::ChromeDriver => "chromedriver",
            Self::Faketime => "faketime",
            Self::Promtool => "promtool",
            Self::Systemd => "systemd-analyze",
            Self::Nftables => "nft",
            Self::Wrk => "wrk",
            Self::Strace => "strace",
            Self::Mosquitto => "mosquitto",
            Self::MosquittoClients => "mosquitto_pub",
            Self::Openssl => "openssl",
            Self::Postgres => "postgresql",
            Self::Nats => "nats-server",
            Self::Node => "node",
            Self::PythonPeers => "schemathesis, paho-mqtt, moto and tuf",
            Self::TufConformance => "tuf-conformance",
            Self::NodePeers => "axe-core, MQTT.js and oidc-provider",
            Self::BareMetal => "a compiler for thumbv7em-none-eabihf",
            Self::Wasm => "a compiler for wasm32-unknown-unknown",
        }
    }

    const fn by_hand(self) -> &'static str {
        match self {
            Self::CargoNextest => "cargo install --locked cargo-nextest",
            Self::CargoDeb => "cargo install --locked cargo-deb --no-default-features",
            Self::CargoDeny => "cargo install --locked cargo-deny",
            Self::CargoFuzz => "cargo install --locked cargo-fuzz",
            Self::Chromium => "install Chromium and see that `chromium` is on PATH",
            Self::ChromeDriver => "install the `chromedriver` of your Chromium and see that it is on PATH",
            Self::Faketime => "install `faketime` and see that it is on PATH",
            Self::Promtool => "install Prometheus and see that its `promtool` is on PATH",
            Self::Systemd => "install `systemd` and see that `systemd-analyze` is on PATH",
            Self::Nftables => "install `nftables` and see that `nft` is on PATH or in /usr/sbin",
            Self::Wrk => "install `wrk` and see that it is on PATH",
            Self::Strace => "install `strace` and see that it is on PATH",
            Self::Mosquitto => "install `mosquitto` and see that it is on PATH or in /usr/sbin",
            Self::MosquittoClients => "install `mosquitto-clients` and see that `mosquitto_pub` is on PATH",
            Self::Openssl => "install `openssl` and see that it is on PATH",
            Self::Postgres => {
                "install `postgresql` and see that `pg_config --bindir` or /usr/lib/postgresql/*/bin holds its `initdb` and `postgres`"
            }
            Self::Nats => "install `nats-server` and see that it is on PATH or in /usr/sbin",
            Self::Node => "install Node.js and see that `node` is on PATH",
            Self::PythonPeers => "remove target/tools/python and try again",
            Self::TufConformance => {
                "where GitHub is not reached: set AISLE_TUF_CONFORMANCE to a clone of theupdateframework/tuf-conformance, or put one into target/tools/tuf-conformance"
            }
            Self::NodePeers => "remove target/tools/npm and try again",
            Self::BareMetal => "rustup target add thumbv7em-none-eabihf",
            Self::Wasm => "rustup target add wasm32-unknown-unknown",
        }
    }

    fn is_there(self, project: &Project) -> bool {
        match self {
            Self::PythonPeers => {
                schemathesis(project).exists()
                    && moto_server(project).exists()
                    && same(&project.path(REQUIREMENTS), &python(project).join("requirements.txt"))
            }
            Self::TufConformance => tuf_conformance_is_there(project),
            Self::NodePeers => {
                axe(project).exists()
                    && mqtt_js(project).exists()
                    && oidc_provider(project).exists()
                    && NODE_PACKAGES
                        .iter()
                        .all(|file| same(&project.path("tests/e2e").join(file), &npm(project).join(file)))
            }
            Self::BareMetal => bare::is_there(project),
            Self::Wasm => plugins::is_there(project),
            // Debian keeps what serves out of the PATH of ordinary users.
            Self::Mosquitto | Self::Nats | Self::Nftables => {
                on_path(self.name()) || Path::new("/usr/sbin").join(self.name()).is_file()
            }
            Self::Postgres => postgres().is_some(),
            _ => on_path(self.name()),
        }
    }

    fn install(self, project: &Project) -> Result<()> {
        match self {
            Self::CargoNextest => {
                project.cargo(&["install", "--locked", "cargo-nextest", "--version", NEXTEST_VERSION]).run()
            }
            // Compression is left to the system's own `xz` and `gzip`.
            Self::CargoDeb => project
                .cargo(&[
                    "install",
                    "--locked",
                    "cargo-deb",
                    "--version",
                    DEB_VERSION,
                    "--no-default-features",
                ])
                .run(),
            Self::CargoDeny | Self::CargoFuzz => bail!("it is not installed by itself"),
            Self::Chromium => debian("chromium"),
            Self::ChromeDriver => debian("chromium-driver"),
            Self::Faketime => debian("faketime"),
            Self::Promtool => debian("prometheus"),
            Self::Systemd => debian("systemd"),
            Self::Nftables => debian("nftables"),
            Self::Wrk => debian("wrk"),
            Self::Strace => debian("strace"),
            Self::Mosquitto => debian("mosquitto"),
            Self::MosquittoClients => debian("mosquitto-clients"),
            Self::Openssl => debian("openssl"),
            Self::Postgres => debian("postgresql"),
            Self::Nats => debian("nats-server"),
            Self::Node => debian("nodejs"),
            Self::PythonPeers => install_python_peers(project),
            Self::TufConformance => install_tuf_conformance(project),
            Self::NodePeers => install_node_peers(project),
            Self::BareMetal => compiler::install(project),
            Self::Wasm => plugins::install(project),
        }
    }
}

/// Whether a program is found by its name.
pub(crate) fn on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// What `pg_config` says; it belongs to the headers, so it may be missing where PostgreSQL is not.
fn postgres_named() -> Option<PathBuf> {
    if !on_path("pg_config") {
        return None;
    }
    let said = Job::new("pg_config").args(["--bindir"]).output().ok()?;
    Some(PathBuf::from(String::from_utf8(said).ok()?.trim()))
}

/// The folders where Debian keeps it, one for each version, the newest first.
fn postgres_installed() -> Vec<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    folders.sort_unstable_by(|one, other| other.cmp(one));
    folders.into_iter().map(|(_, folder)| folder).collect()
}

fn has_postgres(folder: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file())
}

fn same(one: &Path, other: &Path) -> bool {
    matches!((fs::read(one), fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

/// Installs a Debian package, as root or by sudo. The lists are fetched before the first one: an old list may lead to an old
/// package, and a compiler of last year builds nothing here. What cannot be fetched may still be in the lists that there are.
pub(crate) fn debian(package: &str) -> Result<()> {
    static FETCHED: Once = Once::new();
    if !on_path("apt-get") {
        bail!("this system has no apt-get to install `{package}` with");
    }
    FETCHED.call_once(|| {
        if let Err(error) = apt(&["update"]) {
            screen::aside(format_args!("the lists of packages stay as they are: {error:#}"));
        }
    });
    apt(&["install", "--yes", "--no-install-recommends", package])
}

fn apt(arguments: &[&str]) -> Result<()> {
    let root = rustix::process::geteuid().is_root();
    if !root && !on_path("sudo") {
        bail!("packages need root, or `sudo`");
    }
    let job = if root {
        Job::new("apt-get")
    } else {
        Job::new("sudo").args(["--preserve-env=DEBIAN_FRONTEND", "apt-get"])
    };
    // Somebody else may be installing something: wait for the lock.
    job.args(["-o", "DPkg::Lock::Timeout=300"]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive").run()
}

fn python(project: &Project) -> PathBuf {
    project.target("tools/python")
}

fn npm(project: &Project) -> PathBuf {
    project.target("tools/npm")
}

fn install_python_peers(project: &Project) -> Result<()> {
    let home = python(project);
    let make = || Job::new("python3").args(["-m", "venv", "--clear"]).args([&home]).run();
    // Debian keeps what `venv` needs in a package of its own.
    make().or_else(|_| debian("python3-venv").and_then(|()| make()))?;
    let requirements = project.path(REQUIREMENTS);
    Job::new(home.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .args([&requirements])
        .run()?;
    // Written last: a copy says that all of it is installed.
    copy(&requirements, &home.join("requirements.txt"))
}

fn tuf_conformance_is_there(project: &Project) -> bool {
    let head = Job::new("git").args(["rev-parse", "HEAD"]).directory(tuf_conformance(project)).output();
    head.is_ok_and(|head| head.trim_ascii() == TUF_CONFORMANCE_COMMIT.as_bytes())
}

/// It is in no register of packages: its authors' repository is cloned, and has to be the commit that is pinned.
fn install_tuf_conformance(project: &Project) -> Result<()> {
    let home = tuf_conformance(project);
    if home.exists() {
        fs::remove_dir_all(&home).with_context(|| format!("cannot remove `{}`", home.display()))?;
    }
    let from = env::var("AISLE_TUF_CONFORMANCE").unwrap_or_else(|_| TUF_CONFORMANCE.to_owned());
    Job::new("git")
        .args(["clone", "--quiet", "--depth", "1", "--branch", TUF_CONFORMANCE_TAG, &from])
        .args([&home])
        .run()?;
    if !tuf_conformance_is_there(project) {
        bail!("`{TUF_CONFORMANCE_TAG}` of `{from}` is not the commit {TUF_CONFORMANCE_COMMIT}");
    }
    Ok(())
}

fn install_node_peers(project: &Project) -> Result<()> {
    if !on_path("npm") {
        debian("npm")?;
    }
    let home = npm(project);
    fs::create_dir_all(&home).with_context(|| format!("cannot make `{}`", home.display()))?;
    for file in NODE_PACKAGES {
        copy(&project.path("tests/e2e").join(file), &home.join(file))?;
    }
    Job::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).directory(&home).run()
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(drop)
        .with_context(|| format!("cannot copy `{}` to `{}`", from.display(), to.display()))
}
