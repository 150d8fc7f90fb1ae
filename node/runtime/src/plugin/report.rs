//! Plugins as administrators, the staff board and health reports see them.

use super::{
    Plugins,
    figures::Summary,
    fold::{Installed, Known},
    live::Stands,
};
use aisle_event::{Name, Sku, Timestamp};
use aisle_plugin_host::{Hook, Manifest, Recording};
use std::sync::Arc;

/// One plugin.
pub(crate) struct PluginReport {
    /// Its id.
    pub id: Name,
    /// What the journal says of it.
    pub known: Arc<Known>,
    /// Why it cannot run, when it cannot.
    pub left_out: Option<String>,
    /// What its manifest says, when that can be read.
    pub manifest: Option<Manifest>,
    /// Each of its hooks.
    pub hooks: Vec<HookReport>,
    /// Its last failures, the latest last.
    pub failures: Vec<super::figures::Failed>,
}

/// What one plugin does at one hook.
pub(crate) struct HookReport {
    /// The hook.
    pub hook: Hook,
    /// How its breaker stands.
    pub stands: Stands,
    /// The version that is asked now.
    pub asked: Option<Installed>,
    /// Its figures.
    pub summary: Summary,
}

/// Something for staff to see.
pub(crate) struct Alert {
    /// About which cold chain unit.
    pub unit: Option<Name>,
    /// In words.
    pub words: String,
    /// It cannot wait.
    pub urgent: bool,
    /// Since when.
    pub since: Timestamp,
}

impl Plugins {
    /// All plugins, by id.
    pub(crate) fn reports(&self) -> Vec<PluginReport> {
        let view = self.view();
        view.plugins.iter().map(|(id, known)| self.report_of(id, known)).collect()
    }

    /// One plugin.
    pub(crate) fn report(&self, id: &str) -> Option<PluginReport> {
        let view = self.view();
        view.plugins.get_key_value(id).map(|(id, known)| self.report_of(id, known))
    }

    fn report_of(&self, id: &Name, known: &Arc<Known>) -> PluginReport {
        let (live, now_ms) = (self.live(), self.0.ticks.ms());
        let slot = live.slots.get(id);
        let runner = slot.and_then(|slot| slot.any());
        let hooks = runner.map(|runner| runner.plugin.manifest().hooks.clone()).unwrap_or_default();
        let hooks = hooks.into_iter().map(|hook| {
            let runner = slot.and_then(|slot| slot.current.as_ref().ok());
            let current = runner.and_then(|runner| runner.stands(hook, now_ms));
            let previous = slot.and_then(|slot| slot.previous.as_ref()).filter(|previous| {
                previous.plugin.manifest().hooks.contains(&hook)
                    && previous.stands(hook, now_ms).is_some_and(|stands| !stands.open)
            });
            let asked = match current {
                Some(stands) if !stands.open => runner.map(|runner| runner.installed.clone()),
                _ => previous.map(|previous| previous.installed.clone()),
            };
            let closed = Stands { open: false, failures: 0, next_trial_ms: None };
            let summary = self.0.figures.of(id.as_str(), hook).summary();
            HookReport { hook, stands: current.unwrap_or(closed), asked, summary }
        });
        PluginReport {
            id: id.clone(),
            known: known.clone(),
            left_out: slot.and_then(|slot| slot.current.as_ref().err().map(|left| left.why().to_owned())),
            manifest: slot
                .and_then(|slot| slot.current.as_ref().ok())
                .map(|current| current.plugin.manifest().clone()),
            hooks: hooks.collect(),
            failures: self.0.figures.failures(id.as_str()),
        }
    }

    /// The last calls of a plugin, oldest first.
    pub(crate) fn recordings(&self, id: &str, hook: Option<Hook>) -> Vec<Recording> {
        self.0.figures.recordings(id, hook)
    }

    /// What is installed and cannot run, with why.
    pub(crate) fn left_out(&self) -> Vec<(Name, String)> {
        self.live().left_out().map(|(id, why)| (id.clone(), why.to_owned())).collect()
    }

    /// The last record that is in the view, and whether that is all.
    pub(crate) fn progress(&self) -> (u64, bool) {
        (self.0.follower.applied(), self.0.follower.is_caught_up())
    }

    /// What staff are to see: alerts of plugins, those that fail, those that cannot run; the newest last.
    pub(crate) fn alerts(&self, now: Timestamp) -> Vec<Alert> {
        let view = self.view();
        let shown_ms = u64::from(self.0.config.alert_s) * 1000;
        let mut alerts: Vec<Alert> = view
            .told
            .iter()
            .filter(|told| now.ms_since(told.at) < shown_ms)
            .map(|told| Alert {
                unit: told.unit.clone(),
                words: format!("{} ({})", told.text, told.plugin),
                urgent: told.urgent,
                since: told.at,
            })
            .collect();
        for (id, known) in &view.plugins {
            alerts.extend(known.failing.values().map(|said| Alert {
                unit: None,
                words: format!(
                    "plugin `{id}` {} fails at `{}` and is left out: {}",
                    said.version,
                    said.hook,
                    said.reason.as_deref().unwrap_or("no reason")
                ),
                urgent: false,
                since: said.at,
            }));
        }
        for (id, why) in self.left_out() {
            let since = view.plugin(id.as_str()).map_or(now, |known| known.current.at);
            let words = format!("plugin `{id}` cannot run: {}", why.lines().next().unwrap_or_default());
            alerts.push(Alert { unit: None, words, urgent: true, since });
        }
        alerts
    }

    /// Products that are kept from being sold, and until when.
    pub(crate) fn suppressed(&self) -> Vec<(Sku, Timestamp, Name)> {
        let view = self.view();
        let all = view.suppressed.iter();
        all.map(|(sku, it)| (sku.clone(), it.until, it.plugin.clone())).collect()
    }
}
