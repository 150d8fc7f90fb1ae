//! What wants two persons.

use super::hall::{Caller, Hall, Reply};
use crate::shop::{POLICY, officer};
use aisle_hub::people::approval::{ApprovalError, Ask, Kind, LIFE_MS, Passed};
use aisle_hub::people::{role::Grant, who::Who};
use data_encoding::HEXLOWER;
use reqwest::StatusCode;
use serde_json::{Value, json};

fn policy(version: u32) -> Value {
    let document = POLICY.replace("version = 1", &format!("version = {version}"));
    let signature = HEXLOWER.encode(&officer().sign(document.as_bytes()).0);
    json!({ "document": document, "signature": signature })
}

fn with(mut body: Value, approval: &Value) -> Value {
    body["approval"] = approval.clone();
    body
}

async fn decide(who: &Caller, asked: &Value, agrees: bool) -> Reply {
    let body = json!({ "hash": asked["hash"], "agrees": agrees, "reason": "looked at it" });
    who.post(&format!("/v1/approvals/{}/decision", asked["approval"].as_str().unwrap()), &body).await
}

pub async fn what_one_asks_another_agrees_to_and_it_is_done_once(hall: &Hall) {
    let (pia, paul) = (
        hall.one.person("Pia", &["privacy-officer"]).await,
        hall.two.person("Paul", &["privacy-officer"]).await,
    );
    let asked = pia.post("/v1/policies", &policy(1)).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.json);
    assert_eq!(
        (&asked.json["state"], &asked.json["summary"]),
        (&json!("waits"), &json!("policy `test`, version 1"))
    );
    let again = pia.post("/v1/policies", &policy(1)).await;
    assert_eq!(again.json["approval"], asked.json["approval"], "asked again, it is the same");
    let id = &asked.json["approval"];
    let early = pia.post("/v1/policies", &with(policy(1), id)).await;
    assert_eq!(early.status, StatusCode::CONFLICT);
    assert_eq!(pia.get("/v1/policies").await.json["items"], json!([]));
    // Who decides sees exactly what is asked for.
    let shown = paul.get(&format!("/v1/approvals/{}", id.as_str().unwrap())).await.json;
    assert_eq!(shown["request"]["document"], policy(1)["document"]);
    let decided = decide(&paul, &asked.json, true).await;
    assert_eq!(
        (decided.status, &decided.json["state"], &decided.json["decided_name"]),
        (StatusCode::OK, &json!("approved"), &json!("Paul"))
    );
    let published = pia.post("/v1/policies", &with(policy(1), id)).await;
    assert_eq!(
        (published.status, &published.json["version"]),
        (StatusCode::CREATED, &json!(1)),
        "{}",
        published.json
    );
    assert_eq!(pia.get("/v1/policies").await.json["items"][0]["version"], 1);
    for _ in 0..2 {
        let again = pia.post("/v1/policies", &with(policy(1), id)).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
        assert!(again.json["detail"].as_str().unwrap().contains("executed"), "{}", again.json);
    }
    let actions: Vec<_> = ["approval.ask", "approval.decide", "approval.execute", "policy.publish"].into();
    for action in actions {
        let rows = hall.audit(action).await;
        assert_eq!((rows.len(), &rows[0]["outcome"]), (1, &json!("done")), "{action}");
    }
    let page = paul.get("/v1/approvals?state=executed").await.json;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    // An older version may not follow, though two agree.
    let asked = pia.post("/v1/policies", &policy(2)).await.json;
    let older = pia.post("/v1/policies", &json!({ "document": POLICY, "signature": "00".repeat(64) })).await;
    assert!(older.json["detail"].as_str().unwrap().contains("was refused"), "{}", older.json);
    assert_eq!(decide(&paul, &asked, false).await.json["state"], "refused");
    let refused = pia.post("/v1/policies", &with(policy(2), &asked["approval"])).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
}

pub async fn nobody_agrees_to_their_own(hall: &Hall) {
    let (pia, ada) =
        (hall.one.person("Pia", &["privacy-officer"]).await, hall.one.person("Ada", &["admin"]).await);
    let bounded = hall.one.person("Bounded", &["privacy-officer@region:eu"]).await;
    let olga = hall.one.person("Olga", &["operator"]).await;
    let asked = pia.post("/v1/policies", &policy(1)).await.json;
    let own = decide(&pia, &asked, true).await;
    assert_eq!(
        (own.status, &own.json["type"]),
        (StatusCode::FORBIDDEN, &json!("urn:aisle:problem:second-person"))
    );
    // By a token of her own she is the same person; the machine's token is none.
    let body = json!({ "name": "x", "permissions": ["policy.approve", "approval.read"], "days": 1 });
    let token = pia.post("/v1/me/tokens", &body).await.json;
    for caller in
        [hall.two.with_token(token["secret"].as_str().unwrap()), hall.one.machine(), olga.clone(), bounded]
    {
        assert_eq!(decide(&caller, &asked, true).await.status, StatusCode::FORBIDDEN);
    }
    let id = asked["approval"].as_str().unwrap();
    let body = json!({ "hash": "00".repeat(32), "agrees": true });
    let blind = ada.post(&format!("/v1/approvals/{id}/decision"), &body).await;
    assert_eq!(blind.json["errors"][0]["field"], "hash", "who has looked at something else decides nothing");
    assert_eq!(pia.get(&format!("/v1/approvals/{id}")).await.json["state"], "waits");
    let reasons: Vec<_> = hall
        .audit("approval.decide")
        .await
        .iter()
        .map(|row| row["reason"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(reasons.len(), 4, "{reasons:?}");
    assert!(reasons[3].contains("another person has to") && reasons[1].contains("no person"), "{reasons:?}");
    // Only who asked takes it back.
    assert_eq!(ada.delete(&format!("/v1/approvals/{id}")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(pia.delete(&format!("/v1/approvals/{id}")).await.json["state"], "withdrawn");
    assert_eq!(decide(&ada, &asked, true).await.status, StatusCode::CONFLICT);
}

pub async fn what_was_agreed_to_is_what_is_done_in_its_time(hall: &Hall) {
    let (pia, paul) = (
        hall.one.person("Pia", &["privacy-officer"]).await,
        hall.one.person("Paul", &["privacy-officer"]).await,
    );
    let asked = pia.post("/v1/policies", &policy(1)).await.json;
    assert_eq!(decide(&paul, &asked, true).await.status, StatusCode::OK);
    let other = pia.post("/v1/policies", &with(policy(2), &asked["approval"])).await;
    assert_eq!(other.status, StatusCode::CONFLICT, "another policy under the same approval");
    assert!(other.json["detail"].as_str().unwrap().contains("not the request that was agreed to"));
    let unknown = pia.post("/v1/policies", &with(policy(1), &json!("a-none"))).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    hall.pass(LIFE_MS);
    let (pia, paul) = (
        pia.signed_in(&pia.sign_in("pia", super::hall::PASSWORD).await),
        paul.signed_in(&paul.sign_in("paul", super::hall::PASSWORD).await),
    );
    let late = pia.post("/v1/policies", &with(policy(1), &asked["approval"])).await;
    assert!(late.json["detail"].as_str().unwrap().contains("time of the request is over"), "{}", late.json);
    let path = format!("/v1/approvals/{}", asked["approval"].as_str().unwrap());
    assert_eq!(paul.get(&path).await.json["state"], "over");
    assert_eq!(
        pia.post("/v1/policies", &policy(1)).await.json["state"],
        "waits",
        "it can be asked for again"
    );
}

/// As the rollout's code will use it, over both hubs at once.
pub async fn two_hubs_execute_an_approval_once(hall: &Hall) {
    let person = |id: &str| {
        let way = aisle_hub::people::who::Way::Token { id: "t".into() };
        let grants = vec!["operator".parse::<Grant>().unwrap()];
        Who { id: id.into(), name: id.into(), grants, way, ..Who::machine("", "") }
    };
    let (olga, otto) = (person("p-olga"), person("p-otto"));
    let ask = Ask {
        kind: Kind::RolloutStart,
        summary: "all stores".into(),
        request: json!({ "rollout": 7, "waves": [1, 2] }),
    };
    let (one, two) = (hall.one.api.people.approvals(), hall.two.api.people.approvals());
    let Passed::Waits(asked) = one.pass(&olga, &ask, None, hall.now()).await.unwrap() else {
        panic!("it waits")
    };
    two.decide(&otto, &asked.id, true, "", hall.now()).await.unwrap();
    let other = Ask { request: json!({ "rollout": 7, "waves": [2, 1] }), ..ask.clone() };
    assert!(matches!(
        two.pass(&olga, &other, Some(&asked.id), hall.now()).await,
        Err(ApprovalError::Different)
    ));
    let tries = (0..16).map(|number| {
        let (approvals, olga, ask, id, now) = (
            if number % 2 == 0 { one.clone() } else { two.clone() },
            olga.clone(),
            ask.clone(),
            asked.id.clone(),
            hall.now(),
        );
        tokio::spawn(async move { approvals.pass(&olga, &ask, Some(&id), now).await })
    });
    let mut went = 0;
    for done in tries.collect::<Vec<_>>() {
        match done.await.unwrap() {
            Ok(Passed::Go(_)) => went += 1,
            Err(ApprovalError::Is(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(went, 1);
    assert_eq!(hall.audit("approval.execute").await.len(), 1);
}
