//! Arms: the same for the same session everywhere, in proportion to the weights, independent between experiments.

use aisle_event::SessionId;
use aisle_recommend::{
    Experiment, Settings,
    lift::{Counters, lift, rates},
};

fn experiment(name: &str, weights: [u32; 2]) -> Experiment {
    let [a, b] = weights;
    let json = format!(
        r#"{{"name": "{name}", "arms": [{{"name": "a", "weight": {a}}}, {{"name": "b", "weight": {b}}}]}}"#
    );
    serde_json::from_str(&json).unwrap()
}

fn sessions() -> impl Iterator<Item = SessionId> {
    (0..20_000).map(|number| SessionId::new(format!("session-{number}")).unwrap())
}

fn share_of_b(experiment: &Experiment) -> f64 {
    let b = sessions().filter(|session| experiment.assign(session).unwrap().name.as_str() == "b");
    b.count() as f64 / 20_000.0
}

#[test]
fn a_session_keeps_its_arm_for_ever() {
    let experiment = experiment("colour", [1, 1]);
    let arms: String =
        sessions().take(16).map(|session| experiment.assign(&session).unwrap().name.to_string()).collect();
    assert_eq!(arms, "aabbbbabaabaaaaa");
}

#[test]
fn arms_get_their_share() {
    assert!((share_of_b(&experiment("colour", [1, 1])) - 0.5).abs() < 0.01);
    assert!((share_of_b(&experiment("colour", [9, 1])) - 0.1).abs() < 0.01);
}

#[test]
fn two_experiments_are_independent() {
    let (one, other) = (experiment("colour", [1, 1]), experiment("order", [1, 1]));
    let same = sessions()
        .filter(|session| one.assign(session).unwrap().name == other.assign(session).unwrap().name)
        .count();
    assert!((same as f64 / 20_000.0 - 0.5).abs() < 0.01, "{same}");
}

#[test]
fn a_label_leads_back_to_its_arm() {
    let experiment = experiment("colour", [1, 1]);
    let label = experiment.label(&experiment.arms[1]).unwrap();
    assert_eq!(label.as_str(), "colour/b");
    assert_eq!(experiment.arm(&label), Some(&experiment.arms[1]));
    assert_eq!(experiment.arm(&aisle_event::Name::new("order/b").unwrap()), None);
}

#[test]
fn an_experiment_without_a_choice_is_refused() {
    let settings = Settings { experiment: Some(experiment("colour", [0, 1])), ..Settings::default() };
    assert_eq!(settings.check().unwrap_err().to_string(), "`experiment` is refused");
    let error = std::error::Error::source(&settings.check().unwrap_err()).unwrap().to_string();
    assert_eq!(error, "`arms[0].weight` is 0, expected 1 to 1000000");
}

#[test]
fn a_lift_is_told_with_its_doubt() {
    let control = Counters { sessions: 5_000, impressions: 10_000, clicks: 300, adds: 400, purchases: 200 };
    let arm = Counters { clicks: 400, adds: 405, ..control };
    assert!((rates(&arm).clicks.unwrap().estimate - 0.04).abs() < 1e-12);
    let lift = lift(&arm, &control);
    assert!(lift.clicks.unwrap().excludes_zero());
    assert!(!lift.adds.unwrap().excludes_zero());
    assert_eq!(lift.purchases.unwrap().estimate, 0.0);
}
