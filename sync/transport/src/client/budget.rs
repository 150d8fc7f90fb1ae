//! How many bytes each class has sent on each kind of line, kept over restarts.
//!
//! A window begins with its first byte and lasts as long as its allowance says: a day, a month. Its age is time that was seen to pass, so a clock
//! that jumps neither ends a window nor makes it last; time while the node was off counts only if the clock makes sense.
//!
//! Not here: what an allowance is (`aisle_protocol::node::Budgets`). Guards: a node that restarts every hour does not spend a month's volume in
//! a day. What is not saved yet when the power goes is [`UNSAVED_BYTES_MAX`] at most.

use aisle_protocol::{
    LinkKind, LogClass, PerClass,
    node::{Allowance, Budgets},
};
use minicbor::{Decode, Encode};
use std::{fs, io, path::PathBuf};

/// So many bytes may go out before it is saved.
const UNSAVED_BYTES_MAX: u64 = 256 << 10;
/// What is not saved is saved after so long.
const SAVE_AFTER_MS: u64 = 60_000;

/// Keeps what was spent. The bytes mean nothing to whoever keeps them, and there are less than 1 KiB of them.
pub trait BudgetStore: Send + 'static {
    /// What was saved last; `None` when nothing was.
    ///
    /// # Errors
    /// When it cannot be read.
    fn load(&mut self) -> io::Result<Option<Vec<u8>>>;

    /// Saves it in place of what was saved before, so that a crash leaves one or the other.
    ///
    /// # Errors
    /// When it cannot be written.
    fn save(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// Forgets.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoBudgetStore;

impl BudgetStore for NoBudgetStore {
    fn load(&mut self) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn save(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

/// A file, replaced as a whole.
#[derive(Debug, Clone)]
pub struct BudgetFile(PathBuf);

impl BudgetFile {
    /// At a path; the folder must be there.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }
}

impl BudgetStore for BudgetFile {
    fn load(&mut self) -> io::Result<Option<Vec<u8>>> {
        match fs::read(&self.0) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn save(&mut self, bytes: &[u8]) -> io::Result<()> {
        let fresh = self.0.with_extension("new");
        fs::write(&fresh, bytes)?;
        fs::File::open(&fresh)?.sync_all()?;
        fs::rename(&fresh, &self.0)
    }
}

/// What was spent in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(array)]
struct Window {
    /// How long ago its first byte went, as far as time was seen to pass.
    #[n(0)]
    age_ms: u64,
    #[n(1)]
    bytes: u64,
}

/// What is saved.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
struct Saved {
    /// The clock when it was saved, milliseconds since 1970.
    #[n(1)]
    at_ms: u64,
    /// By kind of line, then by class.
    #[n(2)]
    windows: Vec<Vec<Window>>,
}

/// What a class has sent in the window that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// What it may send, and in how long.
    pub allowance: Allowance,
    /// How long ago the window's first byte went, in milliseconds; 0 where none did.
    pub age_ms: u64,
    /// How much went, in bytes; more than it may by the end of what was under way.
    pub bytes: u64,
}

/// What was used of a kind of line, as it was saved last, a minute or 256 KiB ago at most. Nothing for a class without a budget.
/// `wall_ms` is the clock.
///
/// # Errors
/// When it cannot be read.
pub fn used(
    budgets: Budgets,
    kind: LinkKind,
    store: impl BudgetStore,
    wall_ms: u64,
) -> io::Result<PerClass<Option<Used>>> {
    let (mut meter, loaded) = Meter::open(budgets, Box::new(store), wall_ms, 0);
    loaded?;
    meter.advance(0);
    Ok(PerClass::from_fn(|class| {
        let allowance = meter.allowance(kind, class)?;
        let Window { age_ms, bytes } = *meter.window(kind, class);
        Some(Used { allowance, age_ms, bytes })
    }))
}

/// Counts what is spent.
pub(super) struct Meter {
    budgets: Budgets,
    windows: [PerClass<Window>; 3],
    now_ms: u64,
    store: Box<dyn BudgetStore>,
    unsaved_bytes: u64,
    saved_ms: u64,
}

impl Meter {
    /// Goes on from what was saved. `wall_ms` is the clock, `now_ms` a time that only goes on.
    pub(super) fn open(
        budgets: Budgets,
        mut store: Box<dyn BudgetStore>,
        wall_ms: u64,
        now_ms: u64,
    ) -> (Self, Result<(), io::Error>) {
        let mut windows = [PerClass::<Window>::default(); 3];
        let loaded = store.load();
        let saved = loaded.as_ref().ok().and_then(Option::as_ref);
        // A file that does not decode is one that was never saved: nothing is known to have been spent.
        if let Some(saved) = saved.and_then(|bytes| minicbor::decode::<Saved>(bytes).ok()) {
            let off_ms = wall_ms.saturating_sub(saved.at_ms);
            for (to, from) in windows.iter_mut().zip(saved.windows) {
                for (class, from) in LogClass::ALL.into_iter().zip(from) {
                    *to.get_mut(class) =
                        Window { age_ms: from.age_ms.saturating_add(off_ms), bytes: from.bytes };
                }
            }
        }
        let meter = Self { budgets, windows, now_ms, store, unsaved_bytes: 0, saved_ms: now_ms };
        (meter, loaded.map(drop))
    }

    fn allowance(&self, kind: LinkKind, class: LogClass) -> Option<Allowance> {
        let classes = match kind {
            LinkKind::Metered => &self.budgets.metered,
            LinkKind::Lte => &self.budgets.lte,
            LinkKind::Fibre => &self.budgets.fibre,
        };
        *classes.get(class)
    }

    const fn window(&mut self, kind: LinkKind, class: LogClass) -> &mut Window {
        let [metered, lte, fibre] = &mut self.windows;
        let classes = match kind {
            LinkKind::Metered => metered,
            LinkKind::Lte => lte,
            LinkKind::Fibre => fibre,
        };
        classes.get_mut(class)
    }

    /// Time has passed: windows that are over begin anew.
    pub(super) fn advance(&mut self, now_ms: u64) {
        let passed = now_ms.saturating_sub(self.now_ms);
        self.now_ms = self.now_ms.max(now_ms);
        for kind in LinkKind::ALL {
            for class in LogClass::ALL {
                let length = self.allowance(kind, class).map_or(u64::MAX, |allowance| allowance.window_ms);
                let window = self.window(kind, class);
                if window.bytes > 0 {
                    window.age_ms = window.age_ms.saturating_add(passed);
                }
                if window.age_ms >= length {
                    *window = Window::default();
                }
            }
        }
    }

    /// When the class may send more, by the time that only goes on; `None` when it may now. `granted` bytes are about to be sent already.
    pub(super) fn blocked_until(&mut self, kind: LinkKind, class: LogClass, granted: u64) -> Option<u64> {
        let Allowance { bytes_max, window_ms } = self.allowance(kind, class)?;
        let now = self.now_ms;
        let window = self.window(kind, class);
        let is_spent = window.bytes.saturating_add(granted) >= bytes_max;
        is_spent.then(|| now.saturating_add(window_ms.saturating_sub(window.age_ms)).max(now + 1))
    }

    /// Bytes of a class go out.
    pub(super) fn spend(&mut self, kind: LinkKind, class: LogClass, bytes: u64) {
        let window = self.window(kind, class);
        window.bytes = window.bytes.saturating_add(bytes);
        self.unsaved_bytes = self.unsaved_bytes.saturating_add(bytes);
    }

    /// Saves where it is due, or at once when asked to.
    pub(super) fn save(&mut self, wall_ms: u64, at_once: bool) -> io::Result<()> {
        let is_old = self.now_ms.saturating_sub(self.saved_ms) >= SAVE_AFTER_MS;
        let is_due = self.unsaved_bytes >= UNSAVED_BYTES_MAX || is_old || at_once;
        if self.unsaved_bytes == 0 || !is_due {
            return Ok(());
        }
        // A store that fails is tried again when as much more was spent, not with every packet.
        self.unsaved_bytes = 0;
        self.saved_ms = self.now_ms;
        let of = |classes: &PerClass<Window>| classes.iter().map(|(_, window)| *window).collect();
        let windows = self.windows.iter().map(of).collect();
        let bytes = minicbor::to_vec(Saved { at_ms: wall_ms, windows }).unwrap_or_default();
        self.store.save(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Shelf(Arc<Mutex<Option<Vec<u8>>>>);

    impl BudgetStore for Shelf {
        fn load(&mut self) -> io::Result<Option<Vec<u8>>> {
            Ok(self.0.lock().unwrap().clone())
        }

        fn save(&mut self, bytes: &[u8]) -> io::Result<()> {
            *self.0.lock().unwrap() = Some(bytes.to_vec());
            Ok(())
        }
    }

    const MONTH_MS: u64 = 30 * 24 * 3_600_000;

    fn budgets() -> Budgets {
        let mut budgets = Budgets::default();
        budgets.metered.stock = Some(Allowance { bytes_max: 1_000, window_ms: MONTH_MS });
        budgets
    }

    fn open(shelf: &Shelf, wall_ms: u64) -> Meter {
        let (meter, loaded) = Meter::open(budgets(), Box::new(shelf.clone()), wall_ms, 0);
        loaded.unwrap();
        meter
    }

    #[test]
    fn what_was_spent_is_spent_after_a_restart_and_a_window_ends_when_its_time_has_passed() {
        let shelf = Shelf::default();
        let (kind, class) = (LinkKind::Metered, LogClass::Stock);
        let mut meter = open(&shelf, 5_000_000);
        assert_eq!(meter.blocked_until(kind, class, 0), None);
        assert!(meter.blocked_until(kind, class, 1_000).is_some(), "what is about to go out counts");
        meter.spend(kind, class, 1_000);
        meter.advance(1_000);
        assert_eq!(meter.blocked_until(kind, class, 0), Some(MONTH_MS));
        assert_eq!(meter.blocked_until(LinkKind::Fibre, class, 0), None, "another line has its own");
        meter.save(5_001_000, true).unwrap();

        let mut meter = open(&shelf, 5_001_000 + MONTH_MS / 2);
        meter.advance(0);
        assert_eq!(meter.blocked_until(kind, class, 0), Some(MONTH_MS / 2 - 1_000));
        meter.advance(MONTH_MS / 2);
        assert_eq!(meter.blocked_until(kind, class, 0), None);
    }

    #[test]
    fn what_is_used_can_be_read_without_a_client_until_its_window_is_over() {
        let shelf = Shelf::default();
        let (kind, class) = (LinkKind::Metered, LogClass::Stock);
        let mut meter = open(&shelf, 5_000_000);
        meter.spend(kind, class, 400);
        meter.advance(60_000);
        meter.save(5_060_000, true).unwrap();
        let read = |kind, wall_ms| used(budgets(), kind, shelf.clone(), wall_ms).unwrap();
        let allowance = Allowance { bytes_max: 1_000, window_ms: MONTH_MS };
        let spent = Used { allowance, age_ms: 90_000, bytes: 400 };
        assert_eq!(read(kind, 5_090_000).stock, Some(spent));
        assert_eq!(read(kind, 5_090_000).sales, None, "it has no budget");
        assert_eq!(read(LinkKind::Fibre, 5_090_000).stock, None);
        let anew = Used { allowance, age_ms: 0, bytes: 0 };
        assert_eq!(read(kind, 5_060_000 + MONTH_MS).stock, Some(anew));
    }

    #[test]
    fn a_clock_in_1970_gives_no_new_month() {
        let shelf = Shelf::default();
        let mut meter = open(&shelf, 1_700_000_000_000);
        meter.spend(LinkKind::Metered, LogClass::Stock, 1_000);
        meter.save(1_700_000_000_000, true).unwrap();
        let mut meter = open(&shelf, 0);
        meter.advance(1);
        assert!(meter.blocked_until(LinkKind::Metered, LogClass::Stock, 0).is_some());
    }

    #[test]
    fn bytes_that_are_no_budget_are_taken_for_none() {
        let shelf = Shelf(Arc::new(Mutex::new(Some(vec![0xff; 9]))));
        assert_eq!(open(&shelf, 0).blocked_until(LinkKind::Metered, LogClass::Stock, 0), None);
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = BudgetFile::new(folder.path().join("budget"));
        assert_eq!(file.load().unwrap(), None);
        file.save(b"one").unwrap();
        file.save(b"two").unwrap();
        assert_eq!(file.load().unwrap(), Some(b"two".to_vec()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
