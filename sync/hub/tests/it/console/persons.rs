//! People, approvals, the audit log and oneself on pages.

use super::{Person, Served, html::Html, shown};
use crate::people::hall::PASSWORD;
use aisle_hub::people::{
    approval::{Ask, Kind, Passed},
    who::{Origin, Who},
};
use reqwest::{StatusCode, header::SET_COOKIE};
use serde_json::json;

const HOSTILE: &str = "</textarea><script>1</script> O'Hara";

fn secret(page: &Html) -> String {
    page.all("code").find(|code| code.get("class") == Some("whole")).unwrap().text.clone()
}

/// Who somebody is, as a request of theirs would have it.
async fn who(served: &Served, person: &Person) -> Who {
    let secret = person.cookie.split_once('=').unwrap().1;
    let secret = aisle_hub::people::secret::Secret::given(secret);
    let from = Origin::default();
    served.api.people.by_session(&secret, &from, served.api.now_ms()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_person_is_added_with_a_code_and_changed_as_they_were_looked_at() {
    let served = Served::empty().await;
    let page = shown(
        "/people",
        served.send("/people", &[("name", HOSTILE), ("roles", "viewer\n operator@region:eu ")]).await,
    )
    .await;
    assert_eq!(page.status, StatusCode::CREATED, "{}", page.html.text());
    let code = secret(&page.html);
    let person = page.html.way("To their page").to_owned();
    let list = served.there("/people").await;
    assert_eq!(list.way(HOSTILE), person);
    assert!(list.by_id("people").text.contains("operator@region:eu") && !list.text().contains(&code));
    let page = served.there(&person).await;
    assert_eq!(page.all("h1").next().unwrap().text, HOSTILE);
    assert!(page.by_id("roles").text.contains("viewer"));
    let answer = served
        .form("/set-up", &[("code", &code), ("password", PASSWORD), ("again", PASSWORD)])
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);

    let version = |page: &Html| {
        let field = page.all("input").find(|input| input.get("name") == Some("version")).unwrap();
        field.get("value").unwrap().to_owned()
    };
    let seen = version(&served.there(&person).await);
    let page = served.sent(&person, &[("name", "Olga"), ("roles", "viewer"), ("version", &seen)]).await;
    assert!(page.text().contains("It is changed.") && page.all("h1").next().unwrap().text == "Olga");
    let stale =
        shown("", served.send(&person, &[("name", "Mallory"), ("roles", "admin"), ("version", &seen)]).await)
            .await;
    assert!(stale.status == StatusCode::CONFLICT && stale.html.text().contains("Somebody was faster"));
    for (roles, said) in [("wiewer", "`wiewer` is no role"), ("viewer@", "is no scope")] {
        let page = shown("", served.send("/people", &[("name", "New"), ("roles", roles)]).await).await;
        assert!(
            page.status == StatusCode::BAD_REQUEST && page.html.text().contains(said),
            "{}",
            page.html.text()
        );
    }
    let taken = served.send("/people", &[("name", "OLGA"), ("roles", "")]).await;
    assert_eq!(taken.status(), StatusCode::CONFLICT);
    let unnamed = served.send("/people", &[("name", ""), ("roles", "")]).await;
    assert_eq!(unnamed.status(), StatusCode::BAD_REQUEST);

    let seen = version(&served.there(&person).await);
    let page = served.sent(&format!("{person}/disable"), &[("version", &seen)]).await;
    assert!(
        page.by_id("about").text.contains("may not come")
            && page.by_id("sessions").text.contains("No session.")
    );
    let page = served.sent(&format!("{person}/enable"), &[("version", &version(&page))]).await;
    assert!(page.text().contains("may come again"));
    let reset = shown("", served.send(&format!("{person}/reset"), &[]).await).await;
    assert!(reset.status == StatusCode::OK && secret(&reset.html) != code);
    assert!(served.there(&person).await.by_id("about").text.contains("has no password yet"));
    for path in ["/people/p-none", "/people/%3Cb%3E"] {
        assert_eq!(served.page(path).await.status, StatusCode::NOT_FOUND);
    }
    let actions: Vec<_> = served.audit("person.change").await.into_iter().map(|row| row.outcome).collect();
    assert_eq!(actions, ["done", "done", "done"]);
    let looks = served.person("Looks", &["privacy-officer"]).await;
    let page = shown("", served.open_as(&looks, &person).await).await.html;
    assert_eq!(page.all("form").filter(|form| form.get("method") == Some("post")).count(), 1, "to sign out");
}

#[tokio::test]
async fn sessions_end_and_tokens_are_made_shown_once_and_revoked() {
    let served = Served::empty().await;
    let eve = served.person("Eve", &["operator"]).await;
    let form = [("name", "CI"), ("days", "30"), ("may", "store.read"), ("may", "hub.read")];
    let page = shown("/me/tokens", served.send_as(&eve, "/me/tokens", &form).await).await;
    assert_eq!(page.status, StatusCode::CREATED, "{}", page.html.text());
    let token = secret(&page.html);
    let ask = || served.client.get(format!("{}/v1/stores", served.url)).bearer_auth(&token).send();
    assert_eq!(ask().await.unwrap().status(), StatusCode::OK);
    for (form, said) in [
        (&[("name", "CI"), ("days", "30")][..], "`permissions` is empty"),
        (&[("name", "CI"), ("days", "999"), ("may", "store.read")], "expected 1 to 366"),
        (&[("name", "CI"), ("days", "30"), ("may", "people.manage")], "which you may not yourself"),
        (&[("name", "CI"), ("days", "30"), ("may", "everything")], "is no permission"),
    ] {
        let page = shown("", served.send_as(&eve, "/me/tokens", form).await).await;
        assert!(
            page.status == StatusCode::BAD_REQUEST && page.html.text().contains(said),
            "{}",
            page.html.text()
        );
    }
    let page = shown("/me", served.open_as(&eve, "/me").await).await.html;
    assert!(page.by_id("tokens").text.contains("store.read") && !page.text().contains(&token));
    let at = |page: &Html, end: &str| {
        let mut forms = page.all("form").filter_map(|form| form.get("action").map(str::to_owned));
        forms.find(|action| action.ends_with(end)).unwrap()
    };
    // An admin revokes it, and ends the session.
    let theirs = format!("/people/{}", eve.id);
    let page = served.there(&theirs).await;
    assert!(served.sent(&at(&page, "/revoke"), &[]).await.by_id("tokens").text.contains("revoked"));
    assert_eq!(ask().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let page = served.sent(&at(&page, "/end"), &[]).await;
    assert!(page.by_id("sessions").text.contains("No session."));
    assert_eq!(served.open_as(&eve, "/me").await.status(), StatusCode::SEE_OTHER);
    for path in ["/me/tokens/t-none/revoke", "/me/sessions/s-none/end"] {
        assert_eq!(served.send(path, &[]).await.status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_password_is_changed_and_all_other_sessions_end() {
    let served = Served::empty().await;
    let other = served.form("/sign-in", &[("name", "ada"), ("password", PASSWORD)]).send().await.unwrap();
    let other = other.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let other = Person { cookie: other, ..Person::default() };
    let new = "another horse, another battery";
    for (old, new, again, status) in [
        ("not it at all", new, new, StatusCode::BAD_REQUEST),
        (PASSWORD, new, "another", StatusCode::BAD_REQUEST),
        (PASSWORD, "short", "short", StatusCode::BAD_REQUEST),
    ] {
        let answer = served.send("/me/password", &[("old", old), ("new", new), ("again", again)]).await;
        assert_eq!(answer.status(), status);
    }
    let answer = served.send("/me/password", &[("old", PASSWORD), ("new", new), ("again", new)]).await;
    assert_eq!(answer.headers()["location"], "/me?done=password");
    let fresh = answer.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    for gone in [&other, &served.me] {
        assert_eq!(served.open_as(gone, "/me").await.status(), StatusCode::SEE_OTHER);
    }
    let fresh = Person { cookie: fresh, ..Person::default() };
    let page = shown("/me", served.open_as(&fresh, "/me?done=password").await).await.html;
    assert!(page.text().contains("Your password is changed"));
}

#[tokio::test]
async fn a_second_person_sees_exactly_what_is_asked_and_agrees_to_that() {
    let served = Served::empty().await;
    let (asks, agrees) = (
        served.person("Asks", &["privacy-officer"]).await,
        served.person("Agrees", &["privacy-officer"]).await,
    );
    let looks = served.person("Looks", &["operator"]).await;
    let document = "aisle_policy = 1\nname = \"<script>alert(1)</script>\"\n";
    let mut ids = Vec::new();
    for version in 1..=3 {
        let ask = Ask {
            kind: Kind::PolicyPublish,
            summary: format!("policy `<b>`, version {version}"),
            request: json!({ "version": version, "document": document }),
        };
        let by = who(&served, &asks).await;
        let Passed::Waits(asked) =
            served.api.people.approvals().pass(&by, &ask, None, served.api.now_ms()).await.unwrap()
        else {
            panic!()
        };
        ids.push((format!("/approvals/{}", asked.id), data_encoding::HEXLOWER.encode(&asked.hash)));
    }
    let list = shown("/approvals", served.open_as(&agrees, "/approvals").await).await.html;
    assert_eq!(list.way("Approvals 3"), "/approvals");
    assert_eq!(list.way("policy `<b>`, version 2"), ids[1].0);
    assert_eq!(
        list.by_id("requests").text.matches("pendingyou").count()
            + list.by_id("requests").text.matches("waitsyou").count(),
        3,
        "{}",
        list.by_id("requests").text
    );
    for other in [&asks, &looks] {
        let list = shown("/approvals", served.open_as(other, "/approvals").await).await.html;
        assert_eq!(list.by_id("requests").text.matches("another person").count(), 3);
    }
    let (path, hash) = &ids[0];
    let page = shown(path, served.open_as(&agrees, path).await).await.html;
    assert!(page.by_id("request").text.contains("name = \"<script>alert(1)</script>\""), "the whole text");
    let agree = format!("{path}/agree");
    for (person, fields, status) in [
        (&agrees, &[("hash", "00")][..], StatusCode::BAD_REQUEST),
        (&agrees, &[("hash", ids[1].1.as_str())], StatusCode::BAD_REQUEST),
        (&asks, &[("hash", hash)], StatusCode::FORBIDDEN),
        (&looks, &[("hash", hash)], StatusCode::FORBIDDEN),
        (&agrees, &[("hash", hash), ("reason", "read it")], StatusCode::SEE_OTHER),
        (&agrees, &[("hash", hash)], StatusCode::CONFLICT),
    ] {
        assert_eq!(served.send_as(person, &agree, fields).await.status(), status, "{fields:?}");
    }
    let page = shown(path, served.open_as(&asks, path).await).await.html;
    assert!(page.by_id("about").text.contains("approved") && page.by_id("about").text.contains("read it"));
    let (path, hash) = &ids[1];
    let declined = served.send_as(&agrees, &format!("{path}/decline"), &[("hash", hash)]).await;
    assert_eq!(declined.headers()["location"], format!("{path}?done=declined").as_str());
    let (path, _) = &ids[2];
    let foreign = served.send_as(&agrees, &format!("{path}/withdraw"), &[]).await;
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN, "only who asked takes it back");
    assert_eq!(served.send_as(&asks, &format!("{path}/withdraw"), &[]).await.status(), StatusCode::SEE_OTHER);
    let list = shown("", served.open_as(&agrees, "/approvals").await).await.html;
    assert!(list.text().contains("Nothing waits for another person."));
    let list = shown("", served.open_as(&agrees, "/approvals?state=all").await).await.html;
    for state in ["approved", "refused", "withdrawn"] {
        assert!(list.by_id("requests").text.contains(state), "{state}");
    }
    // The machine's own token is no person, and agrees to nothing.
    let path = format!("{}/agree", ids[2].0);
    let machine = served.client.post(format!("{}{path}", served.url)).bearer_auth(super::TOKEN);
    let machine = machine.form(&[("hash", ids[2].1.as_str())]).send().await.unwrap();
    assert_eq!(machine.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_audit_log_is_filtered_paged_to_its_end_and_shows_what_was_refused() {
    let served = Served::empty().await;
    let looks = served.person("<i>Looks</i>", &["viewer"]).await;
    for _ in 0..3 {
        served.open_as(&looks, "/audit").await;
    }
    for number in 0..150 {
        let line = served.api.people.line(
            who(&served, &served.me).await.by(),
            "policy.publish",
            "<u>policy</u>",
            number,
        );
        served.database.audit(&line.became(json!({ "text": "<script>".repeat(200) }))).await.unwrap();
    }
    let page = served.there(&format!("/audit?actor={}&outcome=refused", looks.id)).await;
    let rows = &page.by_id("rows").text;
    assert_eq!(rows.matches("audit.read").count(), 3, "{rows}");
    assert!(rows.contains("<i>Looks</i>") && rows.contains("refused"));
    let (mut path, mut seen) = ("/audit?action=policy.publish".to_owned(), 0);
    loop {
        let page = served.there(&path).await;
        seen += page.all("th").filter(|head| head.get("scope") == Some("row")).count();
        let Some(next) = page.all("a").find(|way| way.get("rel") == Some("next")) else { break };
        path = next.get("href").unwrap().to_owned();
    }
    assert_eq!(seen, 150);
    let page = served.there("/audit?from=1970-01-01&until=1970-01-01&object=%3Cu%3Epolicy%3C%2Fu%3E").await;
    assert!(page.by_id("rows").text.contains("<u>policy</u>"));
    let page = served.there("/audit?from=1980-01-01&until=1980-01-02").await;
    assert!(page.text().contains("No row is like this."));
    for path in ["/audit?from=yesterday", "/audit?after=x", &format!("/audit?actor={}", "x".repeat(200))] {
        assert_eq!(served.page(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
}
