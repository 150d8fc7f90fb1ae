//! Devices with certificates of headquarters: one comes in over MQTT with TLS, one of another store does not, and a ban ends what is open.

use super::{Api, Approval, PATIENCE, STORE, hub};
use crate::support::{
    command::{aisle, run},
    store::Store,
    wait::eventually,
};
use aisle_harness::{
    hub::HubUnderTest,
    mqtt::raw::{Connect, Publish, RawClient, Tls, Version},
    node::NodeUnderTest,
};
use std::{fs, path::PathBuf, time::Duration};

const DEVICE: &str = "fridge-7";
/// A ban takes no longer to end what is open.
const BAN_TAKES: Duration = Duration::from_secs(60);

/// A box of a store, in at the hub, whose broker shows its own certificate.
struct Shop {
    store: Store,
    node: NodeUnderTest,
    serial: &'static str,
    config: PathBuf,
}

impl Shop {
    fn open(hub: &HubUnderTest, name: &str, serial: &'static str) -> Self {
        let text = format!(
            "[node]\nserial = \"{serial}\"\n[mqtt]\ntls_listen = \"127.0.0.1:0\"\n[enrolment]\nmqtt = \"identity\"\n"
        );
        let store = Store::empty();
        let config = store.file("aisle.toml", &text);
        let claim = hub.claim(name).expect("a claim");
        let mut claiming = aisle(&store.data(), ["claim", "--config"]);
        run(claiming.arg(&config).arg(&claim)).exits(0);
        let node = store.start_with(&text);
        Self { store, node, serial, config }
    }

    fn credential(&self, arguments: &[&str]) {
        let mut command = aisle(&self.store.data(), ["device", "credential"]);
        run(command.args(arguments).arg("--config").arg(&self.config)).exits(0);
    }

    /// Has a certificate given to a device, and what it is to believe.
    fn issue(&self, device: &str) -> Papers {
        let folder = self.store.path("papers");
        self.credential(&["issue", device, "--out", &folder.display().to_string()]);
        let read = |name: &str| fs::read_to_string(folder.join(name)).expect("it was written");
        Papers {
            chain: read(&format!("{device}.pem")),
            key: read(&format!("{device}.key.pem")),
            roots: read("roots.pem"),
        }
    }

    /// Gives a device that is listed a password too.
    fn password(&self, device: &str) -> String {
        let mut command =
            aisle(&self.store.data(), ["mqtt", "device", "passwd", device, "--json", "--config"]);
        let said = run(command.arg(&self.config)).exits(0).json();
        said["password"].as_str().expect("a password").to_owned()
    }

    /// Comes in as a device by its password, without a certificate.
    async fn enter_by_password(&self, roots: &str, password: &str) -> RawClient {
        let tls = Tls::trusting(roots, &format!("{}.local", self.serial)).expect("roots");
        let address = self.node.mqtts().expect("it takes TLS");
        let connect = Connect {
            username: Some(DEVICE.into()),
            password: Some(password.into()),
            ..Connect::clean(Version::V5, DEVICE)
        };
        RawClient::connect_tls(address, &connect, &tls).await.expect("it comes in").0
    }

    /// Comes in with these papers, as this client.
    async fn enter(&self, papers: &Papers, client: &str) -> Result<RawClient, String> {
        let name = format!("{}.local", self.serial);
        let tls = Tls::with_certificate(&papers.roots, &name, &papers.chain, &papers.key).expect("papers");
        let address = self.node.mqtts().expect("it takes TLS");
        let entered = RawClient::connect_tls(address, &Connect::clean(Version::V5, client), &tls).await;
        entered.map(|(client, _)| client).map_err(|error| error.to_string())
    }

    /// Waits until so many were refused for this: a client may hear of its end before it is counted.
    async fn has_refused(&self, reason: &str, count: f64) {
        let is_counted = async || (self.refused(reason).await == Some(count)).then_some(());
        eventually(reason, PATIENCE, is_counted).await;
    }

    async fn refused(&self, reason: &str) -> Option<f64> {
        let metric = format!("aisle_mqtt_transport_refused_total{{transport=\"mqtts\",reason=\"{reason}\"}}");
        Api::new(self.node.url()).metric(&metric).await
    }
}

struct Papers {
    chain: String,
    key: String,
    roots: String,
}

#[tokio::test]
async fn a_device_comes_in_by_its_certificate_until_it_is_banned_and_one_of_another_store_never_does() {
    let hub = hub(Approval::Auto);
    let here = Shop::open(&hub, STORE, "box-1");
    let there = Shop::open(&hub, "berlin-13", "box-2");
    let papers = here.issue(DEVICE);
    let mut fridge = here.enter(&papers, DEVICE).await.expect("it comes in");
    let own = format!("aisle/v1/{STORE}/{DEVICE}");
    fridge.subscribe(&format!("{own}/#"), 1).await.expect("it may hear of itself");
    let door = Publish {
        topic: format!("{own}/telemetry/door"),
        payload: "open".into(),
        qos: 1,
        packet_id: 7,
        ..Publish::default()
    };
    fridge.publish(&door).await.expect("it may speak for itself");
    let heard = fridge.recv_publish(Duration::from_secs(10)).await.expect("it comes back");
    assert_eq!((heard.topic.as_str(), &heard.payload[..]), (door.topic.as_str(), &b"open"[..]));

    // The same hub vouches for a device of the same name in another store, and a device listed here has this name.
    let others = there.issue(DEVICE);
    drop(there.enter(&others, DEVICE).await.expect("it comes in where it belongs"));
    here.enter(&others, DEVICE).await.expect_err("it does not belong here");
    here.has_refused("foreign", 1.0).await;
    assert_eq!(there.refused("foreign").await, None);
    // The node's own certificate is none of a device.
    let node =
        |name: &str| fs::read_to_string(here.store.data().join("identity").join(name)).expect("a file");
    let nodes = Papers { chain: node("node.pem"), key: node("node.key.pem"), roots: node("roots.pem") };
    here.enter(&nodes, DEVICE).await.expect_err("it is no device");
    here.has_refused("foreign", 2.0).await;

    // A client of the device that has no name of its own is one of its clients all the same.
    let mut nameless = here.enter(&papers, "").await.expect("it comes in");
    here.credential(&["revoke", DEVICE]);
    for client in [&mut fridge, &mut nameless] {
        client.closed(BAN_TAKES).await.expect("a ban ends what is open");
    }
    here.enter(&papers, DEVICE).await.expect_err("it is banned");
    here.has_refused("banned", 1.0).await;
    there.enter(&others, DEVICE).await.expect("the ban is of one device").ping().await.expect("it is there");

    // The certificate is banned, not the device: it has a password now, and the next ban is not about it.
    let password = here.password(DEVICE);
    let mut by_password = here.enter_by_password(&papers.roots, &password).await;
    let mut scale = here.enter(&here.issue("scale-1"), "scale-1").await.expect("it comes in");
    here.credential(&["revoke", "scale-1"]);
    scale.closed(BAN_TAKES).await.expect("a ban ends what is open");
    by_password.ping().await.expect("it is still there");
}
