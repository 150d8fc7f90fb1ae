//! Settings of the node that are ordered: held against the whole configuration, kept for the next start, and put in force at once where that can be.
//!
//! What the store says itself counts before what headquarters sets, and is told of (`held-by-override`). What needs another start is told of as well (`next-start`), and so is what
//! the node did not come up with.
//!
//! Not here: the file and its trial (`crate::config::overlay`), keys and their meaning (`crate::config`). Guards: a value that the configuration refuses is refused with its key, and
//! nothing of that order is taken.

use crate::{
    config::{
        Config, Overlay, look,
        origin::{self, Origin},
        overlay::{KEYS, text},
    },
    logging,
};
use aisle_converge::{
    SetsNode,
    applier::{never, not_now},
};
use aisle_fleet::{
    Reason,
    converge::Trouble,
    setting::{SettingKey, Settings},
};
use figment::Figment;
use serde_json::Value;
use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

pub(super) struct OfNode {
    overlay: Overlay,
    file: Option<PathBuf>,
    /// What the node runs with.
    running: Mutex<Value>,
}

impl OfNode {
    pub(super) fn new(config: &Config) -> Self {
        // A configuration that was read can be written.
        let running = Mutex::new(serde_json::to_value(&config.raw).unwrap_or_default());
        Self { overlay: config.overlay.clone(), file: config.file.clone(), running }
    }

    /// The whole configuration with these settings.
    fn with(&self, text: &str) -> Result<(Value, Figment), Trouble> {
        let file = self.file.as_deref();
        let (config, figment) = look(file, Some(text)).map_err(|error| match look(file, None) {
            Ok(_) => never(error.to_string()),
            Err(own) => not_now(format!("the store's own configuration cannot be used: {own}")),
        })?;
        let raw = serde_json::to_value(&config.raw).map_err(|error| not_now(error.to_string()))?;
        Ok((raw, figment))
    }

    /// Which keys the node does not run with yet. What can be is put in force.
    fn later(&self, wanted: &Value) -> Result<Vec<SettingKey>, Trouble> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut later = Vec::new();
        for (key, at_once) in KEYS {
            let place = format!("/{}", key.replace('.', "/"));
            let (new, old) = (wanted.pointer(&place), running.pointer_mut(&place));
            let (Some(new), Some(old)) = (new, old) else { continue };
            if new == old {
                continue;
            }
            if at_once {
                logging::set(new.as_str().unwrap_or_default()).map_err(not_now)?;
                old.clone_from(new);
            } else {
                later.extend(key.parse::<SettingKey>());
            }
        }
        Ok(later)
    }
}

/// What the store says otherwise.
fn held(settings: &Settings, figment: &Figment) -> Option<Reason> {
    let said = settings.keys().filter_map(|key| match origin::of(figment, key.as_str()) {
        Origin::Store(place) => Some(format!("`{key}` is set in {place}")),
        _ => (key.as_str() == "log.level" && logging::is_overruled())
            .then(|| format!("`RUST_LOG` goes over `{key}`")),
    });
    let said: Vec<String> = said.collect();
    (!said.is_empty()).then(|| Reason::HeldByOverride { why: said.join("; ") })
}

impl SetsNode for OfNode {
    fn set(&self, settings: &Settings) -> Result<Vec<Reason>, Trouble> {
        let text = text(settings).map_err(|error| never(error.to_string()))?;
        let given_up = self.overlay.given_up();
        if let Some((why, _)) = given_up.as_ref().filter(|(_, given_up)| *given_up == text) {
            return Err(never(format!("the node went back to those before: {why}")));
        }
        let (wanted, figment) = self.with(&text)?;
        // Something else is wanted than what was given up, though it be what the node went back to: from then on that may be asked for again.
        if given_up.is_some() || self.overlay.next().unwrap_or_default() != text {
            let put = self.overlay.put(&text);
            put.map_err(|error| not_now(format!("they cannot be kept: {error}")))?;
        }
        let keys = self.later(&wanted)?;
        let later = (!keys.is_empty()).then_some(Reason::NextStart { keys });
        Ok(held(settings, &figment).into_iter().chain(later).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::overlay::STARTS_MAX;
    use aisle_fleet::setting::SettingValue;
    use std::{fs, path::Path};

    fn settings(of: &[(&str, i64)]) -> Settings {
        of.iter().map(|(key, value)| (key.parse().unwrap(), SettingValue::Number(*value))).collect()
    }

    fn node(data: &Path) -> OfNode {
        let file = data.join("aisle.toml");
        let overlay = Overlay::begin(data);
        OfNode::new(&crate::config::load_for_start(Some(&file), overlay).unwrap())
    }

    fn codes(reasons: &[Reason]) -> Vec<&str> {
        reasons.iter().map(Reason::code).collect()
    }

    fn place(own: &str) -> tempfile::TempDir {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join("aisle.toml"), own).unwrap();
        data
    }

    #[test]
    fn what_is_set_is_in_force_with_the_next_start_and_gone_after_the_one_that_takes_it_back() {
        let data = place("");
        let wanted = settings(&[("kiosk.thanks_s", 33), ("scrub.every_h", 48)]);
        let before = node(data.path());
        let reasons = before.set(&wanted).unwrap();
        assert_eq!(codes(&reasons), ["next-start"]);
        assert!(reasons[0].to_string().contains("`kiosk.thanks_s`, `scrub.every_h`"), "{}", reasons[0]);
        assert_eq!(before.set(&wanted).unwrap(), reasons, "it is told as often as it is asked");
        drop(before);
        let after = node(data.path());
        assert_eq!(after.running.lock().unwrap().pointer("/kiosk/thanks_s"), Some(&33.into()));
        assert_eq!(after.set(&wanted).unwrap(), []);
        let reasons = after.set(&Settings::new()).unwrap();
        assert_eq!(codes(&reasons), ["next-start"], "the node still runs with what was taken back");
        drop(after);
        let last = node(data.path());
        assert_eq!(last.set(&Settings::new()).unwrap(), []);
        assert_eq!(last.running.lock().unwrap().pointer("/kiosk/thanks_s"), Some(&20.into()));
    }

    #[test]
    fn what_the_store_says_itself_counts_and_headquarters_is_told() {
        let data = place("[kiosk]\nthanks_s = 7\n");
        let node = node(data.path());
        let reasons = node.set(&settings(&[("kiosk.thanks_s", 33)])).unwrap();
        assert_eq!(codes(&reasons), ["held-by-override"]);
        assert!(reasons[0].to_string().contains("`kiosk.thanks_s` is set in"), "{}", reasons[0]);
        assert!(reasons[0].to_string().contains("aisle.toml"), "{}", reasons[0]);
    }

    #[test]
    fn what_the_configuration_refuses_is_refused_with_its_key_and_nothing_of_it_is_kept() {
        let data = place("");
        let node = node(data.path());
        node.set(&settings(&[("kiosk.thanks_s", 33)])).unwrap();
        let kept = node.overlay.next();
        let trouble = node.set(&settings(&[("kiosk.thanks_s", 34), ("artefacts.watch_s", 0)])).unwrap_err();
        assert!(trouble.is_final && trouble.text.contains("`artefacts.watch_s`"), "{trouble:?}");
        let trouble = node.set(&settings(&[("log.level", 3)])).unwrap_err();
        assert!(trouble.is_final && trouble.text.contains("`log.level`"), "{trouble:?}");
        assert!(trouble.text.contains("headquarters' settings"), "{trouble:?}");
        assert_eq!(node.overlay.next(), kept);
        fs::write(data.path().join("aisle.toml"), "nonsense = [").unwrap();
        let trouble = node.set(&settings(&[("kiosk.thanks_s", 35)])).unwrap_err();
        assert!(!trouble.is_final, "the store's own file is to blame: {trouble:?}");
    }

    #[test]
    fn what_the_node_did_not_come_up_with_is_refused_until_something_else_is_wanted() {
        let data = place("");
        let wanted = settings(&[("kiosk.thanks_s", 33)]);
        node(data.path()).set(&wanted).unwrap();
        // It dies before it serves, each time.
        for _ in 0..STARTS_MAX {
            drop(node(data.path()));
        }
        let back = node(data.path());
        assert_eq!(back.running.lock().unwrap().pointer("/kiosk/thanks_s"), Some(&20.into()));
        let trouble = back.set(&wanted).unwrap_err();
        assert!(trouble.is_final && trouble.text.contains("did not come up"), "{trouble:?}");
        assert_eq!(codes(&back.set(&settings(&[("kiosk.thanks_s", 34)])).unwrap()), ["next-start"]);
    }

    #[test]
    fn what_was_given_up_may_be_asked_for_again_once_it_was_withdrawn() {
        let (good, bad) = (settings(&[("kiosk.thanks_s", 32)]), settings(&[("kiosk.thanks_s", 33)]));
        // What the node goes back to is nothing, or what it came up with before.
        for before in [Settings::new(), good] {
            let data = place("");
            node(data.path()).set(&before).unwrap();
            let lasts = node(data.path());
            lasts.overlay.lasted();
            lasts.set(&bad).unwrap();
            drop(lasts);
            for _ in 0..STARTS_MAX {
                drop(node(data.path()));
            }
            let back = node(data.path());
            back.set(&bad).unwrap_err();
            back.set(&bad).unwrap_err();
            assert_eq!(back.set(&before).unwrap(), [], "it runs with these already");
            assert_eq!(codes(&back.set(&bad).unwrap()), ["next-start"]);
        }
    }

    #[test]
    fn a_file_that_the_configuration_refuses_is_taken_back_at_the_start() {
        let data = place("");
        fs::create_dir_all(data.path().join("fleet")).unwrap();
        fs::write(data.path().join("fleet/settings.toml"), "[kiosk]\nthanks_s = \"soon\"\n").unwrap();
        let node = node(data.path());
        assert_eq!(node.overlay.next(), None);
        let (why, _) = node.overlay.given_up().unwrap();
        assert!(why.contains("kiosk.thanks_s"), "{why}");
    }
}
