//! A rollout is written down, looked at before, and goes no further than it may.

use super::{Manager, says};
use serde_json::json;

const ROLLOUT: &str = "rollout:
  rollout: multi-buy-1-4
  why: sells the second at half the price
  who: '*'
  set: { plugin/multi-buy: { version: 1.4.0, hash: HASH, bytes: 40212 } }
  waves:
    - { name: canary, who: pilot, size: 1, soak_minutes: 60 }
    - { name: all }
";

fn written(manager: &Manager) {
    let text = ROLLOUT.replace("HASH", &"ab".repeat(32));
    let file = manager.file("rollout.yaml", &text).display().to_string();
    says(
        &manager.fleet(["rollout", "create", "-f", &file]).exits(0),
        &["nothing has begun", "rollout preflight multi-buy-1-4"],
    );
}

#[test]
fn what_cannot_go_is_found_out_before_it_begins() {
    let manager = Manager::with_nodes(&[("berlin-12", "A1"), ("ulm-3", "B2")]);
    written(&manager);
    says(&manager.fleet(["rollout", "list"]).exits(0), &["multi-buy-1-4", "draft"]);
    manager
        .fleet(["rollout", "start", "multi-buy-1-4"])
        .exits(1)
        .complains_about(&["draft", "`preflight` or `abort` it"]);
    // Its bytes were never brought to this hub.
    let looked = manager.fleet(["rollout", "preflight", "multi-buy-1-4"]).exits(1);
    says(&looked, &["it cannot be started", "plugin/multi-buy 1.4.0"]);
    says(
        &manager.fleet(["rollout", "show", "multi-buy-1-4"]).exits(0),
        &["multi-buy-1-4 is draft", "canary", "preflight"],
    );
    says(&manager.fleet(["rollout", "history", "multi-buy-1-4"]).exits(0), &["preflight", "draft"]);
}

#[test]
fn what_people_say_to_a_rollout_wants_a_reason_and_is_kept() {
    let manager = Manager::with_nodes(&[("berlin-12", "A1")]);
    written(&manager);
    manager.fleet(["rollout", "exclude", "multi-buy-1-4", "berlin-12", "--why", "closed for works"]).exits(0);
    says(&manager.fleet(["rollout", "show", "multi-buy-1-4"]).exits(0), &["berlin-12=closed for works"]);
    manager.fleet(["rollout", "abort", "multi-buy-1-4"]).exits(2);
    says(
        &manager.fleet(["rollout", "abort", "multi-buy-1-4", "--why", "not now"]).exits(0),
        &["multi-buy-1-4 is aborted: not now"],
    );
    manager.fleet(["rollout", "watch", "multi-buy-1-4"]).exits(6);
    manager.fleet(["rollout", "resume", "multi-buy-1-4"]).exits(1).complains_about(&["make a new one"]);
    let shown = manager.json(["rollout", "show", "multi-buy-1-4"]);
    assert_eq!(shown["rollout"]["phase"], json!({ "phase": "aborted", "why": "not now" }));
    manager.fleet(["rollout", "show", "another"]).exits(1);
}

#[test]
fn the_same_draft_twice_is_refused_by_create_and_unchanged_by_apply() {
    let manager = Manager::with_nodes(&[("berlin-12", "A1")]);
    written(&manager);
    let text = ROLLOUT.replace("HASH", &"ab".repeat(32));
    let file = manager.file("rollout.yaml", &text).display().to_string();
    manager.fleet(["rollout", "create", "-f", &file]).exits(1).complains_about(&["multi-buy-1-4"]);
    says(&manager.fleet(["apply", "-f", &file]).exits(0), &["rollout multi-buy-1-4 stays as it is"]);
}
