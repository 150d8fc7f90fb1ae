//! The plugins that run: for each hook an ordered chain, swapped as a whole.
//!
//! A call takes the chains as they are when it begins and keeps them to its end, so that a swap neither drops nor doubles a call. A
//! version whose breaker is open gives way to the version before it.
//!
//! Not here: which versions are installed (`fold`), what a chain makes of a basket (`aisle-plugin-host`).
//! Guards invariant 4: whatever a plugin does, the next one and the shop go on.

use super::fold::{Installed, Known, View};
use aisle_event::{
    Event, Name, Text, Timestamp, Unknown,
    plugin::{PluginFailed, PluginHook, PluginRecovered},
};
use aisle_plugin_host::{
    Breaker, BreakerConfig, Call, Change, Grant, Hook, Manifest, OnFailure, Permit, Plugin,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

/// The hooks that a basket passes.
pub(super) const OF_BASKETS: [Hook; 2] = [Hook::Pricing, Hook::Promotion];
/// The longest reason that an event carries, in characters.
const REASON_CHARS_MAX: usize = 300;

/// One version of a plugin, loaded.
pub(super) struct Runner {
    pub(super) plugin: Arc<Plugin>,
    pub(super) installed: Installed,
    breakers: [Mutex<Breaker>; Hook::ALL.len()],
}

/// One plugin: the version that runs, and the one that takes over.
pub(super) struct Slot {
    pub(super) id: Name,
    /// The hooks without whose answer nothing is sold, as the journal has it: it holds for what cannot be loaded, too.
    pub(super) denies: Vec<PluginHook>,
    /// Why not, when it does not run.
    pub(super) current: Result<Arc<Runner>, LeftOut>,
    pub(super) previous: Option<Arc<Runner>>,
}

/// Why a version does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LeftOut {
    /// The node has begun a moment ago.
    NotYet,
    /// It cannot be loaded, for this reason.
    Cannot(String),
}

/// All plugins as of one record.
#[derive(Default)]
pub(super) struct Live {
    /// The last record that installed or removed one.
    pub(super) installed: u64,
    pub(super) slots: BTreeMap<Name, Arc<Slot>>,
    chains: [Vec<Arc<Slot>>; Hook::ALL.len()],
}

/// Who is asked in the place of a plugin.
pub(super) struct Picked {
    /// The version that is asked.
    pub(super) runner: Arc<Runner>,
    /// The version that is asked instead when this one fails, where its manifest says so.
    pub(super) instead: Option<Arc<Runner>>,
    /// Nothing is sold without its answer.
    pub(super) denies: bool,
}

/// The plugins that are asked for one answer.
#[derive(Default)]
pub(super) struct Asked {
    /// In their order.
    pub(super) picked: Vec<Picked>,
    /// A plugin that cannot be asked, and without whose word nothing is sold.
    pub(super) missing: Option<Missing>,
}

/// A plugin without whose word nothing is sold, and that cannot be asked.
pub(super) struct Missing {
    /// Which.
    pub(super) plugin: Name,
    /// Why.
    pub(super) reason: &'static str,
    /// It may well answer in a moment.
    pub(super) passing: bool,
}

/// What is said of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stands {
    /// The version is not asked as a rule.
    pub(crate) open: bool,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// When it is asked again, in milliseconds from now.
    pub(crate) next_trial_ms: Option<u64>,
}

impl Runner {
    /// A version that was loaded; it is left out from the begin where it failed before a restart.
    pub(super) fn new(plugin: Arc<Plugin>, installed: Installed, known: &Known, now_ms: u64) -> Self {
        let config = BreakerConfig::default();
        let breakers = Hook::ALL.map(|hook| {
            let mut breaker = Breaker::new(config);
            let said = known.failing.get(&(event_hook(hook) as u8));
            if said.is_some_and(|said| said.version == installed.version) {
                for _ in 0..config.failures_max {
                    breaker.failed(now_ms);
                }
            }
            Mutex::new(breaker)
        });
        Self { plugin, installed, breakers }
    }

    fn breaker<T>(&self, hook: Hook, with: impl FnOnce(&mut Breaker) -> T) -> Option<T> {
        let at = Hook::ALL.iter().position(|known| *known == hook)?;
        let breaker = self.breakers.get(at)?;
        Some(with(&mut breaker.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// It keeps something that baskets may depend on.
    pub(super) fn keeps_of_baskets(&self) -> bool {
        self.plugin.manifest().grants.contains(&Grant::Kv) && OF_BASKETS.iter().any(|hook| self.has(*hook))
    }

    fn has(&self, hook: Hook) -> bool {
        self.plugin.manifest().hooks.contains(&hook)
    }

    fn may(&self, hook: Hook, now_ms: u64) -> bool {
        self.has(hook)
            && self.breaker(hook, |it| it.permit(now_ms)).is_some_and(|permit| permit != Permit::Leave)
    }

    /// How its breaker stands.
    pub(super) fn stands(&self, hook: Hook, now_ms: u64) -> Option<Stands> {
        self.breaker(hook, |breaker| Stands {
            open: breaker.is_open(),
            failures: breaker.failures(),
            next_trial_ms: breaker.next_trial_ms().map(|at| at.saturating_sub(now_ms)),
        })
    }

    /// Takes note of how a call ended; what follows for the journal.
    pub(super) fn note(&self, hook: Hook, call: &Call, now: Timestamp, now_ms: u64) -> Option<Event> {
        let (plugin, version) = (Name::new(self.plugin.id()).ok()?, self.installed.version.clone());
        let event_hook = event_hook(hook);
        match &call.outcome {
            Ok(_) => match self.breaker(hook, Breaker::succeeded)?? {
                Change::Closed => {
                    tracing::info!(%plugin, %version, %hook, "a plugin answers again");
                    let unknown = Unknown::default();
                    Some(PluginRecovered { plugin, version, hook: event_hook, at: now, unknown }.into())
                }
                Change::Opened { .. } => None,
            },
            Err(failure) if failure.counts() => {
                let (change, in_a_row, was_open) = self.breaker(hook, |breaker| {
                    let was_open = breaker.is_open();
                    let change = breaker.failed(now_ms);
                    (change, breaker.failures(), was_open)
                })?;
                let reason = failure.to_string();
                match change {
                    Some(Change::Opened { wait_ms }) if !was_open => {
                        tracing::warn!(%plugin, %version, %hook, reason, wait_ms, "a plugin failed too often and is left out");
                        let reason = text(&reason);
                        let unknown = Unknown::default();
                        let hook = event_hook;
                        Some(
                            PluginFailed { plugin, version, hook, reason, in_a_row, at: now, unknown }.into(),
                        )
                    }
                    _ => {
                        tracing::debug!(%plugin, %version, %hook, reason, "a plugin failed");
                        None
                    }
                }
            }
            // It was not asked: what a trial would have shown is still open.
            Err(_) => {
                self.breaker(hook, |breaker| breaker.not_made(now_ms));
                None
            }
        }
    }
}

impl LeftOut {
    /// In words.
    pub(super) fn why(&self) -> &str {
        match self {
            Self::NotYet => "it is not loaded yet",
            Self::Cannot(reason) => reason,
        }
    }
}

impl Slot {
    /// The manifest's place: smaller is earlier.
    fn order(&self) -> i32 {
        self.any().map_or(0, |runner| runner.plugin.manifest().order)
    }

    /// The version that stands for it: the one that runs, or else the one before.
    pub(super) fn any(&self) -> Option<&Arc<Runner>> {
        self.current.as_ref().ok().or(self.previous.as_ref())
    }

    fn pick(&self, hook: Hook, now_ms: u64) -> Option<Picked> {
        let current = self.current.as_ref().ok().filter(|runner| runner.may(hook, now_ms));
        let runner = match current {
            Some(current) => current.clone(),
            None => {
                // The previous version takes the place of a hook that the current one has, or of all that cannot be loaded.
                let stands_in = self.current.as_ref().map_or(true, |current| current.has(hook));
                return self.previous.as_ref().filter(|it| stands_in && it.may(hook, now_ms)).map(|runner| {
                    Picked { runner: runner.clone(), instead: None, denies: self.denies(hook) }
                });
            }
        };
        let wants = runner.plugin.manifest().on_failure == OnFailure::LastGood;
        let instead = self.previous.as_ref().filter(|previous| {
            wants && previous.has(hook) && previous.stands(hook, now_ms).is_some_and(|stands| !stands.open)
        });
        Some(Picked { runner, instead: instead.cloned(), denies: self.denies(hook) })
    }

    fn denies(&self, hook: Hook) -> bool {
        // The journal did not always say it; of what was installed then, the manifest does.
        self.denies.contains(&event_hook(hook))
            || self.current.as_ref().is_ok_and(|current| denies(current.plugin.manifest(), hook))
    }

    fn missing(&self) -> Missing {
        let (reason, passing) = match &self.current {
            Ok(_) => ("it is left out because it failed too often", true),
            Err(LeftOut::NotYet) => ("it is not loaded yet", true),
            Err(LeftOut::Cannot(_)) => ("it cannot be loaded", false),
        };
        Missing { plugin: self.id.clone(), reason, passing }
    }
}

impl Live {
    /// The chains of these plugins.
    pub(super) fn of(installed: u64, slots: BTreeMap<Name, Arc<Slot>>) -> Self {
        let mut in_order: Vec<&Arc<Slot>> = slots.values().collect();
        in_order.sort_by(|a, b| a.order().cmp(&b.order()).then_with(|| a.id.cmp(&b.id)));
        let chains = Hook::ALL.map(|hook| {
            let of = |slot: &&&Arc<Slot>| {
                let versions = [slot.current.as_ref().ok(), slot.previous.as_ref()];
                slot.denies(hook) || versions.into_iter().flatten().any(|runner| runner.has(hook))
            };
            in_order.iter().filter(of).map(|slot| (*slot).clone()).collect()
        });
        Self { installed, slots, chains }
    }

    /// The plugins of a hook, in their order, whether they are asked now or not.
    pub(super) fn chain(&self, hook: Hook) -> &[Arc<Slot>] {
        let at = Hook::ALL.iter().position(|known| *known == hook);
        at.and_then(|at| self.chains.get(at)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Who is asked now.
    pub(super) fn ask(&self, hook: Hook, now_ms: u64) -> Asked {
        let mut asked = Asked::default();
        for slot in self.chain(hook) {
            match slot.pick(hook, now_ms) {
                Some(picked) => asked.picked.push(picked),
                None if slot.denies(hook) => asked.missing = Some(slot.missing()),
                None => {}
            }
        }
        asked
    }

    /// Whether any plugin of a hook must not be passed over.
    pub(super) fn denies(&self, hook: Hook) -> bool {
        self.chain(hook).iter().any(|slot| slot.denies(hook))
    }

    /// The version among those that were loaded before.
    pub(super) fn loaded(&self, plugin: &Name, installed: &Installed) -> Option<Arc<Runner>> {
        let slot = self.slots.get(plugin)?;
        let versions = [slot.current.as_ref().ok(), slot.previous.as_ref()];
        versions.into_iter().flatten().find(|runner| runner.installed.is(installed)).cloned()
    }

    /// What is installed and cannot run, and why.
    pub(super) fn left_out(&self) -> impl Iterator<Item = (&Name, &str)> {
        self.slots.iter().filter_map(|(id, slot)| slot.current.as_ref().err().map(|left| (id, left.why())))
    }
}

/// Whether nothing is to be sold without its answer at a hook.
pub(super) fn denies(manifest: &Manifest, hook: Hook) -> bool {
    manifest.on_failure == OnFailure::Deny && manifest.hooks.contains(&hook)
}

/// True when what is installed is what these chains are of.
pub(super) fn is_current(live: &Live, view: &View) -> bool {
    live.installed >= view.installed
}

/// A clock that does not go back, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticks(Instant);

impl Ticks {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn ms(self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The hook as events name it.
pub(super) const fn event_hook(hook: Hook) -> PluginHook {
    match hook {
        Hook::Pricing => PluginHook::Pricing,
        Hook::Promotion => PluginHook::Promotion,
        Hook::Ranking => PluginHook::Ranking,
        Hook::Replenishment => PluginHook::Replenishment,
        Hook::Reaction => PluginHook::Reaction,
    }
}

/// A reason as an event carries it.
pub(super) fn text(reason: &str) -> Text {
    let cut: String = reason.chars().take(REASON_CHARS_MAX).collect();
    Text::new(cut).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_of(current: LeftOut) -> (bool, Missing) {
        let id = Name::new("floor").unwrap();
        let slot =
            Slot { id: id.clone(), denies: vec![PluginHook::Pricing], current: Err(current), previous: None };
        let live = Live::of(0, [(id, Arc::new(slot))].into());
        (live.denies(Hook::Promotion), live.ask(Hook::Pricing, 0).missing.unwrap())
    }

    #[test]
    fn what_is_not_loaded_yet_may_well_answer_in_a_moment_and_what_cannot_be_loaded_not() {
        let (denies_another, missing) = asked_of(LeftOut::NotYet);
        assert_eq!((denies_another, missing.reason, missing.passing), (false, "it is not loaded yet", true));
        let (_, missing) = asked_of(LeftOut::Cannot("its file is gone".into()));
        assert_eq!((missing.reason, missing.passing), ("it cannot be loaded", false));
    }

    #[test]
    fn a_manifest_denies_at_its_own_hooks_where_it_says_so() {
        let manifest = |on_failure: &str| {
            let text = format!(
                "id = \"floor\"\nversion = \"1.0.0\"\nhooks = [\"pricing\"]\non_failure = \"{on_failure}\""
            );
            Manifest::parse(&text).unwrap()
        };
        assert!(denies(&manifest("deny"), Hook::Pricing));
        assert!(!denies(&manifest("deny"), Hook::Ranking));
        assert!(!denies(&manifest("skip"), Hook::Pricing));
    }
}
