//! A real identity provider: `oidc-provider` on Node.js, which the OpenID Foundation has certified. Who signs in there is whoever says so: by the header `x-login`, or at a
//! browser in a form; nobody, where that is empty.
//!
//! `cargo xtask test` installs it; `AISLE_OIDC_PROVIDER` names another folder of it. Not here: hubs that know it. Guards: it is gone with this, by its own process id.

use std::{
    env,
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// What it calls the hub.
pub const CLIENT: &str = "aisle hub";
/// The secret that it knows the hub by.
pub const CLIENT_SECRET: &str = "a secret: with signs/+ & spaces";

const PROGRAM: &str = include_str!("identity.mjs");

/// A provider that listens on this machine, over plain HTTP.
#[derive(Debug)]
pub struct IdentityProvider {
    process: Child,
    issuer: String,
}

impl IdentityProvider {
    /// Starts one that leads browsers back to `redirect` and signs with `algorithm`. It calls itself by `host`, a name of this machine: to a browser, `localhost` is
    /// another site than `127.0.0.1`.
    ///
    /// # Errors
    /// When Node.js or the package is missing, or it does not say where it listens.
    pub fn start(redirect: &str, algorithm: &str, host: &str) -> io::Result<Self> {
        let mut command = Command::new("node");
        command.args(["--input-type=module", "--eval", PROGRAM, "--"]);
        command.args([redirect, algorithm, host, CLIENT, CLIENT_SECRET]);
        command.env("AISLE_OIDC_PROVIDER", folder()?);
        // What it says of a failure stands with the test's own words.
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|error| {
            let said = format!("cannot start `node`: {error}\nhint: apt-get install nodejs");
            io::Error::new(error.kind(), said)
        })?;
        let said = process.stdout.take();
        let mut provider = Self { process, issuer: String::new() };
        let mut line = String::new();
        if let Some(said) = said {
            BufReader::new(said).read_line(&mut line)?;
        }
        if !line.starts_with("http://") {
            return Err(io::Error::other(format!(
                "the identity provider says `{}` in place of where it listens",
                line.trim()
            )));
        }
        line.trim().clone_into(&mut provider.issuer);
        Ok(provider)
    }

    /// Its name: an address.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// It is gone, as when its machine goes down.
    ///
    /// # Errors
    /// When it cannot be stopped.
    pub fn stop(&mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait().map(drop)
    }
}

impl Drop for IdentityProvider {
    fn drop(&mut self) {
        // It may have been stopped already; there is nobody left to tell.
        drop(self.stop());
    }
}

fn folder() -> io::Result<PathBuf> {
    let beside =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/npm/node_modules/oidc-provider");
    let folder = env::var_os("AISLE_OIDC_PROVIDER").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Ok(folder);
    }
    let said =
        format!("no oidc-provider: `{}` is missing\nhint: `cargo xtask test` installs it", folder.display());
    Err(io::Error::new(io::ErrorKind::NotFound, said))
}
