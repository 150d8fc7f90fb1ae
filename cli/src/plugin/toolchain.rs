//! The compiler for `wasm32-unknown-unknown`: which one there is, and how cargo is told to use it.
//!
//! With rustup's target installed it is the plugin's ordinary cargo. Else it is the distribution's, which builds the standard library
//! from the sources that are packaged with it, once for each target folder.

use anyhow::{Context, Result, bail};
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

/// What plugins are compiled for: no operating system, so nothing that a plugin could ask one for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
const STD: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";
const HINT: &str = "hint: `rustup target add wasm32-unknown-unknown`, or with Debian `apt-get install rustc-web cargo-web \
                    rust-web-src lld`";

/// Each instance lives for one call: nothing is unwound, what is small loads fast. Given here and not in the plugin's
/// `Cargo.toml`, so that all plugins share one build of the standard library.
const PROFILE: &[&str] = &[
    "profile.release.opt-level='s'",
    "profile.release.lto=true",
    "profile.release.codegen-units=1",
    "profile.release.panic='abort'",
    "profile.release.strip=true",
    "profile.release.debug=false",
];
/// A stack of 128 KiB, which lies below the data, so that an overflow is a trap.
const FLAGS: &str = "target.wasm32-unknown-unknown.rustflags=['-Clink-arg=-zstack-size=131072']";

/// A compiler that can do it.
#[derive(Debug)]
pub(crate) enum Toolchain {
    /// The one that builds everything else here; it has the target.
    Installed,
    /// The distribution's, which lies beside it.
    Distribution {
        /// What links for WebAssembly.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// Looks for one, as seen from a folder: rustup may choose by it.
    ///
    /// # Errors
    /// Names what is missing, and how to install it.
    pub(crate) fn find(directory: &Path) -> Result<Self> {
        let libraries = ask(directory, &["--print", "target-libdir", "--target", TARGET]);
        if libraries.is_some_and(|path| path.is_dir()) {
            return Ok(Self::Installed);
        }
        let missing: Vec<String> = [RUSTC, CARGO, STD]
            .iter()
            .filter(|file| !Path::new(file).is_file())
            .map(|file| format!("`{file}`"))
            .collect();
        if !missing.is_empty() {
            bail!(
                "`rustc` cannot build for `{TARGET}`, and the distribution's compiler is not whole: there is no {}\n{HINT}",
                missing.join(", no ")
            );
        }
        let linker = linker(directory).with_context(|| {
            format!("`{RUSTC}` has no linker for `{TARGET}`: there is no `wasm-ld` on PATH\n{HINT}")
        })?;
        Ok(Self::Distribution { linker })
    }

    /// What it is, in words.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Installed => "rustc with its own target",
            Self::Distribution { .. } => "the distribution's rustc",
        }
    }

    /// `cargo build` for the target.
    pub(crate) fn build(&self, directory: &Path, target_directory: &Path) -> Command {
        let mut command = match self {
            Self::Installed => Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))),
            Self::Distribution { linker } => {
                let mut command = Command::new(CARGO);
                // `-Zbuild-std` is not stable yet, which is all that RUSTC_BOOTSTRAP is for.
                command
                    .env("RUSTC", RUSTC)
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                    .env_remove("CARGO");
                command
            }
        };
        // What is meant for the computer that this runs on has no meaning for a plugin.
        for flags in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR"] {
            command.env_remove(flags);
        }
        command.current_dir(directory).args(["build", "--release", "--target", TARGET]);
        if matches!(self, Self::Distribution { .. }) {
            // Without the features that it has by itself: nothing here prints a backtrace. A quarter smaller, and sooner built.
            command.args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"]);
        }
        for setting in PROFILE.iter().chain([&FLAGS]) {
            command.args(["--config", setting]);
        }
        command.arg("--target-dir").arg(target_directory);
        command
    }
}

/// The linker of rustup's compiler when there is one, as it is the newest; else the system's.
fn linker(directory: &Path) -> Option<PathBuf> {
    let rustup = ask(directory, &["--print", "target-libdir"])
        .and_then(|libraries| Some(libraries.parent()?.join("bin/rust-lld")))
        .filter(|linker| linker.is_file());
    rustup.or_else(|| {
        let path = env::var_os("PATH")?;
        let folders: Vec<PathBuf> = env::split_paths(&path).collect();
        // Debian has its linkers under names that end in their version.
        let names = std::iter::once(String::from("wasm-ld"))
            .chain((OLDEST_LLD..NEWEST_LLD).rev().map(|version| format!("wasm-ld-{version}")));
        names
            .flat_map(|name| folders.iter().map(move |folder| folder.join(&name)))
            .find(|file| file.is_file())
    })
}

const OLDEST_LLD: u32 = 14;
const NEWEST_LLD: u32 = 40;

/// What `rustc` says, when it is a path.
fn ask(directory: &Path, arguments: &[&str]) -> Option<PathBuf> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let answer = Command::new(rustc).args(arguments).current_dir(directory).output().ok()?;
    let path = String::from_utf8(answer.stdout).ok()?;
    (answer.status.success() && !path.trim().is_empty()).then(|| PathBuf::from(path.trim()))
}
