//! Is the configuration accepted?

use super::{Finding, Subject};

const ID: &str = "config";

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    match subject.config {
        Ok(config) => Finding::ok(ID, format!("accepted; this is store `{}`", config.store)),
        Err(error) => {
            let text = error.to_string();
            let (found, fix) = text
                .split_once("\nhint: ")
                .unwrap_or((&text, "correct it and run `aisle-node config check`"));
            Finding::fail(ID, found, fix)
        }
    }
}
