//! What many stores say of a candidate becomes one page.

use crate::bench::{slot, store, version};
use aisle_fleet::{
    ContentHash, Needs, NodeSays, Release,
    rehearsal::{
        CANDIDATES_BYTES_MAX, CANDIDATES_MAX, Candidate, CandidatesError, Difference, Findings, OF_STORE_MAX,
        StoreRehearsal, TEXT_CHARS_MAX, candidates, encode_candidates, merge,
    },
    says::{PLAIN_BYTES_MAX, SAYS_BYTES_MAX, SaysError},
};

fn of(name: &str, calls: u64, same: u64, differences: &[(&str, u64)]) -> StoreRehearsal {
    let difference = |(what, count): &(&str, u64)| Difference {
        what: (*what).into(),
        was: format!("1.00 in {name}"),
        would_be: "0.50".into(),
        count: *count,
    };
    StoreRehearsal {
        store: store(name),
        slot: slot("plugin/a"),
        version: version("2.0"),
        calls,
        same,
        failed: 1,
        differences: differences.iter().map(difference).collect(),
        refused: None,
    }
}

fn candidate(name: &str, round: u64) -> Candidate {
    let hash = ContentHash::of(name.as_bytes());
    let release = Release { version: version("2.0"), hash, bytes: 9, needs: Needs::default() };
    Candidate { slot: slot(name), release, round }
}

#[test]
fn differences_are_grouped_over_stores_and_those_of_most_stores_come_first() {
    let rows = vec![
        of("c", 100, 90, &[("lines[].price", 9), ("adjustments", 7)]),
        of("a", 50, 45, &[("adjustments", 5)]),
        of("b", 10, 10, &[]),
        of("d", 0, 0, &[]),
    ];
    let merged = merge(rows.clone());
    assert_eq!((merged.stores, merged.calls, merged.same, merged.failed), (3, 160, 145, 3));
    assert_eq!(merged.silent, 1, "a store that recorded nothing says nothing");
    assert_eq!(merged.silent_examples, [store("d")]);
    let told: Vec<(&str, u64, u64)> =
        merged.groups.iter().map(|group| (group.what.as_str(), group.stores, group.count)).collect();
    assert_eq!(told, [("adjustments", 2, 12), ("lines[].price", 1, 9)]);
    assert_eq!(
        merged.groups[0].was, "1.00 in c",
        "of the store that names it most often, whoever answers first"
    );
    let mut turned = rows;
    turned.reverse();
    turned.push(of("b", 10, 10, &[]));
    assert_eq!(merge(turned), merged, "neither order nor repetition changes anything");
}

#[test]
fn a_store_that_says_very_much_is_cut_short() {
    let many: Vec<String> = (0..500).map(|at| format!("field-{at}\u{7}{}", "x".repeat(500))).collect();
    let many: Vec<(&str, u64)> = many.iter().map(|what| (what.as_str(), 1)).collect();
    let rows = (0..10).map(|at| {
        let mut row = of(&format!("s{at}"), 10, 0, &many[at * 40..at * 40 + 40]);
        row.same = u64::MAX;
        row
    });
    let merged = merge(rows);
    assert_eq!((merged.groups.len(), merged.left_out), (64, 10 * 32 - 64));
    assert!(
        merged.groups.iter().all(|group| group.what.chars().count() <= 200 && !group.what.contains('\u{7}'))
    );
    assert_eq!(merged.same, 100, "no store has more that is the same than it has calls");
}

#[test]
fn stores_that_did_not_play_it_are_told_of_by_reason_and_count_for_nothing_else() {
    let refused = |name: &str, why: &str| StoreRehearsal { refused: Some(why.into()), ..of(name, 0, 0, &[]) };
    let rows = [refused("a", "not signed"), refused("b", "too long"), refused("c", "not signed")];
    let merged = merge(rows);
    assert_eq!((merged.stores, merged.silent, merged.calls), (0, 0, 0));
    let told: Vec<_> = merged.refused.iter().map(|group| (group.why.as_str(), group.stores)).collect();
    assert_eq!(told, [("not signed", 2), ("too long", 1)]);
    assert_eq!(merged.refused[0].examples, [store("a"), store("c")]);
}

#[test]
fn what_is_asked_comes_through_and_a_field_of_a_newer_hub_is_passed_over() {
    let asked = [candidate("plugin/a", 3), candidate("plugin/b", 4)];
    let bytes = encode_candidates(&asked).unwrap();
    assert_eq!(candidates(&bytes).unwrap(), asked);
    // {1: [], 9: "more"}
    assert_eq!(candidates(b"\xa2\x01\x80\x09\x64more").unwrap(), []);
}

#[test]
fn more_candidates_than_there_may_be_are_refused_by_both_ends() {
    let many: Vec<Candidate> = (0..=CANDIDATES_MAX as u64).map(|at| candidate("plugin/a", at)).collect();
    assert!(matches!(encode_candidates(&many), Err(CandidatesError::Bound { max: CANDIDATES_MAX, .. })));
    let mut empty = candidate("plugin/a", 1);
    empty.release.bytes = 0;
    assert!(matches!(encode_candidates(&[empty]), Err(CandidatesError::Release { .. })));
    for (bytes, what) in [
        (vec![0; CANDIDATES_BYTES_MAX + 1], "too long"),
        (b"\xa1\x01".to_vec(), "cut"),
        (b"\xa1\x01\x9b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(), "a lie about its length"),
    ] {
        assert!(candidates(&bytes).is_err(), "{what}");
    }
}

#[test]
fn an_earlier_round_answers_no_later_one_and_another_content_none() {
    let asked = candidate("plugin/a", 3);
    let said = |round| candidate("plugin/a", round).played(Findings::default());
    assert!(asked.is_played(&said(3)) && asked.is_played(&said(4)) && !asked.is_played(&said(2)));
    let mut other = said(3);
    other.hash = ContentHash::of(b"other");
    assert!(!asked.is_played(&other));
    let row = asked.refused(&"x\u{7}".repeat(500)).of_store(store("ulm"));
    assert_eq!(row.store, store("ulm"));
    assert!(row.refused.is_some_and(|why| why.chars().count() == TEXT_CHARS_MAX && !why.contains('\u{7}')));
}

#[test]
fn what_a_node_says_of_rehearsals_comes_through_and_is_cut_short_before_it_is_too_long() {
    let mut random = 7_u64;
    let mut text = |chars: usize| -> String {
        let mut letter = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'!' + u8::try_from((random >> 40) % 90).unwrap())
        };
        (0..chars).map(|_| letter()).collect()
    };
    let mut difference = || Difference { what: text(200), was: text(200), would_be: text(200), count: 3 };
    let mut says = NodeSays::default();
    for at in 0..CANDIDATES_MAX as u64 {
        let differences = (0..OF_STORE_MAX).map(|_| difference()).collect();
        says.rehearsals.push(candidate("plugin/a", at).played(Findings {
            calls: 9,
            same: 1,
            failed: 2,
            differences,
        }));
    }
    let bytes = says.encode().unwrap();
    assert!(bytes.len() <= SAYS_BYTES_MAX);
    let heard = NodeSays::decode(&bytes).unwrap();
    assert_eq!(heard.rehearsals.len(), CANDIDATES_MAX, "none is lost");
    assert!(
        heard.rehearsals.iter().all(|played| played.found.calls == 9 && played.found.differences.len() == 4)
    );

    let mut few = NodeSays::default();
    few.rehearsals.push(
        candidate("plugin/a", 1).played(Findings { differences: vec![difference()], ..Findings::default() }),
    );
    assert_eq!(NodeSays::decode(&few.encode().unwrap()).unwrap(), few, "what is short stays whole");
    let wrong: [fn(&mut NodeSays); 3] = [
        |says| says.rehearsals = vec![says.rehearsals[0].clone(); CANDIDATES_MAX + 1],
        |says| {
            let one = says.rehearsals[0].found.differences[0].clone();
            says.rehearsals[0].found.differences = vec![one; OF_STORE_MAX + 1];
        },
        |says| says.rehearsals[0].found.differences[0].was = "x".repeat(TEXT_CHARS_MAX + 1),
    ];
    for wrong in wrong {
        let mut says = few.clone();
        wrong(&mut says);
        assert!(matches!(says.encode(), Err(SaysError::Bound { .. })));
        let json = serde_json::to_vec(&says).unwrap();
        assert!(json.len() < PLAIN_BYTES_MAX);
        let packed = zstd::bulk::compress(&json, 3).unwrap();
        assert!(matches!(NodeSays::decode(&packed), Err(SaysError::Bound { .. })));
    }
}
