//! Whoever has got hold of one box cannot keep the others from being banned.

use super::world::{Carton, Hub, World, line_of, request_body};
use aisle_event::Timestamp;
use aisle_hub::{
    database::{CERTIFICATES_A_DAY_MAX, DEVICES_MAX, DeviceError, Location},
    enrol::{decide::Verb, now},
};
use aisle_provisioning::{
    CertificateNumber, Device, Identity, Store,
    device::{Entry, What, revocation::ENTRIES_MAX},
    request,
};
use sqlx::ConnectOptions as _;

const DAY_MS: i64 = 24 * 3_600_000;

impl World {
    fn device(&self, name: &str) -> Identity {
        Identity::device(self.chain(), Store::new("store-1").unwrap(), Device::new(name).unwrap())
    }

    /// So many certificates of devices on the list, as if one box had brought them all there before there was a bound.
    async fn fill(&self, count: usize) {
        self.fill_until(count, Timestamp(now().0 + 30 * DAY_MS)).await;
    }

    /// The same, with when they end.
    async fn fill_until(&self, count: usize, until: Timestamp) {
        let before = self.database().await.revocations().await.unwrap();
        let entries = (1..=count as u64).map(|number| {
            let what = What::Certificate(CertificateNumber::new(&number.to_be_bytes()).unwrap());
            Entry { what, since: now(), until: Some(until) }
        });
        let list = before.with(entries, &[], now()).unwrap();
        let Location::Sqlite(path) = &self.config.database else { panic!("{:?}", self.config.database) };
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let mut connection = options.connect().await.unwrap();
        let number = i64::try_from(list.number()).unwrap();
        let put = sqlx::query("UPDATE revocation_list SET number = $1, list = $2 WHERE one = 1");
        let done = put.bind(number).bind(list.encode()).execute(&mut connection).await.unwrap();
        assert_eq!(done.rows_affected(), 1);
    }
}

async fn device(carton: &Carton, hub: &Hub, method: &str, name: &str) -> super::caller::Reply {
    let der = request::make(&carton.key, name, None).unwrap();
    let body = if method == "POST" { request_body(&der) } else { Vec::new() };
    carton.caller(hub).ask(method, &format!("/v1/enrol/devices/{name}"), &[], &body).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_full_of_devices_has_room_for_a_ban_a_renewal_and_a_rejection() {
    let world = World::new("approval = \"auto\"");
    let hub = world.hub().await;
    let bad = world.enrolled(&hub, "store-1", "4711").await;
    assert_eq!(device(&bad, &hub, "POST", "fridge-7").await.status, 200);
    world.fill(ENTRIES_MAX / 2).await;
    // No box brings another device onto it, and is told so in words.
    let reply = world.refused(&hub, "E-603", device(&bad, &hub, "DELETE", "fridge-7")).await;
    assert_eq!((reply.status, reply.code().as_str()), (507, "E-603"));
    assert_eq!(reply.header("retry-after"), Some("3600"));
    let detail = reply.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("100000 entries") && detail.contains("the next one at 20"), "{detail}");
    // A renewal and what people decide goes on.
    let new = bad.renew(&hub, "store-1").await.unwrap_or_else(|reply| panic!("{}", reply.code()));
    assert_eq!(new.settings(&hub).await.status, 200);
    world.decide("store-1", "4711", Verb::Ban).await;
    assert_eq!(new.settings(&hub).await.code(), "E-504");
    // Even where renewals have filled their part, too.
    world.fill(ENTRIES_MAX / 4 * 3).await;
    let other = world.enrolled(&hub, "store-2", "4712").await;
    let renewed = other.renew(&hub, "store-2").await.unwrap_or_else(|reply| panic!("{}", reply.code()));
    assert_eq!(renewed.settings(&hub).await.status, 200);
    assert_eq!(other.settings(&hub).await.code(), "E-505", "its record refuses it");
    world.decide("store-2", "4712", Verb::Ban).await;
    let banned = other.identity("store-2");
    assert!(world.database().await.revocations().await.unwrap().bans(&banned));
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_ran_out_a_week_ago_leaves_a_full_list_and_who_ran_out_yesterday_does_not() {
    let world = World::new("approval = \"auto\"");
    let hub = world.hub().await;
    let carton = world.enrolled(&hub, "store-1", "4711").await;
    for fridge in ["fridge-7", "fridge-8"] {
        assert_eq!(device(&carton, &hub, "POST", fridge).await.status, 200);
    }
    world.fill_until(ENTRIES_MAX / 2, Timestamp(now().0 - 8 * DAY_MS)).await;
    assert_eq!(device(&carton, &hub, "DELETE", "fridge-7").await.status, 204);
    let list = world.database().await.revocations().await.unwrap();
    assert!(list.size() == 1 && list.bans(&world.device("fridge-7")), "{}", list.size());
    world.fill_until(ENTRIES_MAX / 2, Timestamp(now().0 - DAY_MS)).await;
    assert_eq!(device(&carton, &hub, "DELETE", "fridge-8").await.code(), "E-603");
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ban_for_which_there_is_no_room_at_all_says_what_is_full_and_until_when() {
    let world = World::new("approval = \"auto\"");
    let hub = world.hub().await;
    world.enrolled(&hub, "store-1", "4711").await;
    let there = world.database().await.revocations().await.unwrap().size();
    world.fill(ENTRIES_MAX - there).await;
    let token = std::fs::read_to_string(&world.config.files.token).unwrap();
    let url = format!("http://{}/v1/enrolments/store-1/4711/ban", hub.http);
    let asked = reqwest::Client::new().post(url).bearer_auth(token.trim());
    let answer = asked.json(&serde_json::json!({ "reason": "stolen" })).send().await.unwrap();
    let problem: serde_json::Value = answer.json().await.unwrap();
    assert_eq!((&problem["type"], &problem["status"]), (&"urn:aisle:problem:list-full".into(), &507.into()));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("200000 entries") && detail.contains("the next one at 20"), "{detail}");
    assert_eq!(world.written("node.ban", "E-603").await, 1);
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_bans_only_devices_that_have_certificates_and_each_once() {
    let world = World::new("approval = \"auto\"");
    let hub = world.hub().await;
    let carton = world.enrolled(&hub, "store-1", "4711").await;
    let before = world.database().await.revocations().await.unwrap().size();
    let reply = world.refused(&hub, "E-405", device(&carton, &hub, "DELETE", "ghost-1")).await;
    assert_eq!(reply.status, 404);
    assert_eq!(world.database().await.revocations().await.unwrap().size(), before);
    assert_eq!(device(&carton, &hub, "POST", "fridge-7").await.status, 200);
    for _ in 0..3 {
        assert_eq!(device(&carton, &hub, "DELETE", "fridge-7").await.status, 204);
    }
    let list = world.database().await.revocations().await.unwrap();
    let entry = list.entries().find(|entry| entry.what == What::Identity(world.device("fridge-7"))).unwrap();
    assert!(entry.until.is_some(), "it leaves the list when its certificates have ended");
    let rows = world.database().await.audit_after(0, 100).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.action == "device.ban").count(), 1);
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_gets_so_many_certificates_in_a_day_and_no_more() {
    let world = World::new("approval = \"auto\"");
    let hub = world.hub().await;
    let mut carton = world.enrolled(&hub, "store-1", "4711").await;
    for _ in 0..CERTIFICATES_A_DAY_MAX {
        assert_eq!(device(&carton, &hub, "POST", "fridge-7").await.status, 200);
    }
    let reply = world.refused(&hub, "E-207", device(&carton, &hub, "POST", "fridge-7")).await;
    assert_eq!((reply.status, reply.code().as_str()), (429, "E-207"));
    // The first one was for its claim.
    for _ in 1..CERTIFICATES_A_DAY_MAX {
        carton = carton.renew(&hub, "store-1").await.unwrap_or_else(|reply| panic!("{}", reply.code()));
    }
    let reply = world.refused(&hub, "E-207", carton.renew(&hub, "store-1")).await.err().unwrap();
    assert_eq!(reply.status, 429);
    assert_eq!(carton.settings(&hub).await.status, 200, "what it has is good");
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_has_so_many_devices_and_another_day_makes_no_more() {
    let world = World::new("");
    let (database, unlocked) = (world.database().await, world.unlocked());
    let key = world.carton("4711").key;
    let issued = |name: &str| world.issue_by(&unlocked, &world.device(name), &key, now());
    for number in 0..DEVICES_MAX {
        let name = format!("device-{number}");
        let line = line_of("certificate.issue");
        database.keep_device(&world.device(&name), &issued(&name), &line).await.unwrap();
    }
    let mut line = line_of("certificate.issue");
    line.at_ms += 2 * 24 * 3_600_000;
    let more = database.keep_device(&world.device("one-more"), &issued("one-more"), &line).await;
    assert!(matches!(more, Err(DeviceError::TooMany { .. })), "{more:?}");
    // One that is there gets another one.
    database.keep_device(&world.device("device-0"), &issued("device-0"), &line).await.unwrap();
}
