//! The OpenAPI document: complete, and the one that is served.

use crate::shop_under_test::ShopUnderTest;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;

fn document() -> Value {
    serde_json::to_value(aisle_kiosk::openapi(OpenApiRouter::<()>::new().into_openapi())).unwrap()
}

#[tokio::test]
async fn the_served_document_is_the_generated_one() {
    let shop = ShopUnderTest::empty().await;
    let answer = shop.get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json(), document());
}

#[test]
fn every_operation_documents_its_problems_tags_and_name() {
    let document = document();
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations += 1;
            let name = format!("{method} {path}");
            assert!(operation["operationId"].is_string() && operation["summary"].is_string(), "{name}");
            assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{name}");
            for status in ["400", "405", "413", "500", "503"] {
                let content = &operation["responses"][status]["content"];
                assert!(content["application/problem+json"]["schema"]["$ref"].is_string(), "{name} {status}");
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(parameter["description"].is_string(), "{name}: {parameter}");
            }
        }
    }
    assert_eq!(operations, 21);
}

#[test]
fn every_schema_is_described_and_every_reference_leads_somewhere() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        assert!(schema["description"].is_string(), "`{name}` has no description");
    }
    let text = document.to_string();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "`{name}` is missing");
    }
}
