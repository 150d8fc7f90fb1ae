//! What headquarters sets of this node: `DATA/fleet/settings.toml`, which lies over the built-in defaults and under everything that the store says itself.
//!
//! ```text
//! settings.toml            what is in force, or will be with the next start     settings.given-up.toml   what the node did not come up with, and why
//! settings.good.toml       what it has come up with last, and lasted             settings.trial           starts with what is new: HASH STARTS
//! ```
//!
//! Only the keys of [`KEYS`] may be set: none that could strand a store or destroy what it keeps. What the node does not come up with is taken back by itself: at the fourth start,
//! if none before it served for a minute. A start that another process, the disk or an ordered stop ends before it serves counts for nothing.
//!
//! Not here: what is ordered (`aisle-fleet`), taking it (`crate::fleet`), reading it with the rest (`load`). Guards: whatever is pushed, the node comes up with its own.

use aisle_artefact::files::{DiskFiles, Files as _, replace};
use aisle_fleet::setting::{SettingKey, SettingValue, Settings};
use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use toml::{Table, Value};

/// The keys that headquarters may set, each with whether it takes effect while the node runs. Never among them: which store this is, whom it belongs to, where it
/// keeps its data, where it listens, whom it trusts and talks to, what the journal promises; nor how much is kept of sales, visits and measurements: a smaller bound destroys what is there,
/// and no way back brings that again.
pub(crate) const KEYS: [(&str, bool); 25] = [
    ("artefacts.calls_min", false),
    ("artefacts.watch_data_s", false),
    ("artefacts.watch_s", false),
    ("kiosk.idle_reset_s", false),
    ("kiosk.idle_warning_s", false),
    ("kiosk.prices_stale_after_h", false),
    ("kiosk.store_name", false),
    ("kiosk.thanks_s", false),
    ("log.format", false),
    ("log.level", true),
    ("plugins.actions_per_hour_max", false),
    ("plugins.alert_s", false),
    ("plugins.recordings_bytes_max", false),
    ("plugins.recordings_max", false),
    ("recommend.cache.popular_ttl_ms", false),
    ("recommend.cache.recommendations_ttl_ms", false),
    ("recommend.category_run_max", false),
    ("recommend.model_age_max_ms", false),
    ("scrub.every_h", false),
    ("scrub.first_after_s", false),
    ("tasks.dismissed_for_s", false),
    ("tasks.open_max", false),
    ("tasks.settle_s", false),
    ("telemetry.raw_window_s", false),
    ("trainer.rebuild_every_s", false),
];
/// How long a node has to serve with new settings until they count as good.
pub(crate) const LASTS: Duration = Duration::from_secs(60);
/// So many starts that did not last, and the settings are taken back. More than one: a power cut and a full memory are not theirs.
pub(crate) const STARTS_MAX: u32 = 3;
/// The longest file, in bytes: more than all settings of an order can take.
const BYTES_MAX: u64 = 1 << 20;

const SETTINGS: &str = "settings.toml";
const GOOD: &str = "settings.good.toml";
const GIVEN_UP: &str = "settings.given-up.toml";
const TRIAL: &str = "settings.trial";

/// Why settings are not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotSet {
    /// It is not for headquarters.
    #[error("`{key}` cannot be set by headquarters{}\nhint: those that can are listed in `aisle-node reference config`; this one is set in the store's `aisle.toml`", nearest.as_ref().map(|it| format!("; did you mean `{it}`?")).unwrap_or_default())]
    Key { key: SettingKey, nearest: Option<&'static str> },
    /// They cannot be written.
    #[error("they cannot be written as TOML: {reason}")]
    Form { reason: String },
}

/// Settings as a file, the same for the same settings.
///
/// # Errors
/// When one of them is not for headquarters.
pub(crate) fn text(settings: &Settings) -> Result<String, NotSet> {
    let mut root = Table::new();
    for (key, value) in settings {
        if !KEYS.iter().any(|(known, _)| *known == key.as_str()) {
            let alike = KEYS.iter().map(|(known, _)| (strsim::jaro_winkler(known, key.as_str()), *known));
            let nearest = alike.filter(|(alike, _)| *alike >= 0.9).max_by(|a, b| a.0.total_cmp(&b.0));
            return Err(NotSet::Key { key: key.clone(), nearest: nearest.map(|(_, known)| known) });
        }
        let value = match value {
            SettingValue::Flag(flag) => Value::Boolean(*flag),
            SettingValue::Number(number) => Value::Integer(*number),
            SettingValue::Text(text) => Value::String(text.clone()),
        };
        insert(&mut root, key.as_str(), value);
    }
    toml::to_string(&root).map_err(|error| NotSet::Form { reason: error.to_string() })
}

fn insert(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(table.insert(path.into(), value)),
        Some((first, rest)) => {
            let inner = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
            // No key is the beginning of another: a test holds the list to that.
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// What headquarters sets, as it was at the start of this process. Clones are one.
#[derive(Clone, Default)]
pub(crate) struct Overlay(Option<Arc<Inner>>);

struct Inner {
    folder: PathBuf,
    text: Option<String>,
    /// The starts that are counted, while this process has not lasted.
    trial: Mutex<Option<Trial>>,
    /// An order has taken them back since: they are nothing to go back to.
    is_taken_back: AtomicBool,
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Overlay").field(&self.text()).finish()
    }
}

/// Starts with something new. The file is held by the process that counts.
struct Trial {
    file: File,
    hash: String,
    /// How many have not lasted.
    starts: u32,
}

impl Trial {
    /// Nothing where another process holds it.
    fn take(folder: &Path, text: &str) -> io::Result<Option<Self>> {
        let path = folder.join(TRIAL);
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        if file.try_lock().is_err() {
            return Ok(None);
        }
        let mut kept = String::new();
        // What cannot be read counts nothing.
        let _ = (&mut file).take(256).read_to_string(&mut kept);
        let hash = blake3::hash(text.as_bytes()).to_hex().to_string();
        let words: Vec<&str> = kept.split_whitespace().collect();
        let starts = match words.as_slice() {
            [of, starts] if *of == hash => starts.parse().unwrap_or_default(),
            _ => 0,
        };
        Ok(Some(Self { file, hash, starts }))
    }

    const fn is_lost(&self) -> bool {
        self.starts >= STARTS_MAX
    }

    fn note(&mut self, starts: u32) -> io::Result<()> {
        self.starts = starts;
        self.file.set_len(0)?;
        self.file.rewind()?;
        writeln!(self.file, "{} {starts}", self.hash)?;
        self.file.sync_all()
    }
}

fn read(files: &DiskFiles, name: &str) -> Option<String> {
    let bytes = files.read(name, BYTES_MAX).ok().flatten()?;
    String::from_utf8(bytes).ok()
}

impl Overlay {
    /// What is there, for a command beside a node.
    pub(crate) fn beside(data: &Path) -> Self {
        let folder = aisle_converge::fleet::folder(data);
        let text = folder.join(SETTINGS).is_file().then(|| DiskFiles::open(&folder).ok()).flatten();
        let text = text.and_then(|files| read(&files, SETTINGS));
        Self::of(folder, text, None)
    }

    /// What this start goes by. What earlier starts did not come up with is taken back here; this one is counted before anything of it is used.
    pub(crate) fn begin(data: &Path) -> Self {
        let overlay = Self::beside(data);
        let Some((inner, text)) = overlay.0.as_ref().and_then(|inner| Some((inner, inner.text.clone()?)))
        else {
            return overlay;
        };
        let folder = inner.folder.clone();
        let Ok(files) = DiskFiles::open(&folder) else { return overlay };
        if read(&files, GOOD).as_ref() == Some(&text) {
            return overlay;
        }
        match Trial::take(&folder, &text) {
            Ok(Some(trial)) if trial.is_lost() => {
                overlay.give_up("the node did not come up with them, or did not last a minute")
            }
            Ok(Some(mut trial)) => {
                // Where it cannot be counted, the disk is the greater trouble.
                let _ = trial.note(trial.starts.saturating_add(1));
                Self::of(folder, Some(text), Some(trial))
            }
            Ok(None) | Err(_) => overlay,
        }
    }

    fn of(folder: PathBuf, text: Option<String>, trial: Option<Trial>) -> Self {
        let (trial, is_taken_back) = (Mutex::new(trial), AtomicBool::new(false));
        Self(Some(Arc::new(Inner { folder, text, trial, is_taken_back })))
    }

    /// What this process was started with.
    pub(crate) fn text(&self) -> Option<&str> {
        self.0.as_ref()?.text.as_deref()
    }

    fn files(&self) -> io::Result<DiskFiles> {
        let inner = self.0.as_ref().ok_or_else(|| io::Error::other("there is no folder for them"))?;
        DiskFiles::open(&inner.folder)
    }

    /// The start that is counted, as long as it is.
    fn trial<R>(&self, with: impl FnOnce(&mut Option<Trial>) -> R) -> Option<R> {
        let inner = self.0.as_ref()?;
        Some(with(&mut inner.trial.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Goes back to what the node came up with before, or to nothing of headquarters'. Gives what this start goes by instead.
    pub(crate) fn give_up(&self, why: &str) -> Self {
        let Some((inner, text)) = self.0.as_ref().and_then(|inner| Some((inner, inner.text.as_ref()?)))
        else {
            return Self::default();
        };
        // The reason stands in the first line, behind a `#`.
        let why: String = why.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let gone = self.files().and_then(|mut files| {
            replace(&mut files, GIVEN_UP, format!("# {why}\n{text}").as_bytes())?;
            let good = read(&files, GOOD).filter(|good| good != text);
            match &good {
                Some(good) => replace(&mut files, SETTINGS, good.as_bytes())?,
                None => {
                    files.remove(SETTINGS)?;
                    files.remove(GOOD)?;
                }
            }
            files.remove(TRIAL)?;
            files.sync()?;
            Ok(good)
        });
        // What cannot be put away is not used all the same.
        Self::of(inner.folder.clone(), gone.unwrap_or_default(), None)
    }

    /// What was given up last, and why.
    pub(crate) fn given_up(&self) -> Option<(String, String)> {
        let kept = self.files().ok().and_then(|files| read(&files, GIVEN_UP))?;
        let (why, text) = kept.split_once('\n')?;
        Some((why.trim_start_matches("# ").to_owned(), text.to_owned()))
    }

    /// What the next start goes by.
    pub(crate) fn next(&self) -> Option<String> {
        self.files().ok().and_then(|files| read(&files, SETTINGS))
    }

    /// Puts settings in the place of those before; the next start goes by them. An empty text takes them back. It is durable when this returns.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(crate) fn put(&self, text: &str) -> io::Result<()> {
        let mut files = self.files()?;
        if text.is_empty() {
            if let Some(inner) = &self.0 {
                inner.is_taken_back.store(true, Ordering::Release);
            }
            [SETTINGS, GOOD, GIVEN_UP].iter().try_for_each(|name| files.remove(name))?;
            return files.sync();
        }
        replace(&mut files, SETTINGS, text.as_bytes())?;
        files.remove(GIVEN_UP)
    }

    /// This start ends before it serves, for something that is not of these settings: it counts for nothing, and proves nothing.
    pub(crate) fn uncounted(&self) {
        if let Some(mut trial) = self.trial(Option::take).flatten() {
            // Where it cannot be noted, the start counts: there are more.
            let _ = trial.note(trial.starts.saturating_sub(1));
        }
    }

    /// The node has served for [`LASTS`], or was told to stop after it had served: what it was started with is good.
    pub(crate) fn lasted(&self) {
        if self.trial(Option::take).flatten().is_none() {
            return;
        }
        let (Some(inner), Some(text)) = (&self.0, self.text()) else { return };
        let is_taken_back = inner.is_taken_back.load(Ordering::Acquire);
        let noted = self.files().and_then(|mut files| {
            if !is_taken_back {
                replace(&mut files, GOOD, text.as_bytes())?;
            }
            files.remove(TRIAL)
        });
        if let Err(error) = noted {
            tracing::warn!(%error, "it cannot be noted that the node came up with headquarters' settings");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RawConfig;
    use std::fs;

    fn settings(of: &[(&str, SettingValue)]) -> Settings {
        of.iter().map(|(key, value)| (key.parse().unwrap(), value.clone())).collect()
    }

    fn good(rows: i64) -> String {
        text(&settings(&[("kiosk.thanks_s", SettingValue::Number(rows))])).unwrap()
    }

    #[test]
    fn every_key_is_one_of_the_configuration_and_none_lies_within_another() {
        let defaults = serde_json::to_value(RawConfig::default()).unwrap();
        for (key, _) in KEYS {
            let found = defaults.pointer(&format!("/{}", key.replace('.', "/")));
            assert!(found.is_some_and(|value| !value.is_object()), "{key}");
            let part = key.split('.').next().unwrap();
            for never in [
                "store",
                "http",
                "journal",
                "mqtt",
                "bridge",
                "sync",
                "node",
                "enrolment",
                "devices",
                "state",
            ] {
                assert_ne!(part, never, "{key} could strand a store, or destroy what it keeps");
            }
            assert!(!KEYS.iter().any(|(other, _)| other.starts_with(&format!("{key}."))), "{key}");
        }
    }

    #[test]
    fn settings_are_a_file_and_what_is_not_for_headquarters_is_named() {
        let level = ("log.level", SettingValue::Text("debug".into()));
        let thanks = ("kiosk.thanks_s", SettingValue::Number(30));
        assert_eq!(
            text(&settings(&[level, thanks])).unwrap(),
            "[kiosk]\nthanks_s = 30\n\n[log]\nlevel = \"debug\"\n"
        );
        assert_eq!(text(&Settings::new()).unwrap(), "");
        let wrong = text(&settings(&[("kiosk.thank_s", SettingValue::Number(3))])).unwrap_err().to_string();
        assert!(
            wrong.contains("`kiosk.thank_s`") && wrong.contains("did you mean `kiosk.thanks_s`"),
            "{wrong}"
        );
        for key in ["store.id", "sync.hub", "http.listen", "journal.segment_bytes", "artefacts.root_file"] {
            assert!(text(&settings(&[(key, SettingValue::Number(3))])).is_err(), "{key}");
        }
    }

    #[test]
    fn how_much_the_store_keeps_of_its_own_is_never_for_headquarters() {
        let bounds = ["state.receipts_max", "state.history_max"];
        for key in bounds.into_iter().chain(["telemetry.keep_days", "telemetry.archive_bytes_max"]) {
            let refused = text(&settings(&[(key, SettingValue::Number(1))]));
            assert!(matches!(refused, Err(NotSet::Key { .. })), "{key} would destroy what is there");
        }
    }

    #[test]
    fn what_the_node_came_up_with_is_what_it_goes_back_to_from_what_it_did_not() {
        let data = tempfile::tempdir().unwrap();
        Overlay::beside(data.path()).put(&good(1)).unwrap();
        let first = Overlay::begin(data.path());
        assert_eq!(first.text(), Some(good(1).as_str()));
        first.lasted();
        drop(first);
        Overlay::beside(data.path()).put(&good(2)).unwrap();
        for _ in 0..STARTS_MAX {
            assert_eq!(
                Overlay::begin(data.path()).text(),
                Some(good(2).as_str()),
                "one bad start is nobody's"
            );
        }
        let last = Overlay::begin(data.path());
        assert_eq!(last.text(), Some(good(1).as_str()), "it never served, so it goes back");
        let (why, what) = last.given_up().unwrap();
        assert!(why.contains("did not come up") && what == good(2), "{why}");
        drop(last);
        assert_eq!(Overlay::begin(data.path()).text(), Some(good(1).as_str()), "and stays there");
    }

    #[test]
    fn a_node_that_is_cut_off_gets_three_tries_and_one_that_is_told_to_stop_while_it_serves_needs_no_more() {
        let data = tempfile::tempdir().unwrap();
        Overlay::beside(data.path()).put(&good(1)).unwrap();
        for _ in 0..STARTS_MAX {
            assert_eq!(Overlay::begin(data.path()).text(), Some(good(1).as_str()));
        }
        assert_eq!(Overlay::begin(data.path()).text(), None);
        Overlay::beside(data.path()).put(&good(3)).unwrap();
        drop(Overlay::begin(data.path()));
        let told = Overlay::begin(data.path());
        told.lasted();
        drop(told);
        for _ in 0..9 {
            assert_eq!(Overlay::begin(data.path()).text(), Some(good(3).as_str()));
        }
    }

    #[test]
    fn a_start_beside_a_node_that_runs_counts_for_nothing() {
        let data = tempfile::tempdir().unwrap();
        Overlay::beside(data.path()).put(&good(1)).unwrap();
        let runs = Overlay::begin(data.path());
        for _ in 0..9 {
            assert_eq!(Overlay::begin(data.path()).text(), Some(good(1).as_str()));
        }
        drop(runs);
    }

    #[test]
    fn a_start_that_ends_for_something_else_counts_for_nothing_and_proves_nothing() {
        let data = tempfile::tempdir().unwrap();
        Overlay::beside(data.path()).put(&good(1)).unwrap();
        for _ in 0..9 {
            let stopped = Overlay::begin(data.path());
            assert_eq!(stopped.text(), Some(good(1).as_str()));
            stopped.uncounted();
            stopped.lasted();
        }
        assert!(!data.path().join("fleet").join(GOOD).exists(), "none of them has served");
        for _ in 0..STARTS_MAX {
            drop(Overlay::begin(data.path()));
            Overlay::begin(data.path()).uncounted();
        }
        assert_eq!(Overlay::begin(data.path()).text(), None, "the others count all the same");
    }

    #[test]
    fn what_was_taken_back_is_nothing_to_go_back_to() {
        let data = tempfile::tempdir().unwrap();
        Overlay::beside(data.path()).put(&good(1)).unwrap();
        let runs = Overlay::begin(data.path());
        runs.put("").unwrap();
        runs.lasted();
        drop(runs);
        assert_eq!(Overlay::begin(data.path()).text(), None);
        Overlay::beside(data.path()).put(&good(2)).unwrap();
        for _ in 0..STARTS_MAX {
            assert_eq!(Overlay::begin(data.path()).text(), Some(good(2).as_str()));
        }
        assert_eq!(Overlay::begin(data.path()).text(), None);
    }

    #[test]
    fn what_is_damaged_is_passed_over_and_a_node_without_a_folder_gets_none() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(Overlay::begin(data.path()).text(), None);
        assert!(!data.path().join("fleet").exists());
        let folder = data.path().join("fleet");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(SETTINGS), [0xff, 0xfe]).unwrap();
        assert_eq!(Overlay::begin(data.path()).text(), None);
        fs::write(folder.join(SETTINGS), good(1)).unwrap();
        fs::write(folder.join(TRIAL), "nonsense 7").unwrap();
        assert_eq!(Overlay::begin(data.path()).text(), Some(good(1).as_str()));
    }
}
