//! The first page of a box, asked as a browser without scripts asks.

use super::{Api, Approval, STORE, hub, stands, unclaimed};
use reqwest::Method;

#[tokio::test]
async fn an_installer_with_a_phone_claims_a_box_on_its_first_page() {
    let hub = hub(Approval::Auto);
    let (_store, node) = unclaimed();
    let api = Api::new(node.url());
    let page = api.get("/first-boot").await;
    assert_eq!(page.status, 200, "{page:#?}");
    for word in ["name=\"claim\"", "box-1", "QR"] {
        assert!(page.body.contains(word), "no `{word}`: {}", page.body);
    }
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    let wrong = api.request(Method::POST, "/first-boot").form(&[("claim", "7K3QM-0T9XA")]);
    let wrong = Api::send(wrong).await;
    assert_eq!(wrong.status, 400, "{wrong:#?}");
    assert!(wrong.body.contains("E-102"), "{}", wrong.body);

    let claim = hub.claim(STORE).expect("a claim");
    let sent = api.request(Method::POST, "/first-boot").form(&[("claim", claim.as_str())]);
    let sent = Api::send(sent).await;
    assert!(sent.status == 200 || sent.status == 303, "{sent:#?}");
    stands(&node, "stage", "active").await;
    let page = api.get("/first-boot").await;
    assert!(
        page.body.contains("part of its store") && !page.body.contains("name=\"claim\""),
        "{}",
        page.body
    );
    // Nobody claims it from the network any more.
    let again = api.request(Method::POST, "/first-boot").form(&[("claim", claim.as_str())]);
    assert_eq!(Api::send(again).await.status, 409);
}

#[tokio::test]
async fn another_site_cannot_claim_a_box_through_somebodys_browser() {
    let (_store, node) = unclaimed();
    let api = Api::new(node.url());
    let forged = api
        .request(Method::POST, "/first-boot")
        .header("origin", "https://evil.example")
        .form(&[("claim", "7K3QM-0T9XA")]);
    assert_eq!(Api::send(forged).await.status, 403);
}
