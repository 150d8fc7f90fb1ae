//! Contents that nodes fetch piece by piece: plugins, models, catalogues. Named by the hash of their bytes.
//!
//! Lives here: their bytes under their names, in a folder or in S3 ([`crate::objects`]). Not here: which there are (the database), who may have them.
//! Guards: a piece is of the content that the hash names, because nothing is put here under a name that is not its hash.

use aisle_protocol::Hash;
use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload, path::Path as Name};
use std::{ops::Range, sync::Arc};

/// Where contents lie.
#[derive(Debug, Clone)]
pub struct Contents(Arc<dyn ObjectStore>);

/// Why a content cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// It cannot be read or written.
    #[error("cannot reach the content {hash}")]
    Reach {
        /// Which.
        hash: Hash,
        /// Why not.
        source: object_store::Error,
    },
}

impl Contents {
    /// Over what was opened ([`crate::objects::Place::open`]).
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self(store)
    }

    /// Keeps a content and says what it is called.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn put(&self, bytes: Bytes) -> Result<Hash, ContentError> {
        let hash = Hash(*blake3::hash(&bytes).as_bytes());
        let put = self.0.put(&place(&hash), PutPayload::from_bytes(bytes)).await;
        put.map(|_| hash).map_err(|source| ContentError::Reach { hash, source })
    }

    /// Some of the bytes of a content.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub async fn read(&self, hash: &Hash, range: Range<u64>) -> Result<Bytes, ContentError> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let read = self.0.get_range(&place(hash), range).await;
        read.map_err(|source| ContentError::Reach { hash: *hash, source })
    }

    /// Takes a content away; nothing where it is gone already.
    ///
    /// # Errors
    /// When it cannot be taken away.
    pub async fn remove(&self, hash: &Hash) -> Result<(), ContentError> {
        match self.0.delete(&place(hash)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(ContentError::Reach { hash: *hash, source }),
        }
    }
}

fn place(hash: &Hash) -> Name {
    Name::from(hash.to_string())
}
