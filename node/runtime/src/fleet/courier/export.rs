//! What is brought out by hand: the batches that no hub has acknowledged, in one file, or in several where one would be too long.
//!
//! Nothing of the outbox is held in memory but one batch. The chain of entries goes on from file to file. Not here: how a bundle is written
//! (`aisle_artefact::bundle::up`), what a batch is. Guards: a file has its name only when all of them are whole and synced; what is not is removed. Of two commands that
//! write to one name the later one ends at once, and changes nothing of what the other writes.

use aisle_artefact::bundle::{Limits, up};
use aisle_event::LogClass;
use aisle_journal::RealIo;
use aisle_outbox::{ReadError, batches, waiting};
use aisle_protocol::Batch;
use anyhow::{Context, bail};
use data_encoding::HEXLOWER;
use std::{
    fs::{self, File, TryLockError},
    io::{BufWriter, Write as _},
    iter::Peekable,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The most files: their numbers have three digits, so that a shell names them in their order.
const FILES_MAX: usize = 999;

/// How much goes into one file.
#[derive(Clone, Copy)]
struct Bounds {
    entries: u64,
    bytes: u64,
}

/// As many as every hub reads, and no longer than what a stick's file system takes.
const BOUNDS: Bounds = Bounds { entries: up::ENTRIES_MAX, bytes: 2 << 30 };

/// What was brought out.
#[derive(Debug, Default, serde::Serialize)]
pub(crate) struct Exported {
    /// How many batches.
    pub(crate) batches: u64,
    /// How many events are in them.
    pub(crate) events: u64,
    /// The files, in the order in which they are taken in.
    pub(crate) files: Vec<PathBuf>,
}

/// A batch as an entry: its name, its bytes, how many events it has.
type Entry = anyhow::Result<(String, Vec<u8>, u64)>;

/// Writes the batches that wait in the outbox to a region into a new file, or into `TO.001`, `TO.002` and so on, the most valuable class first. With `all` those too
/// that the hub has acknowledged.
pub(crate) fn export(outbox: &Path, from: &str, to: &Path, all: bool) -> anyhow::Result<Exported> {
    // Of a class that was not begun yet there is no directory.
    let classes = LogClass::ALL.into_iter();
    let classes = classes.filter(|class| outbox.join(format!("p{}", class.number())).is_dir());
    let entries = classes.flat_map(|class| of_class(outbox, class, all));
    let exported = write(entries, from, to, BOUNDS)?;
    if exported.batches == 0 {
        bail!("nothing waits in `{}`\nhint: batches are sealed while the node runs", outbox.display());
    }
    Ok(exported)
}

fn of_class(outbox: &Path, class: LogClass, all: bool) -> Box<dyn Iterator<Item = Entry>> {
    let unreadable = format!("cannot read the {class} log in `{}`", outbox.display());
    let opened: Result<Box<dyn Iterator<Item = Result<Batch, ReadError>>>, ReadError> = if all {
        batches(outbox, Arc::new(RealIo), class).map(|batches| Box::new(batches) as _)
    } else {
        waiting(outbox, Arc::new(RealIo), class).map(|batches| Box::new(batches) as _)
    };
    match opened {
        Ok(batches) => {
            Box::new(batches.map(move |batch| Ok(entry(&batch.with_context(|| unreadable.clone())?))))
        }
        Err(error) => Box::new(std::iter::once(Err(error).with_context(|| unreadable))),
    }
}

fn entry(batch: &Batch) -> (String, Vec<u8>, u64) {
    let header = batch.header();
    let (first, last) = (header.first_seq, header.end().seq);
    let name = format!("{}/{}/{first}-{last}", header.class, HEXLOWER.encode(&header.epoch.0));
    (name, batch.bytes().to_vec(), last.saturating_sub(first).saturating_add(1))
}

fn write(
    entries: impl Iterator<Item = Entry>,
    from: &str,
    to: &Path,
    bounds: Bounds,
) -> anyhow::Result<Exported> {
    let mut parts = Parts { to, written: 0, first: None };
    is_new(to)?;
    let (mut entries, mut exported, mut head) = (entries.peekable(), Exported::default(), up::START);
    while entries.peek().is_some() {
        let mut part = Part { entries: &mut entries, left: bounds, is_first: true, events: 0, failed: None };
        let (path, file) = parts.next()?;
        let unwritable = || format!("cannot write `{}`", path.display());
        let writer = BufWriter::new(file);
        let (mut writer, written) = up::export(writer, from, head, &mut part, &Limits::default())?;
        if let Some(error) = part.failed {
            return Err(error);
        }
        writer.flush().with_context(unwritable)?;
        writer.get_ref().sync_all().with_context(unwritable)?;
        head = written.head;
        exported.batches += written.entries;
        exported.events += part.events;
    }
    exported.files = parts.finish()?;
    Ok(exported)
}

fn is_new(path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        bail!("`{}` is there already\nhint: name another file; nothing is written over", path.display());
    }
    Ok(())
}

/// The entries of one file.
struct Part<'a, I: Iterator<Item = Entry>> {
    entries: &'a mut Peekable<I>,
    left: Bounds,
    is_first: bool,
    events: u64,
    failed: Option<anyhow::Error>,
}

impl<I: Iterator<Item = Entry>> Iterator for Part<'_, I> {
    type Item = (String, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        let (left, is_first) = (self.left, self.is_first);
        let fits = |entry: &Entry| {
            // What cannot be read ends it; a first entry is never too long.
            let bytes = entry.as_ref().map_or(0, |(_, bytes, _)| bytes.len() as u64);
            left.entries > 0 && (bytes <= left.bytes || is_first)
        };
        self.is_first = false;
        match self.entries.next_if(fits)? {
            Ok((name, bytes, events)) => {
                self.left.entries = left.entries.saturating_sub(1);
                self.left.bytes = left.bytes.saturating_sub(bytes.len() as u64);
                self.events = self.events.saturating_add(events);
                Some((name, bytes))
            }
            Err(error) => {
                self.failed = Some(error);
                None
            }
        }
    }
}

/// Files that have no name yet. What is not finished is removed.
struct Parts<'a> {
    to: &'a Path,
    written: usize,
    /// The first of them, which is locked as long as there are any: they are all this command's.
    first: Option<File>,
}

impl Parts<'_> {
    fn with(&self, ending: &str) -> PathBuf {
        let mut path = self.to.as_os_str().to_owned();
        path.push(ending);
        path.into()
    }

    fn numbered(&self, number: usize) -> PathBuf {
        self.with(&format!(".{number:03}"))
    }

    fn part(&self, number: usize) -> PathBuf {
        self.with(&format!(".{number:03}.part"))
    }

    fn next(&mut self) -> anyhow::Result<(PathBuf, File)> {
        if self.written >= FILES_MAX {
            bail!("what waits takes more than {FILES_MAX} files\nhint: bring the node to its line");
        }
        let number = self.written + 1;
        let path = self.part(number);
        let unwritable = || format!("cannot write `{}`", path.display());
        let file = if number == 1 {
            let file = self.begin(&path)?;
            self.first = Some(file.try_clone().with_context(unwritable)?);
            file
        } else {
            is_new(&self.numbered(number))?;
            File::create(&path).with_context(unwritable)?
        };
        self.written = number;
        Ok((path, file))
    }

    /// Takes the first file for this command alone, over what one left there that was killed.
    fn begin(&mut self, path: &Path) -> anyhow::Result<File> {
        let unwritable = || format!("cannot write `{}`", path.display());
        let file =
            File::options().write(true).create(true).truncate(false).open(path).with_context(unwritable)?;
        let is_ours = match file.try_lock() {
            // The other may have been through between the two.
            Ok(()) => fs::metadata(path).ok().map(|at| at.ino()) == file.metadata().ok().map(|is| is.ino()),
            Err(TryLockError::WouldBlock) => false,
            // A medium without locks is one that nobody else writes to.
            Err(TryLockError::Error(_)) => true,
        };
        if !is_ours {
            let to = self.to.display();
            bail!("another command writes `{to}` just now\nhint: name another file, or wait for its end");
        }
        // From here on it is removed when this comes to nothing.
        self.written = 1;
        // The other may have given its files their names meanwhile.
        is_new(self.to)?;
        is_new(&self.numbered(1))?;
        file.set_len(0).with_context(unwritable)?;
        Ok(file)
    }

    /// Gives them their names.
    fn finish(mut self) -> anyhow::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for number in 1..=self.written {
            let name = if self.written == 1 { self.to.to_owned() } else { self.numbered(number) };
            let renamed = fs::rename(self.part(number), &name);
            renamed.with_context(|| format!("cannot write `{}`", name.display()))?;
            files.push(name);
        }
        // What comes to be called like a part from here on is another command's.
        self.written = 0;
        Ok(files)
    }
}

impl Drop for Parts<'_> {
    fn drop(&mut self) {
        // The first goes last, and its lock then: without them another command may begin.
        for number in (1..=self.written).rev() {
            // Those with a name are no parts any more.
            let _ = fs::remove_file(self.part(number));
        }
        drop(self.first.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u64) -> Entry {
        let bytes = number.to_le_bytes().to_vec();
        Ok((format!("sales/{:032x}/{number}-{number}", 7), bytes, 1))
    }

    /// Reads all files one after the other, as one chain.
    fn read(files: &[PathBuf]) -> Vec<Vec<u8>> {
        let (mut known, mut found) = (up::START, Vec::new());
        for file in files {
            let imported = up::import(File::open(file).unwrap(), Some(known), &Limits::default(), |entry| {
                found.push(entry.bytes);
                Ok(())
            });
            let imported = imported.unwrap();
            assert_eq!((imported.before, imported.from.as_str()), (known, "store-1"));
            known = imported.head;
        }
        found
    }

    #[test]
    fn more_batches_than_one_bundle_takes_become_several_that_follow_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("up.aisle");
        let many = 2 * up::ENTRIES_MAX + 7;
        let exported = write((1..=many).map(entry), "store-1", &to, BOUNDS).unwrap();
        assert_eq!((exported.batches, exported.events), (many, many));
        let names: Vec<_> = exported.files.iter().map(|path| path.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["up.aisle.001", "up.aisle.002", "up.aisle.003"]);
        let expected: Vec<_> = (1..=many).map(|number| number.to_le_bytes().to_vec()).collect();
        assert!(read(&exported.files) == expected);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
        let again = write((1..=1).map(entry), "store-1", &to, BOUNDS).unwrap_err();
        assert!(again.to_string().contains("up.aisle.001` is there already"), "{again}");
    }

    #[test]
    fn a_file_is_no_longer_than_a_stick_takes_and_a_single_one_has_no_number() {
        let folder = tempfile::tempdir().unwrap();
        let (to, bounds) = (folder.path().join("up.aisle"), Bounds { bytes: 16, ..BOUNDS });
        let exported = write((1..=2).map(entry), "store-1", &to, bounds).unwrap();
        assert_eq!(exported.files, [to]);
        let to = folder.path().join("more.aisle");
        let exported = write((1..=5).map(entry), "store-1", &to, bounds).unwrap();
        assert_eq!(exported.files.len(), 3);
        assert_eq!(read(&exported.files).len(), 5);
    }

    #[test]
    fn what_could_not_be_written_to_its_end_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("up.aisle");
        let bad = || std::iter::once(Err(anyhow::anyhow!("the disk is bad")));
        let bounds = Bounds { entries: 2, ..BOUNDS };
        let failed = write((1..=5).map(entry).chain(bad()), "store-1", &to, bounds).unwrap_err();
        assert_eq!(failed.to_string(), "the disk is bad");
        // One that a bundle cannot have.
        let long: Entry = Ok(("n".repeat(300), Vec::new(), 1));
        write((1..=1).map(entry).chain([long]), "store-1", &to, BOUNDS).unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn of_two_exports_to_one_name_the_later_one_ends_and_spoils_nothing() {
        for bounds in [BOUNDS, Bounds { entries: 2, ..BOUNDS }] {
            let folder = tempfile::tempdir().unwrap();
            let to = folder.path().join("up.aisle");
            let mut refused = Vec::new();
            let entries = (1..=6).map(|number| {
                // The first is asked for before there is a file.
                if number > 1 {
                    let other = write((7..=9).map(entry), "store-1", &to, BOUNDS);
                    refused.push(other.unwrap_err().to_string());
                }
                entry(number)
            });
            let exported = write(entries, "store-1", &to, bounds).unwrap();
            assert_eq!(refused.len(), 5);
            for refused in refused {
                assert!(refused.contains("another command") && refused.contains("hint: "), "{refused}");
            }
            let expected: Vec<_> = (1..=6_u64).map(|number| number.to_le_bytes().to_vec()).collect();
            assert_eq!(read(&exported.files), expected);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), exported.files.len());
        }
    }

    #[test]
    fn what_an_export_left_that_was_killed_is_in_nobodys_way_and_in_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("up.aisle");
        fs::write(folder.path().join("up.aisle.001.part"), [7; 4_000]).unwrap();
        let exported = write((1..=2).map(entry), "store-1", &to, BOUNDS).unwrap();
        assert_eq!(exported.files, [to]);
        assert_eq!(read(&exported.files).len(), 2);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
