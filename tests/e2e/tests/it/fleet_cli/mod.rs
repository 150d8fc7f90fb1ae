//! `aisle fleet` against a real hub: what a person types at headquarters, from signing in to a rollout.
//!
//! Not here: how answers look and what is sent again (`cli`), what a rule says (`aisle-fleet`), rights one by one (`aisle-hub`).

mod boxes;
mod documents;
mod people;
mod reads;
mod rollouts;

use crate::support::command::{Outcome, author, run};
use aisle_harness::hub::{HubOptions, HubUnderTest};
use serde_json::Value;
use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Output, Stdio},
};
use tempfile::TempDir;

/// Somebody at headquarters: a hub, and a home of their own.
pub(crate) struct Manager {
    pub(crate) hub: HubUnderTest,
    home: TempDir,
}

impl Manager {
    /// Of a hub that starts so.
    pub(crate) fn of(options: HubOptions) -> Self {
        let hub = HubUnderTest::start(options).expect("the hub serves");
        Self { hub, home: tempfile::tempdir().expect("a home") }
    }

    /// Of a hub with these nodes, which have never come.
    fn with_nodes(nodes: &[(&str, &str)]) -> Self {
        let manager = Self::of(HubOptions::default());
        for (place, (store, serial)) in nodes.iter().enumerate() {
            manager
                .hub
                .register(store, serial, &format!("{:02x}", place + 1).repeat(32))
                .expect("it is let come");
        }
        manager
    }

    /// `aisle fleet …` by the machine's own token.
    pub(crate) fn fleet<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Outcome {
        let token = self.hub.token().expect("a token");
        run(self.command(arguments).env("AISLE_TOKEN", token))
    }

    /// The same, as JSON; it has to be done.
    pub(crate) fn json<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Value {
        self.fleet(arguments.into_iter().chain(["--json"])).exits(0).json()
    }

    /// `aisle fleet …` by nothing but what is kept at home.
    fn as_person<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Outcome {
        run(&mut self.command(arguments))
    }

    /// `aisle fleet login`, with what is typed.
    fn signs_in(&self, name: &str, password: &str) -> Output {
        let mut command = self.command(["login", "--name", name, "--password-stdin"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        child.stdin.take().expect("it is piped").write_all(password.as_bytes()).expect("it reads");
        child.wait_with_output().expect("it ends")
    }

    fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> std::process::Command {
        let mut command = author(self.home.path(), ["fleet"]);
        command.args(arguments).env("HOME", self.home.path()).env("AISLE_HUB", self.hub.url());
        for own in [
            "AISLE_TOKEN",
            "XDG_CONFIG_HOME",
            "AISLE_FLEET_CONFIG",
            "AISLE_FLEET_PROFILE",
            "AISLE_HUB_CA_FILE",
        ] {
            command.env_remove(own);
        }
        command
    }

    /// A file at home.
    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        fs::write(&path, text).expect("there is room");
        path
    }
}

/// Makes sure that something is said.
#[track_caller]
fn says(outcome: &Outcome, parts: &[&str]) {
    for part in parts {
        assert!(outcome.stdout.contains(part), "no `{part}` in {outcome:#?}");
    }
}
