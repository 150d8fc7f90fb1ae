//! Where what the commands read lies in a data directory. Who writes it there is `sync`.

use crate::sync::{Settings, files};
use aisle_residency::Region;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The outboxes, by region; each class has a directory in one of them.
pub(super) fn outboxes(data: &Path) -> io::Result<Vec<(Region, PathBuf)>> {
    let dir = data.join("outbox");
    let entries = match fs::read_dir(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        // What was set aside has other names.
        let region = entry.file_name().to_str().and_then(|name| Region::new(name).ok());
        if let Some(region) = region.filter(|_| entry.path().is_dir()) {
            found.push((region, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// The policy in force: 64 bytes of signature, then the document, byte by byte as it was signed.
pub(super) fn policy(data: &Path) -> PathBuf {
    files::policy_path(data)
}

/// The seed of the key that the node signs receipts with, in hexadecimal digits.
pub(super) fn receipt_key(data: &Path, sync: Option<&Settings>) -> PathBuf {
    sync.map_or_else(|| files::dir(data).join("receipt.key"), |sync| files::key_path(data, sync))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_has_an_outbox_and_nothing_else_is_one() {
        let data = tempfile::tempdir().unwrap();
        assert!(outboxes(data.path()).unwrap().is_empty());
        for name in ["outbox/global", "outbox/eu", "outbox/p0.aside-1"] {
            fs::create_dir_all(data.path().join(name)).unwrap();
        }
        fs::write(data.path().join("outbox/file"), "").unwrap();
        let found = outboxes(data.path()).unwrap();
        let names: Vec<&str> = found.iter().map(|(region, _)| region.as_str()).collect();
        assert_eq!(names, ["eu", "global"]);
        assert_eq!(found[0].1, data.path().join("outbox/eu"));
    }
}
