//! Where the signed metadata of artefacts comes from that goes with every order.

use crate::database::DatabaseError;
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
