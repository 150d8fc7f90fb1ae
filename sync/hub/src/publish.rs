//! What people want of stores: contents with their trees and deltas are put in place, then a manifest names them.
//!
//! ```text
//! content add FILE ─> bytes, tree, deltas ─> contents, then rows ──┐
//! desired set LIST.toml ─> items by hash or file ──────────────────┴─> a manifest for each store ─> desired ─> herald, WELCOME
//! ```
//!
//! Not here: who may publish (the document is the manifest until documents are signed, see `aisle_content::trust`), telling nodes
//! ([`crate::herald`]). Guards: a manifest names nothing whose bytes are not there.

use crate::{
    content::{ContentError, Contents},
    database::{Database, DatabaseError, DesiredRow, read::ROWS_MAX, tree_name},
};
use aisle_content::{
    Content, Delta, Item, Manifest, ManifestError, ModelPackage, Order, PluginPackage, Tree,
    delta::{self, DeltaError},
    manifest::CONTENT_BYTES_MAX,
    order::OrderError,
};
use aisle_event::StoreId;
use aisle_protocol::Hash;
use bytes::Bytes;
use data_encoding::HEXLOWER_PERMISSIVE;
use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use serde::{Deserialize, Serialize};
use std::{
    io,
    path::{Path, PathBuf},
};
use utoipa::ToSchema;

/// Why something is not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A content has no byte, or more than one may have.
    #[error("`{name}` has {bytes} bytes, expected 1 to {CONTENT_BYTES_MAX}")]
    Length {
        /// What it is called.
        name: String,
        /// How long it is.
        bytes: u64,
    },
    /// Text that is no hash.
    #[error(
        "`{text}` is no hash\nhint: a BLAKE3 hash has 64 hexadecimal digits; `aisle-hub content add` prints it"
    )]
    Hash {
        /// The text.
        text: String,
    },
    /// A content that is not here.
    #[error("this hub has no content {hash}\nhint: `aisle-hub content add FILE` keeps one")]
    Unknown {
        /// Which.
        hash: Hash,
    },
    /// No delta can be made.
    #[error("no delta comes from {from}")]
    Delta {
        /// From what.
        from: Hash,
        /// Why not.
        source: DeltaError,
    },
    /// The list of items is none.
    #[error("`{path}` is no list of items: {reason}")]
    List {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// An item that names no content, or two.
    #[error("item `{name}` must have either `content` or `file`")]
    Source {
        /// Which.
        name: String,
    },
    /// No manifest can be made of it.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Somebody else has set something at the same time.
    #[error(
        "`{store}` was given something else meanwhile\nhint: look at `aisle-hub desired show {store}`, and set it again"
    )]
    Raced {
        /// The store.
        store: StoreId,
    },
    /// The contents.
    #[error(transparent)]
    Contents(#[from] ContentError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// The list of items as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The items. What is not named is left as it is.
    #[serde(default)]
    pub item: Vec<Listed>,
}

/// An item as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// A kind, or a kind and a name: `plugin/multi-buy`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The hash of a content that is here.
    #[serde(default)]
    pub content: Option<String>,
    /// A file, or the folder of a plugin, from where the list lies. It is kept as by `content add`.
    #[serde(default)]
    pub file: Option<PathBuf>,
}

/// What a store is to become, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Desire {
    /// Grows with every change; 0 where nobody has said anything.
    pub generation: u64,
    /// Since when, in milliseconds since 1970.
    pub at_ms: i64,
    /// Everything, by name.
    pub items: Vec<DesiredItem>,
}

/// One thing that a store is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DesiredItem {
    /// A kind, or a kind and a name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// BLAKE3 of its content, in hexadecimal digits.
    pub hash: String,
    /// How long the content is.
    pub bytes: u64,
    /// The contents that a delta comes from, in hexadecimal digits.
    pub deltas_from: Vec<String>,
}

impl Desire {
    /// Reads a row.
    ///
    /// # Errors
    /// When it holds no manifest that this build reads.
    pub fn of(row: Option<DesiredRow>) -> Result<Self, ManifestError> {
        let Some(DesiredRow { generation, manifest, at_ms }) = row else {
            return Ok(Self { generation: 0, at_ms: 0, items: Vec::new() });
        };
        let item = |item: &Item| DesiredItem {
            name: item.name.clone(),
            version: item.version.clone(),
            hash: item.content.hash.to_string(),
            bytes: item.content.bytes,
            deltas_from: item.deltas.iter().map(|delta| delta.from.to_string()).collect(),
        };
        let malformed = |error: OrderError| ManifestError::Malformed { reason: error.to_string() };
        let manifest = match Order::is_one(&manifest) {
            true => Order::own(&manifest).map_err(malformed)?.manifest,
            false => manifest,
        };
        let items = Manifest::decode(&manifest)?.items().iter().map(item).collect();
        Ok(Self { generation, at_ms, items })
    }
}

/// Puts things in place.
#[derive(Debug, Clone)]
pub struct Publisher {
    /// Which contents there are.
    pub database: Database,
    /// Their bytes.
    pub contents: Contents,
}

/// Reads a hash from text.
///
/// # Errors
/// When it is none.
pub fn hash(text: &str) -> Result<Hash, PublishError> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).unwrap_or_default();
    bytes.try_into().map(Hash).map_err(|_| PublishError::Hash { text: text.to_owned() })
}

/// The bytes of a file. Those of a folder are the package of the plugin in it, `plugin.toml` and `plugin.wasm`, or of the model: `model.toml` and `model.onnx`.
///
/// # Errors
/// When it cannot be read.
pub fn bytes_of(path: &Path) -> Result<Bytes, PublishError> {
    let read = |path: PathBuf| std::fs::read(&path).map_err(|source| PublishError::Read { path, source });
    if !path.is_dir() {
        return read(path.to_owned()).map(Bytes::from);
    }
    let is_model = path.join("model.toml").exists();
    let said = path.join(if is_model { "model.toml" } else { "plugin.toml" });
    let text = String::from_utf8(read(said.clone())?).map_err(|error| PublishError::Read {
        path: said,
        source: io::Error::new(io::ErrorKind::InvalidData, error),
    })?;
    if is_model {
        let onnx = read(path.join("model.onnx"))?;
        return Ok(ModelPackage { card: text, onnx }.encode().into());
    }
    let component = read(path.join("plugin.wasm"))?;
    Ok(PluginPackage { manifest: text, component }.encode().into())
}

/// What an item is called in a list of contents: the name of its file.
#[must_use]
pub fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

impl Publisher {
    /// Keeps a content and the tree of its pieces.
    ///
    /// # Errors
    /// When it is too long, or cannot be kept.
    pub async fn add(&self, bytes: Bytes, name: &str) -> Result<Content, PublishError> {
        let length = bytes.len() as u64;
        if length == 0 || length > CONTENT_BYTES_MAX {
            return Err(PublishError::Length { name: name.to_owned(), bytes: length });
        }
        // Reading from memory does not fail.
        let (content, tree) =
            Tree::read(bytes.as_ref()).map_err(|source| PublishError::Read { path: name.into(), source })?;
        self.contents.put(bytes).await?;
        self.database.add_content(&content.hash, content.bytes, name).await?;
        if let Some(tree) = tree {
            let bytes = tree.len() as u64;
            let hash = self.contents.put(tree.into()).await?;
            self.database.add_content(&hash, bytes, &tree_name(&content.hash)).await?;
        }
        Ok(content)
    }

    /// Makes a delta to a content from one that is here, and keeps it where it is shorter than the content.
    ///
    /// # Errors
    /// When one of them is not here or too long, or it cannot be kept.
    pub async fn fold(&self, from: &Hash, to: &Hash) -> Result<Option<Delta>, PublishError> {
        let (old, new) = (self.whole(from).await?, self.whole(to).await?);
        let length = new.len() as u64;
        let source = *from;
        let folded =
            delta::fold(&old, &new).map_err(|error| PublishError::Delta { from: source, source: error })?;
        if folded.len() as u64 >= length {
            return Ok(None);
        }
        let content = self.add(folded.into(), &format!("delta from {from}")).await?;
        self.database.add_delta(to, from, &content).await?;
        Ok(Some(Delta { from: *from, content }))
    }

    async fn whole(&self, hash: &Hash) -> Result<Bytes, PublishError> {
        match self.database.content_bytes(hash).await? {
            Some(bytes) => Ok(self.contents.read(hash, 0..bytes).await?),
            None => Err(PublishError::Unknown { hash: *hash }),
        }
    }

    /// Finds everything that a list names, and keeps what it names by file.
    ///
    /// # Errors
    /// When the list cannot be read, or names what is not there.
    pub async fn items(&self, path: &Path) -> Result<Vec<Item>, PublishError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| PublishError::Read { path: path.to_owned(), source })?;
        let list: List = Figment::from(Toml::string(&text))
            .extract()
            .map_err(|error| PublishError::List { path: path.to_owned(), reason: error.to_string() })?;
        let beside = path.parent().unwrap_or_else(|| Path::new(""));
        let mut items = Vec::with_capacity(list.item.len());
        for Listed { name, version, content, file } in list.item {
            let content = match (content, file) {
                (Some(text), None) => {
                    let bytes = self.whole(&hash(&text)?).await?;
                    self.add(bytes, &name).await?
                }
                (None, Some(file)) => {
                    let file = beside.join(file);
                    self.add(bytes_of(&file)?, &name_of(&file)).await?
                }
                _ => return Err(PublishError::Source { name }),
            };
            let deltas = self.database.deltas(&content.hash).await?;
            items.push(Item { name, version, content, deltas });
        }
        Ok(items)
    }

    /// Says what a store is to become, and of which generation that is.
    ///
    /// # Errors
    /// When no manifest can be made of the items, or the database cannot take it.
    pub async fn set(&self, store: &StoreId, items: Vec<Item>) -> Result<u64, PublishError> {
        let generation = self.database.next_generation(store).await?;
        let manifest = Manifest::new(generation, items)?;
        if !self.database.set_desired(store, generation, &manifest.encode()).await? {
            return Err(PublishError::Raced { store: store.clone() });
        }
        Ok(generation)
    }

    /// The stores that have a node which may come.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn stores(&self) -> Result<Vec<StoreId>, PublishError> {
        let (mut stores, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.database.served_stores(&after, ROWS_MAX).await?;
            stores.extend(page.iter().filter_map(|store| StoreId::new(store).ok()));
            match page.last() {
                Some(last) if page.len() == ROWS_MAX as usize => after.clone_from(last),
                _ => return Ok(stores),
            }
        }
    }
}
