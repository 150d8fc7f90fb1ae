//! What `plugin.toml` may say, and what is said to what it may not.

use aisle_plugin_host::{Grant, Hook, Limits, Manifest, OnFailure};

const LEAST: &str = "id = \"offer\"\nversion = \"1.2.3\"\nhooks = [\"promotion\"]\n";

#[test]
fn the_least_manifest_has_ordinary_limits_and_no_grants() {
    let manifest = Manifest::parse(LEAST).unwrap();
    assert_eq!((manifest.id.as_str(), manifest.version.to_string().as_str()), ("offer", "1.2.3"));
    assert_eq!(manifest.hooks, [Hook::Promotion]);
    assert!(manifest.grants.is_empty() && manifest.settings.is_empty());
    assert_eq!(
        (manifest.on_failure, manifest.order, manifest.limits),
        (OnFailure::Skip, 0, Limits::default())
    );
}

#[test]
fn everything_can_be_said() {
    let manifest = Manifest::parse(
        r#"
        id = "offer"
        version = "1.0.0-beta.1"
        description = "Three for two."
        hooks = ["pricing", "promotion"]
        grants = ["kv", "log"]
        on_failure = "last-good"
        order = -5
        [limits]
        fuel_max = 5
        kv_writes_max = 7
        [settings]
        percent = 10
        ratio = 0.5
        open = true
        [[settings.offers]]
        sku = "A"
        [[settings.offers]]
        sku = "B"
        lots = ["x", "y"]
        "#,
    )
    .unwrap();
    assert_eq!(manifest.grants.iter().copied().collect::<Vec<_>>(), [Grant::Log, Grant::Kv]);
    assert_eq!((manifest.on_failure, manifest.order), (OnFailure::LastGood, -5));
    assert_eq!((manifest.limits.fuel_max, manifest.limits.kv_writes_max), (5, 7));
    let settings: Vec<String> =
        manifest.settings.iter().map(|it| format!("{}={}", it.key, it.value)).collect();
    assert_eq!(
        settings,
        [
            "offers.0.sku=A",
            "offers.1.lots.0=x",
            "offers.1.lots.1=y",
            "offers.1.sku=B",
            "open=true",
            "percent=10",
            "ratio=0.5"
        ]
    );
}

#[track_caller]
fn refused(toml: &str, message: &str) {
    let error = Manifest::parse(toml).expect_err("refused").to_string();
    assert_eq!(error, message);
}

#[test]
fn a_key_that_nobody_knows_is_named_with_the_nearest() {
    refused(
        &format!("{LEAST}on_failrue = \"skip\""),
        "`on_failrue` is unknown, expected one of id, version, description, hooks, grants, limits, on_failure, order, settings\n\
         hint: did you mean `on_failure`?",
    );
    let error = Manifest::parse(&format!("{LEAST}[limits]\nfuel = 1")).unwrap_err();
    assert_eq!((error.field.as_str(), error.hint.as_deref()), ("limits.fuel", None));
    let error = Manifest::parse(&format!("{LEAST}[limits]\nfeul_max = 1")).unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("did you mean `fuel_max`?"));
}

#[test]
fn each_field_says_what_it_may_be() {
    let id = "1 to 64 of a-z, 0-9 and `-`, beginning with a letter";
    refused("version = \"1.0.0\"", &format!("`id` is missing, expected {id}"));
    refused("id = \"../evil\"", &format!("`id` is \"../evil\", expected {id}"));
    refused("id = 7", &format!("`id` is 7, expected {id}"));
    refused("id = \"a\"\nversion = \"one\"", "`version` is \"one\", expected a version such as \"1.0.0\"");
    refused(
        "id = \"a\"\nversion = \"1.0.0\"\nhooks = []",
        "`hooks` is empty, expected a list with at least one of pricing, promotion, ranking, replenishment, reaction",
    );
    refused(
        "id = \"a\"\nversion = \"1.0.0\"\nhooks = [\"promotoin\"]",
        "`hooks[0]` is \"promotoin\", expected a list of pricing, promotion, ranking, replenishment, reaction\n\
         hint: did you mean \"promotion\"?",
    );
    refused(
        "id = \"a\"\nversion = \"1.0.0\"\nhooks = [\"ranking\", \"ranking\"]",
        "`hooks[1]` is \"ranking\" again, expected each once",
    );
    refused(
        &format!("{LEAST}grants = [\"network\"]"),
        "`grants[0]` is \"network\", expected a list of log, clock, random, catalog, stock, kv",
    );
    refused(
        &format!("{LEAST}on_failure = \"retry\""),
        "`on_failure` is \"retry\", expected \"skip\", \"deny\" or \"last-good\"",
    );
    refused(&format!("{LEAST}order = 1.5"), "`order` is 1.5, expected a whole number of at most 31 bits");
    for value in ["0", "-1", "99999999999", "\"many\""] {
        let error = Manifest::parse(&format!("{LEAST}[limits]\nfuel_max = {value}")).unwrap_err();
        assert_eq!(error.field, "limits.fuel_max");
        assert_eq!(error.expected, "a whole number from 1 to 10000000000");
    }
    refused(
        &format!("{LEAST}[settings]\n\"a.b\" = 1\na.b = 2"),
        "`settings.a.b` is given twice, expected each key once",
    );
    for empty in ["[[settings.a]]", "[[settings.a]]\n[settings.a.b]", "[settings]\na = [[], [1]]"] {
        refused(
            &format!("{LEAST}{empty}\n[[settings.z]]\nx = 1"),
            "`settings.a.0` is empty, expected a value in it: what follows it in the list would not be found",
        );
    }
    assert!(Manifest::parse(&format!("{LEAST}[settings]\na = []\n[settings.b]")).is_ok());
}

#[test]
fn what_is_no_toml_is_named_by_its_line() {
    let error = Manifest::parse(&format!("{LEAST}order = ")).unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("see line 4"));
}

#[test]
fn a_manifest_is_bounded() {
    let deep = format!("{LEAST}[settings]\nx = {}1{}", "[".repeat(20), "]".repeat(20));
    assert_eq!(Manifest::parse(&deep).unwrap_err().found, "nested too deeply");
    let many = format!("{LEAST}[settings]\nx = [{}]", "1,".repeat(2000));
    assert_eq!(Manifest::parse(&many).unwrap_err().field, "settings");
    let long = format!("{LEAST}# {}", "x".repeat(300 << 10));
    assert_eq!(Manifest::parse(&long).unwrap_err().field, "plugin.toml");
    // Each of the keys would carry the table's whole name.
    let heavy = format!("{LEAST}[settings.{}]\na = 1\nb = 2", "k".repeat(50_000));
    let error = Manifest::parse(&heavy).unwrap_err();
    assert_eq!(error.expected, "a key of at most 256 bytes with its tables");
    assert!(error.to_string().len() < 300, "{error}");
}
