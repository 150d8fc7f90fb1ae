//! The audit log: one chain, found out when somebody touches it, and without secrets.

use super::hall::{Caller, Hall, MACHINE, PASSWORD};
use aisle_hub::{
    Database,
    people::{audit::By, who::Who},
    verify,
};
use reqwest::{Method, StatusCode};
use serde_json::json;
use sqlx::ConnectOptions as _;
use std::path::Path;

async fn checked(database: &Database) -> verify::Checked {
    verify::verify(database, &crate::shop::region("eu"), &crate::shop::verifier(), |_, _| {}).await.unwrap()
}

pub async fn two_hubs_at_once_keep_one_chain(hall: &Hall) {
    let writers = (0..8).map(|writer| {
        let people = if writer % 2 == 0 { &hall.one } else { &hall.two }.api.people.clone();
        let now_ms = hall.now();
        tokio::spawn(async move {
            let owner = Who::machine(format!("writer {writer}"), "local");
            for number in 0..25 {
                people.add(&owner, &format!("person {writer} {number}"), vec![], now_ms).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let checked = checked(&hall.two.api.database).await;
    assert_eq!((checked.audited, checked.findings), (200, vec![]));
    let (seq, _) = hall.one.api.database.audit_head().await.unwrap();
    assert_eq!(seq, 200);
    let rows = hall.one.api.database.audit_after(0, 1_000).await.unwrap();
    let hubs: std::collections::BTreeSet<_> = rows.iter().map(|row| row.hub.clone()).collect();
    assert_eq!(hubs.into_iter().collect::<Vec<_>>(), ["hub-1", "hub-2"]);
}

async fn say(folder: &Path, sql: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("hub.db"));
    let mut connection = options.connect().await.unwrap();
    assert!(sqlx::query(sql).execute(&mut connection).await.unwrap().rows_affected() > 0, "{sql}");
}

#[tokio::test]
async fn a_row_that_somebody_touched_is_found() {
    for (sql, words) in [
        ("UPDATE audit SET actor_name = 'Somebody else' WHERE seq = 3", "row 3 of the audit log is not"),
        ("UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 1", "row 1 of the audit log is not"),
        (
            "UPDATE audit SET outcome = 'done', reason = '' WHERE outcome = 'refused'",
            "row 5 of the audit log is not",
        ),
        ("UPDATE audit SET became = became || ' ' WHERE seq = 2", "row 2 of the audit log is not"),
        // What ends one field does not begin the next.
        ("UPDATE audit SET object = object || way, way = '' WHERE seq = 4", "row 4 of the audit log is not"),
        ("DELETE FROM audit WHERE seq = 2", "row 3 of the audit log is not"),
        ("DELETE FROM audit WHERE seq = 5", "the audit log ends after row 4"),
        (
            "INSERT INTO audit SELECT 6, at_ms, hub, actor, actor_name, way, address, action, object, outcome, reason, was, became, head \
            FROM audit WHERE seq = 5",
            "",
        ),
        ("UPDATE audit_head SET seq = 4", "the audit log ends after row 4"),
        ("UPDATE audit_head SET head = zeroblob(32)", "the audit log ends after row 5"),
    ] {
        let (folder, database) = crate::shop::sqlite().await;
        let settings = aisle_hub::people::Settings { cost: super::hall::CHEAP, ..Default::default() };
        let people = aisle_hub::people::People::new(database.clone(), "hub-1", settings, Default::default());
        let owner = Who::machine("owner", "local");
        for number in 0..4 {
            people.add(&owner, &format!("person {number}"), vec![], 1).await.unwrap();
        }
        let by = By { id: String::new(), name: String::new(), way: "password", address: "192.0.2.1".into() };
        people.refused(people.line(by, "session.begin", "", 2), "wrong").await.unwrap();
        let sound = checked(&database).await;
        assert_eq!((sound.audited, sound.findings), (5, vec![]));
        say(folder.path(), sql).await;
        let found = checked(&database).await.findings;
        if words.is_empty() {
            // A row behind the end is none yet; the next one that is written finds the place taken.
            assert!(people.add(&owner, "person 5", vec![], 3).await.is_err());
            continue;
        }
        assert!(
            found.iter().any(|finding| finding.log == "audit" && finding.what.contains(words)),
            "{sql}: {found:?}"
        );
    }
}

pub async fn no_secret_is_in_the_log_or_anywhere_else(hall: &Hall) {
    let ada = hall.one.person("Ada", &["admin", "privacy-officer"]).await;
    let mut secrets = vec![PASSWORD.to_owned(), MACHINE.to_owned(), ada.csrf.clone().unwrap()];
    let cookie = |caller: &Caller| caller.cookie.clone().unwrap().split('=').nth(1).unwrap().to_owned();
    secrets.push(cookie(&ada));
    let key = "a-key-that-nobody-guesses";
    let request = ada.request(Method::POST, "/v1/people").header("idempotency-key", key);
    let added = super::hall::sent(request.json(&json!({ "name": "Bob", "roles": ["viewer"] }))).await;
    let code = added.json["code"].as_str().unwrap().to_owned();
    let bob = hall.two.caller();
    bob.post("/v1/setup", &json!({ "code": code, "password": "short" })).await;
    let bob = bob
        .signed_in(&bob.post("/v1/setup", &json!({ "code": code, "password": "bob's own password" })).await);
    let body = json!({ "name": "x", "permissions": ["store.read"], "days": 1 });
    let made = super::hall::sent(
        bob.request(Method::POST, "/v1/me/tokens").header("idempotency-key", key).json(&body),
    )
    .await;
    let token = made.json["secret"].as_str().unwrap();
    secrets.extend([code, "bob's own password".into(), cookie(&bob), bob.csrf.clone().unwrap(), key.into()]);
    secrets.push(token.rsplit('_').next().unwrap().to_owned());
    assert_eq!(hall.one.with_token(token).get("/v1/stores").await.status, StatusCode::OK);
    hall.one.caller().sign_in("bob", "bob's wrong password").await;
    hall.one.caller().sign_in("bob's own password", "bob").await;
    hall.one.with_token(&format!("{token}x")).get("/v1/stores").await;
    secrets.push("bob's wrong password".into());
    let log = hall.one.machine().get("/v1/audit?limit=1000").await.json.to_string();
    for secret in &secrets {
        assert!(!log.contains(secret.as_str()), "{secret}");
    }
    if let aisle_hub::database::Location::Sqlite(path) = hall.one.api.database.location().clone() {
        hall.close().await;
        for file in [path.clone(), path.with_extension("db-wal")] {
            let bytes = std::fs::read(file).unwrap_or_default();
            for secret in &secrets {
                assert!(
                    !bytes.windows(secret.len()).any(|window| window == secret.as_bytes()),
                    "{secret} is in the file"
                );
            }
        }
    }
}

pub async fn the_log_is_paged_and_filtered(hall: &Hall) {
    let ada = hall.one.person("Ada", &["admin"]).await;
    for number in 0..10 {
        ada.post("/v1/people", &json!({ "name": format!("Person {number}"), "roles": [] })).await;
        hall.pass(1_000);
    }
    let (mut path, mut seen) = ("/v1/audit?limit=4&action=person.add".to_owned(), Vec::new());
    loop {
        let page = ada.get(&path).await.json;
        seen.extend(page["items"].as_array().unwrap().iter().map(|row| row["seq"].as_u64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/audit?limit=4&action=person.add&after={next}");
    }
    assert_eq!(seen.len(), 11);
    assert!(seen.is_sorted_by(|one, other| one > other), "{seen:?}");
    let id = ada.id().await;
    let count = async |question: String| {
        let page = ada.get(&format!("/v1/audit?limit=1000&{question}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.json);
        page.json["items"].as_array().unwrap().len()
    };
    assert_eq!(count(format!("actor={id}&action=person.add")).await, 10);
    assert_eq!(count("actor=machine&action=person.add".into()).await, 1);
    assert_eq!(
        count(format!("action=person.add&from_ms={}&before_ms={}", hall.now() - 3_000, hall.now() - 1_000))
            .await,
        2
    );
    assert_eq!(count("object=no%27such%22object%3B--".into()).await, 0);
    assert_eq!(ada.get("/v1/audit?actr=x").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(ada.get("/v1/audit?actor=%00").await.status, StatusCode::BAD_REQUEST);
    // What is too long is cut, and says so.
    let long = "x".repeat(100_000);
    let owner = Who::machine(&long, "local");
    let line = hall
        .one
        .api
        .people
        .line(owner.by(), "test.long", &long, hall.now())
        .became(json!({ "text": long }))
        .was(json!("a\0b"));
    hall.one.api.database.audit(&line).await.unwrap();
    let row = &hall.audit("test.long").await[0];
    assert!(
        row["object"].as_str().unwrap().len() <= 512 && row["actor_name"].as_str().unwrap().ends_with('…'),
        "{row}"
    );
    assert!(row["became"].as_str().unwrap().contains("too_long"), "{row}");
    assert_eq!(checked(&hall.one.api.database).await.findings, vec![]);
}

pub async fn what_takes_something_away_says_how_it_was_and_how_it_is(hall: &Hall) {
    use aisle_provisioning::{Store, SystemEntropy, claim::Claim, enrolment::Role};
    let ada = hall.one.person("Ada", &["admin"]).await;
    let pia = hall.one.person("Pia", &["privacy-officer"]).await;
    let id = pia.id().await;
    let new = json!({ "name": "a program", "permissions": ["store.read"], "days": 1 });
    let token = pia.post("/v1/me/tokens", &new).await.json["token"].as_str().unwrap().to_owned();
    assert_eq!(pia.delete(&format!("/v1/me/tokens/{token}")).await.status, StatusCode::NO_CONTENT);
    let second = pia.signed_in(&pia.sign_in("pia", PASSWORD).await);
    let session = second.get("/v1/me").await.json["session"].as_str().unwrap().to_owned();
    let ended = ada.delete(&format!("/v1/people/{id}/sessions/{session}")).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT, "{}", ended.json);
    let pia = pia.signed_in(&pia.sign_in("pia", PASSWORD).await);
    let document = crate::shop::POLICY;
    let signature = data_encoding::HEXLOWER.encode(&crate::shop::officer().sign(document.as_bytes()).0);
    let asked = pia.post("/v1/policies", &json!({ "document": document, "signature": signature })).await;
    let approval = asked.json["approval"].as_str().unwrap().to_owned();
    let withdrawn = pia.delete(&format!("/v1/approvals/{approval}")).await;
    assert!(withdrawn.status.is_success(), "{}", withdrawn.json);
    let reset = ada.post(&format!("/v1/people/{id}/reset"), &json!({})).await;
    assert!(reset.status.is_success(), "{}", reset.json);
    let at = aisle_event::Timestamp(hall.now());
    let store = Store::new("store-1").unwrap();
    let (claim, _) = Claim::draw(store, None, at, 60_000, &mut SystemEntropy::default()).unwrap();
    let (database, locator) = (&hall.one.api.database, claim.locator.clone());
    let kept = aisle_hub::database::KeptClaim { claim, made_by: "Ada".into(), made_role: Role::Admin };
    let line = |action| crate::enrolling::world::line_at(action, at);
    database.keep_claim(&kept, &line("claim.create")).await.unwrap();
    database.withdraw_claim(&locator, &line("claim.withdraw")).await.unwrap().unwrap();
    for (action, was, became) in [
        ("token.revoke", &[id.as_str(), "store.read", "a program"][..], "revoked_at_ms"),
        ("session.end", &[id.as_str(), "password", "192.0.2.1"], "ended_at_ms"),
        ("approval.withdraw", &["waits"], "withdrawn"),
        ("person.reset", &["\"password\":true", "\"sessions\":1"], "\"password\":false"),
        ("claim.withdraw", &["open"], "withdrawn"),
    ] {
        let rows = hall.audit(action).await;
        let text = |field: &str| rows[0][field].as_str().unwrap().to_owned();
        assert!(was.iter().all(|was| text("was").contains(was)), "{action}: {}", rows[0]);
        assert!(text("became").contains(became), "{action}: {}", rows[0]);
    }
}
