//! What the console shows beside the fleet, asked of a real hub by the command.

use super::{Manager, says};
use serde_json::json;

#[test]
fn what_the_console_shows_is_there_for_a_terminal() {
    let manager = Manager::with_nodes(&[("berlin-12", "A1"), ("ulm-3", "B2")]);
    manager.fleet(["label", "berlin-12", "country=de", "pilot="]).exits(0);
    manager.fleet(["filter", "set", "pilots", "--who", "pilot"]).exits(0);
    let listed = |filter: &str| {
        let page = manager.json(["stores", "--filter", filter]);
        let names = page["items"].as_array().expect("rows").iter().map(|row| row["store"].clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(listed("is:never"), [json!("berlin-12"), json!("ulm-3")]);
    assert_eq!(listed("label:country=de"), [json!("berlin-12")]);
    assert_eq!(listed("-@pilots"), [json!("ulm-3")]);
    manager.fleet(["stores", "--filter", "is:nevr"]).exits(1).complains_about(&["did you mean `is:never`?"]);
    manager.fleet(["stores", "--filter", "@nobody"]).exits(1).complains_about(&["no saved filter"]);

    says(&manager.fleet(["totals"]).exits(0), &["never came", "2"]);
    says(&manager.fleet(["search", "berlin"]).exits(0), &["store", "berlin-12"]);
    manager.fleet(["manifest", "ulm-3"]).exits(1).complains_about(&["no store `ulm-3` has come to this hub"]);
    for verb in [
        &["alerts"][..],
        &["contents"],
        &["policies"],
        &["policy", "followers"],
        &["policy", "unproven"],
        &["relay"],
        &["relays"],
        &["token", "list", "--everybody"],
    ] {
        let listed = manager.json(verb.iter().copied());
        assert!(listed["items"].is_array() && listed["next"].is_null(), "{verb:?}: {listed}");
    }
}
