//! The demo as README.md has it: a shop from nothing with shoppers, devices and plugins in it, a swap by the lines that it prints, and
//! nothing that is left behind.

use crate::support::{
    api::Api,
    command::{harness, run},
    wait::{eventually, until},
};
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

/// Until it says the next thing: it makes a shop and starts a node on it, on a machine that may be busy.
const PATIENCE: Duration = Duration::from_secs(180);
/// It is stopped long before; with a time that it has, no request may fail.
const SECONDS: &str = "300";
/// Where everything random comes from.
const SEED: &str = "4";
const PLUGINS: [&str; 3] = ["fresh-markdown", "multi-buy", "stock-aware-ranking"];

/// A demo that runs.
struct Demo {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Demo {
    /// Starts one that keeps what it has in this folder.
    fn start(scratch: &Path) -> Self {
        eprintln!("the demo is made from seed {SEED}");
        let options =
            ["--seed", SEED, "--shoppers", "3", "--listen", "127.0.0.1:0", "--floor", "127.0.0.1:0"];
        let mut command = harness(["demo", "--for", SECONDS]);
        command.args(options).env("TMPDIR", scratch).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the demo starts");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (sender, lines) = mpsc::channel();
        // Reads to the end, so that the demo never waits for a reader.
        thread::spawn(move || stdout.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        Self { child, lines, said: Vec::new() }
    }

    /// Reads on until a line holds this.
    fn says(&mut self, part: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|error| {
                panic!("the demo did not say `{part}`: {error}; it said:\n{}", self.said.join("\n"))
            });
            self.said.push(line.clone());
            if line.contains(part) {
                return line;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a process id");
        kill_process(pid, signal).expect("it runs");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // After a failure: told to stop, it stops its node too.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::TERM);
            drop(self.child.wait());
        }
    }
}

/// The word after a heading of one word.
fn after_heading(line: &str) -> &str {
    line.split_whitespace().nth(1).expect("a heading and what it is about").trim_end_matches('/')
}

async fn plugins(api: &Api, token: &str) -> Vec<Value> {
    let asked = api.request(Method::GET, "/v1/admin/plugins").bearer_auth(token);
    Api::send(asked).await.json(200)["plugins"].as_array().expect("plugins").clone()
}

#[tokio::test]
async fn the_demo_shows_shoppers_devices_and_plugins_that_are_swapped_and_leaves_nothing_behind() {
    let begun = Instant::now();
    let scratch = tempfile::Builder::new().prefix("aisle-e2e-").tempdir().expect("a temporary directory");
    let mut demo = Demo::start(scratch.path());
    demo.says("generated 2000 products");
    let api = Api::new(after_heading(&demo.says("  kiosk    ")));
    let floor = Api::new(after_heading(&demo.says("  floor    ")));
    let watch = demo.says(" mqtt watch ");
    let (_, data) = watch.split_once(" --data ").expect("where it keeps what it has");
    let token = fs::read_to_string(Path::new(data).join("admin.token")).expect("a token");
    let swaps = [(demo.says(" plugin install "), "1.1.0"), (demo.says(" plugin rollback "), "1.0.0")];
    demo.says("Ctrl-C stops everything");
    let complaint = demo.said.iter().find(|line| line.contains("goes without"));
    assert!(complaint.is_none(), "{complaint:?}");

    // Shoppers shop, devices speak, the pages are there.
    demo.says(" · requests ");
    eventually("readings of sensors", PATIENCE, async || {
        let published = api.metric("aisle_mqtt_messages_published_total").await;
        published.filter(|published| *published > 0.0)
    })
    .await;
    for (api, words) in [(&api, "Touch a product"), (&floor, "devices are connected")] {
        let page = api.get("/").await;
        assert!(page.status == 200 && page.body.contains(words), "{page:?}");
    }

    let installed = plugins(&api, token.trim()).await;
    let names: Vec<&str> = installed.iter().filter_map(|plugin| plugin["plugin"].as_str()).collect();
    assert_eq!(names, PLUGINS, "{installed:?}");
    for (line, version) in swaps {
        // As whoever reads it types it.
        let said = run(Command::new("sh").args(["-c", line.trim()])).exits(0).stdout;
        assert!(said.contains(&format!("multi-buy {version} runs")), "{said}");
        let installed = plugins(&api, token.trim()).await;
        assert_eq!(installed[1]["version"], version, "{installed:?}");
    }

    demo.signal(Signal::INT);
    let shopped = demo.says(" products viewed, ");
    assert!(!shopped.starts_with("0 ") && shopped.ends_with(", 0 errors"), "{shopped}");
    let measured = demo.says(" of 60 devices, ");
    assert!(!measured.starts_with("0 "), "{measured}");
    demo.says("nothing is left behind");
    demo.says("export PATH=");
    let status = until("its end", PATIENCE, || demo.child.try_wait().expect("it can be waited for"));
    assert!(status.success(), "{status}:\n{}", demo.said.join("\n"));
    let left: Vec<_> = fs::read_dir(scratch.path()).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
    eprintln!("{shopped}\n{measured}\nthe demo took {:.1} s", begun.elapsed().as_secs_f64());
}

#[tokio::test]
async fn its_stores_enrol_themselves_and_of_two_releases_the_bad_one_stops_at_the_first_store_and_goes_back()
{
    let scratch = tempfile::Builder::new().prefix("aisle-e2e-").tempdir().expect("a temporary directory");
    let mut demo = Demo::start(scratch.path());
    for store in ["demo", "demo-2", "demo-3"] {
        demo.says(&format!("the store {store} enrols itself"));
    }
    let line = demo.says("  hub      ");
    let hub = Api::new(after_heading(&line));
    let (_, file) = line.split_once(" the token in ").expect("where the token is");
    let token = fs::read_to_string(file.trim()).expect("a token");
    let asked = async |path: &str| Api::send(hub.request(Method::GET, path).bearer_auth(token.trim())).await;
    // The console shows them, and that their boxes got in by themselves.
    eventually("all three are on the console and connected", PATIENCE, async || {
        let page = asked("/").await;
        let are_there = ["/stores/demo\"", "/stores/demo-2\"", "/stores/demo-3\""];
        (page.status == 200 && are_there.iter().all(|store| page.body.contains(store))).then_some(())
    })
    .await;
    let enrolled = asked("/v1/enrolments?state=active").await.json(200);
    assert_eq!(enrolled["items"].as_array().map(Vec::len), Some(3), "{enrolled}");

    demo.says("rollout offers-1-1: wave `pilot` is through");
    demo.says("rollout offers-1-1: done: 3 nodes have really run it");
    demo.says("rollout offers-1-2: wave `pilot` begins with 1 nodes");
    demo.says("rollout offers-1-2: rolled-back");
    let said = demo.said.join("\n");
    assert!(!said.contains("rollout offers-1-2: wave `rest`"), "the bad one goes no further:\n{said}");
    assert!(!said.contains("nothing more is rolled out"), "{said}");
    // What it says is what the hub says.
    for (rollout, phase) in [("offers-1-1", "done"), ("offers-1-2", "rolled-back")] {
        let shown = asked(&format!("/v1/rollouts/{rollout}")).await.json(200);
        assert_eq!(shown["rollout"]["phase"]["phase"], phase, "{shown}");
        let page = asked(&format!("/rollouts/{rollout}")).await;
        assert!(page.status == 200 && page.body.contains(phase), "{page:?}");
    }
    demo.signal(Signal::INT);
    demo.says("nothing is left behind");
    let status = until("its end", PATIENCE, || demo.child.try_wait().expect("it can be waited for"));
    assert!(status.success(), "{status}:\n{}", demo.said.join("\n"));
}
