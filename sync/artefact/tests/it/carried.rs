//! Bundles upwards: what waits in an outbox, on a stick.

use crate::tricks::Stick;
use aisle_artefact::{
    Digest,
    bundle::{
        BundleError, Limits, WriteError,
        up::{self, Carried, ImportError, Imported},
    },
};

fn entries(count: u8) -> Vec<(String, Vec<u8>)> {
    let noise = |number: u8| {
        let mut bytes = vec![0; 40_000 + usize::from(number)];
        blake3::Hasher::new().update(&[number]).finalize_xof().fill(&mut bytes);
        bytes
    };
    (1..=count).map(|number| (format!("p0/7/{number}"), noise(number))).collect()
}

fn export(before: Digest, entries: &[(String, Vec<u8>)]) -> (Vec<u8>, Digest) {
    let (bundle, exported) =
        up::export(Vec::new(), "berlin-12", before, entries.to_vec(), &Limits::default()).unwrap();
    assert_eq!(exported.entries, entries.len() as u64);
    (bundle, exported.head)
}

fn import(bundle: &[u8], known: Option<Digest>) -> (Result<Imported, ImportError>, Vec<Carried>) {
    let mut given = Vec::new();
    let imported = up::import(bundle, known, &Limits::default(), |carried| {
        given.push(carried);
        Ok(())
    });
    (imported, given)
}

#[test]
fn an_outbox_comes_up_as_it_was_entry_by_entry() {
    let entries = entries(5);
    let (bundle, head) = export(up::START, &entries);
    let (imported, given) = import(&bundle, None);
    let expected = Imported { from: "berlin-12".into(), given: 5, had: 0, before: up::START, head };
    assert_eq!(imported.unwrap(), expected);
    let got: Vec<_> = given.iter().map(|carried| (carried.name.clone(), carried.bytes.clone())).collect();
    assert_eq!(got, entries);
    assert_eq!(given.last().unwrap().head, head);
}

#[test]
fn sticks_follow_each_other_without_a_gap_and_may_overlap() {
    let all = entries(9);
    let (first, after_four) = export(up::START, &all[..4]);
    let (second, after_nine) = export(after_four, &all[4..]);
    let (both, head) = export(up::START, &all);
    assert_eq!(head, after_nine, "the chain does not know where sticks begin");
    assert_eq!(import(&first, Some(up::START)).0.unwrap().given, 4);
    assert_eq!(import(&second, Some(after_four)).0.unwrap().given, 5);
    // The same stick again, and one with more on it.
    let (again, given) = import(&first, Some(after_four));
    assert_eq!((again.unwrap().had, given.len()), (4, 0));
    let (overlap, given) = import(&both, Some(after_four));
    assert_eq!((overlap.unwrap().had, given.len()), (4, 5));
    assert_eq!(given[0].name, "p0/7/5");
    // The second without the first.
    let (gap, given) = import(&second, Some(up::START));
    assert!(matches!(gap, Err(ImportError::Gap { known }) if known == up::START));
    assert!(given.is_empty(), "nothing is given that may not follow");
}

#[test]
fn an_import_that_was_cut_off_goes_on_behind_what_was_taken() {
    let (bundle, head) = export(up::START, &entries(9));
    let (mut known, mut given) = (up::START, 0);
    for cut in (0..bundle.len()).step_by(7001) {
        let (imported, new) = import(&bundle[..cut], Some(known));
        assert!(matches!(imported, Err(ImportError::Bundle(BundleError::Truncated))), "{cut}: {imported:?}");
        given += new.len();
        known = new.last().map_or(known, |carried| carried.head);
    }
    assert!(given >= 5, "most of it came by bundles that were cut off");
    let (imported, new) = import(&bundle, Some(known));
    assert_eq!((imported.unwrap().head, given + new.len()), (head, 9), "each once");
}

#[test]
fn who_takes_entries_may_refuse_one_and_that_is_where_it_goes_on() {
    let (bundle, _) = export(up::START, &entries(5));
    let mut taken = Vec::new();
    let error = up::import(bundle.as_slice(), Some(up::START), &Limits::default(), |carried| {
        if taken.len() == 2 {
            return Err("the database is full".into());
        }
        taken.push(carried);
        Ok(())
    });
    assert!(matches!(error, Err(ImportError::Refused { number: 3, .. })));
    assert_eq!(import(&bundle, Some(taken[1].head)).1.len(), 3);
}

fn label(name: &str, bytes: &[u8], before: Digest) -> (String, Digest) {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"aisle courier 1").update(&before.0);
    hasher.update(&(name.len() as u32).to_le_bytes()).update(name.as_bytes());
    hasher.update(&(bytes.len() as u64).to_le_bytes()).update(blake3::hash(bytes).as_bytes());
    let head = Digest(*hasher.finalize().as_bytes());
    let blake3 = Digest::blake3(bytes);
    (
        format!(
            "{{\"name\":\"{name}\",\"bytes\":{},\"blake3\":\"{blake3}\",\"head\":\"{head}\"}}",
            bytes.len()
        ),
        head,
    )
}

fn stick() -> Stick {
    Stick::new(&format!("{{\"form\":1,\"direction\":\"up\",\"before\":\"{}\"}}", up::START))
}

#[test]
fn the_form_is_the_one_that_is_written_down() {
    let mut by_hand = stick();
    let (first, head) = label("p0/7/1", b"one", up::START);
    by_hand.file("up/00000001.json", first.as_bytes());
    by_hand.file("up/00000001", b"one");
    let (second, head) = label("p0/7/2", b"two", head);
    by_hand.file("up/00000002.json", second.as_bytes());
    by_hand.file("up/00000002", b"two");
    let (imported, given) = import(&by_hand.finish(), None);
    assert_eq!((imported.unwrap().head, given.len()), (head, 2));
}

/// Names and what lies under them.
type Files<'a> = &'a [(&'a str, &'a [u8])];

#[test]
fn an_entry_that_is_not_what_its_label_says_or_out_of_its_turn_is_refused() {
    let (first, head) = label("p0/7/1", b"one", up::START);
    let (second, _) = label("p0/7/2", b"two", head);
    let cases: &[(Files<'_>, &str)] = &[
        (&[("up/00000001.json", first.as_bytes()), ("up/00000001", b"eno")], "BLAKE3"),
        (&[("up/00000001.json", first.as_bytes()), ("up/00000001", b"onee")], "length"),
        (&[("up/00000001.json", second.as_bytes()), ("up/00000001", b"two")], "head"),
        (&[("up/00000002.json", first.as_bytes())], "order"),
        (&[("up/00000001", b"one")], "order"),
        (&[("up/00000001.json", first.as_bytes())], "order"),
        (&[("up/00000001.json", first.as_bytes()), ("up/00000002", b"two")], "order"),
        (&[("up/00000001.json", first.as_bytes()), ("up/00000002.json", second.as_bytes())], "order"),
        (&[("up/00000001.json", b"{}")], "json"),
        (&[("metadata/1.root.json", b"{}")], "name"),
    ];
    for (files, expected) in cases {
        let mut stick = stick();
        files.iter().for_each(|(name, bytes)| stick.file(name, bytes));
        let (imported, given) = import(&stick.finish(), None);
        let found = match imported.unwrap_err() {
            ImportError::Label { what, .. } => what,
            ImportError::Order { .. } => "order",
            ImportError::Bundle(BundleError::Json { .. }) => "json",
            ImportError::Bundle(BundleError::Name { .. }) => "name",
            other => panic!("{other:?}"),
        };
        assert_eq!(found, *expected);
        assert!(given.is_empty());
    }
    let headless = Stick::new("{\"form\":1,\"direction\":\"up\"}").finish();
    assert!(matches!(import(&headless, None).0, Err(ImportError::NoStart)));
}

#[test]
fn what_nobody_could_read_is_not_written() {
    let limits = Limits { carried_bytes_max: 10, ..Limits::default() };
    let long = up::export(Vec::new(), "store", up::START, [("a", vec![0; 11])], &limits);
    assert!(matches!(long, Err(WriteError::TooLong { bytes: 11, bytes_max: 10, .. })));
    let name = "n".repeat(257);
    let named = up::export(Vec::new(), "store", up::START, [(name, vec![0; 1])], &limits);
    assert!(matches!(named, Err(WriteError::TooLong { bytes: 257, .. })));
}
