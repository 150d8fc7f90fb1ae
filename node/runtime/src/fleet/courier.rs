//! What goes by hand: a bundle that is taken, a root that is begun with, and batches that are brought out ([`export()`]).
//!
//! What is given to a node that runs lies in its data (`fleet/given.bundle`, `fleet/given.root.json`), put there by the command as the node's own user; so it may
//! come from a stick that the node's unit does not see, and be of any length. It gets that name whole, and the node takes it away under another before it reads
//! (`fleet/taken.bundle`): another command changes nothing of what is read. What it brought is kept elsewhere, so it goes when it was read, whatever came of that; what
//! a kill left goes with the node's next start ([`clear()`]), since whoever gave it is told then to give it again. Not here: what is believed of it (`aisle-converge`).

mod export;

pub(super) use export::export;

use super::{disk_reserve_bytes, metrics::Refusals, read_root};
use crate::{admin::view::fleet::CourierView, horizon};
use aisle_artefact::{ArtefactId, content::NoRoom};
use aisle_converge::{Fleet, fleet::words};
use anyhow::{Context, bail};
use prometheus_client::registry::Registry;
use std::{
    fs::{self, File, TryLockError},
    io::{self, BufReader, Read},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// What a bundle is called while it is read.
const TAKEN: &str = "taken.bundle";
/// The ending of what is not given whole.
const NEW: &str = "new";

/// The bundle that was given last. Clones are one.
#[derive(Clone, Default)]
pub(crate) struct Given {
    view: Arc<Mutex<Option<CourierView>>>,
    /// How much of it was read.
    read: Arc<AtomicU64>,
    refused: Refusals,
}

impl Given {
    /// The same, whose refusals are counted.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        Self { refused: Refusals::register(registry), ..Self::default() }
    }

    /// Where a bundle is put.
    pub(crate) fn bundle(data: &Path) -> PathBuf {
        aisle_converge::fleet::folder(data).join("given.bundle")
    }

    /// Where a root is put.
    pub(crate) fn root(data: &Path) -> PathBuf {
        aisle_converge::fleet::folder(data).join("given.root.json")
    }

    /// What became of it, or how far it is.
    pub(crate) fn view(&self) -> Option<CourierView> {
        let view = self.view.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let read = |view: CourierView| CourierView { read_bytes: self.read.load(Ordering::Relaxed), ..view };
        view.map(|view| if view.running { read(view) } else { view })
    }

    /// Takes the bundle away from where it was put, to be read. `None` while one is read already.
    pub(crate) fn begin(&self, data: &Path) -> Option<io::Result<Taken>> {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        if view.as_ref().is_some_and(|view| view.running) {
            return None;
        }
        let taken = Taken::open(&Self::bundle(data));
        if let Ok(taken) = &taken {
            self.read.store(0, Ordering::Relaxed);
            *view = Some(CourierView { running: true, bytes: taken.bytes, ..CourierView::default() });
        }
        Some(taken)
    }

    /// Reads it to its end, counts why it was refused, and removes it: what it brought is kept elsewhere.
    pub(crate) fn apply(&self, fleet: &Fleet, taken: Taken) -> CourierView {
        let bytes = taken.bytes;
        let reader = Counted { inner: &taken.file, read: self.read.clone() };
        let applied = fleet.courier(BufReader::new(reader));
        // Its room is free before anybody hears of the end.
        drop(taken);
        self.refused.count(&applied);
        let view = seen(applied.map_err(|error| words(&error)));
        let view = CourierView { bytes, read_bytes: self.read.load(Ordering::Relaxed), ..view };
        *self.view.lock().unwrap_or_else(PoisonError::into_inner) = Some(view.clone());
        view
    }
}

/// A bundle that is read. It goes with this, though it was not read to its end.
#[derive(Debug)]
pub(crate) struct Taken {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Taken {
    fn open(given: &Path) -> io::Result<Self> {
        let path = given.with_file_name(TAKEN);
        fs::rename(given, &path)?;
        let file = File::open(&path)?;
        // Says that it is read. Without it another command may remove the name ([`sweep`]), and it is read to its end all the same.
        let _ = file.try_lock_shared();
        let bytes = file.metadata()?.len();
        Ok(Self { path, file, bytes })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // One that stays only takes room until the next start.
        let _ = fs::remove_file(&self.path);
    }
}

/// Says how much was read.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

type Outcome = Result<(aisle_artefact::bundle::down::Applied, Option<Result<u64, String>>), String>;

fn seen(applied: Outcome) -> CourierView {
    let (applied, ordered) = match applied {
        Ok(applied) => applied,
        Err(failed) => return CourierView { failed: Some(failed), ..CourierView::default() },
    };
    let names = |ids: &[ArtefactId]| ids.iter().map(ToString::to_string).collect();
    let (generation, order_refused) = match ordered {
        None => (None, None),
        Some(Ok(generation)) => (Some(generation), None),
        Some(Err(why)) => (None, Some(why)),
    };
    // All else was taken, and people have to know what was not.
    let left_out = applied.expired.len();
    let failed = applied
        .expired
        .first()
        .map(|why| format!("{left_out} of its contents are left out, all else was gone through: {why}"));
    CourierView {
        failed,
        generation,
        order_refused,
        taken: names(&applied.taken),
        had: names(&applied.had),
        unwanted: names(&applied.unwanted),
        older: applied.is_older,
        ..CourierView::default()
    }
}

/// Begins to trust a root.
///
/// # Errors
/// Why not, for people.
pub(crate) fn trust(fleet: &Fleet, path: &Path) -> Result<bool, String> {
    let root = read_root(path)?;
    let _ = fs::remove_file(path);
    fleet.trust(&root).map_err(|error| words(&error))
}

/// Puts a file where the node looks for it, whole or not at all.
pub(super) fn give(data: &Path, from: &Path, to: &Path) -> anyhow::Result<()> {
    give_within(from, to, disk_reserve_bytes(), || horizon::free_bytes(data))
}

/// Frees the room of what a kill left, before a node runs that could be given anything: what was read, what was given and not read, what was not given whole.
pub(super) fn clear(data: &Path) {
    let given = Given::bundle(data);
    // What a command without a node does just now, it holds.
    sweep(&given.with_file_name(TAKEN));
    sweep(&given.with_extension(NEW));
    sweep(&given);
}

/// Removes a file that a kill left: nobody goes on with it, and it would take the room of the next.
fn sweep(path: &Path) {
    if File::open(path).is_ok_and(|left| left.try_lock().is_ok()) {
        let _ = fs::remove_file(path);
    }
}

fn give_within(
    from: &Path,
    to: &Path,
    reserve_bytes: u64,
    free_bytes: impl FnOnce() -> Option<u64>,
) -> anyhow::Result<()> {
    let folder = to.parent().context("the node's data has a folder for it")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    sweep(&to.with_file_name(TAKEN));
    let unreadable = || format!("cannot read `{}`", from.display());
    let unwritable = || format!("cannot write `{}`", to.display());
    let mut source = File::open(from).with_context(unreadable)?;
    let new = to.with_extension(NEW);
    let mut file =
        File::options().write(true).create(true).truncate(false).open(&new).with_context(unwritable)?;
    let is_ours = match file.try_lock() {
        // The other may have been through between the two.
        Ok(()) => fs::metadata(&new).ok().map(|at| at.ino()) == file.metadata().ok().map(|is| is.ino()),
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(error)) => return Err(error).with_context(unwritable),
    };
    if !is_ours {
        bail!("another command puts `{}` there just now\nhint: try again when it is through", to.display());
    }
    // What a command left that was killed.
    file.set_len(0).with_context(unwritable)?;
    let given = copy(&mut source, &mut file, reserve_bytes, free_bytes)
        .and_then(|()| fs::rename(&new, to).map_err(anyhow::Error::new))
        .with_context(|| format!("cannot bring `{}` to `{}`", from.display(), to.display()));
    if given.is_err() {
        // What is not whole must not take room.
        let _ = fs::remove_file(&new);
    }
    given
}

fn copy(
    source: &mut File,
    file: &mut File,
    reserve_bytes: u64,
    free_bytes: impl FnOnce() -> Option<u64>,
) -> anyhow::Result<()> {
    if let Some(free) = free_bytes() {
        NoRoom::check(source.metadata()?.len(), reserve_bytes, free)?;
    }
    io::copy(source, file)?;
    Ok(file.sync_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_while_another_is_read_changes_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let stick = |text: &str| {
            let path = folder.path().join("stick");
            fs::write(&path, text).unwrap();
            path
        };
        let given = Given::default();
        give_within(&stick("the first"), &Given::bundle(&data), 0, || None).unwrap();
        let mut taken = given.begin(&data).unwrap().unwrap();
        assert_eq!(given.view().map(|view| (view.running, view.bytes)), Some((true, 9)));
        give_within(&stick("another one"), &Given::bundle(&data), 0, || None).unwrap();
        assert!(given.begin(&data).is_none(), "one at a time is read");
        let mut read = String::new();
        taken.file.read_to_string(&mut read).unwrap();
        assert_eq!(read, "the first");
    }

    #[test]
    fn a_bundle_that_would_fill_the_disk_is_not_copied() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("stick"), folder.path().join("data").join("given.bundle"));
        fs::write(&from, [7; 400]).unwrap();
        let refused = give_within(&from, &to, 64, || Some(300)).unwrap_err();
        let told = format!("{refused:#}");
        assert!(
            told.contains("400 bytes") && told.contains("164 bytes short") && told.contains("hint: "),
            "{told}"
        );
        assert_eq!(fs::read_dir(to.parent().unwrap()).unwrap().count(), 0);
        give_within(&from, &to, 64, || Some(464)).unwrap();
        assert_eq!(fs::read(&to).unwrap(), [7; 400]);
        let gone = Given::default().begin(folder.path()).unwrap().unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_a_loss_of_power_left_takes_no_room_of_the_next_and_what_is_read_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("stick"), Given::bundle(folder.path()));
        let left = to.with_file_name(TAKEN);
        fs::write(&from, [7; 400]).unwrap();
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(&left, [8; 400]).unwrap();
        let free = || Some(if left.exists() { 0 } else { 400 });
        give_within(&from, &to, 0, free).unwrap();
        let taken = Given::default().begin(folder.path()).unwrap().unwrap();
        assert!(give_within(&from, &to, 0, free).is_err(), "it is read");
        assert!(left.exists());
        drop(taken);
        give_within(&from, &to, 0, free).unwrap();
    }

    #[test]
    fn what_a_kill_left_of_a_bundle_goes_with_the_next_start_and_what_is_read_with_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let given = Given::bundle(folder.path());
        let (taken, new) = (given.with_file_name(TAKEN), given.with_extension(NEW));
        fs::create_dir_all(given.parent().unwrap()).unwrap();
        for path in [&given, &taken, &new] {
            fs::write(path, [8; 400]).unwrap();
        }
        clear(folder.path());
        assert_eq!(fs::read_dir(given.parent().unwrap()).unwrap().count(), 0);
        // What a command reads just now without a node.
        fs::write(&given, [7; 400]).unwrap();
        let reading = Given::default().begin(folder.path()).unwrap().unwrap();
        clear(folder.path());
        assert!(taken.exists());
        drop(reading);
        assert!(!taken.exists());
    }

    #[test]
    fn two_commands_do_not_write_into_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("stick"), folder.path().join("given.bundle"));
        fs::write(&from, "a bundle").unwrap();
        let other = File::create(to.with_extension("new")).unwrap();
        other.lock().unwrap();
        let refused = give_within(&from, &to, 0, || None).unwrap_err();
        assert!(refused.to_string().contains("another command"), "{refused}");
        drop(other);
        give_within(&from, &to, 0, || None).unwrap();
    }
}
