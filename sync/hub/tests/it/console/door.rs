//! Who gets in, what the cookie is, and where it leads.

use super::{Served, TOKEN, shown};
use reqwest::{StatusCode, header::SET_COOKIE};

#[tokio::test]
async fn who_is_not_signed_in_is_led_to_the_door_and_back() {
    let served = Served::some().await;
    for (path, to) in [
        ("/", "/sign-in"),
        ("/stores/store-1", "/sign-in?return=%2Fstores%2Fstore-1"),
        ("/?q=is%3Aaway", "/sign-in?return=%2F%3Fq%3Dis%253Aaway"),
        ("/nowhere", "/sign-in?return=%2Fnowhere"),
    ] {
        let request = served.client.get(format!("{}{path}", served.url)).header("accept", "text/html");
        let answer = request.header("cookie", "aisle_hub=1.2").send().await.unwrap();
        assert_eq!(
            (answer.status(), &answer.headers()["location"]),
            (StatusCode::SEE_OTHER, &to.parse().unwrap())
        );
    }
    let door = served.client.get(format!("{}/sign-in?return=%2Falerts", served.url)).send().await.unwrap();
    let door = shown("/sign-in", door).await;
    let place = door.html.all("input").find(|input| input.get("name") == Some("return")).unwrap();
    assert_eq!(place.get("value"), Some("/alerts"));
    let form = [("token", TOKEN), ("return", "/alerts")];
    let answer = served.client.post(format!("{}/sign-in", served.url)).form(&form).send().await.unwrap();
    assert_eq!(answer.headers()["location"], "/alerts");
    let form = [("token", TOKEN), ("return", "https://evil.example/")];
    let answer = served.client.post(format!("{}/sign-in", served.url)).form(&form).send().await.unwrap();
    assert_eq!(answer.headers()["location"], "/");
}

#[tokio::test]
async fn the_cookie_is_for_this_site_and_no_script_and_is_not_the_token() {
    let served = Served::empty().await;
    let form = [("token", TOKEN)];
    let post = || served.client.post(format!("{}/sign-in", served.url)).form(&form);
    let plain = post().send().await.unwrap().headers()[SET_COOKIE].to_str().unwrap().to_owned();
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Strict", "; Max-Age="] {
        assert!(plain.contains(part), "{plain}");
    }
    assert!(!plain.contains("Secure") && !plain.contains(TOKEN), "{plain}");
    let over_tls = post().header("x-forwarded-proto", "https").send().await.unwrap();
    assert!(over_tls.headers()[SET_COOKIE].to_str().unwrap().ends_with("; Secure"));

    // It opens pages, and nothing that programs ask.
    assert_eq!(served.open("/").await.status(), StatusCode::OK);
    assert_eq!(served.open("/v1/totals").await.status(), StatusCode::UNAUTHORIZED);
    let by_token =
        served.client.get(format!("{}/alerts", served.url)).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(by_token.status(), StatusCode::OK, "a script may read a page by the token itself");

    let out = served.client.post(format!("{}/sign-out", served.url)).header("cookie", &served.cookie);
    let out = out.send().await.unwrap();
    let cleared = out.headers()[SET_COOKIE].to_str().unwrap();
    assert!(cleared.starts_with("aisle_hub=;") && cleared.contains("Max-Age=0"), "{cleared}");
}

#[tokio::test]
async fn a_wrong_token_and_another_sites_form_are_refused_on_the_page() {
    let served = Served::empty().await;
    let post = |token: &'static str| {
        served
            .client
            .post(format!("{}/sign-in", served.url))
            .header("accept", "text/html")
            .form(&[("token", token)])
    };
    for wrong in ["", "another-token-of-sixteen", "a-token-of-sixteen-character"] {
        let answer = post(wrong).send().await.unwrap();
        assert!(answer.headers().get(SET_COOKIE).is_none());
        let page = shown("/sign-in", answer).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED);
        assert_eq!(page.html.by_id("fault").text, "That is not this hub's token.");
        assert_eq!(page.html.by_id("token").get("value"), None, "what was typed is not sent back");
    }
    let foreign = post(TOKEN).header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    assert!(foreign.headers().get(SET_COOKIE).is_none());
    let foreign =
        served.client.post(format!("{}/sign-out", served.url)).header("sec-fetch-site", "cross-site");
    assert!(
        foreign.send().await.unwrap().headers().get(SET_COOKIE).is_none(),
        "nobody else signs somebody out"
    );
    let long = served.client.post(format!("{}/sign-in", served.url)).header("accept", "text/html");
    let long = long.form(&[("token", "x".repeat(100_000))]).send().await.unwrap();
    assert_eq!(long.status(), StatusCode::PAYLOAD_TOO_LARGE);
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
