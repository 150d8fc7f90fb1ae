//! The token: made once, for the node's user alone, and asked for everywhere.

use super::administrator::Administered;
use crate::support::api::Api;
use reqwest::Method;
use std::{fs, os::unix::fs::PermissionsExt};

const ROUTES: [(Method, &str); 6] = [
    (Method::GET, "/v1/admin/mqtt"),
    (Method::GET, "/v1/admin/mqtt/clients"),
    (Method::DELETE, "/v1/admin/mqtt/clients/fridge-7"),
    (Method::GET, "/v1/admin/mqtt/retained"),
    (Method::DELETE, "/v1/admin/mqtt/retained/a/b"),
    (Method::GET, "/v1/admin/mqtt/watch"),
];

#[tokio::test]
async fn without_the_token_nothing_is_told_and_nothing_done() {
    let admin = Administered::start();
    for (method, path) in ROUTES {
        let without = admin.api().request(method.clone(), path);
        let wrong = admin.api().request(method.clone(), path).bearer_auth("a".repeat(64));
        let other_scheme = admin.api().request(method, path).basic_auth("admin", Some(admin.token()));
        for request in [without, wrong, other_scheme] {
            let answer = Api::try_send(request).await.expect("an answer");
            assert_eq!(answer.problem(401)["type"], "urn:aisle:problem:no-token", "{path}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
}

#[tokio::test]
async fn the_token_is_for_the_nodes_user_alone_and_stays_over_restarts() {
    let mut admin = Administered::start();
    let path = admin.node.data().join("admin.token");
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    let token = admin.token();
    assert_eq!(token.len(), 64);
    admin.node.kill().expect("it ran");
    admin.node.start_again().expect("it serves");
    assert_eq!(admin.token(), token);
    admin.get("/v1/admin/mqtt").await;
}

#[tokio::test]
async fn a_token_that_was_replaced_opens_nothing_from_then_on() {
    let admin = Administered::start();
    let old = admin.token();
    let path = admin.node.data().join("admin.token");
    fs::write(&path, "another token of a fair length\n").expect("written");
    let asked = admin.api().request(Method::GET, "/v1/admin/mqtt").bearer_auth(old);
    Api::try_send(asked).await.expect("an answer").problem(401);
    admin.get("/v1/admin/mqtt").await;
    // A file that was cut off is no token that could be guessed.
    fs::write(&path, "").expect("written");
    let asked = admin.api().request(Method::GET, "/v1/admin/mqtt").header("authorization", "Bearer ");
    Api::try_send(asked).await.expect("an answer").problem(401);
}
