//! The disk in memory: for each file and each name, what programs see and what a power cut would leave.
//!
//! Pages that were never written take no memory, so a preallocated segment costs nothing.

use super::{Unsynced, random::Random};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

const PAGE_BYTES: usize = 4096;
/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

type Page = [u8; PAGE_BYTES];

#[derive(Debug, Clone, Default)]
struct Content {
    len: u64,
    pages: BTreeMap<u64, Arc<Page>>,
}

impl Content {
    fn page(&self, number: u64) -> Page {
        self.pages.get(&number).map_or([0; PAGE_BYTES], |page| **page)
    }

    fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        let len = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX).min(buffer.len());
        let mut done = 0;
        while done < len {
            let at = offset + done as u64;
            let within = (at % PAGE_BYTES as u64) as usize;
            let part = (PAGE_BYTES - within).min(len - done);
            let page = self.page(at / PAGE_BYTES as u64);
            let from = page.get(within..within + part).unwrap_or_default();
            if let Some(to) = buffer.get_mut(done..done + part) {
                to.copy_from_slice(from);
            }
            done += part;
        }
        len
    }
}

/// A file: its content now, its content on the platter, and the pages in which they may differ.
#[derive(Debug, Clone, Default)]
pub(super) struct File {
    now: Content,
    durable: Content,
    dirty: BTreeSet<u64>,
    dirty_len: bool,
}

impl File {
    pub(super) const fn len(&self) -> u64 {
        self.now.len
    }

    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        self.now.read(buffer, offset)
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            let number = at / PAGE_BYTES as u64;
            let within = (at % PAGE_BYTES as u64) as usize;
            let part = (PAGE_BYTES - within).min(bytes.len() - done);
            let page = self.now.pages.entry(number).or_insert_with(|| Arc::new([0; PAGE_BYTES]));
            if let (Some(to), Some(from)) =
                (Arc::make_mut(page).get_mut(within..within + part), bytes.get(done..done + part))
            {
                to.copy_from_slice(from);
            }
            self.dirty.insert(number);
            done += part;
        }
        self.set_len(self.now.len.max(offset + bytes.len() as u64));
    }

    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.now.len {
            let first_gone = len.div_ceil(PAGE_BYTES as u64);
            let gone = self.now.pages.split_off(&first_gone);
            self.dirty.extend(gone.keys());
            let number = len / PAGE_BYTES as u64;
            if let Some(page) = self.now.pages.get_mut(&number) {
                let within = (len % PAGE_BYTES as u64) as usize;
                Arc::make_mut(page).get_mut(within..).unwrap_or_default().fill(0);
                self.dirty.insert(number);
            }
        }
        self.dirty_len |= len != self.now.len;
        self.now.len = len;
    }

    pub(super) fn sync(&mut self) {
        for number in std::mem::take(&mut self.dirty) {
            match self.now.pages.get(&number) {
                Some(page) => self.durable.pages.insert(number, page.clone()),
                None => self.durable.pages.remove(&number),
            };
        }
        self.durable.len = self.now.len;
        self.dirty_len = false;
    }

    /// A sync that fails leaves the pages readable and clean: a later sync does not write them. That is what Linux does.
    pub(super) fn sync_failed(&mut self) {
        self.dirty.clear();
        self.dirty_len = false;
    }

    /// Changes a bit on the platter and in the cache, as decay does.
    pub(super) fn flip(&mut self, offset: u64, bit: u8) {
        for content in [&mut self.now, &mut self.durable] {
            let page =
                content.pages.entry(offset / PAGE_BYTES as u64).or_insert_with(|| Arc::new([0; PAGE_BYTES]));
            if let Some(byte) = Arc::make_mut(page).get_mut((offset % PAGE_BYTES as u64) as usize) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }

    /// What is left of the file after a power cut.
    fn survive(&self, unsynced: Unsynced, random: &mut Random) -> Self {
        let mut left = self.durable.clone();
        let torn_at = random.below(self.dirty.len() as u64) as usize;
        for (index, number) in self.dirty.iter().enumerate() {
            let (old, new) = (self.durable.page(*number), self.now.page(*number));
            let page = match unsynced {
                Unsynced::Keep => new,
                Unsynced::Drop => old,
                Unsynced::Tear if index < torn_at => new,
                Unsynced::Tear if index > torn_at => old,
                Unsynced::Tear => tear(&old, &new, random),
                Unsynced::Shuffle => shuffle(&old, &new, random),
            };
            left.pages.insert(*number, Arc::new(page));
        }
        if self.dirty_len {
            left.len = match unsynced {
                Unsynced::Keep => self.now.len,
                Unsynced::Drop => self.durable.len,
                Unsynced::Tear | Unsynced::Shuffle if random.below(2) == 0 => self.now.len,
                Unsynced::Tear | Unsynced::Shuffle => self.durable.len,
            };
        }
        Self { now: left.clone(), durable: left, ..Self::default() }
    }
}

/// The new page up to some byte, the old one from there on.
fn tear(old: &Page, new: &Page, random: &mut Random) -> Page {
    let cut = random.below(PAGE_BYTES as u64 + 1) as usize;
    let mut page = *old;
    for (to, from) in page.iter_mut().zip(new).take(cut) {
        *to = *from;
    }
    page
}

/// Each sector new or old by chance.
fn shuffle(old: &Page, new: &Page, random: &mut Random) -> Page {
    let mut page = *old;
    for (to, from) in page.chunks_mut(SECTOR_BYTES).zip(new.chunks(SECTOR_BYTES)) {
        if random.below(2) == 0 {
            to.copy_from_slice(from);
        }
    }
    page
}

#[derive(Debug, Clone)]
enum Change {
    Link(PathBuf, u64),
    Unlink(PathBuf),
    Rename(PathBuf, PathBuf),
}

impl Change {
    fn dir(&self) -> Option<&Path> {
        match self {
            Self::Link(path, _) | Self::Unlink(path) | Self::Rename(_, path) => path.parent(),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            Self::Link(path, id) => {
                names.insert(path.clone(), *id);
            }
            Self::Unlink(path) => {
                names.remove(path);
            }
            Self::Rename(from, to) => {
                if let Some(id) = names.remove(from) {
                    names.insert(to.clone(), id);
                }
            }
        }
    }
}

/// Files by number, and their names now and on the platter. Directories are durable once made.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    files: BTreeMap<u64, File>,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    changes: Vec<Change>,
    dirs: BTreeSet<PathBuf>,
    next: u64,
}

impl Disk {
    pub(super) fn create_dir(&mut self, dir: &Path) {
        self.dirs.extend(dir.ancestors().map(Path::to_path_buf));
    }

    pub(super) fn has_dir(&self, dir: &Path) -> bool {
        self.dirs.contains(dir)
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.names.keys()
    }

    pub(super) fn find(&self, path: &Path) -> Option<u64> {
        self.names.get(path).copied()
    }

    pub(super) fn file(&mut self, id: u64) -> &mut File {
        self.files.entry(id).or_default()
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.changes.push(change);
    }

    pub(super) fn create(&mut self, path: &Path) -> u64 {
        if let Some(id) = self.find(path) {
            self.file(id).set_len(0);
            return id;
        }
        self.next += 1;
        let id = self.next;
        self.change(Change::Link(path.into(), id));
        id
    }

    /// Gives the length of the file that lost its name, if there was one.
    pub(super) fn remove(&mut self, path: &Path) -> Option<u64> {
        let id = self.find(path)?;
        self.change(Change::Unlink(path.into()));
        Some(self.file(id).len())
    }

    /// Gives the length of the file that was replaced; `None` when there is nothing to rename.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> Option<u64> {
        self.find(from)?;
        let replaced = self.find(to).map_or(0, |id| self.file(id).len());
        self.change(Change::Rename(from.into(), to.into()));
        Some(replaced)
    }

    pub(super) fn sync_dir(&mut self, dir: &Path) {
        let (synced, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.changes).into_iter().partition(|change| change.dir() == Some(dir));
        synced.iter().for_each(|change| change.apply(&mut self.durable_names));
        self.changes = rest;
    }

    /// What is left after a power cut. Names change in order, as on a file system with a journal of its own.
    pub(super) fn survive(&self, unsynced: Unsynced, random: &mut Random) -> Self {
        let mut names = self.durable_names.clone();
        let kept = match unsynced {
            Unsynced::Keep => self.changes.len(),
            Unsynced::Drop => 0,
            Unsynced::Tear | Unsynced::Shuffle => random.below(self.changes.len() as u64 + 1) as usize,
        };
        self.changes.iter().take(kept).for_each(|change| change.apply(&mut names));
        let files = self.files.iter().map(|(id, file)| (*id, file.survive(unsynced, random))).collect();
        Self {
            files,
            durable_names: names.clone(),
            names,
            changes: Vec::new(),
            dirs: self.dirs.clone(),
            next: self.next,
        }
    }
}
