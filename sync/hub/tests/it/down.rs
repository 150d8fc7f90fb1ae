//! What people want of a store comes to its node: the hub as a process with its commands, a real line, a real disk.

use crate::{
    running::{Region, Shelf, eventually},
    shop::{Outbox, sqlite},
};
use aisle_content::{
    Config, Content, Folder, Input, Item, Manifest, Output, Planner, PluginPackage, Shelf as _,
    plan::Kind,
    trust::{HubsWord, manifest},
};
use aisle_event::StoreId;
use aisle_hub::{
    content::Contents,
    objects::Place,
    publish::{Desire, PublishError, Publisher, bytes_of, hash},
};
use aisle_protocol::{Message, Stream, control::Report};
use aisle_transport::client::{Client, Heard};
use std::{
    fs,
    path::Path,
    sync::mpsc::{Receiver, Sender, channel},
    time::{Duration, Instant},
};

fn noise(seed: u8, bytes: usize) -> Vec<u8> {
    let mut out = vec![0; bytes];
    blake3::Hasher::new().update(&[seed]).finalize_xof().fill(&mut out);
    out
}

/// The part of a node that this is about.
struct Node {
    client: Client,
    heard: Receiver<Heard>,
    planner: Planner,
    folder: Folder,
    started: Instant,
    applied: Vec<(String, String, Vec<u8>)>,
    fetched: usize,
}

impl Node {
    fn start(region: &Region, shelf: &Shelf, dir: &Path, quic: bool) -> Self {
        let (sender, heard): (Sender<Heard>, _) = channel();
        let client = region.call_with(shelf, quic, Box::new(move |heard| drop(sender.send(heard))));
        let mut folder = Folder::open(dir, 64 << 20).unwrap();
        let config = Config {
            kinds: vec![Kind { name: "plugin".into(), bytes_max: 8 << 20 }],
            retry_ms_min: 50,
            retry_ms_max: 200,
            report_gap_ms: 20,
            ..Config::default()
        };
        let planner = Planner::open(config, &mut folder).unwrap();
        Self { client, heard, planner, folder, started: Instant::now(), applied: Vec::new(), fetched: 0 }
    }

    fn turn(&mut self) {
        let mut inputs = vec![Input::Tick];
        while let Ok(heard) = self.heard.try_recv() {
            match heard {
                Heard::Welcomed(_) => inputs.push(Input::Connected),
                Heard::Untold(_) => inputs.push(Input::Disconnected),
                Heard::Held { hash, for_ms } => inputs.push(Input::Held { hash, for_ms }),
                Heard::Delivered { message: Message::Desired(desired), .. } => {
                    inputs.push(Input::Desired(manifest(&desired, &HubsWord).unwrap()));
                }
                Heard::Delivered { message: Message::ChunkPart(part), .. } => {
                    self.fetched += part.bytes.0.len();
                    let (hash, offset, bytes_total) = (part.hash, part.offset, part.bytes_total);
                    inputs.push(Input::Part { hash, offset, bytes_total, bytes: part.bytes.0 });
                }
                Heard::Delivered { stream: Stream::Chunk(hash), message: Message::Error(error) } => {
                    inputs.push(Input::Refused { hash, text: error.text });
                }
                _ => {}
            }
        }
        while !inputs.is_empty() {
            let now = self.started.elapsed().as_millis() as u64;
            for output in self.planner.handle(now, inputs.remove(0), &mut self.folder) {
                match output {
                    Output::Ask(wanted) => self.client.fetch(wanted).unwrap(),
                    Output::Close(hash) => self.client.close_chunk(hash).unwrap(),
                    Output::Report(report) => {
                        self.client.report(report).unwrap();
                    }
                    Output::Apply(Item { name, version, content: Content { hash, .. }, .. }) => {
                        let bytes = self.folder.read(&hash).unwrap();
                        self.applied.push((name.clone(), version, bytes));
                        inputs.push(Input::Applied { name, hash, outcome: Ok(()) });
                    }
                    Output::Warn(text) => panic!("{text}"),
                }
            }
        }
    }

    async fn until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let begun = Instant::now();
        while !is_so(self) {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "not so: {what}; {:?}",
                self.planner.standing()
            );
            self.turn();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn told(region: &Region, arguments: &[&str]) -> String {
    let output = region.ask(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wanted_comes_without_a_reconnect_as_a_delta_and_after_the_hub_was_killed() {
    let shelf = Shelf::new("store-1");
    let region = Region::of(&shelf);
    let file = |name: &str| region.folder.path().join(name).display().to_string();
    let hub = region.run();
    eventually("the hub answers", async || region.get("/v1/totals").await.is_some()).await;
    let mut node = Node::start(&region, &shelf, &region.folder.path().join("node"), true);

    let old = noise(1, 1_200_000);
    fs::write(file("old.bin"), &old).unwrap();
    let first = told(&region, &["content", "add", &file("old.bin")]).trim().to_owned();
    fs::write(
        file("list.toml"),
        format!("[[item]]\nname = \"plugin/x\"\nversion = \"1\"\ncontent = \"{first}\"\n"),
    )
    .unwrap();
    node.until("it is connected", |node| node.client.status().borrow().hub.is_some()).await;
    assert_eq!(
        told(&region, &["desired", "set", "--store", "store-1", &file("list.toml")]),
        "store-1 generation 1\n"
    );
    node.until("it is applied", |node| node.applied.len() == 1).await;
    assert_eq!(node.applied[0], ("plugin/x".into(), "1".into(), old.clone()));
    let reported = async || {
        let page = region.get("/v1/stores/store-1/reports").await.unwrap();
        page["items"][0]["version"].as_str().map(str::to_owned)
    };
    let begun = Instant::now();
    while reported().await.as_deref() != Some("1") {
        assert!(begun.elapsed() < Duration::from_secs(60), "no report");
        node.turn();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    // The next version is a few bytes away.
    let new = [&old[..600_000], b"changed", &old[600_000..]].concat();
    fs::write(file("new.bin"), &new).unwrap();
    let said = told(&region, &["content", "add", &file("new.bin"), "--delta-from", &first]);
    assert!(said.contains("bytes instead of 1200007"), "{said}");
    let second = said.lines().next().unwrap().to_owned();
    fs::write(
        file("list.toml"),
        format!(
            "[[item]]\nname = \"plugin/x\"\nversion = \"2\"\ncontent = \"{second}\"\n\
             [[item]]\nname = \"hologram\"\nversion = \"1\"\nfile = \"old.bin\"\n"
        ),
    )
    .unwrap();
    // The hub is killed and the node begins anew; it is set while the hub is down, and comes with WELCOME.
    drop(hub);
    node.client.stop().await;
    told(&region, &["desired", "set", "--all", &file("list.toml")]);
    let hub = region.run();
    eventually("the hub answers", async || region.get("/v1/totals").await.is_some()).await;
    let mut node = Node::start(&region, &shelf, &region.folder.path().join("node"), false);
    node.until("both versions were applied in turn", |node| node.applied.len() == 2).await;
    assert_eq!((&node.applied[0].1, &node.applied[1].2), (&"1".to_owned(), &new));
    assert!(node.fetched < 2_000, "{} bytes", node.fetched);
    let begun = Instant::now();
    loop {
        let shown = told(&region, &["desired", "show", "store-1"]);
        if shown.contains("runs") && shown.contains("does not know what a `hologram` is") {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{shown}");
        node.turn();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let desired = region.get("/v1/stores/store-1/desired").await.unwrap();
    assert_eq!((&desired["generation"], &desired["items"][1]["deltas_from"][0]), (&2.into(), &first.into()));
    node.client.stop().await;
    drop(hub);
}

#[tokio::test]
async fn a_manifest_names_nothing_that_is_not_here() {
    let (folder, database) = sqlite().await;
    let contents = Contents::new(Place::Folder(folder.path().join("contents")).open(None).unwrap());
    let publisher = Publisher { database, contents };
    let list = folder.path().join("list.toml");
    let refused = async |text: &str| {
        fs::write(&list, text).unwrap();
        publisher.items(&list).await.unwrap_err()
    };
    let item = "[[item]]\nname = \"plugin/x\"\nversion = \"1\"\n";
    let unknown = refused(&format!("{item}content = \"{}\"\n", "ab".repeat(32))).await;
    assert!(matches!(unknown, PublishError::Unknown { .. }), "{unknown}");
    assert!(matches!(refused(&format!("{item}content = \"x\"\n")).await, PublishError::Hash { .. }));
    assert!(matches!(refused(item).await, PublishError::Source { .. }));
    assert!(matches!(refused(&format!("{item}file = \"none\"\n")).await, PublishError::Read { .. }));
    let wrong = refused(&format!("{item}fiel = \"none\"\n")).await.to_string();
    assert!(wrong.contains("fiel"), "{wrong}");
    let empty = publisher.add(Vec::new().into(), "empty").await.unwrap_err();
    assert!(matches!(empty, PublishError::Length { .. }));
    assert!(hash(&"ab".repeat(32)).is_ok());

    let plugin = folder.path().join("multi-buy");
    fs::create_dir(&plugin).unwrap();
    fs::write(plugin.join("plugin.toml"), "id = \"multi-buy\"").unwrap();
    fs::write(plugin.join("plugin.wasm"), b"component").unwrap();
    let package = PluginPackage::decode(&bytes_of(&plugin).unwrap()).unwrap();
    assert_eq!(
        (package.manifest.as_str(), package.component.as_slice()),
        ("id = \"multi-buy\"", &b"component"[..])
    );
}

#[tokio::test]
async fn a_generation_is_above_all_that_a_store_has_reported() {
    let (folder, database) = sqlite().await;
    let contents = Contents::new(Place::Folder(folder.path().join("contents")).open(None).unwrap());
    let publisher = Publisher { database: database.clone(), contents };
    let shop = Outbox::new("store-1", 1);
    let store = &shop.log.store;
    database.register(&shop.node()).await.unwrap();
    assert_eq!(publisher.stores().await.unwrap(), std::slice::from_ref(store));
    let report = |generation| Report { generation, applied: Vec::new(), node: None };
    database.report(store, "node-1", &report(7)).await.unwrap();
    assert_eq!(publisher.set(store, Vec::new()).await.unwrap(), 8);
    assert_eq!(publisher.set(store, Vec::new()).await.unwrap(), 9);
    // A node that lies harms its own reports only.
    database.report(store, "node-1", &report(u64::MAX / 2)).await.unwrap();
    assert_eq!(publisher.set(store, Vec::new()).await.unwrap(), 10);
    let row = database.desired(store).await.unwrap().unwrap();
    assert_eq!(Manifest::decode(&row.manifest).unwrap().generation(), 10);
    assert_eq!(Desire::of(Some(row)).unwrap().generation, 10);
    assert_eq!(Desire::of(None).unwrap().items, []);
    let since = database.desired_since(0, "", 10).await.unwrap();
    assert_eq!(since, [("store-1".to_owned(), 10)]);
    assert!(database.desired_since(0, "store-1", 10).await.unwrap().is_empty());
    assert!(database.desired(&StoreId::new("store-2").unwrap()).await.unwrap().is_none());
}
