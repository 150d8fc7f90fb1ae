//! A hub that has contents, and a node that wants them, without a line between them.

use aisle_content::{
    Config, Content, Delta, Folder, Input, Item, Manifest, Output, Planner, Tree,
    plan::{Kind, Standing},
};
use aisle_protocol::{
    Hash,
    control::{ChunkWanted, Report},
};
use bytes::Bytes;
use std::collections::BTreeMap;
use tempfile::TempDir;

/// Bytes that look like nothing, the same for one seed.
pub fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut out = vec![0; bytes];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.finalize_xof().fill(&mut out);
    out
}

pub fn item(name: &str, version: &str, content: Content) -> Item {
    Item { name: name.into(), version: version.into(), content, deltas: Vec::new() }
}

#[derive(Default)]
pub struct Hub {
    pub contents: BTreeMap<Hash, Vec<u8>>,
    /// Bytes of pieces that went out.
    pub sent: u64,
    /// Changes a piece on its way.
    pub lie: Option<Hash>,
}

impl Hub {
    pub fn add(&mut self, bytes: &[u8]) -> Content {
        let (content, tree) = Tree::read(bytes).unwrap();
        self.contents.insert(content.hash, bytes.to_vec());
        if let (Some(hash), Some(tree)) = (content.tree, tree) {
            self.contents.insert(hash, tree);
        }
        content
    }

    pub fn delta(&mut self, old: &[u8], new: &[u8]) -> Delta {
        let folded = aisle_content::delta::fold(old, new).unwrap();
        Delta { from: aisle_content::tree::hash_of(old), content: self.add(&folded) }
    }

    pub fn answer(&mut self, wanted: ChunkWanted) -> Input {
        let ChunkWanted { hash, offset, bytes_max } = wanted;
        let Some(content) = self.contents.get(&hash) else {
            return Input::Refused { hash, text: "no such content".into() };
        };
        let end = (offset + bytes_max).min(content.len() as u64);
        let mut bytes = content[offset as usize..end as usize].to_vec();
        if self.lie == Some(hash) {
            bytes[0] ^= 1;
        }
        self.sent += bytes.len() as u64;
        Input::Part { hash, offset, bytes_total: content.len() as u64, bytes: Bytes::from(bytes) }
    }
}

pub struct Node {
    pub dir: TempDir,
    pub disk_bytes_max: u64,
    pub planner: Planner,
    pub shelf: Folder,
    pub now_ms: u64,
    /// What was asked for and is not answered.
    pub asked: Vec<ChunkWanted>,
    pub closed: Vec<Hash>,
    /// Name, version and bytes, in the order in which they were applied.
    pub applied: Vec<(String, String, Vec<u8>)>,
    pub reports: Vec<Report>,
    pub warnings: Vec<String>,
    /// What appliers say, by name; all is well where nothing stands.
    pub refuses: BTreeMap<String, String>,
}

pub fn config() -> Config {
    let kind = |name: &str| Kind { name: name.into(), bytes_max: 64 << 20 };
    Config { kinds: vec![kind("plugin"), kind("catalogue")], ..Config::default() }
}

impl Node {
    pub fn new() -> Self {
        Self::with_room(1 << 30)
    }

    pub fn with_room(disk_bytes_max: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut shelf = Folder::open(dir.path(), disk_bytes_max).unwrap();
        let planner = Planner::open(config(), &mut shelf).unwrap();
        Self {
            dir,
            disk_bytes_max,
            planner,
            shelf,
            now_ms: 0,
            asked: Vec::new(),
            closed: Vec::new(),
            applied: Vec::new(),
            reports: Vec::new(),
            warnings: Vec::new(),
            refuses: BTreeMap::new(),
        }
    }

    /// As after a kill: only what is on the disk is left.
    pub fn restart(self) -> Self {
        let Self { dir, disk_bytes_max, now_ms, .. } = self;
        let mut shelf = Folder::open(dir.path(), disk_bytes_max).unwrap();
        let planner = Planner::open(config(), &mut shelf).unwrap();
        let fresh = Self {
            dir,
            disk_bytes_max,
            planner,
            shelf,
            now_ms,
            asked: Vec::new(),
            closed: Vec::new(),
            applied: Vec::new(),
            reports: Vec::new(),
            warnings: Vec::new(),
            refuses: BTreeMap::new(),
        };
        let mut fresh = fresh;
        fresh.feed(Input::Tick);
        fresh
    }

    pub fn feed(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for output in self.planner.handle(self.now_ms, input, &mut self.shelf) {
                match output {
                    Output::Ask(wanted) => {
                        // Asked again, the first answer is lost.
                        self.asked.retain(|asked| asked.hash != wanted.hash);
                        self.asked.push(wanted);
                    }
                    Output::Close(hash) => self.closed.push(hash),
                    Output::Report(report) => self.reports.push(report),
                    Output::Warn(text) => self.warnings.push(text),
                    Output::Apply(item) => {
                        use aisle_content::Shelf as _;
                        let bytes = self.shelf.read(&item.content.hash).unwrap();
                        let outcome = match self.refuses.get(&item.name) {
                            Some(reason) => Err(reason.clone()),
                            None => {
                                self.applied.push((item.name.clone(), item.version.clone(), bytes));
                                Ok(())
                            }
                        };
                        inputs.push(Input::Applied { name: item.name, hash: item.content.hash, outcome });
                    }
                }
            }
        }
    }

    pub fn connect(&mut self) {
        self.asked.clear();
        self.feed(Input::Connected);
    }

    pub fn want(&mut self, generation: u64, items: Vec<Item>) {
        self.feed(Input::Desired(Manifest::new(generation, items).unwrap()));
    }

    /// Answers the oldest question. False when there is none.
    pub fn step(&mut self, hub: &mut Hub) -> bool {
        if self.asked.is_empty() {
            return false;
        }
        let wanted = self.asked.remove(0);
        let answer = hub.answer(wanted);
        self.feed(answer);
        true
    }

    /// Answers until nothing is asked.
    pub fn settle(&mut self, hub: &mut Hub) {
        for _ in 0..10_000 {
            if !self.step(hub) {
                return;
            }
        }
        panic!("it never ends: {:?}", self.planner);
    }

    /// Lets time pass until the next thing is due.
    pub fn wait(&mut self) {
        let at = self.planner.wake_at();
        assert!(at > self.now_ms && at != u64::MAX, "nothing is due: {at}");
        self.now_ms = at;
        self.feed(Input::Tick);
    }

    pub fn standing(&self, name: &str) -> Standing {
        self.planner.standing().into_iter().find(|standing| standing.name == name).unwrap()
    }

    pub fn reason(&self, name: &str) -> String {
        self.standing(name).reason.unwrap_or_default()
    }

    /// The names of the files of contents, sorted.
    pub fn files(&self) -> Vec<String> {
        let mut files: Vec<String> = std::fs::read_dir(self.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "kept")
            .collect();
        files.sort_unstable();
        files
    }

    /// The last report, as name, version, whether it runs, and why not.
    pub fn said(&self) -> Vec<(String, String, bool, String)> {
        let report = self.reports.last().unwrap();
        let of = |applied: &aisle_protocol::control::Applied| {
            let reason = applied.reason.clone().unwrap_or_default();
            (applied.name.clone(), applied.version.clone(), applied.ok, reason)
        };
        report.applied.iter().map(of).collect()
    }
}
