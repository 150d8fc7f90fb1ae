//! The shelf as a folder: `HASH` is a whole content, `HASH.part` a begun one, `kept` what is remembered.
//!
//! A name without an ending is given by a rename after the bytes were synced, so it always stands for the whole content. A begun file is
//! trusted no further than its pieces verify: they are read again when it is opened, so nothing of it has to be synced before the end.
//!
//! Guards: a kill or a power cut at any point leaves what was there before or what is there after, never more than
//! `disk_bytes_max` is taken, and of the disk's free bytes a reserve is left to others (what is remembered, less than 2 MiB, comes on top of both).

use crate::{
    delta,
    manifest::Content,
    shelf::{Have, Kept, Shelf, ShelfError},
    tree::{PIECE_BYTES, Tree, hash_of},
};
use aisle_protocol::Hash;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

/// What is remembered.
const KEPT: &str = "kept";
/// The ending of a begun content.
const PART: &str = "part";
/// The ending of what is not renamed yet.
const NEW: &str = "new";

/// How many bytes of the disk are free; nothing where nobody knows.
pub type FreeBytes = Box<dyn Fn() -> Option<u64> + Send>;

/// Contents in a folder. One at a time may have it.
pub struct Folder {
    root: PathBuf,
    disk_bytes_max: u64,
    /// What is left to others of what is free.
    reserve: Option<(u64, FreeBytes)>,
    begun: BTreeMap<Hash, Begun>,
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folder").field("root", &self.root).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Begun {
    file: File,
    tree: Option<Tree>,
    until: u64,
    bytes: u64,
}

impl Begun {
    fn verifies(&self, content: &Content, offset: u64, piece: &[u8]) -> bool {
        match &self.tree {
            Some(tree) => tree.holds(offset, piece),
            None => offset == 0 && piece.len() as u64 == content.bytes && hash_of(piece) == content.hash,
        }
    }
}

impl Folder {
    /// Takes a folder, and makes it where it is not there.
    ///
    /// # Errors
    /// When it cannot be made or read.
    pub fn open(root: &Path, disk_bytes_max: u64) -> Result<Self, ShelfError> {
        fs::create_dir_all(root).map_err(|source| io_at(root, source))?;
        let folder = Self { root: root.to_owned(), disk_bytes_max, reserve: None, begun: BTreeMap::new() };
        for path in folder.files()? {
            if path.extension().is_some_and(|ending| ending == NEW) {
                remove(&path)?;
            }
        }
        Ok(folder)
    }

    /// The same folder, which leaves so many bytes of the disk free: others who write there need them more.
    #[must_use]
    pub fn with_reserve(self, reserve_bytes: u64, free: FreeBytes) -> Self {
        Self { reserve: Some((reserve_bytes, free)), ..self }
    }

    /// What contents take on the disk, begun ones with what they will take.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn disk_bytes(&self) -> Result<u64, ShelfError> {
        let mut taken = 0_u64;
        for path in self.files()? {
            let Some(hash) = named(&path) else { continue };
            let there = fs::metadata(&path).map_or(0, |metadata| metadata.len());
            let begun = self.begun.get(&hash).filter(|_| is_part(&path)).map_or(0, |begun| begun.bytes);
            taken = taken.saturating_add(there.max(begun));
        }
        Ok(taken)
    }

    fn files(&self) -> Result<Vec<PathBuf>, ShelfError> {
        let listed = fs::read_dir(&self.root)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect());
        listed.map_err(|source| io_at(&self.root, source))
    }

    /// Where a content lies when it is whole, for who gives it a second name.
    #[must_use]
    pub fn path(&self, hash: &Hash) -> PathBuf {
        self.whole(hash)
    }

    fn whole(&self, hash: &Hash) -> PathBuf {
        self.root.join(hash.to_string())
    }

    fn part(&self, hash: &Hash) -> PathBuf {
        self.root.join(format!("{hash}.{PART}"))
    }

    /// Whether `more` bytes of a content may come; `there` of them are counted already.
    fn make_room(&self, content: &Content, there: u64) -> Result<(), ShelfError> {
        let taken = self.disk_bytes()?;
        let more = content.bytes.saturating_sub(there);
        if taken.saturating_add(more) > self.disk_bytes_max {
            let Content { hash, bytes, .. } = *content;
            return Err(ShelfError::Full { hash, bytes, taken, bytes_max: self.disk_bytes_max });
        }
        // What others have begun comes as well.
        let others = self.begun.iter().filter(|(hash, _)| **hash != content.hash);
        let promised = others.map(|(_, begun)| begun.bytes.saturating_sub(begun.until));
        self.leave_free(content, more, promised.fold(0, u64::saturating_add))
    }

    /// Whether the disk has room for so many bytes of a content, beside what is promised to others.
    fn leave_free(&self, content: &Content, more: u64, promised: u64) -> Result<(), ShelfError> {
        let Some((reserve, free)) = &self.reserve else { return Ok(()) };
        let Some(free) = free() else { return Ok(()) };
        let needed = more.saturating_add(promised).saturating_add(*reserve);
        if more == 0 || needed <= free {
            return Ok(());
        }
        let Content { hash, bytes, .. } = *content;
        Err(ShelfError::NoRoom { hash, bytes, missing: needed - free, reserve: *reserve })
    }

    fn tree(&mut self, content: &Content) -> Result<Option<Tree>, ShelfError> {
        let Some(tree) = content.tree else { return Ok(None) };
        let bytes = self.read(&tree)?;
        let opened = Tree::open(content, &bytes).map_err(|_| ShelfError::Tree { hash: content.hash })?;
        Ok(Some(opened))
    }

    /// Opens a begun file and goes on behind the last piece that is right.
    fn resume(&mut self, content: &Content) -> Result<Begun, ShelfError> {
        let path = self.part(&content.hash);
        let tree = self.tree(content)?;
        let there = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        self.make_room(content, there)?;
        let at = |source| io_at(&path, source);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(at)?;
        let mut begun = Begun { file: file.try_clone().map_err(at)?, tree, until: 0, bytes: content.bytes };
        while begun.until < content.bytes {
            let mut piece = Vec::new();
            (&mut file).take(PIECE_BYTES).read_to_end(&mut piece).map_err(at)?;
            if !begun.verifies(content, begun.until, &piece) {
                break;
            }
            begun.until = begun.until.saturating_add(piece.len() as u64);
        }
        begun.file.set_len(begun.until).map_err(at)?;
        Ok(begun)
    }

    /// Gives a content its name once all of it is on the disk.
    fn finish(&mut self, content: &Content, begun: &Begun) -> Result<(), ShelfError> {
        let (part, whole) = (self.part(&content.hash), self.whole(&content.hash));
        let named = begun.file.sync_all().and_then(|()| fs::rename(&part, &whole));
        named.map_err(|source| {
            // What the disk has of it is not known after a sync that failed: it is fetched again.
            let _ = fs::remove_file(&part);
            io_at(&part, source)
        })?;
        sync_dir(&self.root)
    }

    fn state(&mut self, content: &Content, begun: Begun) -> Result<Have, ShelfError> {
        if begun.until >= content.bytes {
            self.begun.remove(&content.hash);
            self.finish(content, &begun)?;
            return Ok(Have::Whole);
        }
        let until = begun.until;
        self.begun.insert(content.hash, begun);
        Ok(Have::Until(until))
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), ShelfError> {
        let beside = path.with_extension(NEW);
        let written = File::create(&beside).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&beside, path)
        });
        written.map_err(|source| {
            // What did not become anything must not take room.
            let _ = fs::remove_file(&beside);
            io_at(path, source)
        })?;
        sync_dir(&self.root)
    }
}

impl Shelf for Folder {
    fn begin(&mut self, content: &Content) -> Result<Have, ShelfError> {
        if self.has(&content.hash) {
            return Ok(Have::Whole);
        }
        if let Some(begun) = self.begun.get(&content.hash) {
            return Ok(Have::Until(begun.until));
        }
        let begun = self.resume(content)?;
        self.state(content, begun)
    }

    fn put(&mut self, content: &Content, offset: u64, piece: &[u8]) -> Result<Have, ShelfError> {
        if self.begin(content)? == Have::Whole {
            return Ok(Have::Whole);
        }
        let hash = content.hash;
        let path = self.part(&hash);
        let mut begun = self.begun.remove(&hash).ok_or(ShelfError::Missing { hash })?;
        if begun.until != offset || !begun.verifies(content, offset, piece) {
            self.begun.insert(hash, begun);
            return Err(ShelfError::Lie { hash, offset });
        }
        // Others may have written since it was begun.
        if let Err(error) = self.leave_free(content, piece.len() as u64, 0) {
            self.begun.insert(hash, begun);
            return Err(error);
        }
        let written = begun.file.seek(SeekFrom::Start(offset)).and_then(|_| begun.file.write_all(piece));
        // A file that is not written to its end is resumed from what is right of it.
        written.map_err(|source| io_at(&path, source))?;
        begun.until = begun.until.saturating_add(piece.len() as u64);
        self.state(content, begun)
    }

    fn leave(&mut self, hash: &Hash) {
        self.begun.remove(hash);
    }

    fn unfold(&mut self, from: &Hash, delta: &Hash, to: &Content) -> Result<(), ShelfError> {
        if self.has(&to.hash) {
            return Ok(());
        }
        self.make_room(to, 0)?;
        let (old, folded) = (self.read(from)?, self.read(delta)?);
        let new = delta::unfold(&old, &folded, to.bytes)
            .map_err(|source| ShelfError::Delta { delta: *delta, source })?;
        if hash_of(&new) != to.hash {
            return Err(ShelfError::Unfolded { delta: *delta, hash: to.hash });
        }
        self.replace(&self.whole(&to.hash), &new)
    }

    fn has(&mut self, hash: &Hash) -> bool {
        self.whole(hash).is_file()
    }

    fn read(&mut self, hash: &Hash) -> Result<Vec<u8>, ShelfError> {
        let path = self.whole(hash);
        match fs::read(&path) {
            Ok(bytes) if hash_of(&bytes) == *hash => Ok(bytes),
            Ok(_) => {
                remove(&path)?;
                Err(ShelfError::Missing { hash: *hash })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ShelfError::Missing { hash: *hash }),
            Err(source) => Err(io_at(&path, source)),
        }
    }

    fn sweep(&mut self, keep: &BTreeSet<Hash>) -> Result<(), ShelfError> {
        self.begun.retain(|hash, _| keep.contains(hash));
        for path in self.files()? {
            if named(&path).is_some_and(|hash| !keep.contains(&hash)) {
                remove(&path)?;
            }
        }
        Ok(())
    }

    fn remember(&mut self, kept: &Kept) -> Result<(), ShelfError> {
        // Writing to a `Vec` has no way to fail.
        self.replace(&self.root.join(KEPT), &minicbor::to_vec(kept).unwrap_or_default())
    }

    fn recall(&mut self) -> Result<Kept, ShelfError> {
        let path = self.root.join(KEPT);
        match fs::read(&path) {
            // What cannot be read is as good as nothing: the hub says it again.
            Ok(bytes) => Ok(minicbor::decode(&bytes).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kept::default()),
            Err(source) => Err(io_at(&path, source)),
        }
    }
}

/// The content that a file is, or will be.
fn named(path: &Path) -> Option<Hash> {
    let stem = path.file_stem()?.to_str()?;
    if !(path.extension().is_none() || is_part(path)) {
        return None;
    }
    let (pairs, rest) = stem.as_bytes().as_chunks::<2>();
    let mut hash = [0; 32];
    if pairs.len() != hash.len() || !rest.is_empty() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(pairs) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(Hash(hash))
}

fn is_part(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == PART)
}

fn remove(path: &Path) -> Result<(), ShelfError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(io_at(path, source)),
        _ => Ok(()),
    }
}

fn sync_dir(path: &Path) -> Result<(), ShelfError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(|source| io_at(path, source))
}

fn io_at(path: &Path, source: io::Error) -> ShelfError {
    ShelfError::Io { path: path.to_owned(), source }
}
