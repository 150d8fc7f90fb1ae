//! What is worth more goes first, what costs is bounded, and the kiosk comes before all of it.

use crate::{
    authority::Authority,
    link::{TcpLink, UdpLink, Weather},
    world::{HubUnderTest, NodeUnderTest, assert_whole, eventually},
};
use aisle_protocol::{LinkKind, LogClass, node::Allowance};
use aisle_transport::{
    Path,
    client::{BudgetFile, Load, Pressure},
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Bulk fills a slow line; sales that come later are there long before it is through.
async fn sales_overtake_bulk(
    quic: Option<SocketAddr>,
    tls: Option<SocketAddr>,
    hub: &HubUnderTest,
    authority: &Authority,
) {
    let node = NodeUnderTest::start(authority, "berlin", quic, tls);
    let path = if quic.is_some() { Path::Quic } else { Path::Tls };
    node.is_connected_by(path).await;
    node.seal(LogClass::Bulk, 0..2_000, 20, 1_000);
    eventually("bulk is under way", || !hub.desk.ids("berlin", LogClass::Bulk).is_empty()).await;
    node.seal(LogClass::Sales, 0..100, 50, 20);
    node.is_acked().await;
    assert_whole(hub, "berlin", LogClass::Bulk, 0..2_000);
    assert_whole(hub, "berlin", LogClass::Sales, 0..100);
    let events = hub.desk.events();
    let sold = events.iter().rposition(|(_, class, _)| *class == LogClass::Sales).unwrap();
    let before = events[..sold].iter().filter(|(_, class, _)| *class == LogClass::Bulk).count();
    println!("{path}: {before} of 2000 bulk events came before the last sale");
    assert!(before < 1_400, "{before} of 2000 bulk events came before the last sale");
}

const SLOW: Weather = Weather {
    loss_per_mille: 0,
    delay_ms: 10,
    jitter_ms: 0,
    bytes_per_s: Some(600_000),
    queue_bytes_max: 64 << 10,
    is_blackhole: false,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sales_overtake_bulk_on_quic() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let udp = UdpLink::start(hub.quic, 1).await.unwrap();
    udp.set(SLOW);
    sales_overtake_bulk(Some(udp.address()), None, &hub, &authority).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sales_overtake_bulk_on_tls() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let tcp = TcpLink::start(hub.tls, 1).await.unwrap();
    // What waits in the sockets of TCP cannot be overtaken: kernels of both ends take some hundred kilobytes.
    tcp.set(SLOW);
    sales_overtake_bulk(None, Some(tcp.address()), &hub, &authority).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_stops_its_class_and_no_other_and_lasts_over_a_restart() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("budget");
    let plan = |plan: &mut crate::world::Plan| {
        plan.node.link = LinkKind::Metered;
        plan.config.budgets.metered.stock =
            Some(Allowance { bytes_max: 10_000, window_ms: 30 * 24 * 3_600_000 });
        plan.budgets = Box::new(BudgetFile::new(file.clone()));
    };
    let credentials = || authority.node("berlin", "1");
    let node = NodeUnderTest::with(credentials(), "berlin", Some(hub.quic), None, plan);
    node.seal(LogClass::Stock, 0..100, 10, 200);
    node.seal(LogClass::Sales, 0..100, 10, 200);
    let sales = || hub.desk.ids("berlin", LogClass::Sales).len();
    let stock = || hub.desk.ids("berlin", LogClass::Stock).len();
    eventually("all sales are there", || sales() == 100).await;
    eventually("stock is held", || node.status().backlog.get(LogClass::Stock).is_held).await;
    // Five batches of about 2,200 bytes: the one that begins below the bound may end beyond it.
    eventually("stock has spent its budget", || stock() == 50).await;
    let shelf = node.shelf.clone();
    node.client.stop().await;

    let node = NodeUnderTest::over(shelf, credentials(), "berlin", Some(hub.quic), None, plan);
    node.is_connected_by(Path::Quic).await;
    node.seal(LogClass::Sales, 100..200, 10, 200);
    eventually("all sales are there", || sales() == 200).await;
    assert_eq!(stock(), 50);
    // On a line that costs nothing the rest goes out.
    node.client.link(LinkKind::Fibre).unwrap();
    node.client.sealed();
    node.is_acked().await;
    assert_whole(&hub, "berlin", LogClass::Stock, 0..100);
}

struct Kiosk(AtomicBool);

impl Load for Kiosk {
    fn pressure(&self) -> Pressure {
        if self.0.load(Ordering::SeqCst) { Pressure::Saturated } else { Pressure::Idle }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_kiosk_is_busy_batches_go_out_one_by_one() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let kiosk = Arc::new(Kiosk(AtomicBool::new(true)));
    let load = kiosk.clone();
    let node = NodeUnderTest::with(authority.node("berlin", "1"), "berlin", Some(hub.quic), None, |plan| {
        plan.load = load;
    });
    node.is_connected_by(Path::Quic).await;
    node.seal(LogClass::Stock, 0..100, 10, 20);
    node.seal(LogClass::Sales, 0..30, 10, 20);
    // Sales come one batch after the other, stock waits after its first.
    eventually("all sales are there", || hub.desk.ids("berlin", LogClass::Sales).len() == 30).await;
    assert_eq!(hub.desk.ids("berlin", LogClass::Stock).len(), 10);
    eventually("stock is held", || node.status().backlog.get(LogClass::Stock).is_held).await;
    kiosk.0.store(false, Ordering::SeqCst);
    node.client.sealed();
    node.is_acked().await;
    assert_whole(&hub, "berlin", LogClass::Stock, 0..100);
}
