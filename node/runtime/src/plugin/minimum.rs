//! The lowest versions of plugins that headquarters lets run.
//!
//! They come from the orders of headquarters, which the node keeps and gives again at each start; here they hold for everything that puts a version in place or lets
//! one take over: installing, going back, and the version before that is asked when the one that runs is not.
//!
//! Not here: how they are kept (`aisle-converge`). A version that runs already goes on until the next is there.

use super::fold::{Installed, Known};
use aisle_fleet::Version;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The lowest version of each plugin that may be put in place. There are as many as orders name, which is bounded there.
#[derive(Debug, Default)]
pub(super) struct Minimums(Mutex<BTreeMap<String, Version>>);

impl Minimums {
    pub(super) const fn new(minimums: BTreeMap<String, Version>) -> Self {
        Self(Mutex::new(minimums))
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Version>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a minimum in; it never goes down. True when it is higher than before.
    pub(super) fn raise(&self, plugin: &str, minimum: &Version) -> bool {
        let mut all = self.all();
        let is_higher = all.get(plugin).is_none_or(|known| known.is_below(minimum));
        if is_higher {
            all.insert(plugin.into(), minimum.clone());
        }
        is_higher
    }

    /// The minimum that a version is below. One that is none is below any.
    pub(super) fn above(&self, plugin: &str, version: &str) -> Option<Version> {
        let all = self.all();
        let minimum = all.get(plugin)?;
        let is_enough = version.parse::<Version>().is_ok_and(|version| !version.is_below(minimum));
        (!is_enough).then(|| minimum.clone())
    }

    /// The version that takes over when the one that runs is not asked.
    pub(super) fn stand_in<'a>(&self, plugin: &str, known: &'a Known) -> Option<&'a Installed> {
        known.previous.as_ref().filter(|previous| self.above(plugin, previous.version.as_str()).is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::RawConfig,
        plugin::{ChangeError, Ordered, Plugins, open},
        store::Store,
    };
    use jiff::tz::TimeZone;
    use prometheus_client::registry::Registry;
    use std::{env, fs, path::PathBuf, sync::Arc};
    use tokio::runtime::Handle;

    const GUEST: &str = "multi-buy";

    async fn install(plugins: &Plugins, version: &str) -> Result<(), ChangeError> {
        let project = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let built =
            env::var_os("AISLE_PLUGINS_DIR").map_or_else(|| project.join("target/plugins"), PathBuf::from);
        let component = built.join(format!("{GUEST}.wasm"));
        let component = fs::read(&component).unwrap_or_else(|error| {
            panic!("`{}`: {error}\nhint: `cargo xtask plugins` builds it", component.display())
        });
        let manifest =
            fs::read_to_string(project.join(format!("plugins/guests/{GUEST}/plugin.toml"))).unwrap();
        let lines = manifest.lines().map(|line| match line.split_once(" = ") {
            Some(("version", _)) => format!("version = \"{version}\"\n"),
            _ => format!("{line}\n"),
        });
        plugins.install(GUEST, lines.collect(), component, None).await.map(drop)
    }

    #[tokio::test]
    async fn what_is_below_a_minimum_is_not_installed_nor_gone_back_to_nor_asked_instead() {
        let dir = tempfile::tempdir().unwrap();
        let mut raw = RawConfig::default();
        raw.mqtt.tls_listen = "off".into();
        let (config, mut registry) = (raw.resolve().unwrap(), Registry::default());
        let store = Arc::new(Store::open(dir.path(), &config, &mut registry).unwrap());
        let how = (&config.plugins, &config.floor.projection, Ordered::default());
        let shop = (config.store.as_str(), config.currency, TimeZone::UTC);
        let (plugins, _running) = open(dir.path(), how, shop, &store, &mut registry).await.unwrap();
        let stands_in = || {
            let previous = plugins.live().slots[GUEST].previous.clone();
            previous.map(|runner| runner.installed.version.to_string())
        };
        install(&plugins, "1.0.0").await.unwrap();
        install(&plugins, "2.0.0").await.unwrap();
        assert_eq!(stands_in().as_deref(), Some("1.0.0"));
        plugins.minimum(GUEST, &version("2.0.0"), &Handle::current()).unwrap().await.unwrap();
        assert_eq!(stands_in(), None, "nobody is asked rather than one that must not run");
        let refused = plugins.roll_back(GUEST, None).await.unwrap_err();
        assert!(matches!(&refused, ChangeError::BelowMinimum { .. }), "{refused}");
        assert!(refused.to_string().contains("2.0.0, the lowest version"), "{refused}");
        let refused = install(&plugins, "1.5.0").await.unwrap_err();
        assert!(matches!(&refused, ChangeError::BelowMinimum { .. }), "{refused}");
        // What runs goes on when the minimum rises above it, until the next is there.
        plugins.minimum(GUEST, &version("3.0.0"), &Handle::current()).unwrap().await.unwrap();
        let runs = || plugins.view().plugin(GUEST).unwrap().current.version.to_string();
        assert_eq!(runs(), "2.0.0");
        assert!(plugins.live().slots[GUEST].current.is_ok());
        install(&plugins, "3.0.0").await.unwrap();
        assert_eq!((runs(), stands_in()), ("3.0.0".to_owned(), None));
    }

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn a_minimum_only_rises_and_holds_for_its_plugin_alone() {
        let minimums = Minimums::new([("coupon".to_owned(), version("2.0.0"))].into());
        assert!(!minimums.raise("coupon", &version("1.5.0")), "an older order lowers nothing");
        assert_eq!(minimums.above("coupon", "1.9.9"), Some(version("2.0.0")));
        assert_eq!(minimums.above("coupon", "2.0.0"), None);
        assert_eq!(minimums.above("coupon", "no version"), Some(version("2.0.0")));
        assert_eq!(minimums.above("floor", "0.1.0"), None);
        assert!(minimums.raise("coupon", &version("2.1.0")));
        assert_eq!(minimums.above("coupon", "2.0.0"), Some(version("2.1.0")));
    }
}
