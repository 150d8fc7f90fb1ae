//! The token of administrators: made at the first start, readable by the node's user alone, compared in constant time.

use data_encoding::HEXLOWER;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// The file, below the node's data.
const TOKEN_FILE: &str = "admin.token";
/// A shorter token is taken for a file that was cut off, and opens nothing.
const BYTES_MIN: usize = 16;
/// So much of the file is read.
const BYTES_MAX: u64 = 1_024;

/// Where the token is.
pub(crate) fn path(data: &Path) -> PathBuf {
    data.join(TOKEN_FILE)
}

/// Makes a token, unless there is one.
pub(crate) fn make_if_missing(data: &Path) -> io::Result<()> {
    let path = path(data);
    if path.exists() {
        return Ok(());
    }
    let hex = HEXLOWER.encode(&rand::random::<[u8; 32]>());
    let new = path.with_extension("token.new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    writeln!(file, "{hex}")?;
    file.sync_all()?;
    fs::rename(&new, &path)
}

/// Reads the token; `None` when the file holds none.
pub(crate) fn read(data: &Path) -> io::Result<Option<String>> {
    let mut text = String::new();
    File::open(path(data))?.take(BYTES_MAX).read_to_string(&mut text)?;
    let token = text.trim();
    Ok((token.len() >= BYTES_MIN).then(|| token.to_owned()))
}

/// Whether two tokens are the same, in a time that does not tell where they differ.
pub(crate) fn same(one: &str, other: &str) -> bool {
    blake3::hash(one.as_bytes()) == blake3::hash(other.as_bytes())
}
