//! A certificate for both brokers, made for one run.

use aisle_harness::mqtt::raw::Tls;
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

const NAME: &str = "localhost";

/// Files for a broker, and whom a client then trusts.
#[derive(Debug)]
pub(super) struct Certificate {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    pub(super) trust: Tls,
}

impl Certificate {
    /// Makes one, signed by itself, with an elliptic key as Aisle's own are.
    pub(super) fn make(dir: &Path) -> Result<Self> {
        let made =
            rcgen::generate_simple_self_signed([NAME.to_owned()]).context("cannot make a certificate")?;
        let (certificate, key) = (dir.join("broker.crt"), dir.join("broker.key"));
        let pem = made.cert.pem();
        fs::write(&certificate, &pem)?;
        fs::write(&key, made.signing_key.serialize_pem())?;
        Ok(Self { certificate, key, trust: Tls::trusting(&pem, NAME)? })
    }
}
