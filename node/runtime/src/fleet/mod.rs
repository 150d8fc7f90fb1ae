//! What headquarters orders for this node, wired: what is around, who puts what in place, how it is shown.
//!
//! ```text
//! start ─ open ──> aisle_converge::Fleet: what did not come up is given up, before plugins are loaded
//! run ── begin ──> appliers: policy, plugins, models, catalogue, prices, device profiles, device settings; others are told of as `unknown-kind`
//!                  settings of the node
//! line, stick ───> orders, signed metadata, contents        board, /metrics, /v1/admin/fleet, REPORT <── report
//! ```
//!
//! Not here: the steps (`aisle-converge`, `aisle-fleet`), fetching (`sync::down`). Guards invariant 5: nothing of it keeps the shop from selling.

mod before;
mod boot;
pub(crate) mod command;
pub(crate) mod courier;
mod goods;
mod metrics;
pub(crate) mod models;
mod node;
mod plugins;
mod policy;
mod profiles;
mod results;
mod settings;

pub(crate) use metrics::describe;

use crate::{
    config::Config,
    floor::Floor,
    horizon,
    plugin::{Ordered, Plugins},
    store::Store,
    sync,
};
use aisle_content::PluginPackage;
use aisle_converge::{Applier, Fleet, Parts, Surroundings, fleet::Running};
use aisle_enrolment::Clock;
use aisle_event::Timestamp;
use aisle_fleet::{
    Denied, Denies, Grant, Kind, Version,
    converge::{self, Probation},
    denied::{DENIES_MAX, WHY_BYTES_MAX},
    says::{Facts, Horizon},
};
use aisle_model::Models;
use aisle_provisioning::{identity::Identity, time::WallClock};
use aisle_residency::signing::{Signature, VerifyingKey};
use prometheus_client::registry::Registry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// The kinds that this node can put in place.
pub(crate) const KINDS: [Kind; 7] = [
    Kind::Policy,
    Kind::Catalogue,
    Kind::Prices,
    Kind::DeviceProfiles,
    Kind::DeviceSettings,
    Kind::Plugin,
    Kind::Model,
];
/// Who is named in the journal for what headquarters orders.
const BY: &str = "hub";

/// What is signed and ordered by headquarters.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// The first root of signed metadata that this node trusts, `1.root.json`, for a node that is not told it by its claim. Read as long as none is trusted; from then on nothing
    /// that is not signed is taken.
    pub root_file: Option<PathBuf>,
    /// How long a plugin or a model has to run well before it counts as good, in seconds: 1 to 604,800.
    pub watch_s: u64,
    /// How often a plugin has to be called in live traffic before it counts as good: at most 100,000.
    pub calls_min: u64,
    /// How long catalogues, prices, profiles and settings are watched before they count as good, in seconds: 1 to 604,800.
    pub watch_data_s: u64,
    /// What this store does not take, whoever orders it, each with a reason for headquarters: a kind (`plugin`, `model`, `policy`), or one slot (`plugin/acme-upsell`). At most
    /// 64. What runs already goes on.
    pub denies: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { root_file: None, watch_s: 900, calls_min: 20, watch_data_s: 300, denies: BTreeMap::new() }
    }
}

impl Settings {
    /// Refuses what cannot be, by its key.
    pub(crate) fn validate(&self) -> Result<(), (&'static str, String)> {
        for (key, found) in
            [("artefacts.watch_s", self.watch_s), ("artefacts.watch_data_s", self.watch_data_s)]
        {
            if !(1..=604_800).contains(&found) {
                return Err((key, format!("is {found}, expected 1 to 604800")));
            }
        }
        if self.calls_min > 100_000 {
            return Err(("artefacts.calls_min", format!("is {}, expected at most 100000", self.calls_min)));
        }
        self.denied().map(drop).map_err(|reason| ("artefacts.denies", reason))
    }

    /// What is denied, as the rules read it.
    fn denied(&self) -> Result<Denies, String> {
        if self.denies.len() > DENIES_MAX {
            return Err(format!("has {} entries, expected at most {DENIES_MAX}", self.denies.len()));
        }
        let mut denies = Denies::new();
        for (what, why) in &self.denies {
            let denied: Denied = what.parse().map_err(|error| format!("`{what}`: {error}"))?;
            if why.trim().is_empty() || why.len() > WHY_BYTES_MAX {
                return Err(format!("`{what}` has no reason of 1 to {WHY_BYTES_MAX} bytes"));
            }
            denies.insert(denied, why.clone());
        }
        Ok(denies)
    }

    fn probations(&self) -> BTreeMap<Kind, Probation> {
        let probation = |kind| match kind {
            Kind::Plugin => {
                Probation { watch_ms: self.watch_s * 1_000, calls_min: self.calls_min, ..Probation::called() }
            }
            // Nothing here asks models in live traffic yet; those who do are looked at all the same.
            Kind::Model => Probation { watch_ms: self.watch_s * 1_000, ..Probation::timed() },
            _ => Probation { watch_ms: self.watch_data_s * 1_000, ..Probation::timed() },
        };
        KINDS.into_iter().map(|kind| (kind, probation(kind))).collect()
    }
}

/// What is left of the disk for what the store records: nothing that headquarters sends takes it.
pub(crate) fn disk_reserve_bytes() -> u64 {
    converge::Config::default().disk_reserve_bytes
}

type Busy = Box<dyn Fn() -> Option<String> + Send + Sync>;

/// What is the case around the node.
struct Around {
    data: PathBuf,
    clock: Clock,
    busy: OnceLock<Busy>,
    granted: Granted,
}

/// What the store grants and denies, as it is written in its configuration. What is told to headquarters is what the node goes by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Granted {
    grants: Option<BTreeSet<Grant>>,
    denies: Denies,
}

impl Granted {
    pub(crate) fn of(config: &Config) -> Self {
        let grants = config.plugins.granted();
        let grants =
            grants.map(|grants| grants.iter().filter_map(|grant| grant.as_str().parse().ok()).collect());
        // It was looked at when it was read.
        Self { grants, denies: config.artefacts.denied().unwrap_or_default() }
    }
}

impl Surroundings for Around {
    fn wall(&self) -> Option<Timestamp> {
        // A box that boots in 1970 and has not heard of a hub does not know what day it is.
        let is_lost =
            matches!(self.clock.wall(), WallClock::Behind { .. }) && self.clock.heard_at().is_none();
        (!is_lost).then(|| self.clock.guess())
    }

    fn trusted(&self) -> Timestamp {
        self.clock.at_least()
    }

    fn disk_free_bytes(&self) -> u64 {
        horizon::free_bytes(&self.data).unwrap_or(0)
    }

    fn version(&self) -> Option<Version> {
        env!("CARGO_PKG_VERSION").parse().ok()
    }

    fn busy(&self) -> Option<String> {
        self.busy.get().and_then(|busy| busy())
    }

    fn grants(&self) -> Option<BTreeSet<Grant>> {
        self.granted.grants.clone()
    }

    fn denies(&self) -> Denies {
        self.granted.denies.clone()
    }
}

/// The fleet before there is anybody to put things in place.
pub(crate) struct Opened {
    pub(crate) fleet: Fleet,
    around: Arc<Around>,
}

/// The node's serial number, as its certificate says, or else as somebody wrote it down.
pub(crate) fn serial(data: &Path, config: &Config) -> Option<String> {
    let facts = aisle_enrolment::identity_on_disk(data).ok().flatten();
    let of_identity = facts.and_then(|facts| facts.identity).and_then(|identity| match identity {
        Identity::Node { serial, .. } => Some(serial.to_string()),
        _ => None,
    });
    of_identity.or_else(|| config.enrolment.serial.as_ref().map(ToString::to_string))
}

/// Goes on from what was kept. A shop whose fleet cannot be opened sells all the same, and says so.
pub(crate) fn open(data: &Path, config: &Config, clock: Clock) -> Option<Opened> {
    courier::clear(data);
    let around =
        Arc::new(Around { data: data.into(), clock, busy: OnceLock::new(), granted: Granted::of(config) });
    let keys = config.sync.as_ref().map(|sync| sync.hub_receipt_keys.clone()).unwrap_or_default();
    let verifies = (!keys.is_empty()).then(|| verifies(keys));
    let machine = converge::Config {
        kinds: config.artefacts.probations(),
        seed: rand::random(),
        boot: boot::this(),
        ..converge::Config::default()
    };
    let parts = Parts {
        data: data.into(),
        store: config.store.clone(),
        serial: serial(data, config),
        verifies,
        config: machine,
        around: around.clone(),
    };
    match Fleet::open(parts) {
        Ok(fleet) => {
            trust_first(&fleet, &config.artefacts);
            Some(Opened { fleet, around })
        }
        Err(error) => {
            let words = sync::words(&error);
            tracing::error!("what headquarters orders cannot be followed, the shop goes on: {words}");
            None
        }
    }
}

fn verifies(keys: Vec<VerifyingKey>) -> aisle_converge::orders::Verifies {
    Box::new(move |message, signature| {
        let signature = Signature(*signature);
        keys.iter().any(|key| key.verifies(message, &signature))
    })
}

/// Begins to trust the root that the configuration names, where none is trusted yet.
fn trust_first(fleet: &Fleet, settings: &Settings) {
    let Some(path) = settings.root_file.as_ref().filter(|_| !fleet.is_trusting()) else { return };
    let trusted = read_root(path).and_then(|root| fleet.trust(&root).map_err(|error| sync::words(&error)));
    match trusted {
        Ok(_) => tracing::info!(path = %path.display(), "a root of signed metadata is trusted from now on"),
        Err(why) => tracing::error!("`artefacts.root_file` is not trusted: {why}"),
    }
}

/// A root from a file, whose length is bounded.
fn read_root(path: &Path) -> Result<Vec<u8>, String> {
    let mut root = Vec::new();
    let read = fs::File::open(path)
        .and_then(|file| file.take(aisle_converge::signed::ROOT_BYTES_MAX + 1).read_to_end(&mut root));
    read.map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    if root.len() as u64 > aisle_converge::signed::ROOT_BYTES_MAX {
        return Err(format!("`{}` is too long for a root", path.display()));
    }
    Ok(root)
}

impl Opened {
    /// What plugins go by before any of them is loaded.
    pub(crate) fn of_plugins(&self) -> Ordered {
        let minimums = self.fleet.minimums().into_iter().filter(|(slot, _)| slot.kind() == Kind::Plugin);
        let minimums = minimums.filter_map(|(slot, minimum)| Some((slot.name()?.to_owned(), minimum)));
        Ordered { held: self.held(), minimums: minimums.collect() }
    }

    /// The components of plugins that must not be loaded: the node did not come up with them.
    fn held(&self) -> Vec<(String, String)> {
        let fallen = self.fleet.fallen().into_iter().filter(|(slot, _)| slot.kind() == Kind::Plugin);
        let held = fallen.filter_map(|(slot, release)| {
            let package = PluginPackage::decode(&self.fleet.read(&release).ok()?).ok()?;
            let name = slot.name()?.to_owned();
            tracing::error!(plugin = name, version = %release.version, "is not loaded: the node did not come up with it");
            Some((name, blake3::hash(&package.component).to_hex().to_string()))
        });
        held.collect()
    }

    /// Begins. Within a runtime, which plugins are installed on.
    pub(crate) fn begin(
        self,
        data: &Path,
        config: &Config,
        (plugins, models, floor, store): (&Plugins, &Models, &Floor, &Arc<Store>),
        line: Option<sync::Line>,
        registry: &mut Registry,
    ) -> std::io::Result<(Fleet, Option<Running>)> {
        let Self { fleet, around } = self;
        let selling = plugins.clone();
        let busy = move || selling.is_selling().then(|| "a basket is being paid".to_owned());
        // Only the first counts.
        let _ = around.busy.set(Box::new(busy));
        let runtime = tokio::runtime::Handle::current();
        let before = before::Before::open(&aisle_converge::fleet::folder(data).join("before"))?;
        let goods = |kind| goods::Goods::new(kind, store.clone(), config.currency, before.clone());
        let appliers: Vec<Arc<dyn Applier>> = vec![
            Arc::new(plugins::OfPlugins::new(plugins.clone(), runtime.clone())),
            Arc::new(models::OfModels::new(models.clone(), models::in_a_process)),
            Arc::new(goods(Kind::Catalogue)),
            Arc::new(goods(Kind::Prices)),
            Arc::new(profiles::Profiles::new(crate::floor::profiles_dir(data), before)),
            Arc::new(settings::Devices::new(floor.clone(), runtime)),
            Arc::new(policy::OfPolicy::new(line)),
        ];
        metrics::register(&fleet, registry);
        let running = fleet.start(appliers, Some(Arc::new(node::OfNode::new(config))))?;
        Ok((fleet, running))
    }
}

/// What rules and pages at headquarters go by.
pub(crate) fn facts(
    data: &Path,
    horizon: &horizon::Horizon,
    zone: Option<String>,
    granted: &Granted,
) -> Facts {
    let days = horizon.items.iter().filter_map(|item| {
        let days = item.days?;
        Some(Horizon { what: item.name.clone(), days })
    });
    Facts {
        version: env!("CARGO_PKG_VERSION").parse().ok(),
        disk_free_bytes: horizon::free_bytes(data),
        grants: granted.grants.clone(),
        denies: granted.denies.clone(),
        kinds: Some(BTreeSet::from(KINDS)),
        time_zone: zone,
        horizon: days.take(aisle_fleet::says::HORIZON_MAX).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused_by_its_key() {
        assert!(Settings::default().validate().is_ok());
        let wrong = Settings { watch_s: 0, ..Settings::default() };
        assert_eq!(wrong.validate().unwrap_err().0, "artefacts.watch_s");
        let wrong = Settings { calls_min: 100_001, ..Settings::default() };
        assert_eq!(wrong.validate().unwrap_err().0, "artefacts.calls_min");
        for (what, why) in [("plugins", "none"), ("plugin/", "none"), ("plugin", " "), ("model/a b", "none")]
        {
            let denies = [(what.to_owned(), why.to_owned())].into();
            let wrong = Settings { denies, ..Settings::default() };
            assert_eq!(wrong.validate().unwrap_err().0, "artefacts.denies", "{what}");
        }
        let denies =
            [("plugin".to_owned(), "none".to_owned()), ("model/tower".into(), "too slow".into())].into();
        let settings = Settings { denies, ..Settings::default() };
        settings.validate().unwrap();
        let denies = settings.denied().unwrap();
        assert_eq!(denies.why(&"plugin/acme".parse().unwrap()), Some("none"));
        assert_eq!(denies.why(&"model/other".parse().unwrap()), None);
    }

    #[test]
    fn every_kind_that_can_be_put_in_place_has_to_prove_itself() {
        let probations = Settings::default().probations();
        assert_eq!(probations.len(), KINDS.len());
        assert_eq!(probations[&Kind::Plugin].calls_min, 20);
        assert_eq!((probations[&Kind::Model].calls_min, probations[&Kind::Model].watch_ms), (0, 900_000));
        assert_eq!(probations[&Kind::Prices].calls_min, 0);
    }
}
