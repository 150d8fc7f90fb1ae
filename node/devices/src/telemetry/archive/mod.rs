//! Closed minutes in files: below one directory, a file for each hour with all streams in it, joined to one for each day later.
//!
//! `2026-11-21T10.hour` is written when the hour is over; when the day is over too its hours become `2026-11-21.day`. A file is
//! written whole under another name, synced and renamed; a minute that is in two places is the same in both or was made with more
//! readings in one, which then counts. So writing the same again changes nothing, and a crash between two steps loses nothing.
//!
//! What is damaged is set aside as `….damaged` with what is whole in it written anew. A file that the system refuses to read or replace
//! is left as it is, and its hour waits in memory while the others are written. Both are named in the status: never a failure.
//!
//! Not here: which minutes are closed (`stream`), the bytes of a file (`file`), what is told of it (`note`), what is asked of minutes
//! (`query`).
//! Guards invariants 6 and 7: the archive keeps the latest `keep_days` days that it has and `archive_bytes_max` bytes, oldest out
//! first. It counts days that exist and asks no clock, so a leap of the clock removes nothing. A file that cannot be removed is one that
//! exists: it counts, is tried again each time, and no younger day goes in its place.

mod days;
mod file;
mod note;

use super::{config::Config, minute::Minute, stream::hour_of, view::StreamKey};
use days::{Days, name_of_day, name_of_hour};
use file::{ReadError, read_all};
use note::{About, Notes};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Minutes by stream, each list in ascending order, each minute with its number since 1970.
pub type Rows = BTreeMap<StreamKey, Vec<(i64, Arc<Minute>)>>;

const UNFINISHED: &str = "tmp";
const DAMAGED: &str = "damaged";
/// So many files that were set aside are kept to be looked at; the oldest go.
const DAMAGED_FILES_MAX: usize = 16;
/// The hours of a day are joined when there is something so many hours after its end.
const JOIN_AFTER_HOURS: i64 = 2;
const DAY_HOURS: i64 = 24;
const DAY_MINUTES: i64 = 1440;

/// The files below one directory.
#[derive(Debug)]
pub struct Archive {
    dir: PathBuf,
    keep_days: usize,
    bytes_max: u64,
    /// Held by whoever changes files; readers take it for moments only.
    inner: Mutex<Inner>,
    /// One writer at a time.
    writing: Mutex<()>,
}

#[derive(Debug, Default)]
struct Inner {
    days: Days,
    notes: Notes,
    /// Hours that were refused when they were last to be kept.
    refused: BTreeSet<i64>,
    files_damaged: u64,
    days_shed: u64,
    days_expired: u64,
}

/// Why the archive could not be written or opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "telemetry archive: cannot {} `{path}`\nhint: is the disk full, or the directory not the node's?",
    .what.as_str()
)]
pub struct ArchiveError {
    what: What,
    path: PathBuf,
    source: io::Error,
}

/// What was to be done with a file or the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Make,
    List,
    Read,
    Write,
    Rename,
    Remove,
    Sync,
}

impl What {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Make => "make",
            Self::List => "list",
            Self::Read => "read",
            Self::Write => "write",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::Sync => "sync",
        }
    }
}

impl ArchiveError {
    /// It is about what is there under one name, and says nothing about other files. What cannot be written, which is always a new
    /// file, could not be under another name either.
    const fn is_of_one_file(&self) -> bool {
        matches!(self.what, What::Read | What::Rename | What::Remove)
    }
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Minutes of streams.
    pub minutes: usize,
    /// Files.
    pub files: usize,
    /// Hours, counted since 1970, of which nothing was written, because what is there can be neither read nor replaced.
    pub refused: BTreeSet<i64>,
}

/// How the archive is.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct ArchiveStatus {
    /// Days with at least one file.
    pub days: usize,
    /// The first of them, such as `2026-11-21`.
    pub first: Option<String>,
    /// The last of them.
    pub last: Option<String>,
    /// Files in use.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were set aside since the start, and those that the system refuses for now: the latest 32, with what is wrong with
    /// each.
    pub damaged: Vec<String>,
    /// Hours that wait in memory because the system refuses their file.
    pub hours_refused: usize,
    /// How many were set aside since the start.
    pub files_damaged: u64,
    /// Days that were removed since the start for want of room, before their time: to be shown to staff.
    pub days_shed: u64,
    /// Days that were removed since the start as they were old enough.
    pub days_expired: u64,
}

impl Archive {
    /// Opens the archive below a directory, which is made when it is not there. Unfinished files are removed.
    ///
    /// # Errors
    /// When the directory cannot be made or listed.
    pub fn open(dir: &Path, config: &Config) -> Result<Self, ArchiveError> {
        fs::create_dir_all(dir).map_err(refused(What::Make, dir))?;
        let mut days = Days::default();
        for entry in fs::read_dir(dir).map_err(refused(What::List, dir))? {
            let entry = entry.map_err(refused(What::List, dir))?;
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == UNFINISHED) {
                fs::remove_file(&path).map_err(refused(What::Remove, &path))?;
            } else if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
                days.add_named(name, entry.metadata().map_or(0, |metadata| metadata.len()));
            }
        }
        Ok(Self {
            dir: dir.into(),
            keep_days: config.keep_days as usize,
            bytes_max: config.archive_bytes_max,
            inner: Mutex::new(Inner { days, ..Inner::default() }),
            writing: Mutex::new(()),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it is.
    #[must_use]
    pub fn status(&self) -> ArchiveStatus {
        let inner = self.inner();
        let named = |day: Option<i64>| day.and_then(name_of_day);
        ArchiveStatus {
            days: inner.days.len(),
            first: named(inner.days.first()),
            last: named(inner.days.last()),
            files: inner.days.files(),
            bytes: inner.days.bytes(),
            damaged: inner.notes.told(),
            hours_refused: inner.refused.len(),
            files_damaged: inner.files_damaged,
            days_shed: inner.days_shed,
            days_expired: inner.days_expired,
        }
    }

    /// Adds minutes, joins days that are over, and removes what is too old or too much. Blocks; when it returns, everything is on
    /// the disk.
    ///
    /// # Errors
    /// When the file system takes no files. What was there before is there still.
    pub fn keep(&self, rows: &Rows) -> Result<Kept, ArchiveError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hours: BTreeMap<i64, Rows> = BTreeMap::new();
        for (key, minutes) in rows {
            for (number, minute) in minutes {
                let hour = hours.entry(hour_of(*number)).or_default();
                hour.entry(key.clone()).or_default().push((*number, Arc::clone(minute)));
            }
        }
        let mut kept = Kept::default();
        for (hour, rows) in hours {
            let minutes: usize = rows.values().map(Vec::len).sum();
            match self.keep_hour(hour, rows) {
                Ok(()) => {
                    kept.minutes += minutes;
                    kept.files += 1;
                }
                // The other hours must not wait for it; the next time may be better.
                Err(error) if error.is_of_one_file() => {
                    self.note_refused(&error, About::Keeping);
                    if self.inner().refused.insert(hour) {
                        let (file, what) = (error.path.display(), error.what.as_str());
                        tracing::warn!(%file, what, error = %error.source, "an hour of telemetry waits in memory: its file is refused");
                    }
                    kept.refused.insert(hour);
                }
                Err(error) => return Err(error),
            }
        }
        self.inner().refused.clone_from(&kept.refused);
        self.sync()?;
        self.join()?;
        self.shed();
        Ok(kept)
    }

    /// Adds minutes of one hour to its file.
    fn keep_hour(&self, hour: i64, rows: Rows) -> Result<(), ArchiveError> {
        let Some(name) = name_of_hour(hour) else { return Ok(()) };
        let path = self.dir.join(&name);
        let (day, of_day) = (hour.div_euclid(DAY_HOURS), hour.rem_euclid(DAY_HOURS));
        let mut whole =
            if self.inner().days.has_hour(day, of_day) { self.whole(&path)? } else { Rows::new() };
        merge(&mut whole, rows);
        let bytes = self.write(&path, &whole)?;
        let mut inner = self.inner();
        inner.days.set_hour(day, of_day, bytes);
        inner.notes.take_back(&name, &About::REFUSALS);
        Ok(())
    }

    /// Makes one file of the hours of each day that is over.
    fn join(&self) -> Result<(), ArchiveError> {
        let over = self.inner().days.over(JOIN_AFTER_HOURS);
        for (day, hours) in over {
            match self.join_day(day, hours) {
                // What hours there are stay as they are, and the other days are joined; the next time may be better.
                Err(error) if error.is_of_one_file() => self.note_refused(&error, About::Keeping),
                done => done?,
            }
        }
        Ok(())
    }

    fn join_day(&self, day: i64, hours: Vec<i64>) -> Result<(), ArchiveError> {
        let Some(name) = name_of_day(day).map(|day| format!("{day}.day")) else { return Ok(()) };
        let path = self.dir.join(&name);
        let hours: Vec<String> =
            hours.into_iter().filter_map(|of_day| name_of_hour(day * DAY_HOURS + of_day)).collect();
        let before = self.inner().days.has_day(day).then_some(&name);
        let mut whole = Rows::new();
        for file in before.into_iter().chain(&hours) {
            merge(&mut whole, self.whole(&self.dir.join(file))?);
        }
        let bytes = self.write(&path, &whole)?;
        self.sync()?;
        let mut inner = self.inner();
        inner.days.set_day(day, bytes);
        inner.notes.take_back(&name, &About::REFUSALS);
        drop(inner);
        hours.iter().try_for_each(|hour| self.remove(hour))
    }

    /// Removes the oldest days that are too many or too much.
    fn shed(&self) {
        let surplus = self.inner().days.surplus(self.keep_days, self.bytes_max);
        for (day, is_old) in surplus {
            if !self.remove_day(day) {
                continue;
            }
            let mut inner = self.inner();
            if is_old {
                inner.days_expired += 1;
            } else {
                inner.days_shed += 1;
            }
        }
    }

    /// Removes the files of a day. False when one stays, which the next time may be better.
    fn remove_day(&self, day: i64) -> bool {
        let names = self.inner().days.names(day);
        let mut is_gone = true;
        for name in names {
            if let Err(error) = self.remove(&name) {
                self.note_refused(&error, About::Keeping);
                is_gone = false;
            }
        }
        is_gone
    }

    /// Removes a file of minutes, if it is there.
    fn remove(&self, name: &str) -> Result<(), ArchiveError> {
        let path = self.dir.join(name);
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(refused(What::Remove, &path)(error));
        }
        let mut inner = self.inner();
        inner.days.remove_named(name);
        inner.notes.take_back(name, &About::REFUSALS);
        Ok(())
    }

    /// Writes a file whole: another name, sync, rename. The directory is not synced yet.
    fn write(&self, path: &Path, rows: &Rows) -> Result<u64, ArchiveError> {
        let bytes = file::encode(rows);
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".");
        unfinished.push(UNFINISHED);
        let unfinished = PathBuf::from(unfinished);
        let written = File::create(&unfinished).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()
        });
        if let Err(error) = written {
            // A full disk should not be kept full by it. If it stays, the next start removes it.
            let _ = fs::remove_file(&unfinished);
            return Err(refused(What::Write, path)(error));
        }
        if let Err(error) = fs::rename(&unfinished, path) {
            let _ = fs::remove_file(&unfinished);
            return Err(refused(What::Rename, path)(error));
        }
        Ok(bytes.len() as u64)
    }

    fn sync(&self) -> Result<(), ArchiveError> {
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(refused(What::Sync, &self.dir))
    }

    /// Everything in a file that can be read; a damaged one is set aside. The caller is the writer.
    fn whole(&self, path: &Path) -> Result<Rows, ArchiveError> {
        match read_all(path) {
            Ok((rows, None)) => Ok(rows),
            Ok((rows, Some(what))) => {
                self.set_aside(path, what);
                Ok(rows)
            }
            Err(ReadError::Damaged(what)) => {
                self.set_aside(path, what);
                Ok(Rows::new())
            }
            Err(ReadError::File(error)) if error.kind() == io::ErrorKind::NotFound => Ok(Rows::new()),
            // What cannot be read now must not be written over.
            Err(ReadError::File(error)) => Err(refused(What::Read, path)(error)),
        }
    }

    fn note(&self, path: &Path, about: About, what: String) {
        self.inner().notes.add(name_of(path), about, what);
    }

    fn note_refused(&self, error: &ArchiveError, about: About) {
        self.note(&error.path, about, format!("cannot {} it: {}", error.what.as_str(), error.source));
    }

    fn set_aside(&self, path: &Path, what: &str) {
        let mut aside = path.as_os_str().to_owned();
        aside.push(".");
        aside.push(DAMAGED);
        // If it cannot be renamed it is written over or read again; both are told.
        let moved = fs::rename(path, aside);
        self.inner().files_damaged += 1;
        self.note(path, About::Damage, what.into());
        if let Err(error) = moved {
            self.note(path, About::Damage, format!("cannot be set aside: {error}"));
        }
        self.limit_damaged();
    }

    /// Keeps the latest few files that were set aside.
    fn limit_damaged(&self) {
        let Ok(entries) = fs::read_dir(&self.dir) else { return };
        let mut aside: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == DAMAGED))
            .collect();
        aside.sort();
        let surplus = aside.len().saturating_sub(DAMAGED_FILES_MAX);
        for path in aside.into_iter().take(surplus) {
            match fs::remove_file(&path) {
                Ok(()) => self.inner().notes.take_back(&name_of(&path), &About::REFUSALS),
                Err(error) => self.note(&path, About::Keeping, format!("cannot be removed: {error}")),
            }
        }
    }

    /// The minutes of a stream in `from..to`, by number. What is damaged is set aside and left out. Blocks.
    #[must_use]
    pub fn read(&self, key: &StreamKey, from: i64, to: i64) -> BTreeMap<i64, Arc<Minute>> {
        let mut found = BTreeMap::new();
        let days = self.inner().days.between(from.div_euclid(DAY_MINUTES), (to - 1).div_euclid(DAY_MINUTES));
        for day in days {
            // The names may change once while they are read: hours become a day.
            for _ in 0..2 {
                let names = self.inner().days.names(day);
                if names.iter().all(|name| self.read_file(&self.dir.join(name), key, from, to, &mut found)) {
                    break;
                }
            }
        }
        found
    }

    /// False when the file is not there any more.
    fn read_file(
        &self,
        path: &Path,
        key: &StreamKey,
        from: i64,
        to: i64,
        found: &mut BTreeMap<i64, Arc<Minute>>,
    ) -> bool {
        match file::read_one(path, key, from, to) {
            Ok(minutes) => {
                self.inner().notes.take_back(&name_of(path), &[About::Asking]);
                for (number, minute) in minutes {
                    if (from..to).contains(&number) {
                        larger(found, number, Arc::new(minute));
                    }
                }
            }
            Err(ReadError::File(error)) if error.kind() == io::ErrorKind::NotFound => return false,
            Err(ReadError::File(error)) => {
                self.note_refused(&refused(What::Read, path)(error), About::Asking);
            }
            Err(ReadError::Damaged(_)) => self.repair(path),
        }
        true
    }

    /// Sets a damaged file aside and writes anew what is whole in it.
    fn repair(&self, path: &Path) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = match self.whole(path) {
            Ok(rows) => rows,
            Err(error) => return self.note_refused(&error, About::Asking),
        };
        let written = if rows.is_empty() { Ok(0) } else { self.write(path, &rows) };
        let kept = written.and_then(|bytes| self.sync().map(|()| bytes));
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match kept {
            Ok(0) => self.inner().days.remove_named(name),
            Ok(bytes) => self.inner().days.add_named(name, bytes),
            Err(error) => {
                self.inner().days.remove_named(name);
                // What was whole in it is nowhere else.
                self.note_refused(&error, About::Damage);
            }
        }
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn refused<'a>(what: What, path: &'a Path) -> impl Fn(io::Error) -> ArchiveError + 'a {
    move |source| ArchiveError { what, path: path.into(), source }
}

/// The one that was made with more readings stays, the later one of equals.
pub(super) fn larger(minutes: &mut BTreeMap<i64, Arc<Minute>>, number: i64, minute: Arc<Minute>) {
    let kept = minutes.get(&number);
    if kept.is_none_or(|kept| kept.count <= minute.count) {
        minutes.insert(number, minute);
    }
}

fn merge(whole: &mut Rows, rows: Rows) {
    for (key, minutes) in rows {
        let before = whole.remove(&key).unwrap_or_default();
        let mut merged: BTreeMap<i64, Arc<Minute>> = before.into_iter().collect();
        for (number, minute) in minutes {
            larger(&mut merged, number, minute);
        }
        whole.insert(key, merged.into_iter().collect());
    }
}
