//! Bundles downwards: metadata and contents on a stick.

use crate::world::*;
use aisle_artefact::{
    Artefact, Kind, NotOffered, Role, Standing,
    bundle::{
        BundleError, Limits, ORDER_BYTES_MAX, WriteError,
        down::{self, Applied, ApplyError, Wants},
        inspect,
    },
    content::{ContentError, ContentFolder, Sink},
    repository::Change,
};
use std::{
    fs,
    io::{self, Read},
};

pub fn bundle(hub: &Hub, artefacts: &[Artefact]) -> Vec<u8> {
    let contents: Vec<_> = artefacts
        .iter()
        .map(|artefact| (artefact.clone(), content(&artefact.id, artefact.bytes as usize)))
        .collect();
    let contents = contents.iter().map(|(artefact, bytes)| (artefact.clone(), bytes.as_slice()));
    down::export(Vec::new(), "hub-eu", &hub.metadata(), None, contents).unwrap()
}

pub fn apply(store: &mut Store, bundle: &[u8]) -> Result<Applied, ApplyError> {
    let mut sink = ContentFolder::open(&store.dir.path().join("contents")).unwrap();
    down::apply(bundle, &mut store.client, &mut sink, |_| true, &Limits::default(), NOW)
}

fn kept(store: &Store) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(store.dir.path().join("contents"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A hub with three plugins, and a store that has never heard of it but its root.
fn hub_and_store() -> (Hub, Store, Vec<Artefact>) {
    let mut hub = Hub::new();
    let plugins = [plugin("buy-two", "1.4.0"), plugin("scan-and-go", "2.0.0"), plugin("third", "0.1.0")];
    hub.add(Kind::Plugin, &add(&[&plugins[1], &plugins[2]]));
    let store = Store::new(&hub);
    (hub, store, plugins.to_vec())
}

#[test]
fn a_stick_brings_what_the_line_would_have() {
    let (hub, mut store, plugins) = hub_and_store();
    let bundle = bundle(&hub, &plugins);
    assert_eq!(bundle, self::bundle(&hub, &plugins), "equal contents are equal bytes");
    let summary = inspect(bundle.as_slice(), &Limits::default()).unwrap();
    assert_eq!((summary.from.as_str(), summary.metadata.len(), summary.contents.len()), ("hub-eu", 6, 3));
    let applied = apply(&mut store, &bundle).unwrap();
    let ids: Vec<_> = plugins.iter().map(|plugin| plugin.id.clone()).collect();
    assert_eq!(applied, Applied { taken: ids.clone(), ..Applied::default() });
    assert_eq!(store.client.verify(&plugins[2], NOW), Standing::Good);
    for plugin in &plugins {
        let path = store.dir.path().join("contents").join(plugin.blake3.to_string());
        assert_eq!(fs::read(path).unwrap(), content(&plugin.id, 3000));
    }
    let again = apply(&mut store, &bundle).unwrap();
    assert_eq!(again, Applied { had: ids, ..Applied::default() }, "the second time nothing is new");
}

#[test]
fn a_bundle_is_applied_on_from_wherever_it_was_cut_off() {
    // Long enough that a frame cut off in the middle gives something.
    let mut hub = Hub::new();
    let mut store = Store::new(&hub);
    let large = |name: &str| {
        let id = id(Kind::Plugin, name, "1.0.0");
        let content = content(&id, 300_000);
        Artefact::describe(id, content.as_slice(), None, aisle_artefact::Needs::default()).unwrap()
    };
    let plugins = [large("one"), large("two"), large("three")];
    hub.add(Kind::Plugin, &add(&plugins.each_ref()));
    let bundle = bundle(&hub, &plugins);
    let mut seen = 0;
    // Every cut in turn, at one store: never anything half, and always at least what was there before.
    for cut in (0..bundle.len()).step_by(9973).chain([bundle.len() - 1]) {
        let error = apply(&mut store, &bundle[..cut]).unwrap_err();
        assert!(matches!(error, ApplyError::Bundle(BundleError::Truncated)), "{cut}: {error:?}");
        let whole = kept(&store);
        assert!(whole.iter().all(|name| name.len() == 64), "nothing half: {whole:?}");
        assert!(whole.len() >= seen);
        seen = whole.len();
    }
    assert!(seen >= 2, "most of it came by bundles that were cut off");
    let applied = apply(&mut store, &bundle).unwrap();
    assert_eq!(applied.had.len() + applied.taken.len(), 3);
}

/// A disk that gives out after so many bytes.
struct Failing {
    inner: ContentFolder,
    left: usize,
}

impl Sink for Failing {
    fn has(&mut self, artefact: &Artefact) -> io::Result<bool> {
        self.inner.has(artefact)
    }

    fn take(&mut self, artefact: &Artefact, content: &mut dyn Read) -> io::Result<()> {
        let mut start = vec![0; self.left.min(artefact.bytes as usize)];
        content.read_exact(&mut start)?;
        self.left -= start.len();
        if start.len() < artefact.bytes as usize {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.inner.take(artefact, &mut start.as_slice().chain(content))
    }
}

#[test]
fn a_full_disk_ends_it_and_what_was_taken_stays() {
    let (hub, mut store, plugins) = hub_and_store();
    let bundle = bundle(&hub, &plugins);
    let inner = ContentFolder::open(&store.dir.path().join("contents")).unwrap();
    let mut sink = Failing { inner, left: 4000 };
    let error =
        down::apply(bundle.as_slice(), &mut store.client, &mut sink, |_| true, &Limits::default(), NOW);
    assert!(matches!(&error, Err(ApplyError::Keep { id, .. }) if *id == plugins[1].id), "{error:?}");
    assert_eq!(kept(&store), [plugins[0].blake3.to_string()]);
    let applied = apply(&mut store, &bundle).unwrap();
    assert_eq!((applied.had.len(), applied.taken.len()), (1, 2));
}

#[test]
fn only_what_is_wanted_takes_room() {
    let (hub, mut store, plugins) = hub_and_store();
    let mut sink = ContentFolder::open(&store.dir.path().join("contents")).unwrap();
    let wanted = |artefact: &Artefact| artefact.id == plugins[1].id;
    let bundle = bundle(&hub, &plugins);
    let applied =
        down::apply(bundle.as_slice(), &mut store.client, &mut sink, wanted, &Limits::default(), NOW)
            .unwrap();
    assert_eq!((applied.taken.len(), applied.unwanted.len()), (1, 2));
    assert_eq!(kept(&store), [plugins[1].blake3.to_string()]);
}

#[test]
fn a_content_that_was_changed_on_the_stick_is_refused() {
    let (hub, mut store, plugins) = hub_and_store();
    // Who makes it does not get it past its own hash.
    let wrong = vec![7; 3000];
    let made =
        down::export(Vec::new(), "hub", &hub.metadata(), None, [(plugins[0].clone(), wrong.as_slice())]);
    assert!(made.is_err());
    // Somebody else does.
    let mut stick = crate::tricks::Stick::down(&hub);
    stick.file(&format!("content/{}", plugins[0].blake3), &wrong);
    let error = apply(&mut store, &stick.finish()).unwrap_err();
    let is_hash = matches!(&error, ApplyError::Content { source: ContentError::Hash { .. }, .. });
    assert!(is_hash, "{error:?}");
    assert!(kept(&store).is_empty());
    let mut stick = crate::tricks::Stick::down(&hub);
    stick.file(&format!("content/{}", plugins[0].blake3), &wrong[..2999]);
    let error = apply(&mut store, &stick.finish()).unwrap_err();
    assert!(matches!(error, ApplyError::Length { found: 2999, expected: 3000, .. }), "{error:?}");
    let mut stick = crate::tricks::Stick::down(&hub);
    stick.file(&format!("content/{}", aisle_artefact::Digest::blake3(&wrong)), &wrong);
    let error = apply(&mut store, &stick.finish()).unwrap_err();
    assert!(matches!(error, ApplyError::Unlisted { .. }), "{error:?}");
}

#[test]
fn metadata_on_a_stick_is_believed_no_more_than_by_the_line() {
    let (hub, mut store, plugins) = hub_and_store();
    let mut files = hub.files();
    change(&mut files, "timestamp.json", &[PRICES], |_| ());
    let mut stick = crate::tricks::Stick::new("{\"form\":1,\"direction\":\"down\"}");
    files.iter().for_each(|(name, bytes)| stick.file(&format!("metadata/{name}"), bytes));
    stick.file(&format!("content/{}", plugins[0].blake3), &content(&plugins[0].id, 3000));
    let error = apply(&mut store, &stick.finish()).unwrap_err();
    assert!(matches!(error, ApplyError::Update(_)), "{error:?}");
    assert!(kept(&store).is_empty() && store.names().is_empty());
}

#[test]
fn a_bundle_that_has_run_out_brings_nothing_new() {
    let (hub, mut store, plugins) = hub_and_store();
    let bundle = bundle(&hub, &plugins);
    let mut sink = ContentFolder::open(&store.dir.path().join("contents")).unwrap();
    let late =
        down::apply(bundle.as_slice(), &mut store.client, &mut sink, |_| true, &Limits::default(), days(8));
    assert!(matches!(late, Err(ApplyError::Update(aisle_artefact::UpdateError::Expired { .. }))), "{late:?}");
    assert!(kept(&store).is_empty());
}

#[test]
fn a_list_that_has_run_out_leaves_out_its_own_kind_and_no_other() {
    let (mut hub, mut store, plugins) = hub_and_store();
    let prices = artefact(Kind::Prices, "week-48", "1.0.0");
    hub.add(Kind::Prices, &add(&[&prices]));
    let draft = hub.repository.next_artefacts(Kind::Plugin, &add(&[]), days(1)).unwrap();
    hub.publish(vec![signed(draft, &[PLUGINS])]).unwrap();
    let bundle = bundle(&hub, &[plugins[0].clone(), prices.clone()]);
    let mut sink = ContentFolder::open(&store.dir.path().join("contents")).unwrap();
    let applied =
        down::apply(bundle.as_slice(), &mut store.client, &mut sink, |_| true, &Limits::default(), days(2))
            .unwrap();
    assert_eq!(applied.taken, std::slice::from_ref(&prices.id));
    let by = Role::delegated("plugins").unwrap();
    assert!(
        matches!(&applied.expired[..], [NotOffered::Expired { id, role, .. }] if *id == plugins[0].id && *role == by),
        "{applied:?}"
    );
    assert_eq!(kept(&store), [prices.blake3.to_string()]);
}

#[test]
fn an_older_stick_still_brings_contents_that_are_listed_now() {
    let (mut hub, mut store, plugins) = hub_and_store();
    let old = bundle(&hub, &plugins);
    hub.add(Kind::Plugin, &Change { add: Vec::new(), remove: vec![plugins[2].id.clone()] });
    store.update(&mut hub.files()).unwrap();
    let error = apply(&mut store, &old).unwrap_err();
    assert!(matches!(&error, ApplyError::Unlisted { content } if *content == plugins[2].blake3), "{error:?}");
    assert_eq!(kept(&store).len(), 2, "the two before it are still listed");
    let applied = apply(&mut store, &bundle(&hub, &plugins[..2])).unwrap();
    assert!(!applied.is_older && applied.had.len() == 2);
    hub.refresh();
    store.update(&mut hub.files()).unwrap();
    assert!(apply(&mut store, &bundle_of(&hub, &old, &plugins[..2])).unwrap().is_older);
}

/// The metadata of an old bundle with these contents.
fn bundle_of(hub: &Hub, old: &[u8], plugins: &[Artefact]) -> Vec<u8> {
    let names = inspect(old, &Limits::default()).unwrap().metadata;
    assert!(names.contains(&"timestamp.json".to_owned()));
    let mut stick = crate::tricks::Stick::new("{\"form\":1,\"direction\":\"down\"}");
    let mut files = hub.files();
    change(&mut files, "timestamp.json", &[TIMESTAMP], |body| body["version"] = serde_json::json!(1));
    files.iter().for_each(|(name, bytes)| stick.file(&format!("metadata/{name}"), bytes));
    for plugin in plugins {
        stick.file(&format!("content/{}", plugin.blake3), &content(&plugin.id, 3000));
    }
    stick.finish()
}

/// What a store heard, in its order.
#[derive(Default)]
struct Hearing(Vec<String>);

impl Wants for Hearing {
    fn order(&mut self, order: &[u8]) {
        self.0.push(String::from_utf8_lossy(order).into_owned());
    }

    fn is_wanted(&mut self, artefact: &Artefact) -> bool {
        self.0.push(artefact.id.name().to_string());
        true
    }
}

#[test]
fn an_order_is_heard_before_the_first_content_and_kept_for_who_applied_it() {
    let (hub, mut store, plugins) = hub_and_store();
    let content = content(&plugins[0].id, 3000);
    let contents = [(plugins[0].clone(), content.as_slice())];
    let bundle = down::export(Vec::new(), "hub", &hub.metadata(), Some(b"go"), contents).unwrap();
    assert_eq!(inspect(bundle.as_slice(), &Limits::default()).unwrap().order_bytes, Some(2));
    let mut sink = ContentFolder::open(&store.dir.path().join("contents")).unwrap();
    let mut hearing = Hearing::default();
    let limits = Limits::default();
    let applied =
        down::apply_for(bundle.as_slice(), &mut store.client, &mut sink, &mut hearing, &limits, NOW).unwrap();
    assert_eq!((applied.order, applied.taken.len()), (Some(b"go".to_vec()), 1));
    assert_eq!(hearing.0, ["go", "buy-two"]);
    // One without contents brings its metadata and its order all the same.
    let only = down::export(Vec::new(), "hub", &hub.metadata(), Some(b"go"), [] as [(Artefact, &[u8]); 0]);
    let mut other = Store::new(&hub);
    let applied = apply(&mut other, &only.unwrap()).unwrap();
    assert_eq!((applied.order.as_deref(), other.names().len()), (Some(&b"go"[..]), 3));
}

#[test]
fn an_order_is_in_its_place_once_and_no_longer_than_one_by_the_line() {
    let (hub, mut store, plugins) = hub_and_store();
    let long = vec![0; ORDER_BYTES_MAX as usize + 1];
    let made = down::export(Vec::new(), "hub", &hub.metadata(), Some(&long), [] as [(Artefact, &[u8]); 0]);
    assert!(matches!(made, Err(WriteError::TooLong { name, .. }) if name == "order"));
    let content = content(&plugins[0].id, 3000);
    let name = format!("content/{}", plugins[0].blake3);
    let stick = |entries: &[(&str, &[u8])]| {
        let mut stick = crate::tricks::Stick::down(&hub);
        entries.iter().for_each(|(name, bytes)| stick.file(name, bytes));
        stick.finish()
    };
    let mut refused = |entries: &[(&str, &[u8])]| match apply(&mut store, &stick(entries)).unwrap_err() {
        ApplyError::Bundle(error) => error,
        error => panic!("{error:?}"),
    };
    let error = refused(&[("order", &long)]);
    assert!(matches!(error, BundleError::TooLong { .. }), "{error:?}");
    let error = refused(&[("order", b"a"), ("order", b"b")]);
    assert!(matches!(error, BundleError::Duplicate { .. }), "{error:?}");
    let error = refused(&[(&name, &content), ("order", b"late")]);
    assert!(matches!(error, BundleError::Name { .. }), "{error:?}");
    let error = refused(&[("order", b"a"), ("metadata/9.root.json", b"{}")]);
    assert!(matches!(error, BundleError::Name { .. }), "{error:?}");
    let mut up = crate::tricks::Stick::new("{\"form\":1,\"direction\":\"up\",\"before\":\"\"}");
    up.file("order", b"up");
    assert!(inspect(up.finish().as_slice(), &Limits::default()).is_err());
}
