//! The page, asked as a browser asks.

use super::*;
use crate::{BUILT, Clock, Setup, files, open};
use aisle_event::Timestamp;
use aisle_provisioning::identity::Serial;
use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use tower::ServiceExt as _;

/// A box whose claims nobody works on.
fn box_out_of_the_carton(data: &std::path::Path) -> (Router, crate::Worker) {
    let clock = Clock::open(&files::folder(data), BUILT, Arc::new(|| Timestamp(BUILT.0 + 1)));
    let setup = Setup {
        data: data.into(),
        serial: Serial::new("pf-3x7q").ok(),
        store: None,
        hub: None,
        receipt_key: Arc::new(|| Ok([7; 32])),
        is_artefact_root: Arc::new(|_| Ok(())),
        clock,
        visit_ms: 900_000,
    };
    let (enrolment, worker) = open(setup).unwrap();
    (router(FirstBoot::new(enrolment)), worker)
}

async fn ask(router: &Router, from: &str, method: &str, path: &str, form: &str) -> (StatusCode, String) {
    ask_at(router, "192.168.1.20:8480", from, method, path, form).await
}

async fn ask_at(
    router: &Router,
    host: &str,
    from: &str,
    method: &str,
    path: &str,
    form: &str,
) -> (StatusCode, String) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", host)
        .header("content-type", "application/x-www-form-urlencoded")
        .extension(ConnectInfo(from.parse::<SocketAddr>().unwrap()))
        .body(Body::from(form.to_owned()))
        .unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_box_out_of_the_carton_asks_for_its_claim_and_shows_its_serial() {
    let data = tempfile::tempdir().unwrap();
    let (router, _worker) = box_out_of_the_carton(data.path());
    let (status, page) = ask(&router, "192.168.1.7:5000", "GET", PATH, "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("name=\"claim\"") && page.contains("pf-3x7q"), "{page}");
    assert!(!page.contains("http-equiv"), "nothing moves yet: {page}");
    for path in ["/first-boot/style.css", "/first-boot/script.js", "/first-boot/status"] {
        assert_eq!(ask(&router, "127.0.0.1:5000", "GET", path, "").await.0, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn nobody_outside_the_stores_network_sees_it() {
    let data = tempfile::tempdir().unwrap();
    let (router, _worker) = box_out_of_the_carton(data.path());
    for (method, path) in
        [("GET", PATH), ("POST", PATH), ("GET", "/first-boot/status"), ("POST", "/first-boot/again")]
    {
        let (status, _) = ask(&router, "203.0.113.9:5000", method, path, "claim=x").await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}");
    }
}

#[tokio::test]
async fn a_mistyped_code_is_told_with_its_number_and_is_not_shown_again() {
    let data = tempfile::tempdir().unwrap();
    let (router, _worker) = box_out_of_the_carton(data.path());
    let (status, page) = ask(&router, "127.0.0.1:5000", "POST", PATH, "claim=7K3QM-SECRET").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{page}");
    assert!(page.contains("E-102") && page.contains("Next: "), "{page}");
    assert!(!page.contains("SECRET"), "{page}");
}

#[test]
fn claims_cannot_be_tried_one_after_the_other() {
    let start = Instant::now();
    let mut tries = Tries { left: TRIES_MAX, since: start };
    let taken = (0..20).filter(|_| tries.take(start)).count();
    assert_eq!(taken, 5);
    assert!(!tries.take(start + TRY_EVERY / 2));
    assert!(tries.take(start + TRY_EVERY) && !tries.take(start + TRY_EVERY));
    let rested = (0..20).filter(|_| tries.take(start + TRY_EVERY * 1_000)).count();
    assert_eq!(rested, 5);
}

#[test]
fn the_stores_network_is_known_by_its_addresses() {
    for ip in ["127.0.0.1", "10.1.2.3", "192.168.7.7", "::1", "fd00::7", "fe80::1", "::ffff:10.0.0.1"] {
        assert!(is_inside(ip.parse().unwrap()), "{ip}");
    }
    for ip in ["8.8.8.8", "2001:db8::1", "100.64.0.1", "::ffff:8.8.8.8"] {
        assert!(!is_inside(ip.parse().unwrap()), "{ip}");
    }
}

#[tokio::test]
async fn a_name_that_somebody_outside_may_have_led_here_is_no_name_of_the_box() {
    let data = tempfile::tempdir().unwrap();
    let (router, _worker) = box_out_of_the_carton(data.path());
    let (phone, claim) = ("192.168.1.7:5000", "claim=7K3QM-SECRET");
    for (method, path) in
        [("GET", PATH), ("POST", PATH), ("GET", "/first-boot/status"), ("POST", "/first-boot/again")]
    {
        let (status, said) = ask_at(&router, "rebound.example:8480", phone, method, path, claim).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}");
        assert!(said.contains("by the box's address"), "{said}");
    }
    assert_eq!(ask_at(&router, "aisle.local:8480", phone, "GET", PATH, "").await.0, StatusCode::OK);
}

#[test]
fn only_addresses_and_names_of_this_network_are_local() {
    for host in [
        "192.168.1.20",
        "192.168.1.20:8480",
        "[fd00::7]:8480",
        "[::1]",
        "localhost:8480",
        "Aisle.LOCAL:8480",
        "aisle.local.",
    ] {
        assert!(is_local(host), "{host}");
    }
    for host in [
        "",
        ":8480",
        "rebound.example",
        "192.168.1.20.rebound.example:8480",
        "localhost.rebound.example",
        "local",
        "mylocal",
        "[rebound.example]",
        "192.168.1.20@rebound.example",
        "aisle.local:x",
    ] {
        assert!(!is_local(host), "{host}");
    }
}
