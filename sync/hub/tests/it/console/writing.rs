//! Pages that write: rollouts, groups, filters; what is wrong stands beside its field, what was typed is kept, and the path is that of the interface for programs.

use super::{Person, Served, html::Html, shown};
use crate::{
    artefacts::world::{self as keys, PLUGINS, drafts, package, signed},
    fleet::world::World,
    people::hall::Hall,
};
use aisle_artefact::Kind;
use aisle_hub::artefacts::{ceremony::in_days, online::OnlineKeys};
use reqwest::StatusCode;

const PLUGIN: &str = "plugins/buy-two/1.4.0.plugin";

/// A hub at which a plugin is published.
async fn published(hall: &Hall) {
    let (artefacts, now) = (&hall.one.api.artefacts, keys::now(hall));
    let online = OnlineKeys::read_or_make(artefacts.online_keys()).unwrap();
    artefacts.publish(drafts(&online, now), None, now).await.unwrap();
    for version in ["1.3.0", "1.4.0"] {
        let bytes = package("buy-two", version, 4_000).into();
        let new = keys::new(Kind::Plugin, "buy-two", version);
        let added = artefacts.add(new, bytes, None, in_days(now, 365)).await.unwrap();
        artefacts.publish(vec![signed(added.draft, &[PLUGINS])], None, now).await.unwrap();
    }
}

/// What a form has in its fields, as a browser would send it by a button.
fn fields<'a>(page: &'a Html, button: &'a str) -> Vec<(String, String)> {
    let mut sent = vec![("do".to_owned(), button.to_owned())];
    for input in page.all("input") {
        let (Some(name), kind) = (input.get("name"), input.get("type").unwrap_or("text")) else { continue };
        if name == "q" || name == "csrf" || (kind == "checkbox" && input.get("checked").is_none()) {
            continue;
        }
        sent.push((name.to_owned(), input.get("value").unwrap_or_default().to_owned()));
    }
    for area in page.all("textarea") {
        sent.push((area.get("name").unwrap().to_owned(), area.text.trim().to_owned()));
    }
    sent
}

fn with(mut fields: Vec<(String, String)>, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    fields
}

impl Served {
    async fn fill(&self, person: &Person, path: &str, fields: &[(String, String)]) -> reqwest::Response {
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.send_as(person, path, &fields).await
    }

    async fn there_as(&self, person: &Person, path: &str) -> Html {
        let page = shown(path, self.open_as(person, path).await).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.html.text());
        page.html
    }
}

pub async fn a_rollout_is_written_on_a_page_and_waits_for_a_second_person(hall: &Hall) {
    let mut world = World::new(hall, 4).await;
    world.engine.look().await.unwrap();
    let served = Served::of_hall(hall).await;
    let bob = served.person("Bob", &["operator"]).await;
    let viewer = served.person("Vera", &["viewer"]).await;
    assert_eq!(served.open_as(&viewer, "/write-rollout").await.status(), StatusCode::FORBIDDEN);
    assert!(
        served.there("/write-rollout").await.text().contains("aisle-hub artefact add"),
        "nothing is published yet"
    );
    published(hall).await;
    served
        .sent(
            "/filters/write",
            &[("version", "0"), ("name", "pilots"), ("who", "store in (store-00,store-01)")],
        )
        .await;
    // What is published is there to be ticked, waves and gates are filled in as they are right for most.
    let form = served.there("/write-rollout").await;
    assert_eq!(form.by_id("failed_percent_max").get("value"), Some("5"));
    assert_eq!(form.by_id("wave-0-name").get("value"), Some("canary"));
    assert!(form.text().contains("plugin/buy-two 1.4.0") && form.text().contains("plugin/buy-two 1.3.0"));
    assert!(form.0.iter().any(|option| option.name == "option" && option.get("value") == Some("@pilots")));
    // Empty, it is refused beside the fields, and nothing is written.
    let filled = with(
        fields(&form, "write"),
        &[("why", "sells \"two\""), ("artefact", PLUGIN), ("wave-0-who", "@pilots"), ("wave-0-size", "ten")],
    );
    let answer = served.fill(&served.me, "/write-rollout", &filled).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let page = shown("/write-rollout", answer).await.html;
    assert_eq!(
        (page.by_id("rollout").get("aria-invalid"), page.by_id("wave-0-size").get("aria-invalid")),
        (Some("true"), Some("true"))
    );
    assert!(page.by_id("wave-0-size-fault").text.contains("no number of nodes"));
    assert_eq!(
        (page.by_id("why").get("value"), page.by_id("wave-0-who").get("value")),
        (Some("sells \"two\""), Some("@pilots"))
    );
    assert!(page.by_id("artefact-0").get("checked").is_some(), "what was ticked is ticked");
    assert!(served.audit("rollout.draft").await.is_empty());
    // More waves, and looking for an artefact, write nothing either.
    for button in ["more", "find"] {
        let answer = served
            .fill(
                &served.me,
                "/write-rollout",
                &with(filled.clone(), &[("do", button), ("part", "nothing like it")]),
            )
            .await;
        assert_eq!(answer.status(), StatusCode::OK);
        let page = shown("/write-rollout", answer).await.html;
        assert!(
            page.by_id("artefact-0").get("checked").is_some()
                && page.by_id("why").get("value") == Some("sells \"two\"")
        );
        assert_eq!(page.0.iter().any(|field| field.get("id") == Some("wave-6-name")), button == "more");
    }
    let good = with(
        filled,
        &[("rollout", "spring"), ("wave-0-size", "2"), ("wave-0-soak", "10"), ("calls_min", "50")],
    );
    let answer = served.fill(&served.me, "/write-rollout", &good).await;
    assert_eq!(answer.headers()["location"], "/rollouts/spring?done=drafted");
    let page = served.there("/rollouts/spring?done=drafted").await;
    assert!(
        page.text().contains("The draft is written")
            && page.by_id("about").text.contains("plugin/buy-two 1.4.0")
    );
    let row = &served.audit("rollout.draft").await[0];
    assert_eq!((row.actor_name.as_str(), row.object.as_str()), ("Ada", "rollout/spring"));
    let kept = served.database.rollout("spring").await.unwrap().unwrap();
    let waves = &kept.rollout.spec().waves;
    assert_eq!(waves[0].who.as_ref().unwrap().to_string(), "store in (store-00,store-01)");
    assert_eq!((waves.len(), kept.rollout.spec().gates.calls_min), (3, 50));
    // The name is taken; the draft itself is changed by its own way.
    let answer = served.fill(&served.me, "/write-rollout", &good).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(shown("/write-rollout", answer).await.html.by_id("rollout-fault").text.contains("already"));
    let form = served.there(page.way("Change the draft")).await;
    let answer = served
        .fill(
            &served.me,
            "/write-rollout",
            &with(
                fields(&form, "write"),
                &[("why", "another reason"), ("wave-1-name", ""), ("wave-1-size", "")],
            ),
        )
        .await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{}", answer.text().await.unwrap());
    let kept = served.database.rollout("spring").await.unwrap().unwrap();
    assert_eq!((kept.rollout.spec().why.as_str(), kept.rollout.spec().waves.len()), ("another reason", 2));
    assert_eq!(kept.rollout.spec().gates.calls_min, 50);
    // Whoever still has the form from before writes over nobody's words, and loses none of their own.
    let late = with(fields(&form, "write"), &[("why", "a third reason")]);
    let answer = served.fill(&bob, "/write-rollout", &late).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let page = shown("/write-rollout", answer).await.html;
    assert!(page.text().contains("somebody has changed the draft meanwhile"), "{}", page.text());
    assert_eq!(page.by_id("why").get("value"), Some("a third reason"));
    let kept = served.database.rollout("spring").await.unwrap().unwrap();
    assert_eq!(kept.rollout.spec().why, "another reason");
    // It reaches more than a quarter of the fleet: the page says that it waits, and its author is not offered to agree.
    let page = served.sent("/rollouts/spring/preflight", &[]).await;
    let acts = page.by_id("acts").text.clone();
    assert!(
        acts.contains("It waits for a second person: 0 of 1") && acts.contains("so it is not you"),
        "{acts}"
    );
    let ways = |page: &Html| -> Vec<String> {
        page.all("form").filter_map(|form| Some(form.get("action")?.rsplit_once('/')?.1.to_owned())).collect()
    };
    assert!(!ways(&page).contains(&"approve".to_owned()));
    assert_eq!(served.send("/rollouts/spring/approve", &[]).await.status(), StatusCode::FORBIDDEN);
    let page = served.there_as(&bob, "/rollouts/spring").await;
    assert!(
        ways(&page).contains(&"approve".to_owned()) && !page.by_id("acts").text.contains("so it is not you")
    );
    assert_eq!(served.send_as(&bob, "/rollouts/spring/approve", &[]).await.status(), StatusCode::SEE_OTHER);
    served.sent("/rollouts/spring/start", &[]).await;
    world.until("spring", "done").await;
    // A reason of spaces is none; the form is there once more, with what was typed.
    let answer = served.send("/rollouts/spring/rollback", &[("why", "  ")]).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let page = shown("", answer).await.html;
    assert!(page.by_id("why-fault").text.contains("is missing"), "{}", page.text());
    // One like it has everything but the name.
    let page = served.there("/rollouts/spring").await;
    assert!(ways(&page).contains(&"delete".to_owned()) && page.by_id("about").text.contains("done"));
    let form = served.there(page.way("Write one like it")).await;
    assert_eq!(
        (form.by_id("rollout").get("value"), form.by_id("why").get("value")),
        (Some(""), Some("another reason"))
    );
    let viewers = served.there_as(&viewer, "/rollouts/spring").await;
    assert!(!viewers.text().contains("Write one like it") && !viewers.text().contains("Forget it"));
}

pub async fn a_group_is_written_changed_and_taken_away(hall: &Hall) {
    let mut world = World::new(hall, 4).await;
    world.engine.look().await.unwrap();
    published(hall).await;
    let served = Served::of_hall(hall).await;
    let form = served.there("/groups/write").await;
    let filled = with(
        fields(&form, "look"),
        &[
            ("name", "germany"),
            ("who", "store=store-00"),
            ("priority", "7"),
            ("artefact", PLUGIN),
            ("settings", "kiosk.session_ttl_s = 900"),
            ("minimums", "plugin/buy-two 1.2"),
            ("zone", "Europe/Berlin"),
            ("windows", "mon-sat 22:00-05:00\ndaily 02:00-03:00"),
        ],
    );
    // Looked at first: nothing is written, and it is said whom it reaches.
    let answer = served.fill(&served.me, "/groups/write", &filled).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let page = shown("/groups/write", answer).await.html;
    assert!(
        page.text().contains("1 node would be something else than now")
            && page.text().contains("store-00/node-1"),
        "{}",
        page.text()
    );
    assert!(served.audit("group.put").await.is_empty());
    let answer = served.fill(&served.me, "/groups/write", &with(filled.clone(), &[("do", "write")])).await;
    assert_eq!(answer.headers()["location"], "/groups?done=written");
    let page = served.there("/groups?done=written").await;
    assert!(
        page.by_id("groups").text.contains("plugin/buy-two 1.4.0") && page.text().contains("It is written")
    );
    // A second one of this name is not written over the first.
    let answer = served.fill(&served.me, "/groups/write", &with(filled, &[("do", "write")])).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(shown("", answer).await.html.text().contains("there is one of this name already"));
    // Opened again it has what was written, and what it needs stays with it.
    let form = served.there(page.way("germany")).await;
    assert_eq!(form.by_id("priority").get("value"), Some("7"));
    assert_eq!(form.by_id("slots").text.trim(), "plugin/buy-two 1.4.0");
    let before = fields(&form, "write");
    let answer = served.fill(&served.me, "/groups/write", &with(before.clone(), &[("priority", "8")])).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{}", answer.text().await.unwrap());
    let rows = served.audit("group.put").await;
    let grants = |row: &aisle_hub::people::audit::AuditRow| format!("{row:?}").matches("stock").count();
    assert!(grants(&rows[0]) >= 2, "before and after have what the plugin needs: {:?}", rows[0]);
    // Whoever still has the page from before writes over nobody's words.
    let answer = served.fill(&served.me, "/groups/write", &with(before, &[("priority", "9")])).await;
    assert!(shown("", answer).await.html.text().contains("somebody has changed it meanwhile"));
    // What reaches far at once wants waves and another person.
    let form = served.there("/groups/write").await;
    let wide = with(fields(&form, "write"), &[("name", "every"), ("who", "*"), ("artefact", PLUGIN)]);
    let answer = served.fill(&served.me, "/groups/write", &wide).await;
    let page = shown("", answer).await.html;
    assert!(page.text().contains("roll it out in waves"), "{}", page.text());
    for (field, value, at) in [
        ("who", "", "who"),
        ("who", "region=", "who"),
        ("settings", "x", "settings"),
        ("windows", "never", "windows"),
        ("artefact", "plugins/gone/1.0.0.plugin", "artefacts"),
    ] {
        let answer = served.fill(&served.me, "/groups/write", &with(wide.clone(), &[(field, value)])).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{field}");
        let page = shown("", answer).await.html;
        assert!(
            page.all("a").any(|way| way.get("href") == Some(&format!("#{at}"))),
            "{field}: {}",
            page.text()
        );
    }
    let page = served.sent("/groups/delete", &[("name", "germany")]).await;
    assert!(page.text().contains("It is taken away") && page.text().contains("There is no group."));
    assert_eq!(served.audit("group.delete").await.len(), 1);
    assert_eq!(served.page("/groups/write?name=germany").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_saved_filter_is_written_changed_and_taken_away() {
    let served = Served::some().await;
    let page =
        served.sent("/filters/write", &[("version", "0"), ("name", "small"), ("who", "size in (s,m)")]).await;
    assert!(
        page.by_id("filters").text.contains("small") && page.by_id("filters").text.contains("size in (s,m)")
    );
    let form = served.there(page.way("small")).await;
    assert_eq!(
        (form.by_id("name").get("readonly"), form.by_id("who").get("value")),
        (Some(""), Some("size in (s,m)"))
    );
    let answer =
        served.send("/filters/write", &[("version", "1"), ("name", "small"), ("who", "size=")]).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(shown("", answer).await.html.by_id("who").get("aria-invalid").is_some());
    let page = served.sent("/filters/write", &[("version", "1"), ("name", "small"), ("who", "size=s")]).await;
    assert!(page.by_id("filters").text.contains("size=s"));
    let page = served.sent("/filters/delete", &[("name", "small")]).await;
    assert!(page.by_id("filters").text.contains("None is saved."));
    let log = served.audit("filter.put").await;
    assert_eq!((log.len(), served.audit("filter.delete").await.len()), (2, 1));
}

#[tokio::test]
async fn who_is_bounded_to_a_region_writes_overrides_there_and_nothing_else() {
    let served = Served::some().await;
    let eu = served.person("Europe", &["operator@region:eu"]).await;
    for (path, may) in [
        ("/stores/store-1/override", true),
        ("/stores/store-3/override", false),
        ("/groups/write", false),
        ("/write-rollout", false),
    ] {
        let status = served.open_as(&eu, path).await.status();
        assert_eq!(status == StatusCode::OK, may, "{path}: {status}");
        let status = served.send_as(&eu, path, &[]).await.status();
        assert_eq!(status != StatusCode::FORBIDDEN, may, "{path}: {status}");
    }
    // Without what only our own page knows nothing is written.
    let forged = served
        .form("/stores/store-1/override", &[("why", "x"), ("version", "0")])
        .header("cookie", &eu.cookie);
    assert_eq!(forged.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let answer = served
        .send_as(
            &eu,
            "/stores/store-1/override",
            &[("why", "a wet cellar"), ("version", "0"), ("until", "2099-01-01 08:00")],
        )
        .await;
    assert_eq!(answer.headers()["location"], "/stores/store-1?done=written");
    let answer = served
        .send_as(&eu, "/stores/store-1/override", &[("why", "x"), ("version", "1"), ("until", "soon")])
        .await;
    assert!(shown("", answer).await.html.by_id("until-fault").text.contains("is no time"));
    let form = served.there_as(&eu, "/stores/store-1/override").await;
    assert_eq!(form.by_id("until").get("value"), Some("2099-01-01 08:00"));
    assert_eq!(served.audit("override.put").await[0].actor, eu.id);
}
