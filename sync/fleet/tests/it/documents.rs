//! What people write is read strictly, and what is wrong is told with its place.

use aisle_fleet::{
    Document, FilterName, Selector,
    document::{DocumentError, read, read_written},
    wave::{OnFailure, Size},
};

const HASH: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn yaml() -> String {
    format!(
        "
group:
  name: pilots
  priority: 10
  who: pilot, region=eu
  says:
    minimums: {{ plugin/multi-buy: 1.10 }}
    settings: {{ kiosk.rows: 4, kiosk.theme: dark, kiosk.wide: true }}
    maintenance: {{ zone: Europe/Berlin, windows: [ 'mon-fri 22:00-04:00' ] }}
---
override:
  store: berlin-12
  why: its till is from 2009
  says: {{ artefacts: {{ plugin/multi-buy: absent }} }}
---
filter: {{ name: late, who: version<1.4 }}
---
rollout:
  rollout: multi-buy-1-4
  why: sells the second at half the price
  who: '*'
  set:
    plugin/multi-buy: {{ version: 1.10, hash: {HASH}, bytes: 40212, needs: {{ grants: [ kv ] }} }}
  waves:
    - {{ name: canary, who: pilot, size: 5, soak_minutes: 60, on_failure: pause }}
    - {{ name: tenth, size: 10% }}
    - {{ name: rest }}
  gates:
    traps_ppm_max: 500
    business: [ {{ metric: basket-value, worse: lower, tolerance: 5, same: [ region, size ] }} ]
"
    )
}

#[test]
fn a_file_of_documents_is_read_whole_and_values_are_what_their_fields_are() {
    let documents = read(&yaml()).unwrap();
    let [
        Document::Group(group),
        Document::Override(over),
        Document::Filter(filter),
        Document::Rollout(rollout),
    ] = documents.as_slice()
    else {
        panic!("{documents:?}");
    };
    let version = |version: &aisle_fleet::Version| version.to_string();
    assert_eq!(version(group.says.minimums.values().next().unwrap()), "1.10", "a version is no number");
    assert_eq!(group.who.as_ref().unwrap().to_string(), "pilot, region=eu");
    assert_eq!(over.store.as_str(), "berlin-12");
    assert_eq!(filter.who.to_string(), "version<1.4");
    let release = rollout.set.values().next().unwrap().release().unwrap();
    assert_eq!((version(&release.version), release.bytes), ("1.10".into(), 40_212));
    assert_eq!(rollout.waves[0].on_failure, OnFailure::Pause);
    assert_eq!(rollout.waves[1].size, Size::Percent(10));
    assert_eq!(rollout.gates.business[0].same, ["region", "size"]);
    assert_eq!(rollout.gates.errors_ppm_max, 10_000, "what is not named has its default");
}

#[test]
fn the_same_in_json_is_the_same() {
    let documents = read(&yaml()).unwrap();
    let json = serde_json::to_string(&documents).unwrap();
    assert_eq!(read(&json).unwrap(), documents);
    let one = serde_json::to_string(&documents[3]).unwrap();
    assert_eq!(read(&one).unwrap(), documents[3..]);
}

#[test]
fn a_saved_filter_stands_for_what_it_says_and_that_of_the_text_counts_first() {
    let text = yaml()
        .replacen("who: pilot, region=eu", "who: '@late'", 1)
        .replacen("who: '*'", "who: '@all-of-them'", 1)
        .replacen("who: pilot, size: 5", "who: '@late', size: 5", 1);
    let written = read_written(&text).unwrap();
    let names: Vec<&str> = written.names().into_iter().map(FilterName::as_str).collect();
    assert_eq!(names, ["all-of-them"], "the text saves the other one itself");
    let known = |name: &FilterName| {
        let says = if name.as_str() == "all-of-them" { "*" } else { "size=xl" };
        Some(Selector::parse(says).unwrap())
    };
    let documents = written.clone().resolve(known).unwrap();
    let (Document::Group(group), Document::Rollout(rollout)) = (&documents[0], &documents[3]) else {
        panic!("{documents:?}");
    };
    assert_eq!(group.who.as_ref().unwrap().to_string(), "version<1.4");
    assert!(rollout.who.is_every());
    assert_eq!(rollout.waves[0].who.as_ref().unwrap().to_string(), "version<1.4");
    assert!(rollout.waves[1].who.is_none());
    // Otherwise they are what they would be in so many words.
    let spelled = text.replace("'@late'", "'version<1.4'").replace("'@all-of-them'", "'*'");
    assert_eq!(read(&spelled).unwrap(), documents);
    // As they are written they are written again.
    let json = serde_json::to_string(&written.clone().documents()).unwrap();
    assert!(json.contains("\"@late\"") && json.contains("\"@all-of-them\""), "{json}");
    assert_eq!(read_written(&json).unwrap(), written);
}

#[test]
fn a_name_that_stands_for_nothing_is_told_with_its_document_and_its_field() {
    for (from, to, told) in [
        ("who: pilot, region=eu", "who: '@nobody'", "document 1: `who` names `@nobody`"),
        ("who: '*'", "who: '@nobody'", "document 4: `who` names `@nobody`"),
        ("who: pilot, size: 5", "who: '@nobody', size: 5", "document 4: `waves[0].who` names `@nobody`"),
        ("who: version<1.4", "who: '@nobody'", "character 1"),
        ("who: '*'", "who: '@a b'", "`a b` is no name of a filter"),
        ("who: '*'", "who: '@'", "`` is no name of a filter"),
    ] {
        let text = yaml();
        assert!(text.contains(from), "{from}");
        let error = read(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(told), "{to}: {error}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_its_field() {
    for (from, to, told) in [
        ("priority: 10", "prority: 10", "prority"),
        ("pilot, region=eu", "pilot; region=eu", "character 6"),
        ("zone: Europe/Berlin", "zone: Europe/Atlantis", "no time zone `Europe/Atlantis`"),
        ("mon-fri 22", "mon-fry 22", "did you mean `fri`"),
        ("size: 10%", "size: 110%", "\"10%\""),
        ("size: 5", "size: 0", "\"10%\""),
        ("bytes: 40212", "bytes: 0", "`bytes` is 0"),
        ("version: 1.10", "version: latest", "`latest` is no version"),
        ("worse: lower", "worse: odd", "odd"),
        ("name: tenth", "name: canary", "`waves[1].name`"),
        ("plugin/multi-buy: absent", "plugn/multi-buy: absent", "did you mean `plugin`"),
        ("why: its till is from 2009", "why: ''", "document 2: `why`"),
        ("filter: {", "fliter: {", "fliter"),
    ] {
        let text = yaml();
        assert!(text.contains(from), "{from}");
        let error = read(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(told), "{to}: {error}");
    }
    let error = read(&yaml().replacen("priority: 10", "prority: 10", 1)).unwrap_err();
    assert!(matches!(error, DocumentError::Form { line: 4, .. }), "{error}");
    let error = read(r#"{"filter":{"name":"a","who":"x","why":1}}"#).unwrap_err();
    assert!(
        matches!(&error, DocumentError::Form { line: 1, reason, .. } if reason.contains("filter")),
        "{error}"
    );
    assert!(read(&format!("{}\n---\n{}", yaml(), yaml())).unwrap_err().to_string().contains("document 5"));
}

#[test]
fn bombs_aliases_and_odd_texts_are_refused_and_cost_nothing() {
    let bomb =
        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n";
    assert!(read(bomb).is_err());
    assert!(read(&yaml().replacen("filter: {", "filter: &x {", 1)).is_err(), "no anchors");
    assert!(read(&"[".repeat(100_000)).is_err());
    assert!(read(&"- ".repeat(100_000)).is_err());
    assert!(read(&" ".repeat(2 << 20)).is_err());
    for text in [
        "",
        "\u{0}",
        "---\n---\n",
        "null",
        "[]",
        "{}",
        "{\"filter\":",
        "%YAML 9",
        "!!python/object:os.system x",
        "? [a]: b",
    ] {
        assert!(read(text).is_err(), "{text:?}");
    }
}
