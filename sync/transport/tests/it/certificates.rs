//! Who is not let in, and how it is called.

use crate::{
    authority::{Authority, CHAIN},
    world::{HubUnderTest, NodeUnderTest, eventually},
};
use aisle_protocol::{ErrorCode, LogClass, node::Alert};
use aisle_transport::{
    Credentials, Identity, Path,
    client::Heard,
    identity::{InvalidIdentity, Relay},
};
use std::net::SocketAddr;

/// A node with these certificates is refused on both paths, and both ends say why.
async fn is_refused(hub: &HubUnderTest, credentials: &Credentials, reason_at_hub: &str, text_at_node: &str) {
    let ways: [(Option<SocketAddr>, Option<SocketAddr>, &str); 2] =
        [(Some(hub.quic), None, "quic"), (None, Some(hub.tls), "tls")];
    for (quic, tls, path) in ways {
        let node = NodeUnderTest::with(credentials.clone(), "berlin", quic, tls, |_| {});
        node.seal(LogClass::Sales, 0..10, 10, 20);
        let name = format!("connections_refused_total{{path=\"{path}\",reason=\"{reason_at_hub}\"}}");
        let what = format!("{name}, and `{text_at_node}` at the node");
        eventually(&what, || {
            let failure = node.status().last_error;
            hub.metric(&name) > 0.0 && failure.is_some_and(|failure| failure.text.contains(text_at_node))
        })
        .await;
        node.client.stop().await;
    }
    assert!(hub.desk.events().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_certificate_is_refused_by_name() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let credentials = authority.expired_node("berlin", "1");
    is_refused(&hub, &credentials, "certificate_expired", "not valid now").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_issuer_is_refused_by_name() {
    let (authority, other) = (Authority::new("root"), Authority::new("another root"));
    let hub = HubUnderTest::start(authority.hub());
    let credentials = other.node_that_believes("berlin", "1", &authority);
    is_refused(&hub, &credentials, "issuer_unknown", "from an issuer that is not believed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_names_no_node_of_the_chain_is_refused_by_name() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let none = authority.named(&[]);
    is_refused(&hub, &none, "certificate_names_nobody", "0 URIs").await;
    let two = [format!("spiffe://{CHAIN}/store/a/node/1"), format!("spiffe://{CHAIN}/store/b/node/1")];
    let two = authority.named(&two.each_ref().map(String::as_str));
    is_refused(&hub, &two, "certificate_names_nobody", "2 URIs").await;
    let foreign = authority.named(&["spiffe://other.example/store/berlin/node/1"]);
    is_refused(&hub, &foreign, "certificate_names_nobody", "of another chain").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_the_certificate_of_another_store_is_cut_off() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let credentials = authority.node("paris", "1");
    let node = NodeUnderTest::with(credentials, "berlin", Some(hub.quic), Some(hub.tls), |_| {});
    node.seal(LogClass::Sales, 0..10, 10, 20);
    eventually("it is told", || {
        let heard = node.heard.lock().unwrap();
        heard.iter().any(|heard| {
            matches!(heard, Heard::Alert(Alert::Refused { code: ErrorCode::IDENTITY, text, .. }) if text.contains("another store"))
        })
    })
    .await;
    eventually("it is counted", || hub.metric("peers_cut_off_total{code=\"identity\"}") > 0.0).await;
    assert!(hub.desk.events().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_does_not_talk_to_a_hub_of_another_issuer() {
    let (authority, other) = (Authority::new("root"), Authority::new("another root"));
    let hub = HubUnderTest::start(other.hub_that_believes(&authority));
    let node = NodeUnderTest::start(&authority, "berlin", Some(hub.quic), Some(hub.tls));
    eventually("both paths are refused here", || {
        [Path::Quic, Path::Tls].iter().all(|path| {
            node.metric(&format!("connection_failures_total{{path=\"{path}\",reason=\"issuer_unknown\"}}"))
                > 0.0
        })
    })
    .await;
    assert!(node.status().last_error.unwrap().text.contains("refused here"));
    assert!(hub.desk.met.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_banned_is_told_so_and_one_that_is_cut_comes_again() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let node = NodeUnderTest::start(&authority, "berlin", Some(hub.quic), None);
    node.is_connected_by(Path::Quic).await;
    let store = aisle_event::StoreId::new("berlin").unwrap();
    assert_eq!(hub.connections.cut(&store, Some("1"), "a test"), 1);
    eventually("it has come again", || hub.desk.met.lock().unwrap().len() == 2).await;
    node.is_connected_by(Path::Quic).await;

    hub.desk.banned.lock().unwrap().push("1".into());
    assert_eq!(hub.connections.cut(&store, None, "banned"), 1);
    eventually("it knows", || {
        node.status().last_error.is_some_and(|failure| failure.text.contains("is banned"))
    })
    .await;
    assert!(hub.connections.list().is_empty());
    assert!(hub.metric("connections_refused_total{path=\"quic\",reason=\"not_wanted\"}") > 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_renewed_while_both_ends_run() {
    let (old, new) = (Authority::new("root"), Authority::new("next root"));
    let hub = HubUnderTest::start(old.hub());
    let stays = NodeUnderTest::start(&old, "berlin", Some(hub.quic), None);
    stays.is_connected_by(Path::Quic).await;
    hub.keys.renew(&new.hub()).unwrap();
    for (store, quic, tls) in [("paris", Some(hub.quic), None), ("rome", None, Some(hub.tls))] {
        let node = NodeUnderTest::with(old.expired_node(store, "1"), store, quic, tls, |_| {});
        eventually("it is refused", || node.status().last_error.is_some()).await;
        node.client.renew(new.node(store, "1")).unwrap();
        node.seal(LogClass::Sales, 0..100, 10, 20);
        node.is_acked().await;
    }
    stays.seal(LogClass::Sales, 0..100, 10, 20);
    stays.is_acked().await;
    let met = hub.desk.met.lock().unwrap().iter().filter(|peer| peer.store().as_str() == "berlin").count();
    assert_eq!(met, 1, "the connection that was open stays");
}

#[test]
fn a_name_is_read_whole_or_not_at_all() {
    let good = "spiffe://shops.example/store/berlin-12/node/A1b2.c_d";
    let identity: Identity = good.parse().unwrap();
    assert_eq!((identity.store.as_str(), identity.node.as_str()), ("berlin-12", "A1b2.c_d"));
    assert_eq!(identity.to_string(), good);
    for bad in [
        "",
        "spiffe://",
        "https://shops.example/store/berlin/node/1",
        "spiffe://Shops.example/store/berlin/node/1",
        "spiffe://shops.example:1/store/berlin/node/1",
        "spiffe:///store/berlin/node/1",
        "spiffe://shops.example/store/berlin/node/1/",
        "spiffe://shops.example/store/berlin/node/",
        "spiffe://shops.example/store//node/1",
        "spiffe://shops.example/store/../node/1",
        "spiffe://shops.example/store/berlin/node/1?x",
        "spiffe://shops.example/store/berlin/node/%31",
        "spiffe://shops.example/hub/berlin",
        "spiffe://shops.example/Store/berlin/node/1",
    ] {
        let refused: Result<Identity, InvalidIdentity> = bad.parse();
        assert!(refused.is_err(), "{bad}");
    }
    let long = format!("spiffe://shops.example/store/{}/node/1", "x".repeat(4_000));
    assert!(long.parse::<Identity>().unwrap_err().to_string().len() < 300);
}

#[test]
fn a_relay_has_a_name_that_no_node_can_have() {
    let relay: Relay = "spiffe://shops.example/relay/hub-eu".parse().unwrap();
    assert_eq!((relay.chain.as_str(), relay.name.as_str()), ("shops.example", "hub-eu"));
    assert_eq!(relay.to_string(), "spiffe://shops.example/relay/hub-eu");
    let as_a_node = format!("spiffe://shops.example/store/berlin/node/{}", relay.node());
    assert!(as_a_node.parse::<Identity>().is_err());
    for other in [
        "spiffe://shops.example/store/berlin/node/1",
        "spiffe://shops.example/relay/a/b",
        "spiffe://shops.example/relay/",
    ] {
        assert!(other.parse::<Relay>().is_err(), "{other}");
    }
}
