//! Counts and moves become positions, with their reasons.

use crate::{
    admin::administrator::{Administered, OPEN},
    support::{command::run, store::Store},
};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_count_and_a_move_are_believed_and_explained() {
    let store = Store::small();
    let node = store.start_with(OPEN);
    let admin = Administered { store, node };
    admin.api().ready().await;
    let products = admin.api().get("/v1/products?limit=1").await.json(200);
    let sku = products["products"][0]["sku"].as_str().expect("a product").to_owned();
    let path = format!("/v1/admin/positions/{sku}");
    for place in ["shelf", "backroom"] {
        let count = json!({ "place": place, "quantity": 12, "by": "Ada" });
        admin.send(Method::POST, &format!("{path}/counts"), &count).await.json(200);
    }
    let counted = admin.get(&path).await;
    assert_eq!(counted["shelf"]["value"], 12.0, "{counted}");
    assert!(counted["sources"].as_array().is_some_and(|all| all.iter().any(|it| it["source"] == "count")));
    let carry = json!({ "from": "backroom", "to": "shelf", "quantity": 5 });
    let moved = admin.send(Method::POST, &format!("{path}/moves"), &carry).await.json(200);
    assert!(moved["shelf"]["value"].as_f64() > counted["shelf"]["value"].as_f64(), "{moved}");
    let page = admin.get("/v1/admin/positions?limit=1").await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1), "{page}");

    for (body, field) in [
        (json!({ "place": "roof", "quantity": 1 }), "place"),
        (json!({ "place": "shelf", "quantity": -1 }), "quantity"),
        (json!({ "place": "shelf", "quantity": 1.5 }), "quantity"),
        (json!({ "place": "shelf", "quantity": 1e9 }), "quantity"),
        (json!({ "place": "shelf", "quantity": "1" }), "quantity"),
    ] {
        admin.send(Method::POST, &format!("{path}/counts"), &body).await.problem_with(400, field);
    }
    for (body, field) in [
        (json!({ "from": "shelf", "to": "shelf", "quantity": 1 }), "to"),
        (json!({ "from": "shelf", "to": "backroom", "quantity": 0 }), "quantity"),
    ] {
        admin.send(Method::POST, &format!("{path}/moves"), &body).await.problem_with(400, field);
    }

    let shown = run(&mut admin.aisle(["stock", "show", &sku])).exits(0).stdout;
    assert!(shown.contains("shelf") && shown.contains("source    count"), "{shown}");
    let counted = run(&mut admin.aisle(["stock", "count", &sku, "shelf", "3", "--by", "Ada", "--json"]));
    assert_eq!(counted.exits(0).json()["shelf"]["value"], 3.0);
    let table = run(&mut admin.aisle(["stock", "list"])).exits(0).stdout;
    assert!(table.starts_with("SKU") && table.contains(&sku), "{table}");
    run(&mut admin.aisle(["stock", "show", "NO-TEA"])).exits(1).complains_about(&["`NO-TEA`", "hint:"]);
    let tasks = run(&mut admin.aisle(["task", "list"])).exits(0).stdout;
    assert!(!tasks.is_empty());
    run(&mut admin.aisle(["task", "done", "nothing"])).exits(1).complains_about(&["`nothing`", "hint:"]);
}
