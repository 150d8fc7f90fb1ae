//! Where the signed metadata of artefacts comes from that goes with every order.

use crate::{
    artefacts::{Artefacts, LookError, release::MetadataError},
    database::{DatabaseError, rows::damaged},
};
use aisle_content::Content;
use std::{fmt, future::Future, pin::Pin};

/// The metadata of now: the version of its timestamp, and a bundle of it as a content that is at this hub.
pub type Current = Option<(String, Content)>;

/// Says which metadata goes with orders.
pub trait Metadata: fmt::Debug + Send + Sync {
    /// The metadata of now; nothing where nothing is signed yet.
    fn current(&self) -> Pin<Box<dyn Future<Output = Result<Current, DatabaseError>> + Send + '_>>;
}

/// A hub at which nothing is signed.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMetadata;

impl Metadata for NoMetadata {
    fn current(&self) -> Pin<Box<dyn Future<Output = Result<Current, DatabaseError>> + Send + '_>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

impl Metadata for Artefacts {
    fn current(&self) -> Pin<Box<dyn Future<Output = Result<Current, DatabaseError>> + Send + '_>> {
        Box::pin(async {
            match self.metadata_content().await {
                Ok(found) => Ok(found.map(|found| (found.version.to_string(), found.content))),
                Err(MetadataError::Look(LookError::Database(error))) => Err(error),
                Err(error) => {
                    tracing::error!(%error, source = ?std::error::Error::source(&error), "the metadata of artefacts cannot go with orders");
                    Err(damaged("metadata", "file", &"timestamp"))
                }
            }
        })
    }
}
