//! What an author sees of a candidate before any shopper does: the calls that the node recorded, decided again.

use super::shop::{PluggedShop, component, manifest};
use crate::support::command::{Outcome, author, run};
use reqwest::Method;
use serde_json::Value;

/// The last of each group of so many is free.
fn free(version: &str, buy: u32) -> String {
    let settings =
        format!("[[settings.offers]]\nsku = \"TEA-1\"\nbuy = {buy}\nreason = \"The last one is free\"");
    manifest("multi-buy", version, "promotion", &settings)
}

/// The sums of an answer, and whether it named a difference.
fn summary(lines: &[Value]) -> (&Value, bool) {
    let summary = lines.iter().find_map(|line| line.get("summary")).expect("a summary");
    (summary, lines.iter().any(|line| line.get("difference").is_some()))
}

#[tokio::test]
async fn a_candidate_is_held_against_what_the_node_recorded_and_then_installed() {
    let shop = PluggedShop::with(&[]);
    let component = component("multi-buy");
    shop.install("multi-buy", &free("1.0.0", 3), &component).await;
    let api = shop.api();
    // Of three one is free when each third is, and when each second is; of four it is one more.
    for (key, quantity) in [("key-1", 1), ("key-2", 3), ("key-3", 4), ("key-4", 4)] {
        let session = api.session().await;
        api.set(&session, "TEA-1", quantity).await.json(200);
        api.check_out(&session, key).await.json(201);
    }
    let path = "/v1/admin/plugins/multi-buy/recordings";
    let recorded = shop.ask(Method::GET, path, None).await.body;
    let of_four = recorded.lines().filter(|line| line.contains("\"quantity\":4000")).count();
    assert!(of_four >= 4, "shown and paid, two of them: {recorded}");

    let folder = shop.store.path("candidate");
    shop.store.file("candidate/plugin.wasm", &component);
    let token = shop.node.data().join("admin.token");
    let ask = |verb: [&str; 2], more: &[&str]| -> Outcome {
        let mut command = author(&folder, ["plugin"].into_iter().chain(verb));
        command.args(["--node", shop.node.url(), "--token-file"]).arg(&token).args(more);
        run(&mut command)
    };
    let replay = ["replay", "plugin.wasm"];
    shop.store.file("candidate/plugin.toml", free("1.0.1", 3));
    let same = ask(replay, &["--json", "--fail-on-difference"]).exits(0).json_lines();
    let (sums, differs) = summary(&same);
    assert_eq!(
        (&sums["compared"], &sums["differing"]),
        (&recorded.lines().count().into(), &0.into()),
        "{sums}"
    );
    assert!(!differs, "{same:?}");

    shop.store.file("candidate/plugin.toml", free("2.0.0", 2));
    let other = ask(replay, &["--json", "--fail-on-difference"]).exits(1).json_lines();
    let (sums, differs) = summary(&other);
    let less = 250 * of_four;
    assert_eq!(
        (&sums["differing"], &sums["money"]["GBP"]),
        (&of_four.into(), &(-(less as i64)).into()),
        "{sums}"
    );
    assert!(differs, "{other:?}");
    let words = ask(replay, &[]).exits(0).stdout;
    assert!(words.contains(&format!("money   -{}.{:02} GBP", less / 100, less % 100)), "{words}");

    let installed = ask(["install", "plugin.wasm"], &["--by", "Ana"]).exits(0).stdout;
    assert!(installed.contains("multi-buy 2.0.0 runs"), "{installed}");
    let session = api.session().await;
    let basket = api.set(&session, "TEA-1", 4).await.json(200);
    assert_eq!(basket["total"]["minor"], 500, "{basket}");
    let back = ask(["rollback", "multi-buy"], &[]).exits(0).stdout;
    assert!(back.contains("multi-buy 1.0.0 runs"), "{back}");
    assert_eq!(shop.basket(&session).await["total"]["minor"], 750);
}
