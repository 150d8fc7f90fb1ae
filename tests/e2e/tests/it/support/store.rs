//! A store on disk: a temporary directory with a data directory, filled by import or by the generator.

use super::{
    command::{Outcome, aisle, run},
    invoices,
};
use aisle_event::Timestamp;
use aisle_harness::{
    node::{NodeOptions, NodeUnderTest},
    shop::{self, Plan, Shop},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};
use tempfile::TempDir;

/// A store that lives as long as the test.
#[derive(Debug)]
pub(crate) struct Store {
    dir: TempDir,
}

impl Store {
    /// A store that has not begun.
    pub(crate) fn empty() -> Self {
        Self { dir: tempfile::Builder::new().prefix("aisle-e2e-").tempdir().expect("a temporary directory") }
    }

    /// A store with the small shop's goods.
    pub(crate) fn small() -> Self {
        let store = Self::empty();
        let file = store.file("small-shop.csv", invoices::small_shop());
        store.import(&file, &[]).exits(0);
        store
    }

    /// A store with a generated shop that has traded until now, with counted stock.
    pub(crate) fn generated(seed: u64) -> Self {
        eprintln!("the shop is generated from seed {seed}");
        let store = Self::empty();
        let since = SystemTime::UNIX_EPOCH.elapsed().expect("a clock after 1970");
        let end = Timestamp(i64::try_from(since.as_millis()).expect("a clock before the end of time"));
        let plan = Plan { seed, products: 200, days: 14, visits_per_day: 60, end };
        shop::write(&store.data(), Shop::open(plan).expect("a plan"), |_| {}).expect("an empty journal");
        store
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A path beside the data.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file beside the data.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file has a parent")).expect("a directory can be made");
        fs::write(&path, bytes).expect("a file can be written");
        path
    }

    /// The command that imports a file, answering in JSON.
    pub(crate) fn importing(&self, file: &Path, more: &[&str]) -> Command {
        let mut command = aisle(&self.data(), ["import", "--format", "online-retail", "--json"]);
        command.args(more).arg(file);
        command
    }

    /// Imports a file.
    pub(crate) fn import(&self, file: &Path, more: &[&str]) -> Outcome {
        run(&mut self.importing(file, more))
    }

    /// How a node on this store is started.
    pub(crate) fn options(&self) -> NodeOptions {
        NodeOptions { data: Some(self.data()), ..NodeOptions::default() }
    }

    /// Starts a node on it.
    pub(crate) fn start(&self) -> NodeUnderTest {
        self.start_with("")
    }

    /// Starts a node on it with this configuration.
    pub(crate) fn start_with(&self, config: &str) -> NodeUnderTest {
        NodeUnderTest::start(NodeOptions { config: config.into(), ..self.options() })
            .expect("the node serves")
    }
}
