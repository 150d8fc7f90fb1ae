//! `aisle-node device credential`: certificates by which devices come in over MQTT with TLS.
//!
//! A device that makes its own key brings a request; for one that cannot, the key is made here, written once to where the person said, and kept nowhere.
//! Not here: passwords (`mqtt device`).

use crate::{
    admin::{
        remote::{Remote, encoded},
        view::enrolment::{CredentialBody, CredentialView},
    },
    cli::enrol::CredentialCommand,
    output,
};
use aisle_broker::access::{DEVICES_FILE, DevicesFile, Listed, OWN_TOPICS};
use aisle_provisioning::{identity::Device, key::PrivateKey, request};
use anyhow::{Context, bail};
use axum::http::Method;
use data_encoding::BASE64;
use serde::Serialize;
use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

#[derive(Serialize)]
struct Issued {
    device: String,
    files: Vec<PathBuf>,
    listed: bool,
}

/// Runs one command.
pub(crate) async fn run(
    command: &CredentialCommand,
    data: &Path,
    store: Option<&str>,
    json: bool,
) -> anyhow::Result<()> {
    match command {
        CredentialCommand::Issue { id, csr, out, node } => {
            let remote = Remote::find(data, node.url.as_deref())?;
            issue(&remote, data, store, (id, csr.as_deref(), out), json).await
        }
        CredentialCommand::Revoke { id, node } => {
            let remote = Remote::find(data, node.url.as_deref())?;
            remote.delete(&format!("/v1/admin/devices/{}/certificate", encoded(id))).await?;
            if !json {
                output::line(format!("`{id}` comes in no more by its certificates"))?;
            }
            Ok(())
        }
    }
}

async fn issue(
    remote: &Remote,
    data: &Path,
    store: Option<&str>,
    (id, csr, out): (&str, Option<&Path>, &Path),
    json: bool,
) -> anyhow::Result<()> {
    let device = Device::new(id).map_err(anyhow::Error::new)?;
    let (request, key) = match csr {
        Some(path) => (read_request(path)?, None),
        None => {
            let key = PrivateKey::generate().context("cannot make a key")?;
            let request = request::make(&key, device.as_str(), None)?;
            (request, Some(key.to_pem()))
        }
    };
    // Looked at before anything is issued: a key that has no place to go to is lost.
    let named = |ending: &str| out.join(format!("{id}{ending}"));
    let (chain_file, key_file, roots_file) = (named(".pem"), named(".key.pem"), out.join("roots.pem"));
    for file in [Some(&chain_file), key.is_some().then_some(&key_file)].into_iter().flatten() {
        if file.exists() {
            bail!(
                "`{}` is there already\nhint: move it away, or name another folder with `--out`",
                file.display()
            );
        }
    }
    fs::create_dir_all(out).with_context(|| format!("cannot make `{}`", out.display()))?;
    let path = format!("/v1/admin/devices/{}/certificate", encoded(id));
    let body = CredentialBody { csr: BASE64.encode(&request) };
    let given: CredentialView = remote.send(Method::POST, &path, &body).await?;
    let mut files = Vec::new();
    if let Some(key) = &key {
        write(&key_file, key, 0o600)?;
        files.push(key_file);
    }
    write(&chain_file, &given.chain_pem, 0o644)?;
    files.push(chain_file);
    if !roots_file.exists() {
        write(&roots_file, &given.roots_pem, 0o644)?;
    }
    files.push(roots_file);
    let listed = list(data, store, id)?;
    if json {
        output::json(&Issued { device: id.into(), files, listed })?;
    } else {
        for file in files {
            output::line(file.display().to_string())?;
        }
        output::line(format!("`{id}` may come in by its certificate"))?;
    }
    Ok(())
}

/// Lists the device to come in by its certificate, unless it is listed already.
fn list(data: &Path, store: Option<&str>, id: &str) -> anyhow::Result<bool> {
    let Some(store) = store else { return Ok(false) };
    let file = DevicesFile::at(data.join(DEVICES_FILE), store);
    if let Some(known) = file.list()?.iter().find(|listed| listed.id == id) {
        if !known.certificate {
            bail!(
                "the certificate is issued, but `{id}` is listed with a password alone\nhint: `aisle-node mqtt device remove {id}`, then `add {id} --certificate`"
            );
        }
        return Ok(false);
    }
    let own = || vec![OWN_TOPICS.to_owned()];
    file.add(&Listed {
        id: id.into(),
        password: None,
        certificate: true,
        publish: own(),
        subscribe: own(),
        enabled: true,
    })?;
    Ok(true)
}

/// A request in PEM or DER.
fn read_request(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let Ok(text) = str::from_utf8(&bytes) else { return Ok(bytes) };
    let Some((_, rest)) = text.split_once("-----BEGIN") else { return Ok(bytes) };
    let within = rest.split_once("-----\n").or_else(|| rest.split_once("-----\r\n"));
    let base64 = within.and_then(|(_, rest)| rest.split_once("-----END")).map(|(base64, _)| base64);
    let packed: Option<String> =
        base64.map(|base64| base64.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    let der = packed.and_then(|packed| BASE64.decode(packed.as_bytes()).ok());
    der.with_context(|| format!("`{}` is no request for a certificate in PEM", path.display()))
}

fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.with_context(|| format!("cannot write `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_in_both_forms() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("device.csr");
        let pem = "-----BEGIN CERTIFICATE REQUEST-----\naGVs\nbG8=\n-----END CERTIFICATE REQUEST-----\n";
        fs::write(&path, pem).unwrap();
        assert_eq!(read_request(&path).unwrap(), b"hello");
        fs::write(&path, [0x30, 0x82, 0xff]).unwrap();
        assert_eq!(read_request(&path).unwrap(), [0x30, 0x82, 0xff]);
        fs::write(&path, "-----BEGIN X-----\n?\n-----END X-----\n").unwrap();
        assert!(read_request(&path).is_err());
    }
}
