//! Every page, every role: what the tables say is what happens, also where a role is bounded.

use super::{Person, Served, shown};
use aisle_hub::{
    console::PAGES,
    http::permits::Need,
    people::{
        audit::AuditRow,
        role::{Permission, Role},
    },
};
use reqwest::{Method, Response, StatusCode};
use std::collections::BTreeSet;

/// A path of the table with something for each of its parts.
pub fn path(line: &str) -> String {
    let path = line
        .replace("{store}", "store-1")
        .replace("{hash}", &"0".repeat(64))
        .replace("{name}", "none")
        .replace("{node}", "node-1")
        .replace("{locator}", "7K3QM")
        .replace("{decision}", "none")
        .replace("{person}", "p-none")
        .replace("{session}", "s-none")
        .replace("{token}", "t-none")
        .replace("{approval}", "a-none")
        .replace("{rollout}", "none")
        .replace("{verb}", "start");
    assert!(!path.contains('{'), "{path}: say what stands for it");
    path
}

async fn ask(served: &Served, person: &Person, method: &Method, path: &str) -> Response {
    let answer = match *method {
        Method::GET => served.open_as(person, path).await,
        _ => served.send_as(person, path, &[]).await,
    };
    assert!(!answer.status().is_server_error(), "{method} {path}: {}", answer.status());
    answer
}

impl Served {
    /// The audit log of an action, the latest first.
    pub async fn audit(&self, action: &str) -> Vec<AuditRow> {
        let filter = aisle_hub::database::AuditFilter { action: action.into(), ..Default::default() };
        self.database.audit_rows(&filter, u64::MAX, 1_000).await.unwrap()
    }
}

#[tokio::test]
async fn every_page_lets_in_whom_the_table_lets() {
    let served = Served::some().await;
    let lines: BTreeSet<_> = PAGES.iter().map(|(method, path, _)| (method.as_str(), *path)).collect();
    assert_eq!(lines.len(), PAGES.len(), "a page has one line");
    for (method, line, need) in PAGES {
        assert!(line.contains("{store}") || !matches!(need, Need::Store(_)), "{method} {line}");
        let answer = ask(&served, &Person::default(), method, &path(line)).await;
        let is_led = answer.status() == StatusCode::SEE_OTHER
            && answer.headers()["location"].to_str().unwrap().starts_with("/sign-in")
            || answer.status() == StatusCode::UNAUTHORIZED && *line == "/events";
        assert_eq!(is_led, *need != Need::Open, "{method} {line}: {}", answer.status());
    }
    for role in Role::ALL {
        for (method, line, need) in PAGES {
            // A sign-out ends the session that the next ones need.
            let person = served
                .person(
                    &format!("{role} of {method} {line}")
                        .replace('{', "")
                        .chars()
                        .take(60)
                        .collect::<String>(),
                    &[role.as_str()],
                )
                .await;
            let may = need.permission().is_none_or(|permission| role.may(permission));
            let answer = ask(&served, &person, method, &path(line)).await;
            let status = answer.status();
            assert_eq!(status != StatusCode::FORBIDDEN, may, "{role}: {method} {line} answers {status}");
            if may {
                continue;
            }
            let page = shown(line, answer).await;
            let permission = need.permission().unwrap();
            let said = page.html.text();
            assert!(said.contains(permission.as_str()), "{line} says which right: {said}");
            for other in Role::ALL.into_iter().filter(|other| other.may(permission)) {
                assert!(said.contains(other.as_str()), "{line} says that {other} has it: {said}");
            }
        }
    }
    let guest = served.person("A guest", &[]).await;
    for (method, line, need) in PAGES.iter().filter(|(.., need)| need.permission().is_some()) {
        let status = ask(&served, &guest, method, &path(line)).await.status();
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {line} {}", need.as_str());
    }
}

#[tokio::test]
async fn nobody_is_led_to_a_page_that_they_may_not_see() {
    let served = Served::some().await;
    for roles in [
        &["viewer"][..],
        &["operator"],
        &["plugin-author"],
        &["privacy-officer"],
        &["admin"],
        &["operator@region:eu"],
    ] {
        let person = served.person(&roles.join(" "), roles).await;
        let page = shown("/", served.open_as(&person, "/").await).await;
        let mut ways = 0;
        for way in page.html.all("a").filter_map(|way| way.get("href")).filter(|way| !way.starts_with('#')) {
            let status = served.open_as(&person, way).await.status();
            assert_eq!(status, StatusCode::OK, "{roles:?}: {way}");
            ways += 1;
        }
        assert!(ways > 12, "{roles:?}");
    }
}

#[tokio::test]
async fn a_bounded_role_sees_the_stores_of_its_region_and_is_counted_no_others() {
    let served = Served::some().await;
    let (eu, cn) = (
        served.person("Europe", &["operator@region:eu"]).await,
        served.person("China", &["viewer@region:cn"]).await,
    );
    let both = served.person("Both", &["viewer@region:cn", "operator@region:eu"]).await;
    let none = served.person("Germany", &["viewer@label:country=de"]).await;
    for (person, stores) in [
        (&eu, &["store-1", "store-2"][..]),
        (&cn, &["store-3"]),
        (&both, &["store-1", "store-2", "store-3"]),
        (&none, &[]),
    ] {
        let page = shown("/", served.open_as(person, "/").await).await.html;
        let rows: Vec<_> = page
            .all("th")
            .filter(|head| head.get("scope") == Some("row"))
            .map(|head| head.text.trim().to_owned())
            .collect();
        assert_eq!(rows, stores);
        let counted = page.by_id("counts").text.split_whitespace().next().unwrap().to_owned();
        assert_eq!(counted, stores.len().to_string());
        for store in ["store-1", "store-2", "store-3", "store-4", "store-9"] {
            let status = served.open_as(person, &format!("/stores/{store}")).await.status();
            let wanted = if stores.contains(&store) { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(status, wanted, "{store}");
        }
        let found = shown("/search", served.open_as(person, "/search?q=store").await).await.html;
        let found: Vec<_> =
            found.all("a").filter_map(|way| way.get("href")?.strip_prefix("/stores/")).collect();
        assert_eq!(found, stores);
        let found = shown("/search", served.open_as(person, "/search?q=node-1").await).await.html;
        let found: BTreeSet<_> =
            found.all("a").filter_map(|way| way.get("href")?.strip_prefix("/stores/")).collect();
        assert_eq!(found, stores.iter().copied().collect());
        // What is of no store is for who is bounded nowhere.
        for page in ["/contents", "/policies", "/alerts", "/relay"] {
            let answer = shown(page, served.open_as(person, page).await).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{page}");
        }
    }
    // Of two roles each holds where it holds: the operator of one region reads no receipts in the other.
    let page = shown("/", served.open_as(&none, "/stores/store-1").await).await;
    assert!(page.html.text().contains("viewer@label:country=de"), "{}", page.html.text());
    let rows = served.audit("store.read").await;
    assert!(rows.iter().any(|row| row.object == "store-3" && row.actor == eu.id && row.outcome == "refused"));
}

#[tokio::test]
async fn a_page_shows_of_a_store_what_its_reader_may_see() {
    let served = Served::some().await;
    let ids = |html: &super::html::Html| -> BTreeSet<String> {
        html.all("section").filter_map(|part| part.get("id").map(str::to_owned)).collect()
    };
    for (role, gate, persons) in
        [("viewer", true, false), ("plugin-author", false, false), ("privacy-officer", true, true)]
    {
        let person = served.person(role, &[role]).await;
        let page = shown("/stores/store-1", served.open_as(&person, "/stores/store-1").await).await.html;
        assert_eq!((ids(&page).contains("gate"), ids(&page).contains("persons")), (gate, persons), "{role}");
        assert_eq!(
            Role::ALL.into_iter().find(|known| known.as_str() == role).unwrap().may(Permission::ErasureRead),
            persons
        );
    }
    let bounded = served.person("Bounded", &["privacy-officer@region:eu", "plugin-author"]).await;
    let page = shown("", served.open_as(&bounded, "/stores/store-3").await).await.html;
    assert!(!ids(&page).contains("persons"), "only in eu");
}

#[tokio::test]
async fn a_right_that_is_taken_away_counts_with_the_next_page() {
    let served = Served::some().await;
    let person = served.person("Operator", &["operator"]).await;
    assert_eq!(served.open_as(&person, "/alerts").await.status(), StatusCode::OK);
    let by = aisle_hub::people::who::Who::machine("test", "local");
    let change = aisle_hub::people::person::Change { grants: Some(Vec::new()), ..Default::default() };
    served.api.people.change(&by, &person.id, None, &change, served.api.now_ms()).await.unwrap();
    assert_eq!(served.open_as(&person, "/alerts").await.status(), StatusCode::FORBIDDEN);
    let change = aisle_hub::people::person::Change { is_disabled: Some(true), ..Default::default() };
    served.api.people.change(&by, &person.id, None, &change, served.api.now_ms()).await.unwrap();
    assert_eq!(served.open_as(&person, "/alerts").await.status(), StatusCode::SEE_OTHER);
}

#[test]
fn every_page_has_a_line_that_says_how_the_command_does_the_same() {
    let table = include_str!("../../../../../cli/tests/it/fleet/pages.txt");
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    let told: Vec<String> = lines.map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    let mut pages: Vec<String> = PAGES.iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    let mut told_in_order = told.clone();
    told_in_order.sort();
    pages.sort();
    assert_eq!(told_in_order, pages, "cli/tests/it/fleet/pages.txt has a line for each page");
}
