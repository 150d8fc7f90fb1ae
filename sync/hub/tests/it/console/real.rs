//! Pages over what nodes really said of themselves: an engine that works, nodes that converge or do not, over both databases.

use super::{Served, id};
use crate::{
    fleet::{
        node::Node,
        world::{SLOT, World, spec},
    },
    people::hall::Hall,
    shop::{Outbox, hello},
};
use aisle_fleet::says::Horizon;
use aisle_hub::database::{Contact, Database};
use aisle_protocol::control::{Octets, Report};
use serde_json::json;

/// The stores that the grid shows.
fn stores(page: &super::html::Html) -> Vec<String> {
    let rows = page.all("th").filter(|head| head.get("scope") == Some("row"));
    rows.map(|head| head.text.trim().to_owned()).collect()
}

pub async fn the_grid_and_a_stores_page_show_what_nodes_say_of_themselves(hall: &Hall) {
    let mut world = World::new(hall, 3).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    // One store is to have another version, and cannot.
    world.nodes[1].refuses.insert(new.hash);
    let one = json!({ "store": "store-01", "why": "its <b>till</b> is from 2009", "says": { "artefacts": { (SLOT): new } } });
    assert!(world.put("/v1/overrides/store-01", &one).await.status.is_success());
    for _ in 0..4 {
        world.pass(5).await;
    }
    world.go(2).await;
    let served = Served::of_hall(hall).await;
    assert_eq!(stores(&served.there("/").await), ["store-00", "store-01", "store-02"]);
    for (filter, found) in [
        ("is:connected", &["store-00", "store-01"][..]),
        ("is:away", &["store-02"]),
        ("is:connected region:eu", &["store-00", "store-01"]),
        ("region:cn", &[]),
    ] {
        let page = served.there(&format!("/?q={}", filter.replace(':', "%3A").replace(' ', "+"))).await;
        assert_eq!(stores(&page), found, "{filter}");
    }
    let page = served.there("/stores/store-01").await;
    let said = &page.by_id("fleet").text;
    // What would hurt it first is named first, versions stand beside each other, and the chain of reasons says why.
    for part in [
        "node-1",
        "drifting",
        "Aisle 0.1.0",
        "Alone it lasts: 12.5 days until certificate, then 80.0 days until disk",
        SLOT,
        "1.0.0",
        "1.1.0",
        "drift",
        "no answer in 50 ms",
        "its <b>till</b> is from 2009",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(
        said.find("1.1.0").unwrap() < said.find("1.0.0").unwrap(),
        "desired stands before reported: {said}"
    );
    assert!(page.by_id("overrides").text.contains("All boxes: its <b>till</b> is from 2009"));
    let health = &page.by_id("health").text;
    for part in ["connected", "Last contact", "Backlog", "Policy", "Forks"] {
        assert!(health.contains(part), "{part}: {health}");
    }
    let well = served.there("/stores/store-00").await.by_id("fleet").text.clone();
    assert!(well.contains("settled") && well.contains("and goes by it") && !well.contains("drift"), "{well}");
    assert!(served.there("/stores/store-02").await.by_id("health").text.contains("away"));
}

pub async fn a_rollout_that_failed_shows_its_causes_and_its_gates(hall: &Hall) {
    let mut world = World::new(hall, 6).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    for node in &mut world.nodes {
        node.refuses.insert(new.hash);
    }
    let waves = json!([{ "name": "canary", "size": 4, "soak_minutes": 10, "on_failure": "pause" }, { "name": "rest" }]);
    world.start(&spec("spring", &new, waves)).await;
    world.until("spring", "paused").await;
    let served = Served::of_hall(hall).await;
    let page = served.there("/rollouts/spring").await;
    let about = &page.by_id("about").text;
    assert!(about.contains("paused") && about.contains("by a gate") && about.contains("1 of 2"), "{about}");
    let causes = &page.by_id("causes").text;
    // Four nodes failed for one reason: it stands once, with how many.
    assert!(causes.contains("no answer in 50 ms") && causes.contains('4'), "{causes}");
    assert_eq!(causes.matches("no answer in 50 ms").count(), 1, "{causes}");
    let waves = &page.by_id("waves").text;
    for part in ["canary", "failures", "does not hold", "4 failed", "rest", "not begun"] {
        assert!(waves.contains(part), "{part}: {waves}");
    }
    let nodes = served.there("/rollouts/spring/nodes?status=failed").await;
    assert_eq!(stores(&nodes).len(), 4);
    assert!(nodes.by_id("nodes").text.contains("no answer in 50 ms"));
    let list = served.there("/rollouts?phase=paused").await;
    assert!(
        list.by_id("rollouts").text.contains("spring") && list.by_id("rollouts").text.contains("by a gate")
    );
    // What can be said to it, of which one wants a reason.
    let page = served.sent("/rollouts/spring/rollback", &[("why", "the till is silent")]).await;
    assert!(page.by_id("about").text.contains("the till is silent"));
    for _ in 0..6 {
        world.pass(5).await;
    }
    let page = served.there("/rollouts/spring").await;
    assert!(page.by_id("about").text.contains("rolled back"), "{}", page.by_id("about").text);
    // It says nothing of anybody any more, so it may go.
    let list = served.sent("/rollouts/spring/delete", &[]).await;
    assert!(list.text().contains("It is forgotten here") && !list.by_id("rollouts").text.contains("spring"));
    assert_eq!(world.count("1.0.0"), 6);
}

pub async fn a_store_runs_out_of_everything_that_its_node_named_while_nobody_hears_it(hall: &Hall) {
    let shop = Outbox::new("store-1", 1);
    let database = &hall.one.api.database;
    database.register(&shop.node()).await.unwrap();
    let hello = hello(&shop, "eu");
    let contact =
        Contact { node: "node-1", hello: &hello, path: "quic", address: "10.0.0.1:4", hub: "hub-1" };
    database.contact(&id("store-1"), &contact).await.unwrap();
    let dangers = [
        ("outbox", 30.0),
        ("certificate", 12.5),
        ("disk", 40.0),
        ("metadata", 3.0),
        ("line-budget", 24.0),
        ("prices", 11.0),
    ];
    let mut says = Node::new("store-1", "node-1").says();
    says.facts.horizon =
        dangers.iter().map(|(what, days)| Horizon { what: (*what).into(), days: *days }).collect();
    let report = Report { generation: 0, applied: vec![], node: Some(Octets(says.encode().unwrap().into())) };
    database.report(&id("store-1"), "node-1", &report).await.unwrap();
    let (mut served, machine) = (Served::of_hall(hall).await, hall.one.machine());
    for (days, expected) in [
        (
            0,
            "Alone it lasts: 3.0 days until metadata, then 11.0 days until prices, then 12.5 days until certificate, then 24.0 days until line-budget, \
             then 30.0 days until outbox, then 40.0 days until disk, by what it told ",
        ),
        (
            10,
            "Alone it lasts: 0.0 days until metadata, then 1.0 days until prices, then 2.5 days until certificate, then 14.0 days until line-budget, \
             then 20.0 days until outbox, then 30.0 days until disk, by what it told 10 days ago",
        ),
    ] {
        let now_ms = Database::now_ms() + days * 86_400_000;
        hall.time.store(now_ms, std::sync::atomic::Ordering::SeqCst);
        // Whoever signed in ten days ago has to sign in again.
        served.me = served.person(&format!("Grace {days}"), &["admin"]).await;
        let said = served.there("/stores/store-1").await.by_id("fleet").text.clone();
        assert!(said.contains(expected), "{expected}: {said}");
        let member = machine.get("/v1/members/store-1/node-1").await.json;
        assert_eq!(member["member"]["horizon"]["what"], "metadata", "{member}");
        let left = member["facts"]["horizon"][2]["days"].as_f64().unwrap();
        assert!((left - (12.5 - days as f64)).abs() < 0.01, "{member}");
        let free = member["facts"]["disk_free_bytes"].as_f64().unwrap() / (1_u64 << 40) as f64;
        assert!((free - (40.0 - days as f64) / 40.0).abs() < 0.01, "{member}");
        let all = machine.get("/v1/members").await.json;
        let first = all["items"][0]["horizon"]["days"].as_f64().unwrap();
        assert!((first - (3.0 - days as f64).max(0.0)).abs() < 0.01, "{all}");
    }
}

pub async fn names_that_would_do_harm_do_none_where_the_rules_show_them(hall: &Hall) {
    let served = Served::of_hall(hall).await;
    let names = ["<script>alert(1)</script>", "'; DROP TABLE node_reports; --", "\"><svg onload=alert(1)>"];
    for name in names {
        let shop = Outbox::new(name, 1);
        served.database.register(&shop.node()).await.unwrap();
        let contact = Contact {
            node: "node-1",
            hello: &hello(&shop, "eu"),
            path: "quic",
            address: "10.0.0.1:4",
            hub: "hub-1",
        };
        served.database.contact(&id(name), &contact).await.unwrap();
        let says = Node::new(name, "node-1").says().encode().unwrap();
        let report = Report { generation: 0, applied: vec![], node: Some(Octets(says.into())) };
        served.database.report(&id(name), "node-1", &report).await.unwrap();
    }
    let grid = served.there("/").await;
    for name in names {
        let way = grid.way(name).to_owned();
        let page = served.there(&way).await;
        assert!(page.by_id("fleet").text.contains("12.5 days until certificate"), "{name}");
        // The form of an override of it, and what was typed into it.
        let form = served.there(&format!("{way}/override")).await;
        assert!(form.text().contains(name), "{name}");
        let answer = served
            .send(
                &format!("{way}/override"),
                &[
                    ("version", "0"),
                    ("why", ""),
                    ("serial", name),
                    ("slots", name),
                    ("settings", name),
                    ("windows", name),
                ],
            )
            .await;
        assert_eq!(answer.status().as_u16(), 400);
        let again = super::shown(&way, answer).await.html;
        assert_eq!(again.by_id("serial").get("value"), Some(name), "what was typed is kept");
        let done = served
            .sent(
                &format!("{way}/override"),
                &[("version", "0"), ("why", name), ("settings", "a.b = <i>x</i>")],
            )
            .await;
        assert!(done.text().contains("It is written") && done.by_id("overrides").text.contains(name));
        assert!(served.there("/groups").await.by_id("overrides").text.contains(name));
        for path in ["/groups/write", "/filters/write", "/write-rollout"] {
            let fields = [
                ("version", "0"),
                ("name", name),
                ("rollout", name),
                ("why", name),
                ("who", name),
                ("slots", name),
                ("stores", name),
                ("wave-0-name", name),
                ("wave-0-size", name),
                ("part", name),
                ("metric-0-name", name),
            ];
            let answer = served.send(path, &fields).await;
            assert_eq!(answer.status().as_u16(), 400, "{path}");
            let page = super::shown(path, answer).await.html;
            assert!(page.by_id("who").get("value") == Some(name), "{path}: what was typed is kept");
        }
        let page = served.sent(&format!("{way}/override/delete"), &[("serial", "")]).await;
        assert!(page.text().contains("It is taken away") && page.by_id("overrides").text.contains("None"));
    }
    // However much is typed, the page has its bound.
    let much = "\"".repeat(7_000);
    for path in ["/groups/write", "/write-rollout"] {
        let answer = served.send(path, &[("slots", &much), ("name", "a b"), ("rollout", "a b")]).await;
        super::shown(path, answer).await;
    }
}
