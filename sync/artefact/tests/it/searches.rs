//! The search for one target through whoever delegates to whom, as the specification has it; and role names that are hard to ask for.

use crate::world::*;
use aisle_artefact::{Client, Limits, SignatureError, Source, UpdateError, source, source::SourceError};
use serde_json::{Value, json};
use std::io::Read;

/// To whom, which paths, and whether that ends the search.
type Delegated<'a> = (&'a str, &'a str, bool);
/// A role: what it delegates, and what it names.
type Node<'a> = (&'a str, &'a [Delegated<'a>], &'a [&'a str]);
type Tree<'a> = &'a [Node<'a>];

fn repository(tree: Tree<'_>) -> source::Memory {
    let hub = Hub::new();
    let mut files = hub.files();
    let mut metas = json!({});
    for (role, delegates, names) in tree {
        let number = if *role == "targets" { &TARGETS[..] } else { &[PLUGINS][..] };
        let public = body(&files, "1.targets.json")["delegations"]["keys"].clone();
        let roles: Vec<Value> = delegates
            .iter()
            .map(|(name, path, terminating)| {
                json!({ "name": name, "keyids": [key(PLUGINS).id().to_string()], "threshold": 1,
                    "paths": [path], "terminating": terminating })
            })
            .collect();
        let targets: serde_json::Map<String, Value> = names
            .iter()
            .map(|name| {
                let sha256 = aisle_artefact::Digest::sha256(name.as_bytes()).to_string();
                ((*name).to_owned(), json!({ "length": name.len(), "hashes": { "sha256": sha256 } }))
            })
            .collect();
        let body = json!({ "_type": "targets", "spec_version": "1.0.31", "version": 5,
            "expires": "2027-01-01T00:00:00Z", "targets": targets,
            "delegations": { "keys": public, "roles": roles } });
        let bytes = forge(&body, number);
        metas[format!("{role}.json")] = meta(&bytes, 5);
        let name = aisle_artefact::FileName::versioned(role.parse().unwrap(), 5);
        // `1.targets.json` stays, for its keys.
        files.insert(name.to_string(), bytes);
    }
    reseal(&mut files, 9, |body| {
        body["meta"].as_object_mut().unwrap().extend(metas.as_object().unwrap().clone());
    });
    files
}

/// Remembers what was asked for.
struct Watched {
    files: source::Memory,
    asked: Vec<String>,
}

impl Source for Watched {
    fn fetch(&mut self, name: &str, bytes_max: u64) -> Result<Box<dyn Read + '_>, SourceError> {
        self.asked.push(name.to_owned());
        self.files.fetch(name, bytes_max)
    }
}

fn search(tree: Tree<'_>, path: &str) -> (Result<String, UpdateError>, Vec<String>) {
    let hub = Hub::new();
    let dir = tempfile::tempdir().unwrap();
    let mut client = Client::init(dir.path(), &hub.root(), Limits::default()).unwrap();
    let mut source = Watched { files: repository(tree), asked: Vec::new() };
    client.refresh(&mut source, NOW).unwrap();
    source.asked.clear();
    let found = client.find(path, &mut source, NOW);
    (found.map(|found| found.file()), source.asked)
}

#[test]
fn roles_are_asked_in_their_order_each_to_its_end() {
    let tree: Tree<'_> = &[
        ("targets", &[("a", "*", false), ("b", "*", false)], &[]),
        ("a", &[("c", "*", false)], &[]),
        ("b", &[("d", "*", false), ("a", "*", false)], &[]),
        ("c", &[], &[]),
        ("d", &[("b", "*", false)], &["thing"]),
    ];
    let (found, asked) = search(tree, "thing");
    assert_eq!(asked, ["5.a.json", "5.c.json", "5.b.json", "5.d.json"]);
    let sha256 = aisle_artefact::Digest::sha256(b"thing");
    assert_eq!(found.unwrap(), format!("{sha256}.thing"));
    let (found, asked) = search(tree, "nothing");
    assert!(matches!(found, Err(UpdateError::NotFound { .. })));
    assert_eq!(asked.len(), 4, "a circle is gone round once: {asked:?}");
}

#[test]
fn a_terminating_role_ends_the_search_and_a_pattern_that_does_not_fit_spares_it() {
    let tree: Tree<'_> = &[
        ("targets", &[("no", "x/*", true), ("a", "*", true), ("b", "*", false)], &[]),
        ("no", &[], &["thing"]),
        ("a", &[], &[]),
        ("b", &[], &["thing"]),
    ];
    let (found, asked) = search(tree, "thing");
    assert!(matches!(found, Err(UpdateError::NotFound { .. })), "{found:?}");
    assert_eq!(asked, ["5.a.json"]);
}

#[test]
fn all_of_it_at_once_comes_to_what_searches_find() {
    let paths = ["plugins/one/1.0.0.plugin", "plugins/two/1.0.0.plugin"];
    let tree: Tree<'_> = &[
        ("targets", &[("a", "plugins/one/*", true), ("b", "plugins/*/*", false)], &[]),
        ("a", &[], &[]),
        ("b", &[], &paths),
    ];
    let (one, _) = search(tree, paths[0]);
    assert!(matches!(one, Err(UpdateError::NotFound { .. })), "`a` alone may name it, and does not");
    assert!(search(tree, paths[1]).0.is_ok());
    let hub = Hub::new();
    let mut store = Store::new(&hub);
    let update = store.update(&mut repository(tree)).unwrap();
    let passed: Vec<&str> = update.passed_over.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        passed,
        [paths[1]],
        "the one that counts is no artefact of ours; the other one does not count"
    );
}

#[test]
fn names_of_roles_that_are_no_names_of_files_are_written_out() {
    for (name, file) in [
        ("?", "5.%3F.json"),
        ("#", "5.%23.json"),
        ("/delegated", "5.%2Fdelegated.json"),
        ("../delegated", "5...%2Fdelegated.json"),
        ("ä", "5.%C3%A4.json"),
    ] {
        let tree: Vec<_> = vec![("targets", vec![(name, "*", false)]), (name, vec![])];
        let tree: Vec<Node<'_>> =
            tree.iter().map(|(role, delegates)| (*role, delegates.as_slice(), &[][..])).collect();
        let (found, asked) = search(&tree, "thing");
        assert!(matches!(found, Err(UpdateError::NotFound { .. })), "{found:?}");
        assert_eq!(asked, [file]);
    }
}

#[test]
fn a_search_goes_through_no_more_roles_than_its_bound() {
    let names: Vec<String> = (0..40).map(|number| format!("role-{number}")).collect();
    let delegates: Vec<Delegated<'_>> = names.iter().map(|name| (name.as_str(), "*", false)).collect();
    let mut tree: Vec<Node<'_>> = vec![("targets", &delegates, &[])];
    tree.extend(names.iter().map(|name| (name.as_str(), &[][..], &[][..])));
    let (found, asked) = search(&tree, "thing");
    assert!(matches!(found, Err(UpdateError::TooMany { max: 32, .. })), "{found:?}");
    assert_eq!(asked.len(), 32);
}

#[test]
fn a_role_is_held_against_who_delegates_to_it_now() {
    let tree: Tree<'_> = &[
        ("targets", &[("a", "a/*", false), ("b", "b/*", false)], &[]),
        ("a", &[("shared", "a/*", false)], &[]),
        ("b", &[("shared", "b/*", false)], &[]),
        ("shared", &[], &["a/thing", "b/thing"]),
    ];
    let mut files = repository(tree);
    // `b` trusts another key with it.
    change(&mut files, "5.b.json", &[PLUGINS], |body| {
        body["delegations"]["roles"][0]["keyids"] = json!([key(PRICES).id().to_string()]);
    });
    let bytes = files["5.b.json"].clone();
    reseal(&mut files, 10, |body| body["meta"]["b.json"] = meta(&bytes, 5));
    let hub = Hub::new();
    let mut store = Store::new(&hub);
    store.client.refresh(&mut files, NOW).unwrap();
    store.client.find("a/thing", &mut files, NOW).unwrap();
    let error = store.client.find("b/thing", &mut files, NOW).unwrap_err();
    assert!(
        matches!(
            error,
            UpdateError::Signature(SignatureError::Threshold { .. } | SignatureError::ForeignKey { .. })
        ),
        "{error}"
    );
}

#[test]
fn paths_by_the_beginning_of_their_hash_are_found() {
    let hub = Hub::new();
    let mut files = repository(&[("targets", &[("a", "*", false)], &[]), ("a", &[], &["thing"])]);
    let hash = aisle_artefact::Digest::sha256(b"thing").to_string();
    for (prefix, is_found) in [(&hash[..2], true), ("", false), ("zz", false)] {
        change(&mut files, "5.targets.json", &TARGETS, |body| {
            let role = body["delegations"]["roles"][0].as_object_mut().unwrap();
            role.remove("paths");
            role.insert("path_hash_prefixes".into(), json!([prefix]));
        });
        let bytes = files["5.targets.json"].clone();
        reseal(&mut files, 10, |body| body["meta"]["targets.json"] = meta(&bytes, 5));
        let mut store = Store::new(&hub);
        store.client.refresh(&mut files, NOW).unwrap();
        assert_eq!(store.client.find("thing", &mut files, NOW).is_ok(), is_found, "`{prefix}`");
    }
}
