//! Names, versions, paths, and what a target says of itself.

use crate::world::*;
use aisle_artefact::{Artefact, ArtefactError, ArtefactId, IdError, Kind, Needs, artefact::DescribeError};
use proptest::{prelude::*, test_runner::Config};
use serde_json::{Value, json};

#[test]
fn each_kind_has_a_folder_a_name_and_a_bound_of_its_own() {
    let mut folders: Vec<&str> = Kind::ALL.iter().map(|kind| kind.folder()).collect();
    let mut names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    for list in [&mut folders, &mut names] {
        list.sort_unstable();
        list.dedup();
        assert_eq!(list.len(), Kind::ALL.len());
    }
    assert!(Kind::ALL.iter().all(|kind| kind.bytes_max() > 0));
    assert_eq!(id(Kind::Plugin, "buy-two", "1.4.0").to_string(), "plugins/buy-two/1.4.0.plugin");
    assert_eq!(
        id(Kind::DeviceProfile, "fridge_7", "2026.11.22").to_string(),
        "device-profiles/fridge_7/2026.11.22.toml"
    );
}

#[test]
fn a_path_that_is_not_exactly_one_of_an_artefact_names_none() {
    for path in [
        "",
        "plugins",
        "plugins/",
        "plugins/a",
        "plugins/a/",
        "plugins//1.0.0.plugin",
        "/plugins/a/1.0.0.plugin",
        "plugins/a/1.0.0",
        "plugins/a/1.0.0.wasm",
        "plugins/a/1.0.plugin",
        "plugins/a/01.0.0.plugin",
        "plugins/a/1.0.0+b.plugin",
        "plugins/A/1.0.0.plugin",
        "plugins/-a/1.0.0.plugin",
        "plugins/a-/1.0.0.plugin",
        "plugins/../1.0.0.plugin",
        "plugins/./1.0.0.plugin",
        "plugins/a/b/1.0.0.plugin",
        "plugins/ä/1.0.0.plugin",
        "plugins/a/../../x/1.0.0.plugin",
        "unknown/a/1.0.0.plugin",
        "plugins/a\0/1.0.0.plugin",
        "plugins/a/1.0.0.plugin ",
        "plugins\\a\\1.0.0.plugin",
    ] {
        assert!(path.parse::<ArtefactId>().is_err(), "{path}");
    }
    let long = "a".repeat(65);
    assert!(matches!(ArtefactId::new(Kind::Plugin, &long, "1.0.0"), Err(IdError::Name { .. })));
    let long = format!("1.0.0-{}", "a".repeat(60));
    assert!(matches!(ArtefactId::new(Kind::Plugin, "a", &long), Err(IdError::Version { .. })));
    let error = ArtefactId::new(Kind::Plugin, "Buy Two", "1.4.0").unwrap_err();
    assert!(error.to_string().contains("`Buy Two`") && error.to_string().contains("hint:"), "{error}");
}

#[test]
fn every_identifier_is_its_path_and_every_path_one_identifier() {
    let mut runner = proptest::test_runner::TestRunner::new(Config::with_cases(512));
    let parts = (
        0..Kind::ALL.len(),
        "[a-z0-9]([a-z0-9_-]{0,20}[a-z0-9])?",
        "(0|[1-9][0-9]{0,4})\\.(0|[1-9][0-9]{0,4})\\.[1-9](-[a-z][a-z0-9]{0,6})?",
    );
    runner
        .run(&parts, |(kind, name, version)| {
            let id = ArtefactId::new(Kind::ALL[kind], &name, &version).unwrap();
            prop_assert_eq!(id.to_string().parse::<ArtefactId>().unwrap(), id);
            Ok(())
        })
        .unwrap();
    runner
        .run(&"[a-z./0-9+-]{0,40}", |path| {
            if let Ok(id) = path.parse::<ArtefactId>() {
                prop_assert_eq!(id.to_string(), path);
            }
            Ok(())
        })
        .unwrap();
}

fn target(change: impl FnOnce(&mut Value)) -> Result<Artefact, ArtefactError> {
    let mut target: Value = serde_json::from_slice(&plugin("buy-two", "1.4.0").encode()).unwrap();
    change(&mut target);
    Artefact::decode("plugins/buy-two/1.4.0.plugin", &serde_json::to_vec(&target).unwrap())
}

#[test]
fn a_target_says_all_that_was_said_of_the_artefact() {
    let id = id(Kind::Plugin, "buy-two", "1.4.0");
    let needs = Needs { disk_bytes: 40 << 20, grants: vec!["stock".into(), "kv:write".into()] };
    let content = content(&id, 1000);
    let node_min = Some(semver::Version::new(0, 3, 0));
    let artefact = Artefact::describe(id.clone(), content.as_slice(), node_min, needs).unwrap();
    assert_eq!(artefact.blake3, aisle_artefact::Digest::blake3(&content));
    assert_eq!(artefact.sha256, aisle_artefact::Digest::sha256(&content));
    assert_eq!(Artefact::decode(&id.to_string(), &artefact.encode()).unwrap(), artefact);
    let json: Value = serde_json::from_slice(&artefact.encode()).unwrap();
    let expected = json!({
        "kind": "plugin", "name": "buy-two", "version": "1.4.0", "blake3": artefact.blake3.to_string(),
        "node_min": "0.3.0", "needs": { "disk_bytes": 41_943_040, "grants": ["stock", "kv:write"] },
    });
    assert_eq!(json["custom"]["aisle"], expected, "the form that is written down in ARTEFACTS.md");
}

#[test]
fn a_target_that_contradicts_itself_is_none() {
    let named = |field: &'static str, expected: &'static str| {
        move |result: Result<Artefact, ArtefactError>| {
            let error = result.unwrap_err();
            assert!(
                matches!(&error, ArtefactError::Disagrees { field: found, .. } if *found == field),
                "{error}"
            );
            assert!(error.to_string().contains(expected), "{error}");
        }
    };
    named("kind", "prices")(target(|target| target["custom"]["aisle"]["kind"] = json!("prices")));
    named("name", "buy-three")(target(|target| target["custom"]["aisle"]["name"] = json!("buy-three")));
    named("version", "1.5.0")(target(|target| target["custom"]["aisle"]["version"] = json!("1.5.0")));
    assert!(matches!(target(|target| target["custom"] = json!({})), Err(ArtefactError::NoCustom { .. })));
    for (field, value) in [
        ("kind", json!("unheard-of")),
        ("blake3", json!("00")),
        ("needs", json!(7)),
        ("node_min", json!("1")),
    ] {
        let bad = target(|target| target["custom"]["aisle"][field] = value);
        assert!(matches!(bad, Err(ArtefactError::Custom { .. })), "{field}");
    }
    let bad = target(|target| target["length"] = json!((32 << 20) + 1));
    assert!(matches!(bad, Err(ArtefactError::Bound { field: "length", .. })), "{bad:?}");
    let bad = target(|target| target["length"] = json!(0));
    assert!(matches!(bad, Err(ArtefactError::Empty { .. })), "{bad:?}");
    let bad = target(|target| target["hashes"]["sha256"] = json!("00ff"));
    assert!(matches!(bad, Err(ArtefactError::Sha256 { .. })), "{bad:?}");
    let many: Vec<String> = (0..33).map(|number| format!("grant-{number}")).collect();
    let bad = target(|target| target["custom"]["aisle"]["needs"]["grants"] = json!(many));
    assert!(matches!(
        bad,
        Err(ArtefactError::Bound { field: "custom.aisle.needs.grants", found: 33, max: 32, .. })
    ));
    let bad = target(|target| target["custom"]["aisle"]["needs"]["grants"] = json!(["all of it"]));
    assert!(matches!(bad, Err(ArtefactError::Grant { .. })));
    let good = target(|target| target["custom"]["aisle"]["later"] = json!({ "what": "nobody knows yet" }));
    assert!(good.is_ok(), "fields of a later build are passed over");
}

#[test]
fn a_content_that_is_empty_or_too_long_for_its_kind_is_not_described() {
    let id = id(Kind::DeviceProfile, "fridge", "1.0.0");
    let max = Kind::DeviceProfile.bytes_max();
    let describe = |bytes: &[u8]| Artefact::describe(id.clone(), bytes, None, Needs::default());
    assert!(matches!(describe(&[]), Err(DescribeError::Length { bytes: 0, .. })));
    assert!(describe(&vec![1; max as usize]).is_ok());
    assert!(matches!(describe(&vec![1; max as usize + 1]), Err(DescribeError::Length { .. })));
}
