//! Whatever happens between a wish and what runs, in any order: what runs is always a whole version, and in the end the one that is wanted.

use crate::world::{Hub, Node, item, noise};
use aisle_content::{Input, Item};
use std::{collections::BTreeMap, fs};

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

/// What a power cut may do to bytes that were not synced: the end is gone, or something in the midst.
fn tear(node: &Node, random: &mut Random) {
    for name in node.files() {
        if !name.ends_with(".part") || random.below(2) == 0 {
            continue;
        }
        let path = node.dir.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        if bytes.is_empty() {
            continue;
        }
        let at = random.below(bytes.len() as u64) as usize;
        if random.below(2) == 0 {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 0x10;
        }
        fs::write(&path, bytes).unwrap();
    }
}

#[test]
fn what_runs_is_always_a_whole_version_and_in_the_end_the_one_that_is_wanted() {
    let mut hub = Hub::default();
    let mut versions: BTreeMap<(String, String), (Vec<u8>, Item)> = BTreeMap::new();
    for (name, bytes) in [("plugin/a", 700_000), ("plugin/b", 3_000), ("catalogue", 300_000)] {
        let mut before: Option<Vec<u8>> = None;
        for version in 1..=3_u8 {
            let content = match &before {
                None => noise(bytes, bytes as usize),
                Some(before) => [before.as_slice(), &noise(version.into(), 50)].concat(),
            };
            let mut item = item(name, &version.to_string(), hub.add(&content));
            if let Some(before) = &before {
                item.deltas = vec![hub.delta(before, &content)];
                // One of the deltas is of something else.
                if version == 3 && name == "plugin/b" {
                    item.deltas[0].content = hub.add(b"no delta");
                }
            }
            versions.insert((name.into(), version.to_string()), (content.clone(), item));
            before = Some(content);
        }
    }
    let contents: Vec<_> = hub.contents.keys().copied().collect();
    for seed in 0..60 {
        println!("seed {seed}");
        let mut random = Random(seed);
        let mut node = Node::new();
        let (mut generation, mut wanted) = (0, Vec::new());
        for _ in 0..80 {
            match random.below(12) {
                0 => {
                    node.asked.clear();
                    node.feed(Input::Disconnected);
                }
                1 | 2 => node.connect(),
                3 => {
                    tear(&node, &mut random);
                    node = node.restart();
                }
                4 => hub.lie = contents.get(random.below(contents.len() as u64 * 2) as usize).copied(),
                5 => {
                    generation += 1;
                    wanted = ["plugin/a", "plugin/b", "catalogue"]
                        .into_iter()
                        .filter_map(|name| {
                            let version = random.below(4);
                            (version > 0).then(|| (name.to_owned(), version.to_string()))
                        })
                        .collect();
                    node.want(generation, wanted.iter().map(|key| versions[key].1.clone()).collect());
                }
                6 => {
                    if let Some(asked) = node.asked.pop() {
                        node.feed(Input::Held { hash: asked.hash, for_ms: 1 + random.below(1_000) });
                    }
                }
                7 if node.planner.wake_at() != u64::MAX => {
                    let at = node.now_ms.max(node.planner.wake_at());
                    if at >= node.now_ms + 60_000 {
                        node.asked.clear();
                    }
                    node.now_ms = at;
                    node.feed(Input::Tick);
                }
                _ => drop(node.step(&mut hub)),
            }
            for (name, version, bytes) in &node.applied {
                assert!(versions[&(name.clone(), version.clone())].0 == *bytes, "{name} {version}");
            }
            assert!(node.asked.len() <= 4 && node.warnings.is_empty(), "{:?}", node.warnings);
        }
        hub.lie = None;
        // The last of what was applied may lie before a restart: a fresh node says it all again.
        let mut node = node.restart();
        node.connect();
        for _ in 0..200 {
            node.settle(&mut hub);
            if node.planner.wake_at() == u64::MAX {
                break;
            }
            node.wait();
        }
        let runs: BTreeMap<_, _> =
            node.applied.iter().map(|(name, version, _)| (name.clone(), version.clone())).collect();
        assert_eq!(runs, wanted.iter().cloned().collect(), "{:?}", node.planner.standing());
        assert_eq!(node.files().len(), wanted.len(), "what nobody wants is gone");
        if generation > 0 {
            let said: Vec<_> =
                node.said().into_iter().map(|(name, version, ok, _)| (name, version, ok)).collect();
            let mut expected: Vec<_> =
                wanted.iter().map(|(name, version)| (name.clone(), version.clone(), true)).collect();
            expected.sort_unstable();
            assert_eq!(said, expected);
        }
    }
}
