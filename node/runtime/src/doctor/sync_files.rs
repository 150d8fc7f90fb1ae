//! Are the files of `sync` there, and the secret ones only the node's to read?

use super::{Finding, Subject};
use crate::sync::{files, words};
use data_encoding::HEXLOWER;
use std::{
    fs::{self, File},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

const ID: &str = "sync-files";
/// What others than the owner may do.
const OTHERS: u32 = 0o077;

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    let settings = match subject.sync(ID) {
        Ok((_, settings)) => settings,
        Err(finding) => return finding,
    };
    let mut signature = settings.policy_file.as_os_str().to_owned();
    signature.push(".sig");
    let signature = PathBuf::from(signature);
    let given = [
        ("sync.certificate_file", &settings.certificate_file),
        ("sync.private_key_file", &settings.private_key_file),
        ("sync.roots_file", &settings.roots_file),
        ("sync.policy_file", &settings.policy_file),
        ("sync.policy_file", &signature),
    ];
    for (key, path) in given {
        if let Err(error) = File::open(path) {
            let found = format!("`{}` (`{key}`) cannot be read: {error}", path.display());
            return Finding::fail(ID, found, "put the file there, and let the node's user read it");
        }
    }
    let (token, key) = (files::token_path(subject.data, settings), files::key_path(subject.data, settings));
    for path in [&token, &key] {
        if path.exists()
            && let Err(error) = files::secret(path)
        {
            return told(&words(&error));
        }
    }
    if let Some(finding) =
        [&settings.private_key_file, &token, &key].into_iter().find_map(|path| open_to_others(path))
    {
        return finding;
    }
    match files::signing_key(&key) {
        Err(files::FileError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Finding::ok(ID, "all there; the first start makes the key that receipts are signed with")
        }
        Err(error) => told(&words(&error)),
        Ok(key) => {
            let public = HEXLOWER.encode(&key.verifying_key().0);
            Finding::ok(ID, format!("all there; receipts are signed with {public}"))
        }
    }
}

fn told(text: &str) -> Finding {
    let (found, fix) = text.split_once("\nhint: ").unwrap_or((text, "let the node's user read it"));
    Finding::fail(ID, found, fix)
}

fn open_to_others(path: &Path) -> Option<Finding> {
    let mode = fs::metadata(path).ok()?.permissions().mode();
    let shown = path.display();
    let found = format!("others on this machine may use `{shown}` (mode {:03o})", mode & 0o777);
    (mode & OTHERS != 0).then(|| Finding::warn(ID, found, format!("`chmod 600 {shown}`")))
}
