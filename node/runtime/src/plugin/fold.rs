//! What the journal says of plugins: which versions are installed, what they keep, how they failed, what they had done.
//!
//! Followed like the floor. The end of a suppression is proposed here and comes back as an event, so that a replay needs no clock.
//!
//! Not here: components and their files (`files`), who is asked (`live`), what a breaker decides (`aisle-plugin-host`).
//! Guards invariant 2: installed plugins and all that they keep are made from the journal alone.

use super::{
    action::HOUR_MS,
    config::ACTIONS_KEPT,
    kept::{self, Kept},
};
use aisle_event::{
    Day, Event, Name, Sku, Text, Timestamp, Unknown,
    plugin::{
        PluginActed, PluginAction, PluginFailed, PluginHook, PluginInstalled, PluginKept, PluginReacted,
        PluginRecovered, PluginRemoved, ProductSuppressed,
    },
};
use aisle_state::{Hold, Suppressed, follow::Fold};
use minicbor::{Decode, Encode};
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::Arc,
};

/// The version of what a snapshot holds.
pub(super) const LAYOUT: u32 = 3;
/// The group of the types that say something of plugins.
const KIND: u16 = 0x09;
/// Failures and recoveries of one plugin that are remembered.
const HISTORY_MAX: usize = 32;
/// Plugins that are known, at most, whatever the journal says; the configuration allows fewer.
const PLUGINS_CEILING: usize = 1024;
/// What staff were told that is remembered.
const TOLD_MAX: usize = 4096;
/// Ends of suppressions that are proposed at once.
const ENDS_MAX: usize = 256;

/// One version of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Installed {
    /// Its version.
    #[n(0)]
    pub version: Name,
    /// BLAKE3 of its component.
    #[n(1)]
    pub hash: Name,
    /// BLAKE3 of its manifest.
    #[n(2)]
    pub manifest_hash: Name,
    /// The record that installed it.
    #[n(3)]
    pub seq: u64,
    /// When.
    #[n(4)]
    pub at: Timestamp,
    /// Who.
    #[n(5)]
    pub by: Option<Name>,
    /// The hooks without whose answer nothing is sold.
    #[n(6)]
    pub denies: Vec<PluginHook>,
}

/// A failure that opened a breaker, or the recovery after it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Said {
    /// Which version.
    #[n(0)]
    pub version: Name,
    /// For what it was called.
    #[n(1)]
    pub hook: PluginHook,
    /// Why it failed; nothing when it answers again.
    #[n(2)]
    pub reason: Option<Text>,
    /// When.
    #[n(3)]
    pub at: Timestamp,
}

/// One plugin.
#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct Known {
    /// The version that runs.
    #[n(0)]
    pub current: Installed,
    /// The one before it, which takes over when it fails.
    #[n(1)]
    pub previous: Option<Installed>,
    /// The record with which it came to the store: it reacts to what happened later.
    #[n(2)]
    pub since: u64,
    /// What it keeps. All versions share it.
    #[cbor(n(3), with = "kept")]
    pub kept: Kept,
    /// Failures and recoveries, the latest last.
    #[n(4)]
    pub history: VecDeque<Said>,
    /// Failures that are not over, by hook.
    #[n(5)]
    pub failing: BTreeMap<u8, Said>,
    /// When it had something done within the hour before the last time. The suppressions of one answer are one time.
    #[n(6)]
    pub acted: VecDeque<ActedAt>,
}

/// When a plugin had something done, and whether that was keeping products from being sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct ActedAt {
    /// When.
    #[n(0)]
    pub at: Timestamp,
    /// Products were kept from being sold.
    #[n(1)]
    pub suppressed: bool,
}

/// Something that a plugin had staff told.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Told {
    /// The plugin.
    #[n(0)]
    pub plugin: Name,
    /// About which cold chain unit.
    #[n(1)]
    pub unit: Option<Name>,
    /// In words.
    #[n(2)]
    pub text: Text,
    /// It cannot wait.
    #[n(3)]
    pub urgent: bool,
    /// When.
    #[n(4)]
    pub at: Timestamp,
}

/// All that is known of plugins.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// Plugins by id.
    pub plugins: BTreeMap<Name, Arc<Known>>,
    /// What they had staff told last, the latest last.
    pub told: VecDeque<Arc<Told>>,
    /// Products that are kept from being sold.
    pub suppressed: BTreeMap<Sku, Arc<Suppressed>>,
    /// Plugins have reacted to everything up to this record.
    pub reacted: u64,
    /// And to the begin of this day.
    pub day: Option<Day>,
    /// Changes with every version that is installed or removed: the last record that did.
    pub installed: u64,
    /// Events that contradict what is known.
    pub ignored: u64,
}

/// The same as a snapshot holds it.
#[derive(Encode, Decode)]
struct Saved {
    #[n(0)]
    plugins: BTreeMap<Name, Known>,
    #[n(1)]
    told: VecDeque<Told>,
    #[n(2)]
    suppressed: BTreeMap<Sku, Suppressed>,
    #[n(3)]
    reacted: u64,
    #[n(4)]
    day: Option<Day>,
    #[n(5)]
    installed: u64,
    #[n(6)]
    ignored: u64,
}

impl From<&View> for Saved {
    fn from(view: &View) -> Self {
        Self {
            plugins: view.plugins.iter().map(|(id, known)| (id.clone(), (**known).clone())).collect(),
            told: view.told.iter().map(|told| (**told).clone()).collect(),
            suppressed: view.suppressed.iter().map(|(sku, it)| (sku.clone(), (**it).clone())).collect(),
            reacted: view.reacted,
            day: view.day,
            installed: view.installed,
            ignored: view.ignored,
        }
    }
}

impl From<Saved> for View {
    fn from(saved: Saved) -> Self {
        Self {
            plugins: saved.plugins.into_iter().map(|(id, known)| (id, Arc::new(known))).collect(),
            told: saved.told.into_iter().map(Arc::new).collect(),
            suppressed: saved.suppressed.into_iter().map(|(sku, it)| (sku, Arc::new(it))).collect(),
            reacted: saved.reacted,
            day: saved.day,
            installed: saved.installed,
            ignored: saved.ignored,
        }
    }
}

/// The fold.
#[derive(Debug, Clone, Default)]
pub(super) struct Plugins(View);

/// Why a snapshot cannot be used.
#[derive(Debug)]
pub(super) struct Unusable(minicbor::decode::Error);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plugins: {}", self.0)
    }
}

impl Installed {
    fn of(seq: u64, event: &PluginInstalled) -> Self {
        Self {
            version: event.version.clone(),
            hash: event.hash.clone(),
            manifest_hash: event.manifest_hash.clone(),
            seq,
            at: event.at,
            by: event.by.clone(),
            denies: event.denies.clone(),
        }
    }

    /// True when it is the same, whenever it was installed.
    pub(crate) fn is(&self, other: &Self) -> bool {
        (&self.version, &self.hash, &self.manifest_hash)
            == (&other.version, &other.hash, &other.manifest_hash)
    }

    /// True when the journal says the same of it, too: it did not always say what is denied.
    pub(super) fn stands_as(&self, other: &Self) -> bool {
        self.is(other) && self.denies == other.denies
    }
}

impl Known {
    /// The version that takes over: the one before, unless the one that goes has failed and an earlier one has not.
    fn replace(&mut self, new: Installed) {
        let has_failed = self.failing.values().any(|said| said.version == self.current.version);
        let old = std::mem::replace(&mut self.current, new);
        if old.is(&self.current) {
            return;
        }
        let earlier = self.previous.take().filter(|earlier| !earlier.is(&self.current));
        self.previous = if has_failed { earlier.or(Some(old)) } else { Some(old) };
        self.failing.clear();
    }

    fn note(&mut self, acted: ActedAt) {
        if !(acted.suppressed && self.acted.back() == Some(&acted)) {
            self.acted.push_back(acted);
        }
        while self.acted.len() > ACTIONS_KEPT
            || self.acted.front().is_some_and(|first| acted.at.ms_since(first.at) >= HOUR_MS)
        {
            self.acted.pop_front();
        }
    }

    fn say(&mut self, said: Said) {
        self.history.push_back(said);
        while self.history.len() > HISTORY_MAX {
            self.history.pop_front();
        }
    }
}

impl View {
    /// A plugin.
    pub(crate) fn plugin(&self, id: &str) -> Option<&Arc<Known>> {
        self.plugins.get(id)
    }

    fn with(&mut self, plugin: &Name, change: impl FnOnce(&mut Known)) {
        match self.plugins.get_mut(plugin) {
            Some(known) => change(Arc::make_mut(known)),
            None => self.ignored += 1,
        }
    }

    fn installed(&mut self, seq: u64, event: &PluginInstalled) {
        let new = Installed::of(seq, event);
        self.installed = seq;
        if let Some(known) = self.plugins.get_mut(&event.plugin) {
            Arc::make_mut(known).replace(new);
        } else if self.plugins.len() < PLUGINS_CEILING {
            let known = Known {
                current: new,
                previous: None,
                since: seq,
                kept: Kept::default(),
                history: VecDeque::new(),
                failing: BTreeMap::new(),
                acted: VecDeque::new(),
            };
            self.plugins.insert(event.plugin.clone(), Arc::new(known));
        } else {
            self.ignored += 1;
        }
    }

    fn removed(&mut self, seq: u64, event: &PluginRemoved) {
        self.installed = seq;
        if self.plugins.remove(&event.plugin).is_none() {
            self.ignored += 1;
        }
    }

    fn kept(&mut self, event: &PluginKept) {
        self.with(&event.plugin, |known| known.kept.apply(&event.writes));
    }

    fn failed(&mut self, event: &PluginFailed) {
        let said = Said {
            version: event.version.clone(),
            hook: event.hook,
            reason: Some(event.reason.clone()),
            at: event.at,
        };
        self.with(&event.plugin, |known| {
            // The version before may fail too; it is the one that runs whose failure is not over.
            if said.version == known.current.version {
                known.failing.insert(number(said.hook), said.clone());
            }
            known.say(said);
        });
    }

    fn recovered(&mut self, event: &PluginRecovered) {
        let said = Said { version: event.version.clone(), hook: event.hook, reason: None, at: event.at };
        self.with(&event.plugin, |known| {
            if said.version == known.current.version {
                known.failing.remove(&number(said.hook));
            }
            known.say(said);
        });
    }

    fn acted(&mut self, event: &PluginActed) {
        let acted = ActedAt { at: event.at, suppressed: event.action == PluginAction::Suppress };
        self.with(&event.plugin, |known| known.note(acted));
        // A task that is about nothing that there is a list for is told like an alert.
        let is_task = event.action == PluginAction::Task && event.sku.is_none() && event.unit.is_none();
        if event.action != PluginAction::Alert && !is_task {
            return;
        }
        let told = Told {
            plugin: event.plugin.clone(),
            unit: event.unit.clone(),
            text: event.text.clone(),
            urgent: event.urgent,
            at: event.at,
        };
        self.told.push_back(Arc::new(told));
        while self.told.len() > TOLD_MAX {
            self.told.pop_front();
        }
    }

    fn suppressed(&mut self, event: &ProductSuppressed) {
        let before = self.suppressed.get(&event.sku);
        // The shop follows the same rule.
        match Suppressed::after(before.map(|held| &**held), event) {
            Some(held) => drop(self.suppressed.insert(event.sku.clone(), Arc::new(held))),
            None => drop(self.suppressed.remove(&event.sku)),
        }
    }

    fn reacted(&mut self, event: &PluginReacted) {
        self.reacted = self.reacted.max(event.through);
        self.day = self.day.max(event.day);
    }
}

/// The place of a hook in the order of numbers.
const fn number(hook: PluginHook) -> u8 {
    hook as u8
}

impl Plugins {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Unusable> {
        minicbor::decode::<Saved>(bytes).map(|saved| Self(saved.into())).map_err(Unusable)
    }
}

impl Fold for Plugins {
    type View = View;

    fn wants(&self, kind: u16) -> bool {
        kind >> 8 == KIND
    }

    fn apply(&mut self, seq: u64, event: &Event) {
        let view = &mut self.0;
        match event {
            Event::PluginInstalled(event) => view.installed(seq, event),
            Event::PluginRemoved(event) => view.removed(seq, event),
            Event::PluginKept(event) => view.kept(event),
            Event::PluginFailed(event) => view.failed(event),
            Event::PluginRecovered(event) => view.recovered(event),
            Event::PluginActed(event) => view.acted(event),
            Event::PluginReacted(event) => view.reacted(event),
            Event::ProductSuppressed(event) => view.suppressed(event),
            _ => {}
        }
    }

    fn due(&mut self, now: Timestamp) -> Vec<Event> {
        let ending = self.0.suppressed.iter().filter(|(_, held)| held.first_end() <= now);
        let holds = ending.flat_map(|(sku, held)| held.holds().map(move |hold| (sku, hold)));
        let over = holds.filter(|(_, hold)| hold.until <= now);
        let ends = over.take(ENDS_MAX).map(|(sku, hold)| {
            let (sku, Hold { plugin, reason, .. }) = (sku.clone(), hold);
            ProductSuppressed { sku, until: None, reason, plugin, at: now, unknown: Unknown::default() }
                .into()
        });
        ends.collect()
    }

    fn view(&self) -> View {
        self.0.clone()
    }

    fn encode(&self) -> Vec<u8> {
        // Writing to a `Vec` has no way to fail.
        minicbor::to_vec(Saved::from(&self.0)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_event::{Blob, plugin::PluginWrite};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn text(text: &str) -> Text {
        Text::new(text.to_owned()).unwrap()
    }

    fn installed(version: &str) -> Event {
        PluginInstalled {
            plugin: name("coupon"),
            version: name(version),
            hash: name(&format!("hash of {version}")),
            at: Timestamp(1),
            by: Some(name("Ana")),
            manifest_hash: name("manifest"),
            denies: vec![PluginHook::Promotion],
            unknown: Unknown::default(),
        }
        .into()
    }

    fn failed(version: &str) -> Event {
        PluginFailed {
            plugin: name("coupon"),
            version: name(version),
            hook: PluginHook::Promotion,
            reason: text("it trapped"),
            in_a_row: 5,
            at: Timestamp(2),
            unknown: Unknown::default(),
        }
        .into()
    }

    fn kept(key: &str, value: Option<&'static [u8]>) -> Event {
        let value = value.map(|value| Blob(value.into()));
        let write = PluginWrite { key: text(key), value, unknown: Unknown::default() };
        let (plugin, at, unknown) = (name("coupon"), Timestamp(3), Unknown::default());
        PluginKept { plugin, writes: vec![write], at, unknown }.into()
    }

    fn suppressed(until: Option<i64>) -> Event {
        let (sku, plugin, reason) = (Sku::new("JAM-1").unwrap(), name("cold-chain"), text("too warm"));
        let until = until.map(Timestamp);
        ProductSuppressed { sku, until, reason, plugin, at: Timestamp(4), unknown: Unknown::default() }.into()
    }

    fn fold(events: &[Event]) -> Plugins {
        let mut plugins = Plugins::default();
        for (seq, event) in (1..).zip(events) {
            assert!(plugins.wants(event.kind().0));
            plugins.apply(seq, event);
        }
        plugins
    }

    fn versions(plugins: &Plugins) -> (String, Option<String>) {
        let known = plugins.0.plugin("coupon").unwrap();
        (known.current.version.to_string(), known.previous.as_ref().map(|it| it.version.to_string()))
    }

    #[test]
    fn the_version_before_is_the_one_to_go_back_to_and_never_one_that_failed_over_one_that_did_not() {
        let mut events = vec![installed("1.0.0")];
        assert_eq!(versions(&fold(&events)), ("1.0.0".into(), None));
        events.push(installed("1.0.0"));
        assert_eq!(versions(&fold(&events)), ("1.0.0".into(), None), "the same again is nothing new");
        events.push(installed("2.0.0"));
        assert_eq!(versions(&fold(&events)), ("2.0.0".into(), Some("1.0.0".into())));
        events.push(failed("2.0.0"));
        events.push(installed("3.0.0"));
        assert_eq!(versions(&fold(&events)), ("3.0.0".into(), Some("1.0.0".into())));
        events.push(installed("1.0.0"));
        assert_eq!(versions(&fold(&events)), ("1.0.0".into(), Some("3.0.0".into())), "rolled back");
        assert_eq!(fold(&events).0.plugin("coupon").unwrap().since, 1);
    }

    #[test]
    fn what_a_version_denies_is_known_once_it_is_installed_again_by_who_says_so() {
        let Event::PluginInstalled(now) = installed("1.0.0") else { unreachable!() };
        let then = PluginInstalled { denies: Vec::new(), ..now.clone() };
        let known = |events: &[Event]| fold(events).0.plugin("coupon").unwrap().clone();
        let before = known(&[then.clone().into()]);
        let after = known(&[then.into(), now.into()]);
        assert!(before.current.is(&after.current) && !before.current.stands_as(&after.current));
        assert_eq!(after.current.denies, [PluginHook::Promotion]);
        assert!(after.previous.is_none(), "there is nothing to go back to");
    }

    #[test]
    fn all_versions_share_what_is_kept_and_a_removal_forgets_it() {
        let mut events = vec![installed("1.0.0"), kept("used/c-1", Some(b"1")), kept("used/c-2", Some(b"2"))];
        events.extend([installed("2.0.0"), kept("used/c-1", None)]);
        let plugins = fold(&events);
        let store = &plugins.0.plugin("coupon").unwrap().kept.0;
        assert_eq!((store.get("used/c-1"), store.get("used/c-2")), (None, Some(&b"2"[..])));
        let removed =
            PluginRemoved { plugin: name("coupon"), at: Timestamp(9), by: None, unknown: Unknown::default() };
        events.extend([removed.into(), kept("used/c-3", Some(b"3")), installed("2.0.0")]);
        let plugins = fold(&events);
        assert!(plugins.0.plugin("coupon").unwrap().kept.0.is_empty());
        assert_eq!(plugins.0.ignored, 1, "what nobody keeps is ignored");
    }

    #[test]
    fn a_failure_stands_until_the_plugin_answers_again_or_another_version_comes() {
        let mut events = vec![installed("1.0.0"), failed("1.0.0")];
        assert_eq!(fold(&events).0.plugin("coupon").unwrap().failing.len(), 1);
        let mut with_another = events.clone();
        with_another.push(installed("2.0.0"));
        assert!(fold(&with_another).0.plugin("coupon").unwrap().failing.is_empty());
        let (hook, at, unknown) = (PluginHook::Promotion, Timestamp(5), Unknown::default());
        events.push(
            PluginRecovered { plugin: name("coupon"), version: name("1.0.0"), hook, at, unknown }.into(),
        );
        let plugins = fold(&events);
        let known = plugins.0.plugin("coupon").unwrap();
        assert_eq!((known.failing.len(), known.history.len()), (0, 2));
        for _ in 0..100 {
            events.push(failed("1.0.0"));
        }
        assert_eq!(fold(&events).0.plugin("coupon").unwrap().history.len(), HISTORY_MAX);
    }

    #[test]
    fn the_end_of_a_suppression_is_proposed_when_its_time_is_over() {
        let mut plugins = fold(&[suppressed(Some(100))]);
        assert!(plugins.due(Timestamp(99)).is_empty());
        let ends = plugins.due(Timestamp(100));
        assert_eq!(ends.len(), 1);
        plugins.apply(2, &ends[0]);
        assert!(plugins.0.suppressed.is_empty() && plugins.due(Timestamp(101)).is_empty());
    }

    fn suppressed_by(plugin: &str, until: Option<i64>) -> Event {
        let Event::ProductSuppressed(event) = suppressed(until) else { unreachable!() };
        ProductSuppressed { plugin: name(plugin), ..event }.into()
    }

    /// Who holds the product longest, and until when.
    fn held(plugins: &Plugins) -> Option<(String, i64)> {
        plugins.0.suppressed.values().next().map(|it| (it.plugin.to_string(), it.until.0))
    }

    #[test]
    fn what_one_plugin_lets_go_of_is_held_as_long_as_another_one_wants() {
        let events = [
            suppressed(Some(100)),
            suppressed_by("recall", Some(200)),
            suppressed_by("dates", Some(50)),
            suppressed_by("recall", None),
        ];
        let mut plugins = Plugins::decode(&fold(&events).encode()).unwrap();
        assert_eq!(held(&plugins), Some(("cold-chain".to_owned(), 100)));
        let ends = plugins.due(Timestamp(60));
        assert_eq!(ends, [Event::from(ProductSuppressed { at: Timestamp(60), ..ended("dates") })]);
        plugins.apply(9, &ends[0]);
        assert_eq!(held(&plugins), Some(("cold-chain".to_owned(), 100)));
        assert!(plugins.due(Timestamp(99)).is_empty());
        let ends = plugins.due(Timestamp(100));
        plugins.apply(10, &ends[0]);
        assert_eq!((ends.len(), held(&plugins)), (1, None));
    }

    fn ended(plugin: &str) -> ProductSuppressed {
        let Event::ProductSuppressed(event) = suppressed_by(plugin, None) else { unreachable!() };
        event
    }

    #[test]
    fn nobody_frees_early_what_another_plugin_holds_back() {
        let by = suppressed_by;
        let until = |events: &[Event]| held(&fold(events));
        let cold = Some(("cold-chain".to_owned(), 100));
        let mut events = vec![suppressed(Some(100)), by("recall", Some(50)), by("recall", None)];
        assert_eq!(until(&events), cold);
        events.push(by("recall", Some(200)));
        assert_eq!(until(&events), Some(("recall".to_owned(), 200)), "the longer one takes over");
        events.extend([suppressed(None), by("recall", Some(50))]);
        assert_eq!(until(&events), Some(("recall".to_owned(), 50)), "its own it may shorten");
        events.push(by("recall", None));
        assert_eq!(until(&events), None);
    }

    fn acted(plugin: &str, action: PluginAction, at: i64) -> Event {
        let acted = PluginActed {
            plugin: name(plugin),
            version: name("1.0.0"),
            action,
            sku: None,
            unit: Some(name("dairy-1")),
            text: text("too warm"),
            urgent: true,
            at: Timestamp(at),
            unknown: Unknown::default(),
        };
        acted.into()
    }

    #[test]
    fn an_hours_actions_of_a_plugin_are_counted_whatever_others_do() {
        let hour = HOUR_MS.cast_signed();
        let mut events = vec![installed("1.0.0"), acted("coupon", PluginAction::Alert, 0)];
        events.extend((0..ACTIONS_KEPT).map(|_| acted("other", PluginAction::Label, 1)));
        events.extend((0..500).map(|_| acted("coupon", PluginAction::Suppress, 2)));
        let counted = |events: &[Event]| fold(events).0.plugin("coupon").unwrap().acted.len();
        assert_eq!(counted(&events), 2, "an alert, and one answer's suppressions");
        events.push(acted("coupon", PluginAction::Alert, hour));
        assert_eq!(counted(&events), 2, "the first is an hour ago");
        assert_eq!(fold(&events).0.told.len(), 2, "labels push no alert out");
    }

    #[test]
    fn a_snapshot_and_the_journal_give_the_same() {
        let reacted = PluginReacted {
            through: 7,
            day: Some(Day(20_000)),
            at: Timestamp(8),
            unknown: Unknown::default(),
        };
        let events = [
            installed("1.0.0"),
            kept("a", Some(b"1")),
            installed("2.0.0"),
            failed("2.0.0"),
            suppressed(Some(9)),
            acted("coupon", PluginAction::Alert, 7),
            reacted.into(),
        ];
        let (before, after) = events.split_at(4);
        let half = fold(before);
        let mut again = Plugins::decode(&half.encode()).unwrap();
        for (seq, event) in (5..).zip(after) {
            again.apply(seq, event);
        }
        assert_eq!(again.encode(), fold(&events).encode());
        assert_eq!((again.0.reacted, again.0.day, again.0.told.len()), (7, Some(Day(20_000)), 1));
        let mut torn = half.encode();
        torn.truncate(torn.len() / 2);
        assert!(Plugins::decode(&torn).is_err());
    }
}
