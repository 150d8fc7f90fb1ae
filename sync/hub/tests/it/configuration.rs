//! `hub.toml`: what is refused, and in which words.

use aisle_hub::config::load;
use serde_json::Value;
use std::path::Path;

fn refused(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hub.toml");
    std::fs::write(&file, text).unwrap();
    load(Some(&file)).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_right_is_refused_by_its_key_with_the_nearest_one() {
    for (text, words) in [
        ("region = \"eu\"\nregio = \"eu\"", "`regio` is no setting; did you mean `region`?"),
        (
            "region = \"eu\"\n[listen]\nqick = \"0.0.0.0:1\"",
            "`listen.qick` is no setting; did you mean `quic`?",
        ),
        ("region = \"EU\"", "`region` is \"EU\""),
        ("", "`region` is \"\""),
        ("region = \"eu\"\ndatabase = \"mysql://x\"", "`database` is \"mysql://x\""),
        ("region = \"eu\"\n[listen]\nhttp = \"here\"", "`listen.http` is \"here\""),
        ("region = \"eu\"\n[limits]\nconnections_max = 0", "`limits.connections_max` is 0"),
        ("region = \"eu\"\n[limits]\nconnections_max = \"many\"", "`limits.connections_max` cannot be used"),
        ("region = \"eu\"\n[policies]\nkeys = [\"12\"]", "`policies.keys[0]` is \"12\""),
        ("region = \"eu\"\n[enrolment]\nlisten = \"0.0.0.0:1\"", "`tls.chain` is \"\""),
        (
            "region = \"eu\"\n[tls]\nchain = \"a\"\n[enrolment]\nlisten = \"0.0.0.0:1\"",
            "`enrolment.address` is \"\"",
        ),
        (
            "region = \"eu\"\n[tls]\nchain = \"a\"\n[enrolment]\nlisten = \"0.0.0.0:1\"\naddress = \"h:1\"\npassphrase = \"swordfish\"",
            "`enrolment.passphrase` is \"swordfish\"",
        ),
        ("region = \"eu\"\n[enrolment]\nlook_ms = 60000", "`enrolment.look_ms` is \"60000\""),
        ("region = \"eu\"\n[enrolment]\naproval = \"auto\"", "did you mean `approval`?"),
        (
            "region = \"eu\"\n[http]\norigin = \"http://hub.example\"",
            "`http.origin` is \"http://hub.example\"",
        ),
        (
            "region = \"eu\"\n[http]\norigin = \"https://hub.example/\"",
            "`http.origin` is \"https://hub.example/\"",
        ),
        ("region = \"eu\"\n[http]\nproxies = [\"proxy\"]", "`http.proxies[0]` is \"proxy\""),
        ("region = \"eu\"\n[people]\nsession_idle_minutes = 0", "`people.session_idle_minutes` is 0"),
        ("region = \"eu\"\n[oidc]\nissuer = \"http://id.example\"", "`oidc.issuer` is \"http://id.example\""),
        ("region = \"eu\"\n[oidc]\nissuer = \"https://id.example\"", "`oidc.client_id` is \"\""),
        (
            "region = \"eu\"\n[oidc]\nissuer = \"https://id.example\"\nclient_id = \"x\"",
            "`http.origin` is \"\"",
        ),
        (
            "region = \"eu\"\n[http]\norigin = \"https://hub.example\"\n[oidc]\nissuer = \"https://id.example\"\nclient_id = \"x\"\n\
             [[oidc.role]]\ngroup = \"staff\"\nrole = \"root\"",
            "`oidc.role[0].role` is \"root\"",
        ),
        (
            "region = \"eu\"\n[[node]]\nstore = \"store-1\"\nnode = \"n\"\nreceipt_key = \"x\"",
            "`node[0].receipt_key` is \"x\"",
        ),
    ] {
        let said = refused(text);
        assert!(said.contains(words), "{text:?}: {said}");
    }
}

#[test]
fn paths_are_meant_from_where_the_file_lies() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hub.toml");
    std::fs::write(&file, "region = \"eu\"\n[policies]\nfiles = [\"eu.toml\", \"/etc/cn.toml\"]").unwrap();
    let config = load(Some(&file)).unwrap();
    assert_eq!(config.files.policies, [folder.path().join("eu.toml"), "/etc/cn.toml".into()]);
    assert_eq!(config.database.to_string(), folder.path().join("data/hub.db").display().to_string());
    assert_eq!((config.policy_wanted, config.chain), (None, None));
    load(Some(Path::new("/nowhere/hub.toml"))).unwrap_err();
}

#[test]
fn a_secret_may_be_a_credential_and_a_name_that_leads_elsewhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hub.toml");
    let text = "region = \"eu\"\nreceipt_key = \"credential:receipt.key\"\n[tls]\nkey = \"credential:hub.key\"\ncertificate = \"hub.pem\"\n";
    std::fs::write(&file, text).unwrap();
    let files = load(Some(&file)).unwrap().files;
    // Nobody gave any here: they are beside the configuration.
    let credentials = folder.path().join("credentials");
    assert_eq!(
        (files.key, files.receipt_key),
        (credentials.join("hub.key"), credentials.join("receipt.key"))
    );
    assert_eq!(files.certificate, folder.path().join("hub.pem"));
    for (text, key) in [
        ("[tls]\nkey = \"credential:../hub.key\"", "`tls.key`"),
        ("[http]\ntoken_file = \"credential:\"", "`http.token_file`"),
        ("[relay]\nsecret_file = \"credential:/etc/shadow\"", "`relay.secret_file`"),
    ] {
        let said = refused(&format!("region = \"eu\"\n{text}"));
        assert!(said.contains(key) && said.contains("is no name of a credential"), "{said}");
    }
}

#[test]
fn what_the_package_brings_is_accepted() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/edge/etc/hub.toml");
    let config = load(Some(&file)).unwrap();
    assert_eq!(config.database.to_string(), "/var/lib/aisle-hub/hub.db");
    assert!(config.files.key.ends_with("credentials/hub.key"), "{}", config.files.key.display());
}

#[test]
fn the_password_of_a_database_is_not_shown() {
    let location: aisle_hub::database::Location = "postgres://aisle:secret@db.example/hub".parse().unwrap();
    assert_eq!(location.to_string(), "postgres://db.example/hub");
}

/// The keys of a table and of those in it, as they are written.
fn keys(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                found.push(format!("{key} ="));
                keys(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn the_example_is_accepted_and_has_every_setting() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("hub.example.toml");
    let config = load(Some(&file)).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let mut found = Vec::new();
    keys(&serde_json::to_value(&config.raw).unwrap(), &mut found);
    for table in [
        "listen",
        "tls",
        "http",
        "policies",
        "artefacts",
        "limits",
        "enrolment",
        "people",
        "oidc",
        "node",
        "relayed",
    ] {
        found.retain(|key| {
            key != &format!("{table} =") || table == "tls" || table == "http" || table == "node"
        });
    }
    for key in found {
        assert!(text.contains(&key), "`{key}` is not in the example");
    }
}
