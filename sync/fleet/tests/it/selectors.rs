//! Selectors mean what they say, and say where they go wrong.

use crate::bench::{Random, member, version};
use aisle_fleet::{
    Index, Selector,
    desired::Work,
    selector::{Problem, SELECTOR_BYTES_MAX},
};
use proptest::prelude::*;

fn parse(text: &str) -> Selector {
    Selector::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn every_form_of_a_term_means_what_the_table_says() {
    let mut berlin = member("berlin-12", &[("region", "eu"), ("size", "s"), ("fridge", "2.10")]);
    berlin.version = Some(version("1.3.9"));
    for (text, expected) in [
        ("*", true),
        ("region", true),
        ("pilot", false),
        ("!pilot", true),
        ("!region", false),
        ("region=eu", true),
        ("region==eu", true),
        ("region=cn", false),
        ("region!=cn", true),
        ("region!=eu", false),
        ("pilot!=yes", true),
        ("size in (s,m)", true),
        ("size in (m,l)", false),
        ("pilot in (yes)", false),
        ("size notin (m,l)", true),
        ("size not in (s)", false),
        ("pilot notin (yes)", true),
        ("version<1.4", true),
        ("version>=1.3.9", true),
        ("version>1.3.9", false),
        ("fridge>2.9", true),
        ("region<1.4", false),
        ("pilot<1.4", false),
        ("store=berlin-12", true),
        ("serial=A1", true),
        ("region=eu, size in (s,m), !pilot, version<1.4", true),
        ("region=eu, pilot", false),
        ("region=\"eu\"", true),
        ("size=\"\"", false),
    ] {
        assert_eq!(parse(text).matches(&berlin), expected, "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_may_have_been_meant() {
    for (text, at, told) in [
        ("", 1, "`*` means every node"),
        ("   ", 1, "`*` means every node"),
        ("region=eu,", 11, "the end stands where the key"),
        ("region=eu size=s", 11, "`,` or the end"),
        ("size im (s,m)", 6, "did you mean `in`"),
        ("size nottin (s)", 6, "did you mean `notin`"),
        ("size in s", 9, "`(`"),
        ("size in ()", 10, "a value"),
        ("size in (s m)", 12, "`,` or `)`"),
        ("size in (s", 11, "the end"),
        ("=eu", 1, "the key of a label"),
        ("!", 2, "the key of a label"),
        ("region=", 8, "a value"),
        ("version<new", 9, "`new` is no version"),
        ("-a=b", 1, "`-a` is no key"),
        ("region=\"eu", 8, "not closed"),
        ("region=eu; size=s", 10, "`;`"),
        ("*, region", 2, "behind `*`"),
        ("é=1", 1, "`é`"),
        ("a=b, é=1", 6, "`é`"),
    ] {
        let error = Selector::parse(text).unwrap_err();
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(error.to_string().contains(told), "{text}: {error}");
    }
}

#[test]
fn a_key_that_nobody_has_is_told_with_the_nearest_that_somebody_has() {
    let known = ["region", "size"];
    assert!(Selector::parse_known("region=eu, version<2, store=x", known).is_ok());
    let error = Selector::parse_known("size=s, regoin=eu", known).unwrap_err();
    assert_eq!(error.at, 9);
    assert!(matches!(&error.problem, Problem::UnknownKey { nearest: Some(near), .. } if near == "region"));
    assert!(error.to_string().contains("hint: did you mean `region`?"), "{error}");
}

#[test]
fn a_selector_is_bounded_in_bytes_terms_and_values() {
    assert!(Selector::parse(&"a".repeat(SELECTOR_BYTES_MAX + 1)).is_err());
    let many = vec!["a"; 33].join(",");
    assert!(matches!(Selector::parse(&many).unwrap_err().problem, Problem::TooMany { what: "terms", .. }));
    let values = format!("a in ({})", vec!["b"; 257].join(","));
    assert!(matches!(Selector::parse(&values).unwrap_err().problem, Problem::TooMany { what: "values", .. }));
}

#[test]
fn an_index_finds_whom_asking_everybody_finds_and_looks_at_few() {
    let seed = 7;
    println!("seed {seed}");
    let mut random = Random(seed);
    let members: Vec<_> = (0..2_000)
        .map(|at| {
            let region = ["eu", "cn", "us"][random.below(3) as usize];
            let mut labels = vec![("region", region)];
            if random.percent(5) {
                labels.push(("pilot", "yes"));
            }
            member(&format!("store-{at}"), &labels)
        })
        .collect();
    let index = Index::new(&members);
    for (text, looked_max) in [
        ("*", 2_000),
        ("region=eu, pilot", 200),
        ("pilot in (yes,yes,no)", 400),
        ("store in (store-7,store-8)", 2),
        ("!pilot, region!=eu", 2_000),
        ("nobody=has", 0),
        ("version>=1.0, pilot", 200),
    ] {
        let selector = parse(text);
        let mut work = Work::default();
        let found = index.select(&selector, &mut work);
        let expected: Vec<u32> =
            (0..).zip(&members).filter(|(_, member)| selector.matches(member)).map(|(at, _)| at).collect();
        assert_eq!(found, expected, "{text}");
        assert!(work.looked <= looked_max, "{text}: looked at {}", work.looked);
    }
}

fn term() -> impl Strategy<Value = String> {
    let key = "[a-z][a-z0-9_.-]{0,8}[a-z0-9]";
    let value = prop_oneof!["[A-Za-z0-9._+/-]{1,8}", "\"[a-z ,()=é]{0,8}\""];
    prop_oneof![
        key.prop_map(|key| key),
        key.prop_map(|key| format!("!{key}")),
        (key, "(=|==|!=)", value.clone()).prop_map(|(key, sign, value)| format!("{key} {sign} {value}")),
        (key, "(<|<=|>|>=)", "[0-9]{1,3}(\\.[0-9]{1,3}){0,2}")
            .prop_map(|(key, sign, value)| format!("{key}{sign}{value}")),
        (key, "(in|notin|not in)", proptest::collection::vec(value, 1..5))
            .prop_map(|(key, word, values)| format!("{key} {word} ({})", values.join(" , "))),
    ]
}

proptest! {
    #[test]
    fn a_selector_survives_being_shown(terms in proptest::collection::vec(term(), 1..8)) {
        let text = terms.join(",");
        // A key may be one of the words of the language, and then the term is another one.
        if let Ok(selector) = Selector::parse(&text) {
            let shown = selector.to_string();
            let again = Selector::parse(&shown);
            prop_assert_eq!(again.as_ref(), Ok(&selector), "{}", &shown);
            prop_assert_eq!(Selector::parse(&shown).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn any_text_is_a_selector_or_an_error_with_a_place_in_it(text in ".{0,60}") {
        if let Err(error) = Selector::parse(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.at), "{}", error);
        }
    }
}
