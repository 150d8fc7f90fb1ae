//! Who gets in, by what, for how long, and where the sign-in leads.

use super::{Person, Served, TOKEN, shown};
use crate::people::hall::PASSWORD;
use aisle_hub::{console::PAGES, http::permits::Need};
use reqwest::{Method, Response, StatusCode, header::SET_COOKIE};
use serde_json::Value;

/// The cookies that an answer sets, and those that it takes away.
fn cookies(answer: &Response) -> (Vec<String>, Vec<String>) {
    let set = answer.headers().get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap().to_owned());
    set.partition(|cookie| !cookie.contains("Max-Age=0"))
}

/// Somebody whose browser took a cookie.
fn with(cookie: &str) -> Person {
    Person { cookie: cookie.split(';').next().unwrap().to_owned(), ..Person::default() }
}

/// What the forms of somebody's pages carry.
async fn csrf(served: &Served, person: &Person) -> String {
    let page = shown("/", served.open_as(person, "/").await).await;
    let field = page.html.all("input").find(|input| input.get("name") == Some("csrf")).unwrap();
    field.get("value").unwrap().to_owned()
}

#[tokio::test]
async fn who_is_not_signed_in_is_led_to_the_door_and_back() {
    let served = Served::some().await;
    for (path, to) in [
        ("/", "/sign-in"),
        ("/stores/store-1", "/sign-in?return=%2Fstores%2Fstore-1"),
        ("/?q=is%3Aaway", "/sign-in?return=%2F%3Fq%3Dis%253Aaway"),
        ("/nowhere", "/sign-in?return=%2Fnowhere"),
    ] {
        for cookie in ["aisle-local=1.2", "aisle-local-machine=1.2", "aisle_hub=1.2"] {
            let answer = served.open_as(&with(cookie), path).await;
            assert_eq!(
                (answer.status(), &answer.headers()["location"]),
                (StatusCode::SEE_OTHER, &to.parse().unwrap())
            );
        }
    }
    let door = served.open_as(&Person::default(), "/sign-in?return=%2Falerts").await;
    let door = shown("/sign-in", door).await;
    let places: Vec<_> = door.html.all("input").filter(|input| input.get("name") == Some("return")).collect();
    assert!(places.len() == 2 && places.iter().all(|place| place.get("value") == Some("/alerts")));
    for (place, to) in [("/alerts", "/alerts"), ("https://evil.example/", "/"), ("//evil.example", "/")] {
        for form in [
            &[("name", "ada"), ("password", PASSWORD), ("return", place)][..],
            &[("token", TOKEN), ("return", place)],
        ] {
            let answer = served.form("/sign-in", form).send().await.unwrap();
            assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()), (303, to));
        }
    }
    // A form of a page whose session is over leads there as well.
    let answer = served.form("/sign-out", &[("csrf", "x")]).send().await.unwrap();
    assert_eq!(answer.headers()["location"], "/sign-in");
}

#[tokio::test]
async fn a_session_is_one_for_pages_and_programs_and_ends_with_the_sign_out() {
    let served = Served::empty().await;
    let form = [("name", "ADA"), ("password", PASSWORD)];
    let answer = served.form("/sign-in", &form).send().await.unwrap();
    let (set, _) = cookies(&answer);
    assert_eq!(set.len(), 1, "{set:?}");
    for part in ["aisle-local=", "; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age=43200"] {
        assert!(set[0].contains(part), "{}", set[0]);
    }
    let ada = with(&set[0]);
    assert_eq!(served.open_as(&ada, "/").await.status(), StatusCode::OK);
    let me: Value = served.open_as(&ada, "/v1/me").await.json().await.unwrap();
    assert_eq!((&me["name"], &me["way"]), (&"Ada".into(), &"session".into()));
    assert_eq!(me["csrf"], csrf(&served, &ada).await, "one for pages and programs");
    let ada = Person { csrf: me["csrf"].as_str().unwrap().to_owned(), ..ada };
    let out = served.send_as(&ada, "/sign-out", &[]).await;
    assert_eq!((out.status().as_u16(), &out.headers()["location"]), (303, &"/sign-in".parse().unwrap()));
    assert!(cookies(&out).1.iter().any(|gone| gone.starts_with("aisle-local=;")));
    assert_eq!(
        served.open_as(&ada, "/v1/me").await.status(),
        StatusCode::UNAUTHORIZED,
        "not the cookie alone"
    );
    assert_eq!(served.open_as(&ada, "/").await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_secret_that_was_in_the_browser_before_is_worth_nothing_after_a_sign_in() {
    let served = Served::empty().await;
    let before = served.person("Mallory", &["viewer"]).await;
    let form = [("name", "ada"), ("password", PASSWORD)];
    let answer = served.form("/sign-in", &form).header("cookie", &before.cookie).send().await.unwrap();
    let (set, _) = cookies(&answer);
    assert!(!set[0].starts_with(&before.cookie), "a fresh session");
    assert_eq!(
        served.open_as(&before, "/").await.status(),
        StatusCode::SEE_OTHER,
        "the former one has ended"
    );
    // Two cookies of one name: somebody has put one there.
    let both = with(&format!("{}, {}", set[0].split(';').next().unwrap(), before.cookie));
    let both = Person { cookie: both.cookie.replace(", ", "; "), ..both };
    assert_eq!(served.open_as(&both, "/").await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn whoever_runs_the_hub_comes_in_by_its_token_for_pages_only() {
    let served = Served::empty().await;
    let answer = served.form("/sign-in", &[("token", TOKEN)]).send().await.unwrap();
    let (set, gone) = cookies(&answer);
    assert!(set.len() == 1 && set[0].starts_with("aisle-local-machine="), "{set:?}");
    assert!(gone.len() == 1 && gone[0].starts_with("aisle-local=;"), "{gone:?}");
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age=3600"] {
        assert!(set[0].contains(part), "{}", set[0]);
    }
    assert!(!set[0].contains(TOKEN));
    let machine = with(&set[0]);
    assert_eq!(served.open_as(&machine, "/").await.status(), StatusCode::OK);
    assert_eq!(served.open_as(&machine, "/v1/totals").await.status(), StatusCode::UNAUTHORIZED);
    let wrong = served.send_as(&machine, "/sign-out", &[]).await;
    assert_eq!(wrong.status(), StatusCode::FORBIDDEN, "its forms carry a secret too");
    let machine = Person { csrf: csrf(&served, &machine).await, ..machine };
    let out = served.send_as(&machine, "/sign-out", &[]).await;
    assert!(cookies(&out).1.iter().any(|gone| gone.starts_with("aisle-local-machine=;")));
    let by_token =
        served.client.get(format!("{}/alerts", served.url)).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(by_token.status(), StatusCode::OK, "a script may read a page by the token itself");
    let rows = served.audit("session.begin").await;
    assert!(rows.iter().any(|row| row.actor == "machine" && row.outcome == "done"), "{rows:?}");
}

#[tokio::test]
async fn what_is_wrong_is_said_in_the_same_words_and_another_sites_form_signs_nobody_in() {
    let served = Served::empty().await;
    let mut said = Vec::new();
    for form in [
        [("name", "ada"), ("password", "not the password")],
        [("name", "nobody"), ("password", PASSWORD)],
        [("name", ""), ("password", "")],
    ] {
        let answer = served.form("/sign-in", &form).send().await.unwrap();
        assert_eq!(cookies(&answer).0, Vec::<String>::new());
        let page = shown("/sign-in", answer).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        assert_eq!(page.html.by_id("password").get("value"), None, "what was typed is not sent back");
        said.push(page.html.by_id("fault").text.clone());
    }
    assert!(said.iter().all(|words| words == "The name or the password is not right."), "{said:?}");
    for wrong in ["", "another-token-of-sixteen", "a-token-of-sixteen-character"] {
        let page =
            shown("/sign-in", served.form("/sign-in", &[("token", wrong)]).send().await.unwrap()).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        assert_eq!(page.html.by_id("fault").text, "That is not this hub's token.");
    }
    let good = [("name", "ada"), ("password", PASSWORD)];
    let post =
        || served.client.post(format!("{}/sign-in", served.url)).header("accept", "text/html").form(&good);
    for foreign in [
        post(),
        post().header("origin", "https://evil.example"),
        post().header("origin", "null"),
        post().header("sec-fetch-site", "cross-site"),
        post().header("origin", "http://evil.example").header("host", "evil.example"),
    ] {
        let answer = foreign.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert!(cookies(&answer).0.is_empty());
    }
    let code = [("code", "guess"), ("password", PASSWORD), ("again", PASSWORD)];
    let set_up = served.client.post(format!("{}/set-up", served.url)).form(&code);
    let answer = set_up.header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    // Each is counted, and stands in the log.
    let rows = served.audit("request.forged").await;
    assert_eq!(rows.iter().filter(|row| row.object == "/sign-in" && row.outcome == "refused").count(), 5);
    assert_eq!(rows.iter().filter(|row| row.object == "/set-up").count(), 1, "{rows:?}");
    let metrics = served.client.get(format!("{}/metrics", served.url)).bearer_auth(TOKEN).send();
    let metrics = metrics.await.unwrap().text().await.unwrap();
    assert!(metrics.contains("aisle_hub_refusals_total{reason=\"request.forged\"} 6"), "{metrics}");
    let long = served.form("/sign-in", &[("password", &"x".repeat(100_000))]).send().await.unwrap();
    assert_eq!(long.status(), StatusCode::PAYLOAD_TOO_LARGE);
    // Where nobody can sign in, the page says so before somebody types a password.
    let page = served.client.get(format!("{}/sign-in", served.url)).header("host", "hub.example");
    let page = shown("/sign-in", page.send().await.unwrap()).await;
    assert!(page.html.by_id("fault").text.contains("`http.origin`"));
}

#[tokio::test]
async fn who_tries_too_often_is_told_how_long_to_wait() {
    let served = Served::empty().await;
    let try_it = || served.form("/sign-in", &[("name", "ada"), ("password", "not the password")]).send();
    for _ in 0..5 {
        assert_eq!(try_it().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    let answer = served.form("/sign-in", &[("name", "ada"), ("password", PASSWORD)]).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS, "the right one as well");
    assert_eq!(answer.headers()["retry-after"], "1");
    let page = shown("/sign-in", answer).await;
    assert_eq!(page.html.by_id("fault").text, "Too many passwords were wrong. The next try counts in 1 s.");
    // The token is tried no more often than passwords.
    let served = Served::empty().await;
    for _ in 0..20 {
        served.form("/sign-in", &[("token", "guess")]).send().await.unwrap();
    }
    let answer = served.form("/sign-in", &[("token", TOKEN)]).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_new_person_chooses_a_password_with_a_code_and_is_in() {
    let served = Served::empty().await;
    let by = aisle_hub::people::who::Who::machine("test", "local");
    let now_ms = served.api.now_ms();
    let (_, code) = served.api.people.add(&by, "Grace", Vec::new(), now_ms).await.unwrap();
    let set_up = |code: &str, password: &str, again: &str| {
        served.form("/set-up", &[("code", code), ("password", password), ("again", again)]).send()
    };
    let code = format!(" {} ", code.reveal());
    for (code, password, again, said) in [
        ("wrong", PASSWORD, PASSWORD, "The code is not right"),
        (&code, PASSWORD, "another", "not the same"),
        (&code, "short", "short", "has 5 characters, expected at least 12"),
    ] {
        let page = shown("/set-up", set_up(code, password, again).await.unwrap()).await;
        assert!(page.status.is_client_error() && page.html.by_id("fault").text.contains(said), "{said}");
        assert_eq!(page.html.by_id("code").get("value"), None);
    }
    let foreign =
        served.client.post(format!("{}/set-up", served.url)).header("origin", "https://evil.example");
    let foreign = foreign.form(&[("code", code.trim()), ("password", PASSWORD), ("again", PASSWORD)]);
    assert_eq!(foreign.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let answer = set_up(&code, PASSWORD, PASSWORD).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let grace = with(&cookies(&answer).0[0]);
    let page = shown("/", served.open_as(&grace, "/").await).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.html.text().contains("You have no role yet."), "{}", page.html.text());
    let again = shown("/set-up", set_up(&code, PASSWORD, PASSWORD).await.unwrap()).await;
    assert!(again.html.by_id("fault").text.contains("was used already"));
}

#[tokio::test]
async fn a_form_without_what_only_our_page_knows_does_nothing_and_is_written_down() {
    let served = Served::some().await;
    let other = served.person("Other", &["admin"]).await;
    let mut count = 0;
    for (method, path, need) in PAGES {
        if *method != Method::POST || *need == Need::Open {
            continue;
        }
        let path = super::rights::path(path);
        let own = || served.form(&path, &[]).header("cookie", &served.me.cookie);
        for forged in [
            own(),
            served.form(&path, &[("csrf", "guess")]).header("cookie", &served.me.cookie),
            served.form(&path, &[("csrf", &other.csrf)]).header("cookie", &served.me.cookie),
            served
                .client
                .post(format!("{}{path}", served.url))
                .header("origin", "https://evil.example")
                .header("accept", "text/html")
                .header("cookie", &served.me.cookie)
                .form(&[("csrf", &served.me.csrf)]),
        ] {
            let page = shown(&path, forged.send().await.unwrap()).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
            assert!(page.html.text().contains("Nothing was done."), "{path}: {}", page.html.text());
            count += 1;
        }
    }
    assert!(count >= 4);
    let rows = served.audit("request.forged").await;
    assert_eq!(rows.len(), count.min(20), "each stands in the log, and a flood of them does not fill it");
    assert_eq!((rows[0].actor_name.as_str(), rows[0].outcome.as_str()), ("Ada", "refused"));
    assert_eq!(served.open("/").await.status(), StatusCode::OK, "still signed in");
}

#[tokio::test]
async fn files_are_for_everybody_named_by_what_they_hold_and_kept_for_good() {
    let served = Served::empty().await;
    let page = served.there("/").await;
    let script = page.all("script").next().unwrap().get("src").unwrap().to_owned();
    let links = page.all("link").map(|link| link.get("href").unwrap().to_owned());
    for file in links.chain([script]) {
        let answer = served.client.get(format!("{}{file}", served.url)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{file}");
        assert_eq!(answer.headers()["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        let hash = blake3::hash(&answer.bytes().await.unwrap()).to_hex();
        assert!(file.contains(&hash[..16]), "{file} is not {hash}");
    }
    for file in ["/assets/console.css", "/assets/console-0000000000000000.css", "/assets/..%2Fmod.rs"] {
        let answer = served.client.get(format!("{}{file}", served.url)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{file}");
    }
}
