//! Documents from files, or from standard input as `-`: read up to a bound, and held against the rules where one of a kind is wanted.

use super::error::FleetError;
use aisle_fleet::{
    Selector,
    document::{self, TEXT_BYTES_MAX, WrittenDocument},
};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// A text of documents.
pub(super) struct Text {
    /// The file; none for standard input.
    pub(super) file: Option<PathBuf>,
    /// What it says.
    pub(super) text: String,
}

/// Reads a file, or standard input.
///
/// # Errors
/// When it cannot be read, or is too long.
pub(super) fn read(path: &Path) -> Result<Text, FleetError> {
    let failed = |source| FleetError::File { what: "read", path: path.to_owned(), source };
    let is_input = path.as_os_str() == "-";
    let reader: Box<dyn Read> =
        if is_input { Box::new(io::stdin()) } else { Box::new(File::open(path).map_err(failed)?) };
    let mut text = String::new();
    // One more than there may be tells of more.
    reader.take(TEXT_BYTES_MAX as u64 + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() > TEXT_BYTES_MAX {
        let why = format!("is longer than {TEXT_BYTES_MAX} bytes\nhint: apply it in several parts");
        return Err(FleetError::Content { path: path.to_owned(), why });
    }
    Ok(Text { file: (!is_input).then(|| path.to_owned()), text })
}

/// The one document of a file, as it is written: the hub knows what the saved filters say that it names.
///
/// # Errors
/// When it cannot be read, cannot be, or is not one.
pub(super) fn one(path: &Path) -> Result<WrittenDocument, FleetError> {
    let Text { text, .. } = read(path)?;
    let content = |why: String| FleetError::Content { path: path.to_owned(), why };
    let refused = |error: document::DocumentError| {
        let source =
            std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        let said = error.to_string();
        content(if said.contains(source.trim_start_matches(": ")) { said } else { format!("{said}{source}") })
    };
    let written = document::read_written(&text).map_err(refused)?;
    // Whatever a saved filter says, nothing else of the document is wrong.
    written.clone().resolve(|_| Some(Selector::every())).map_err(refused)?;
    let mut all = written.documents();
    match (all.pop(), all.is_empty()) {
        (Some(one), true) => Ok(one),
        _ => Err(content("has several documents\nhint: `aisle fleet apply -f` takes them all".to_owned())),
    }
}

/// A document of another kind than is wanted here.
pub(super) fn other(path: &Path, wanted: &str) -> FleetError {
    FleetError::Content {
        path: path.to_owned(),
        why: format!("is no {wanted}\nhint: it begins with `{wanted}:`; `aisle fleet apply -f` takes any"),
    }
}
