//! Where metadata comes from: the hub, a stick, a folder. It is not trusted in anything; who asks says how much may come, and counts.

use crate::files::DiskFiles;
use std::{
    collections::BTreeMap,
    io::{self, Read},
};

/// Why a file of metadata does not come.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is none of that name. Of the next root this is what is expected.
    #[error("there is no such file")]
    NotFound,
    /// The way there is broken.
    #[error("it cannot be fetched")]
    Io(#[from] io::Error),
}

/// Gives files of metadata by name.
pub trait Source {
    /// The bytes of a file. `bytes_max` is how many are read at most, one more to notice that it is longer; a transport can say so to the other
    /// end. How long to wait is the transport's own business.
    ///
    /// # Errors
    /// When there is none, or it cannot be had.
    fn fetch(&mut self, name: &str, bytes_max: u64) -> Result<Box<dyn Read + '_>, SourceError>;
}

/// Files that are in memory already: of a bundle, or of a message.
pub type Memory = BTreeMap<String, Vec<u8>>;

impl Source for Memory {
    fn fetch(&mut self, name: &str, _: u64) -> Result<Box<dyn Read + '_>, SourceError> {
        let bytes = self.get(name).ok_or(SourceError::NotFound)?;
        Ok(Box::new(bytes.as_slice()))
    }
}

impl Source for DiskFiles {
    fn fetch(&mut self, name: &str, _: u64) -> Result<Box<dyn Read + '_>, SourceError> {
        Ok(Box::new(self.file(name)?.ok_or(SourceError::NotFound)?))
    }
}
