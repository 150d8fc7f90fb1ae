//! The PIN of the staff board: six digits in `DATA/staff.pin`, made at the first start, readable by the node's user alone.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where it is.
pub(crate) fn path(data: &Path) -> PathBuf {
    data.join("staff.pin")
}

/// Makes one where there is none.
pub(crate) fn make_if_missing(data: &Path) -> io::Result<()> {
    let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path(data));
    match made {
        Ok(mut file) => {
            writeln!(file, "{:06}", rand::random_range(0..1_000_000_u32))?;
            file.sync_all()
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Reads it whenever it is asked for, so that a new one counts at once.
pub(crate) fn reader(data: &Path) -> Arc<dyn Fn() -> Option<String> + Send + Sync> {
    let path = path(data);
    Arc::new(move || fs::read_to_string(&path).ok())
}
