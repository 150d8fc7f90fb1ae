//! Devices that come in by certificates, over real TLS: whose they may be, and how a ban ends what is open.

use crate::{
    faults_support::{Raw, Store, greeting},
    transport_support::{Authority, Data, Pair, connect},
};
use aisle_broker::{
    Config,
    access::{DEVICES_FILE, DevicesFile, Listed, OWN_TOPICS},
    packet::{Connect, Packet, Reason, Version},
    transport::Trust,
};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version as Hash};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

const PASSWORD: &str = "blue door";

/// A broker of `store-1` in which `fridge-7` and `scale-1` may come by certificates, and `fridge-7` by its password too.
struct Counter {
    store: Store,
    server: Authority,
    clients: Authority,
}

fn listed(id: &str, password: Option<&str>) -> Listed {
    let params = Params::new(8, 1, 1, None).unwrap();
    let hasher = Argon2::new(Algorithm::Argon2id, Hash::V0x13, params);
    let hash = |password: &str| hasher.hash_password(password.as_bytes()).unwrap().to_string();
    let own = || vec![OWN_TOPICS.to_owned()];
    Listed {
        id: id.into(),
        password: password.map(hash),
        certificate: true,
        publish: own(),
        subscribe: own(),
        enabled: true,
    }
}

impl Counter {
    fn open(trust: Trust) -> Self {
        let (data, server, clients) = (Data::new(), Authority::new("server"), Authority::new("chain"));
        let devices = DevicesFile::at(data.path().join(DEVICES_FILE), "store-1");
        std::fs::create_dir_all(data.path().join("mqtt")).unwrap();
        for device in [listed("fridge-7", Some(PASSWORD)), listed("scale-1", None)] {
            devices.add(&device).unwrap();
        }
        let pair = server.server();
        let config = Config {
            tls_listen: "127.0.0.1:0".into(),
            certificate_file: Some(data.write("server.pem", &pair.certificate)),
            private_key_file: Some(data.write("server-key.pem", &pair.key)),
            client_ca_file: Some(data.write("clients.pem", &clients.pem)),
            trust,
            sys_interval_s: 0,
            ..Config::default()
        };
        Self { store: Store::configured(data, config), server, clients }
    }

    fn device(&self, store: &str, device: &str) -> Pair {
        self.clients.client(device, Some(&format!("spiffe://chain/store/{store}/device/{device}")))
    }

    /// Says CONNECT, and hears the answer.
    async fn knock(
        &self,
        shown: Option<&Pair>,
        client_id: &str,
        user: Option<(&str, &str)>,
    ) -> (Client, Reason) {
        let stream = connect(self.store.address, &self.server.pem, shown).await.unwrap();
        let said = Connect {
            username: user.map(|(name, _)| name.into()),
            password: user.map(|(_, password)| password.to_owned().into()),
            ..greeting(Version::V5, client_id)
        };
        let mut client = Client::over(stream, said).await;
        let reason = client.answer().await;
        (client, reason)
    }

    async fn enter(&self, shown: Option<&Pair>, client_id: &str, user: Option<(&str, &str)>) -> Client {
        let (client, reason) = self.knock(shown, client_id, user).await;
        assert!(!reason.is_error(), "{reason:?}");
        client
    }
}

type Client = Raw<TlsStream<TcpStream>>;

impl Client {
    async fn is_sent_away(&mut self) {
        match self.hear().await {
            Some(Packet::Disconnect(words)) => assert_eq!(words.reason, Reason::NOT_AUTHORIZED),
            other => panic!("{other:?}"),
        }
        assert!(self.hear().await.is_none());
    }

    async fn is_still_there(&mut self) {
        self.say(Packet::Pingreq).await;
        assert!(matches!(self.hear().await, Some(Packet::Pingresp)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_of_another_store_with_the_same_name_does_not_come_in() {
    let counter = Counter::open(Trust::default());
    let (_, reason) = counter.knock(Some(&counter.device("store-2", "fridge-7")), "fridge-7", None).await;
    assert_eq!(reason, Reason::NOT_AUTHORIZED);
    counter
        .enter(Some(&counter.device("store-1", "fridge-7")), "fridge-7", None)
        .await
        .is_still_there()
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_came_by_the_certificate_of_a_device_goes_under_whatever_name_and_nobody_else() {
    let counter = Counter::open(Trust::default());
    let fridge = counter.device("store-1", "fridge-7");
    let mut certified = Vec::new();
    for client_id in ["fridge-7", "fridge-7:app", ""] {
        certified.push(counter.enter(Some(&fridge), client_id, None).await);
    }
    let mut by_password = counter.enter(None, "fridge-7:panel", Some(("fridge-7", PASSWORD))).await;
    let mut scale = counter.enter(Some(&counter.device("store-1", "scale-1")), "scale-1", None).await;
    assert_eq!(counter.store.broker.close_certified("fridge-7"), 3);
    for client in &mut certified {
        client.is_sent_away().await;
    }
    by_password.is_still_there().await;
    scale.is_still_there().await;
    assert_eq!(counter.store.broker.close_certified("fridge-7"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ban_that_comes_between_the_handshake_and_the_session_is_not_missed() {
    let asked = Arc::new(AtomicUsize::new(0));
    // Once the handshake has asked, it is banned.
    let is_banned = {
        let asked = asked.clone();
        move |_: &[u8]| asked.fetch_add(1, SeqCst) > 0
    };
    let counter = Counter::open(Trust { is_banned: Some(Arc::new(is_banned)), ..Trust::default() });
    let (_, reason) = counter.knock(Some(&counter.device("store-1", "fridge-7")), "fridge-7", None).await;
    assert_eq!((reason, asked.load(SeqCst)), (Reason::NOT_AUTHORIZED, 2));
    assert_eq!(counter.store.broker.overview().clients, 0);
}
