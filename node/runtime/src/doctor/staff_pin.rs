//! Is the staff board's PIN there, and only the node's to read?

use super::{Finding, Subject};
use crate::floor::pin;
use std::{fs, io::ErrorKind, os::unix::fs::PermissionsExt};

const ID: &str = "staff-pin";
/// What others than the owner may do.
const OTHERS: u32 = 0o077;

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    let path = pin::path(subject.data);
    let shown = path.display();
    let mode = match fs::metadata(&path) {
        Ok(metadata) => metadata.permissions().mode(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Finding::ok(ID, "none yet; the node makes one when it starts");
        }
        Err(error) => {
            return Finding::fail(
                ID,
                format!("cannot look at `{shown}`: {error}"),
                "let the node's user read it",
            );
        }
    };
    if mode & OTHERS != 0 {
        let found = format!("others on this machine may use `{shown}` (mode {:03o})", mode & 0o777);
        return Finding::warn(ID, found, format!("`chmod 600 {shown}`, and write another PIN into it"));
    }
    match fs::read_to_string(&path) {
        Ok(text) if text.trim().is_empty() => {
            let found = format!("`{shown}` is empty: nobody can sign in at the staff board");
            Finding::fail(ID, found, "write a PIN into it, or remove it and start the node again")
        }
        Ok(_) => Finding::ok(ID, "only the node's user may read it"),
        Err(error) => {
            Finding::fail(ID, format!("cannot read `{shown}`: {error}"), "run this as the node's user")
        }
    }
}
