//! Claims and boxes on pages: what is shown, what is decided, and with which key.

use super::{Served, html::Html, shown};
use crate::enrolling::world::{Hub, World};
use reqwest::StatusCode;

/// The code on the page of a claim that was made.
fn code(page: &Html) -> String {
    let code = page.all("code").find(|code| code.get("class") == Some("whole")).unwrap();
    code.text.clone()
}

async fn claim(served: &Served, fields: &[(&str, &str)]) -> Html {
    let answer = served.send("/claims", fields).await;
    let page = shown("/claims", answer).await;
    assert_eq!(page.status, StatusCode::CREATED, "{}", page.html.text());
    page.html
}

async fn hub() -> (World, Hub, Served) {
    let world = World::new("");
    let hub = world.hub().await;
    let served = Served::of(&world).await;
    (world, hub, served)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_is_shown_once_with_its_picture_and_taken_back() {
    let (_world, hub, served) = hub().await;
    assert!(served.there("/claims").await.text().contains("There are no claims here."));
    let page = claim(&served, &[("store", "store-1"), ("serial", "4711"), ("hours", "5")]).await;
    let secret = code(&page);
    assert!(page.all("svg").next().is_some() && page.text().contains("4711"), "{}", page.text());
    let list = served.there("/claims").await;
    let row = &list.by_id("claims").text;
    assert!(row.contains("open until") && row.contains("Ada") && row.contains("store-1"), "{row}");
    assert!(!list.text().contains(&secret), "a code is shown once");
    let rows = served.audit("claim.create").await;
    assert_eq!((rows.len(), rows[0].actor_name.as_str()), (1, "Ada"));
    assert!(!format!("{rows:?}").contains(&secret[6..]), "and stands in no log");
    let locator = &rows[0].object;
    let page = served.sent(&format!("/claims/{locator}/withdraw"), &[]).await;
    assert!(
        page.text().contains("The claim is taken back") && page.by_id("claims").text.contains("withdrawn")
    );
    assert_eq!(served.audit("claim.withdraw").await.len(), 1);
    for (fields, said) in [
        (&[("store", "")][..], "The store:"),
        (&[("store", "store-1"), ("serial", "a/b c")], "The serial:"),
        (&[("store", "store-1"), ("hours", "0")], "The hours: expected 1 to 2160"),
        (&[("store", "store-1"), ("hours", "many")], "The hours: expected 1 to 2160"),
    ] {
        let page = shown("/claims", served.send("/claims", fields).await).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(page.html.text().contains(said), "{said}: {}", page.html.text());
    }
    let missing = served.send("/claims/AAAAA/withdraw", &[]).await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    drop(hub);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_is_let_in_with_the_key_that_was_looked_at_and_no_other() {
    let (world, hub, served) = hub().await;
    let code = code(&claim(&served, &[("store", "store-1")]).await).parse().unwrap();
    assert!(served.there("/enrolments").await.text().contains("No box waits."));
    let carton = world.carton("4711");
    assert_eq!(carton.enroll(&hub, &code).await.status, 202);
    let page = served.there("/enrolments").await;
    let row = &page.by_id("boxes").text;
    let short = carton.key.fingerprint().short();
    for said in ["4711", "store-1", "pending", &short, "127.0.0.1", "Ada"] {
        assert!(row.contains(said), "{said}: {row}");
    }
    assert_eq!(page.way("Enrolment 1"), "/enrolments", "somebody is wanted");
    let address = page.way("4711").to_owned();
    let page = served.there(&address).await;
    assert!(page.by_id("about").text.contains(&short), "{}", page.by_id("about").text);
    let key = carton.key.fingerprint().to_string();
    let path = format!("{address}/approve");
    for (fields, status) in [
        (&[("key", key.as_str())][..], 400),
        (&[("compared", "yes")], 400),
        (&[("key", "00"), ("compared", "yes")], 400),
        (&[("key", &"00".repeat(32)), ("compared", "yes")], 409),
    ] {
        let answer = shown(&path, served.send(&path, fields).await).await;
        assert_eq!(answer.status.as_u16(), status, "{fields:?}: {}", answer.html.text());
    }
    assert_eq!(carton.enroll(&hub, &code).await.status, 202, "it waits still");
    let page = served.sent(&path, &[("key", &key), ("compared", "yes"), ("reason", "seen on site")]).await;
    let about = &page.by_id("about").text;
    assert!(page.text().contains("The box may come in.") && about.contains("active"), "{}", page.text());
    assert!(about.contains("approve by Ada (admin)") && about.contains("seen on site"), "{about}");
    assert_eq!(carton.enroll(&hub, &code).await.status, 200);
    let again = served.send(&path, &[("key", &key), ("compared", "yes")]).await;
    assert_eq!(again.status(), StatusCode::CONFLICT, "what was done is not done again");
    let rows = served.audit("node.approve").await;
    let outcomes: Vec<_> = rows.iter().map(|row| row.outcome.as_str()).collect();
    assert_eq!(outcomes, ["refused", "done", "refused"]);
    assert!(rows[1].was.contains("pending") && rows[1].became.contains("active"), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_kept_out_let_in_again_and_banned_with_a_reason() {
    let (world, hub, served) = hub().await;
    let code = code(&claim(&served, &[("store", "store-1"), ("serial", "4711")]).await).parse().unwrap();
    let carton = world.carton("4711");
    carton.enroll(&hub, &code).await;
    let address = "/enrolments/store-1/4711";
    if served.there(address).await.by_id("about").text.contains("pending") {
        let key = carton.key.fingerprint().to_string();
        served.sent(&format!("{address}/approve"), &[("key", &key), ("compared", "yes")]).await;
    }
    let no_reason = served.send(&format!("{address}/suspend"), &[("reason", " ")]).await;
    let page = shown(address, no_reason).await;
    assert!(page.status == StatusCode::CONFLICT && page.html.text().contains("needs a reason"));
    for (verb, state, ways) in [
        ("suspend", "suspended", &["resume", "ban"][..]),
        ("resume", "active", &["suspend", "ban"]),
        ("ban", "banned", &[]),
    ] {
        let page = served.sent(&format!("{address}/{verb}"), &[("reason", "<b>stolen</b>")]).await;
        assert!(page.by_id("about").text.contains(state), "{verb}: {}", page.by_id("about").text);
        assert!(page.by_id("about").text.contains("<b>stolen</b>"));
        let forms: Vec<_> = page
            .all("form")
            .filter_map(|form| form.get("action")?.strip_prefix(&format!("{address}/")))
            .collect();
        assert_eq!(forms, ways, "{verb}");
    }
    assert!(served.there("/enrolments?state=banned").await.by_id("boxes").text.contains("4711"));
    for path in ["/enrolments/store-1/none", "/enrolments/none/none"] {
        assert_eq!(served.page(path).await.status, StatusCode::NOT_FOUND);
    }
    let unknown = served.send(&format!("{address}/destroy"), &[]).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    let page = served.page("/enrolments?state=open").await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_bounded_decides_about_the_stores_of_their_region_only() {
    let served = Served::some().await;
    let eu = served.person("Europe", &["operator@region:eu"]).await;
    let viewer = served.person("Viewer", &["viewer"]).await;
    // Nodes that were made known by hand are kept out and let in as well.
    for (person, store, status) in [
        (&eu, "store-1", StatusCode::SEE_OTHER),
        (&eu, "store-3", StatusCode::FORBIDDEN),
        (&eu, "store-4", StatusCode::FORBIDDEN),
        (&viewer, "store-1", StatusCode::FORBIDDEN),
    ] {
        let path = format!("/enrolments/{store}/node-1/suspend");
        let answer = served.send_as(person, &path, &[("reason", "being moved")]).await;
        assert_eq!(answer.status(), status, "{store}");
    }
    let page = served.there("/enrolments/store-1/node-1").await;
    assert!(page.by_id("about").text.contains("suspended") && page.by_id("about").text.contains("by hand"));
    assert!(served.there("/stores/store-1").await.by_id("nodes").text.contains("suspended"));
    let claims = served.send_as(&eu, "/claims", &[("store", "store-1")]).await;
    assert_eq!(claims.status(), StatusCode::CONFLICT, "this hub takes no boxes in");
    let page = shown("", served.open_as(&viewer, "/enrolments/store-1/node-1").await).await.html;
    assert_eq!(page.all("form").filter(|form| form.get("method") == Some("post")).count(), 1, "to sign out");
}
