//! Who is let in, by which credentials, and what they may then do.

use aisle_broker::{
    access::{AccessConfig, Anonymous, Devices, Identity, OWN_TOPICS, Proof, Refused, Rights},
    transport::CertificateIdentity,
};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use prometheus_client::{encoding::text::encode, registry::Registry};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A credentials file and the devices in it.
struct Store {
    dir: TempDir,
    registry: Registry,
    devices: Devices,
}

impl Store {
    fn with(file: &str) -> Self {
        Self::configured(file, AccessConfig::default())
    }

    fn configured(file: &str, config: AccessConfig) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("devices.toml");
        fs::write(&path, file).unwrap();
        let mut registry = Registry::default();
        let devices = Devices::open(path, "store-1", config, &mut registry).unwrap();
        Self { dir, registry, devices }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("devices.toml")
    }

    fn rewrite(&self, file: &str) -> bool {
        fs::write(self.file(), file).unwrap();
        self.devices.reload()
    }

    async fn verify(&self, user: &str, password: &str) -> Result<Identity, Refused> {
        self.devices.verify(user, password.as_bytes()).await
    }

    /// How often a password was really checked.
    fn checks(&self) -> u64 {
        self.metric("mqtt_password_check_seconds_count")
    }

    fn metric(&self, name: &str) -> u64 {
        let mut text = String::new();
        encode(&mut text, &self.registry).unwrap();
        let line =
            text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} in\n{text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

fn hashed(password: &str, memory_kib: u32, passes: u32) -> String {
    let params = Params::new(memory_kib, passes, 1, None).unwrap();
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    hasher.hash_password(password.as_bytes()).unwrap().to_string()
}

fn device(id: &str, password: &str) -> String {
    format!("[[device]]\nid = \"{id}\"\npassword = \"{}\"\n", hashed(password, 8, 1))
}

#[tokio::test]
async fn a_device_gets_in_with_its_password_and_has_the_topics_below_its_own() {
    let store = Store::with(&device("fridge-7", "blue door"));
    let identity = store.verify("fridge-7", "blue door").await.unwrap();
    assert_eq!((identity.device.as_str(), identity.proof), ("fridge-7", Proof::Password));
    let rights = identity.rights;
    assert!(rights.may_publish("aisle/v1/store-1/fridge-7/telemetry/temperature"));
    assert!(!rights.may_publish("aisle/v1/store-1/fridge-8/telemetry/temperature"));
    assert!(rights.may_subscribe("aisle/v1/store-1/fridge-7/cmd/+/req"));
    assert!(!rights.may_subscribe("aisle/v1/store-1/+/cmd/open/req"));
    assert!(!rights.may_subscribe("#"));
}

#[tokio::test]
async fn a_wrong_password_costs_the_same_check_whether_or_not_the_device_exists() {
    let store = Store::with(&device("fridge-7", "blue door"));
    assert_eq!(store.verify("fridge-7", "red door").await.unwrap_err(), Refused::Credentials);
    assert_eq!(store.checks(), 1);
    assert_eq!(store.verify("fridge-99", "red door").await.unwrap_err(), Refused::Credentials);
    assert_eq!(store.checks(), 2);
}

#[tokio::test]
async fn what_was_verified_once_is_let_in_again_without_a_check() {
    let store = Store::with(&device("fridge-7", "blue door"));
    store.verify("fridge-7", "blue door").await.unwrap();
    let began = Instant::now();
    for _ in 0..2_000 {
        store.verify("fridge-7", "blue door").await.unwrap();
    }
    assert_eq!(store.checks(), 1);
    assert!(began.elapsed() < Duration::from_secs(2), "2,000 reconnects took {:?}", began.elapsed());
}

#[tokio::test]
async fn a_new_password_makes_the_old_one_worthless_at_once() {
    let store = Store::with(&device("fridge-7", "blue door"));
    let before = store.verify("fridge-7", "blue door").await.unwrap();
    assert!(store.rewrite(&device("fridge-7", "green door")));
    assert_eq!(store.verify("fridge-7", "blue door").await.unwrap_err(), Refused::Credentials);
    assert!(store.verify("fridge-7", "green door").await.is_ok());
    assert!(store.devices.renew(&before).is_none(), "who came in by the old password must go");
}

#[tokio::test]
async fn guessing_is_slowed_down_without_locking_out_who_knows_the_password() {
    let config = AccessConfig { failures_free: 2, ..AccessConfig::default() };
    let store = Store::configured(&(device("fridge-7", "blue door") + &device("fridge-8", "x")), config);
    store.verify("fridge-7", "blue door").await.unwrap();
    for guess in ["1", "2", "3"] {
        assert_eq!(store.verify("fridge-7", guess).await.unwrap_err(), Refused::Credentials);
    }
    let checks = store.checks();
    let refused = store.verify("fridge-7", "4").await.unwrap_err();
    assert!(matches!(refused, Refused::TooSoon { retry_after } if retry_after <= Duration::from_secs(1)));
    assert_eq!(store.checks(), checks, "a guess that comes too soon is not even checked");
    assert!(store.verify("fridge-7", "blue door").await.is_ok());
    assert!(store.verify("fridge-8", "x").await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_logins_than_the_queue_holds_are_told_that_the_server_is_busy() {
    let config =
        AccessConfig { password_checks_max: 1, password_checks_waiting_max: 2, ..AccessConfig::default() };
    let slow = format!("[[device]]\nid = \"slow\"\npassword = \"{}\"\n", hashed("p", 65_536, 4));
    let store = Store::configured(&slow, config);
    let attempts: Vec<_> = (0..8)
        .map(|_| {
            let devices = store.devices.clone();
            tokio::spawn(async move { devices.verify("slow", b"p").await.map(|_| ()) })
        })
        .collect();
    let mut outcomes = Vec::new();
    for attempt in attempts {
        outcomes.push(attempt.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(Refused::Busy)).count(), 5, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
    assert_eq!(store.metric("mqtt_password_checks_waiting"), 0);
}

#[tokio::test]
async fn a_disabled_device_learns_so_only_with_its_password() {
    let store = Store::with(&(device("fridge-7", "blue door") + "enabled = false\n"));
    assert_eq!(store.verify("fridge-7", "blue door").await.unwrap_err(), Refused::Disabled);
    assert_eq!(store.verify("fridge-7", "red door").await.unwrap_err(), Refused::Credentials);
}

#[tokio::test]
async fn a_certificate_lets_in_only_devices_that_may_use_one() {
    let store = Store::with(
        "[[device]]\nid = \"scale-1\"\ncertificate = true\n[[device]]\nid = \"scale-2\"\n[[device]]\nid = \
         \"scale-3\"\ncertificate = true\nenabled = false\n",
    );
    let by_name =
        |name: &str| CertificateIdentity { common_name: Some(name.into()), ..CertificateIdentity::default() };
    let identity = store.devices.by_certificate(&by_name("scale-1")).unwrap();
    assert_eq!((identity.device.as_str(), identity.proof), ("scale-1", Proof::Certificate));
    assert_eq!(store.devices.by_certificate(&by_name("scale-2")).unwrap_err(), Refused::Credentials);
    assert_eq!(store.devices.by_certificate(&by_name("scale-3")).unwrap_err(), Refused::Disabled);
    assert_eq!(store.devices.by_certificate(&by_name("scale-4")).unwrap_err(), Refused::Credentials);
    assert_eq!(store.verify("scale-1", "").await.unwrap_err(), Refused::Credentials);
}

#[test]
fn a_certificate_names_a_device_by_its_spiffe_id_or_else_by_its_common_name() {
    let named = |uris: &[&str]| CertificateIdentity {
        common_name: Some("common".into()),
        uris: uris.iter().map(ToString::to_string).collect(),
    };
    let device = |uris: &[&str]| named(uris).device().map(str::to_owned);
    assert_eq!(device(&[]).as_deref(), Some("common"));
    assert_eq!(device(&["spiffe://chain/store/1/device/fridge-7"]).as_deref(), Some("fridge-7"));
    assert_eq!(device(&["https://example.com/"]).as_deref(), Some("common"));
    assert_eq!(device(&["spiffe://chain/store/1/node/4711"]), None, "a node is no device");
    assert_eq!(device(&["spiffe://chain/device/"]), None);
    let two = ["spiffe://chain/store/1/device/fridge-7", "spiffe://chain/store/2/device/fridge-8"];
    assert_eq!(device(&two), None, "two names are none");
    let store = |uris: &[&str]| named(uris).store().map(str::to_owned);
    assert_eq!(store(&["spiffe://chain/store/1/device/fridge-7"]).as_deref(), Some("1"));
    assert_eq!(store(&["spiffe://chain/store/1/device/x/device/fridge-7"]).as_deref(), Some("1/device/x"));
    assert_eq!(store(&["spiffe://chain/device/fridge-7"]), None);
    assert_eq!(store(&[]), None);
}

#[test]
fn a_certificate_that_names_another_store_lets_nobody_in() {
    let store = Store::with("[[device]]\nid = \"scale-1\"\ncertificate = true\n");
    let by_id = |id: &str| {
        let uris = vec![id.to_owned()];
        store.devices.by_certificate(&CertificateIdentity { uris, ..CertificateIdentity::default() })
    };
    assert!(by_id("spiffe://chain/store/store-1/device/scale-1").is_ok());
    assert!(by_id("spiffe://chain/device/scale-1").is_ok(), "it says nothing of stores");
    for other in [
        "spiffe://chain/store/store-2/device/scale-1",
        "spiffe://chain/store/store-1/x/device/scale-1",
        "spiffe://chain/store//device/scale-1",
        "spiffe://chain/store/store-2/store/store-1/device/scale-1",
    ] {
        assert_eq!(by_id(other).unwrap_err(), Refused::OtherStore, "{other}");
    }
    assert_eq!(store.metric("mqtt_logins_total{outcome=\"other_store\"}"), 4);
}

#[tokio::test]
async fn a_client_id_belongs_to_the_longest_device_id_it_begins_with() {
    let store = Store::with(&["fridge", "fridge-7", "scale"].map(|id| device(id, "p")).concat());
    let fridge = store.verify("fridge", "p").await.unwrap();
    for own in ["fridge", "fridge-8", "fridge:app", "fridge-70"] {
        assert!(fridge.may_use_client_id(own), "{own}");
    }
    for other in ["fridge-7", "fridge-7:app", "fridge-7-2", "fridges", "scale", "", "Fridge"] {
        assert!(!fridge.may_use_client_id(other), "{other}");
    }
    let seventh = store.verify("fridge-7", "p").await.unwrap();
    assert!(seventh.may_use_client_id("fridge-7:app"));
    assert!(!seventh.may_use_client_id("fridge"));
}

#[test]
fn anonymous_clients_are_let_in_only_where_that_is_set_and_never_as_a_device() {
    let closed = Store::with(&device("fridge-7", "p"));
    assert_eq!(closed.devices.anonymous("visitor").unwrap_err(), Refused::Anonymous);

    let anonymous = Anonymous { publish: vec!["open/%device%/#".into()], subscribe: vec!["open/#".into()] };
    let config = AccessConfig { anonymous: Some(anonymous), ..AccessConfig::default() };
    let open = Store::configured(&device("fridge-7", "p"), config);
    let visitor = open.devices.anonymous("visitor").unwrap();
    assert!(
        visitor.rights.may_publish("open/visitor/note") && !visitor.rights.may_publish("open/other/note")
    );
    assert!(visitor.may_use_client_id("visitor") && !visitor.may_use_client_id("visitor-2"));
    for taken in ["fridge-7", "fridge-7:app", "+", "a/b", "#", "", "$SYS"] {
        assert_eq!(open.devices.anonymous(taken).unwrap_err(), Refused::ClientId, "{taken}");
    }
    assert!(open.rewrite(&(device("fridge-7", "p") + &device("visitor", "p"))));
    assert!(open.devices.renew(&visitor).is_none(), "the id belongs to a device now");
}

#[tokio::test]
async fn a_broken_edit_keeps_the_last_good_file_and_says_so() {
    let store = Store::with(&device("fridge-7", "blue door"));
    let changes = store.devices.changes();
    assert!(!store.rewrite("[[device]]\nid = \"fridge-7\"\npasswrod = \"x\"\n"));
    let problem = store.devices.problem().unwrap();
    assert!(problem.contains("line 3") && problem.contains("passwrod"), "{problem}");
    assert_eq!(store.metric("mqtt_devices_file_broken"), 1);
    assert!(store.verify("fridge-7", "blue door").await.is_ok());
    assert!(!changes.has_changed().unwrap());

    assert!(store.rewrite(&device("fridge-8", "blue door")));
    assert_eq!(store.devices.problem(), None);
    assert_eq!(store.metric("mqtt_devices_file_broken"), 0);
    assert_eq!(store.verify("fridge-7", "blue door").await.unwrap_err(), Refused::Credentials);
    assert!(changes.has_changed().unwrap());
}

#[tokio::test]
async fn a_file_that_is_broken_from_the_start_lets_nobody_in_until_it_is_mended() {
    let store = Store::with("device = 7");
    assert!(store.devices.problem().is_some());
    assert_eq!(store.verify("fridge-7", "p").await.unwrap_err(), Refused::Credentials);
    assert!(store.rewrite(&device("fridge-7", "p")));
    assert!(store.verify("fridge-7", "p").await.is_ok());
}

#[tokio::test]
async fn a_running_broker_rereads_the_file_within_seconds() {
    let store = Store::with("");
    let watching = tokio::spawn(store.devices.clone().watch());
    let mut changes = store.devices.changes();
    let listed = device("fridge-7", "p");
    fs::write(store.file(), &listed).unwrap();
    tokio::time::timeout(Duration::from_secs(10), changes.changed()).await.unwrap().unwrap();
    let identity = store.verify("fridge-7", "p").await.unwrap();

    fs::write(store.file(), listed + "publish = [\"open/#\"]\n").unwrap();
    tokio::time::timeout(Duration::from_secs(10), changes.changed()).await.unwrap().unwrap();
    let renewed = store.devices.renew(&identity).unwrap();
    assert!(renewed.rights.may_publish("open/x") && !identity.rights.may_publish("open/x"));
    watching.abort();
}

#[test]
fn a_store_whose_id_is_no_level_of_a_topic_is_refused() {
    let mut registry = Registry::default();
    for store in ["a/b", "+", "", "$SYS"] {
        let opened = Devices::open("none".into(), store, AccessConfig::default(), &mut registry);
        assert!(opened.unwrap_err().to_string().contains("store.id"), "{store}");
    }
}

#[test]
fn a_variable_is_one_level_and_no_name_widens_a_right() {
    let patterns = |pattern: &str| vec![pattern.to_owned()];
    for name in ["+", "#", "a/b", "", "%store%", "a\u{0}b", "$SYS", "a+"] {
        assert!(Rights::new(&patterns(OWN_TOPICS), &[], name, "store-1").is_err(), "{name:?}");
        assert!(Rights::new(&patterns(OWN_TOPICS), &[], "fridge-7", name).is_err(), "{name:?}");
    }
    for pattern in ["a/x%device%/#", "a/%devise%", "a/#/b", "", "$share/group/a"] {
        let error = Rights::new(&[], &patterns(pattern), "fridge-7", "store-1").unwrap_err();
        assert!(error.to_string().contains("subscribe[0]"), "{error}");
    }
}

#[test]
fn the_node_itself_may_do_all_and_nobody_else_may_by_a_wildcard() {
    assert!(Rights::all().may_publish("$SYS/x") && Rights::all().may_subscribe("$SYS/#"));
    let wide = Rights::new(&["#".into()], &["#".into()], "d", "s").unwrap();
    assert!(wide.may_publish("any/thing") && wide.may_subscribe("+/#"));
    assert!(!wide.may_publish("$SYS/x") && !wide.may_subscribe("$SYS/#"));
    assert!(!Rights::none().may_publish("a") && !Rights::none().may_subscribe("a"));
}
