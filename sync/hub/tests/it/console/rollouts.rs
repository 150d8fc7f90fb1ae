//! Rollouts, groups, labels and artefacts on pages.

use super::{Served, html::Html, shown};
use aisle_fleet::{ContentHash, Release};
use aisle_hub::{content::Contents, objects::Place, publish::Publisher};
use reqwest::StatusCode;
use serde_json::{Value, json};

const WHY: &str = "<script>alert(1)</script> & the second at half the price";

fn release() -> Release {
    Release {
        version: "1.2.0".parse().unwrap(),
        hash: ContentHash::of(b"x"),
        bytes: 1,
        needs: Default::default(),
    }
}

/// Writes something by the interface for programs, as the machine.
async fn put(served: &Served, method: reqwest::Method, path: &str, body: &Value) {
    let request = served.client.request(method, format!("{}{path}", served.url)).bearer_auth(super::TOKEN);
    let answer = request.json(body).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
}

async fn written() -> Served {
    let served = Served::some().await;
    let spec = json!({
        "rollout": "spring", "why": WHY, "who": "*", "set": { "plugin/multi-buy": release() },
        "waves": [{ "name": "canary", "size": 1, "soak_minutes": 10 }, { "name": "rest" }],
    });
    put(&served, reqwest::Method::POST, "/v1/rollouts", &spec).await;
    served
}

/// What can be said, by its words.
fn verbs(page: &Html) -> Vec<&str> {
    page.all("form").filter_map(|form| form.get("action")?.strip_prefix("/rollouts/spring/")).collect()
}

#[tokio::test]
async fn a_rollout_shows_how_far_it_is_and_what_can_be_said_to_it() {
    let served = written().await;
    let list = served.there("/rollouts").await;
    assert_eq!(list.way("spring"), "/rollouts/spring");
    assert!(list.by_id("rollouts").text.contains("draft") && list.by_id("rollouts").text.contains(WHY));
    let page = served.there("/rollouts/spring").await;
    let about = &page.by_id("about").text;
    for said in [WHY, "draft", "plugin/multi-buy 1.2.0", "0 of "] {
        assert!(about.contains(said), "{said}: {about}");
    }
    let waves = &page.by_id("waves").text;
    assert!(waves.contains("canary") && waves.contains("rest") && waves.contains("not begun"), "{waves}");
    assert!(page.by_id("causes").text.contains("No node has failed."));
    assert_eq!(verbs(&page), ["preflight", "rehearse", "exclude", "abort"]);
    // What cannot be said now is refused in words, and what wants a reason has one.
    for (verb, fields, status) in [
        ("start", &[][..], StatusCode::CONFLICT),
        ("abort", &[], StatusCode::BAD_REQUEST),
        ("exclude", &[("why", "closed")], StatusCode::BAD_REQUEST),
        ("nothing", &[], StatusCode::NOT_FOUND),
    ] {
        let answer = served.send(&format!("/rollouts/spring/{verb}"), fields).await;
        assert_eq!(answer.status(), status, "{verb}");
    }
    let page = served.sent("/rollouts/spring/preflight", &[]).await;
    assert!(page.text().contains("It was said"), "{}", page.text());
    assert!(page.by_id("preflight").text.contains("multi-buy 1.2.0"), "{}", page.by_id("preflight").text);
    let page = served.sent("/rollouts/spring/abort", &[("why", "<i>not</i> in June")]).await;
    let about = &page.by_id("about").text;
    assert!(about.contains("aborted") && about.contains("<i>not</i> in June"), "{about}");
    let history = &page.by_id("history").text;
    assert!(
        history.contains("abort") && history.contains("preflight") && history.contains("Ada"),
        "{history}"
    );
    assert_eq!(served.audit("rollout.abort").await[0].actor_name, "Ada");
    for path in ["/rollouts/spring/nodes", "/rollouts/spring/nodes?status=failed", "/rollouts?phase=running"]
    {
        served.there(path).await;
    }
    assert!(page.ways("Further").is_empty(), "all of it is on the page");
    let before = served.there("/rollouts/spring?before=2").await;
    let history = &before.by_id("history").text;
    assert!(history.contains("draft") && !history.contains("abort"), "only the first entry: {history}");
    assert_eq!(before.way("To the beginning"), "/rollouts/spring#history");
    for (path, status) in [
        ("/rollouts/none", StatusCode::NOT_FOUND),
        ("/rollouts/none/nodes", StatusCode::NOT_FOUND),
        ("/rollouts?phase=gone", StatusCode::BAD_REQUEST),
        ("/rollouts/spring/nodes?status=gone", StatusCode::BAD_REQUEST),
        ("/rollouts/spring/nodes?after=x", StatusCode::BAD_REQUEST),
        ("/rollouts/spring?before=x", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(served.page(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn a_rehearsal_is_asked_for_on_the_page_and_shown_on_it() {
    let served = written().await;
    let refused = served.send("/rollouts/spring/rehearse", &[]).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT, "its bytes are not here");
    let folder = tempfile::tempdir().unwrap();
    let contents = Contents::new(Place::Folder(folder.path().join("contents")).open(None).unwrap());
    let publisher = Publisher { database: served.database.clone(), contents };
    publisher.add(b"x".to_vec().into(), "1.2.0").await.unwrap();
    let page = served.sent("/rollouts/spring/rehearse", &[]).await;
    let found = &page.by_id("rehearsal").text;
    for said in ["0 of ", "nodes are asked", "plugin/multi-buy 1.2.0", "No store has played it yet."] {
        assert!(found.contains(said), "{said}: {found}");
    }
    assert_eq!(served.audit("rollout.rehearse").await[0].actor_name, "Ada");
}

#[tokio::test]
async fn who_only_looks_is_offered_nothing_to_say() {
    let served = written().await;
    let viewer = served.person("Viewer", &["viewer"]).await;
    let page = shown("/rollouts/spring", served.open_as(&viewer, "/rollouts/spring").await).await;
    assert!(page.status == StatusCode::OK && verbs(&page.html).is_empty());
    let answer = served.send_as(&viewer, "/rollouts/spring/abort", &[("why", "no")]).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(verbs(&served.there("/rollouts/spring").await), ["preflight", "rehearse", "exclude", "abort"]);
}

#[tokio::test]
async fn every_filter_and_override_is_on_some_page() {
    let served = Served::some().await;
    let names: Vec<String> = (0..90).map(|at| format!("f-{at:02}")).collect();
    for name in &names {
        put(
            &served,
            reqwest::Method::PUT,
            &format!("/v1/filters/{name}"),
            &json!({ "name": name, "who": "region=eu" }),
        )
        .await;
        let says = json!({ "store": "store-1", "serial": name, "why": "a trial", "says": { "settings": { "log.level": "debug" } } });
        put(&served, reqwest::Method::PUT, &format!("/v1/overrides/store-1/{name}"), &says).await;
    }
    for section in ["filters", "overrides"] {
        let (mut path, mut seen) = ("/groups".to_owned(), 0);
        for pages in 1.. {
            let page = served.there(&path).await;
            let text = &page.by_id(section).text;
            seen += names.iter().filter(|name| text.contains(name.as_str())).count();
            let Some(next) = page.ways("Further").into_iter().find(|way| way.ends_with(section)) else {
                assert!(pages > 2, "90 do not fit on {pages} pages");
                break;
            };
            path = next.to_owned();
        }
        assert_eq!(seen, names.len(), "{section}: each once");
    }
}

#[tokio::test]
async fn groups_say_whom_they_mean_and_what_they_say() {
    let served = Served::some().await;
    assert!(served.there("/groups").await.text().contains("There is no group."));
    let group = json!({ "name": "every", "who": "region=eu", "priority": 7, "says": { "artefacts": { "plugin/multi-buy": release() } } });
    put(&served, reqwest::Method::PUT, "/v1/groups/every", &group).await;
    let page = served.there("/groups").await;
    let said = &page.by_id("groups").text;
    assert!(
        said.contains("every") && said.contains("region") && said.contains("plugin/multi-buy 1.2.0"),
        "{said}"
    );
    // A node's page says who decided.
    let fleet = served.there("/stores/store-1").await.by_id("fleet").text.clone();
    for part in ["node-1", "plugin/multi-buy", "1.2.0", "said nothing", "every", "Alone it lasts: not known"]
    {
        assert!(fleet.contains(part), "{part}: {fleet}");
    }
}

#[tokio::test]
async fn a_label_is_set_on_the_page_of_a_store_and_bounds_who_is_bounded_to_it() {
    let served = Served::some().await;
    is_labelled(&served).await;
    let taken = served.sent("/stores/store-1/labels", &[("key", "country"), ("value", "")]).await;
    assert!(taken.by_id("labels").text.contains("None."), "{}", taken.by_id("labels").text);
    for (key, value) in [("region", "cn"), ("", "x"), ("a b<", "x")] {
        let answer = served.send("/stores/store-1/labels", &[("key", key), ("value", value)]).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{key}");
    }
}

/// The same on every database.
pub async fn is_labelled(served: &Served) {
    let german = served.person("Germany", &["viewer@label:country=de"]).await;
    let stores = async || -> Vec<String> {
        let page = shown("/", served.open_as(&german, "/").await).await.html;
        let rows = page.all("th").filter(|head| head.get("scope") == Some("row"));
        rows.map(|head| head.text.trim().to_owned()).collect()
    };
    assert_eq!(stores().await, Vec::<String>::new());
    for (store, value) in [("store-1", "de"), ("store-2", "dee"), ("store-3", "DE")] {
        let path = format!("/stores/{store}/labels");
        let page = served.sent(&path, &[("key", "country"), ("value", value)]).await;
        assert!(page.by_id("labels").text.contains(&format!("country={value}")));
    }
    assert_eq!(stores().await, ["store-1"]);
    assert_eq!(served.open_as(&german, "/stores/store-1").await.status(), StatusCode::OK);
    assert_eq!(served.open_as(&german, "/stores/store-2").await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_hub_without_signatures_says_how_they_begin() {
    let served = Served::empty().await;
    assert!(served.there("/artefacts").await.text().contains("Nothing was ever signed here"));
    for (path, status) in [("/artefacts?kind=hologram", 400), ("/artefacts?after=..", 400)] {
        assert_eq!(served.page(path).await.status.as_u16(), status, "{path}");
    }
}
