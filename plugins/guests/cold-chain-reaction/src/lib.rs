//! A unit that keeps food cold is too warm: its goods are not sold until somebody knows that they are good.
//!
//! At the begin staff are told and asked to look, and what is in the unit is kept from being sold. At the end a short excursion lets
//! the goods free again; after a long one they stay as they are, and staff are asked to check or discard them.

use aisle_plugin_sdk::{
    Action, Alert, Excursion, Failure, Happening, OpenTask, Reaction, ReactionInput, Suppress,
};

struct ColdChain;

/// The settings.
struct Rules<'a> {
    /// How long the goods are kept back, in seconds.
    suppress_seconds: u32,
    /// How long an excursion may last so that the goods are let free by its end, in milliseconds.
    tolerated_millis: i64,
    /// Units that this is not for.
    without: Vec<&'a str>,
}

/// The most goods that one answer names; the words to staff say when there are more.
const SKUS_MAX: usize = 500;
const SUPPRESS_SECONDS_MAX: u32 = 7 * 24 * 3600;

impl Reaction for ColdChain {
    fn react(input: ReactionInput) -> Result<Vec<Action>, Failure> {
        let Happening::Excursion(excursion) = &input.happening else { return Ok(Vec::new()) };
        let settings = input.context.settings();
        let suppress_minutes: u32 = settings.or("suppress-minutes", 24 * 60)?;
        let tolerated_minutes: i64 = settings.or("tolerated-minutes", 30)?;
        let rules = Rules {
            suppress_seconds: suppress_minutes.saturating_mul(60).min(SUPPRESS_SECONDS_MAX),
            tolerated_millis: tolerated_minutes.saturating_mul(60_000),
            without: settings.texts("without-units"),
        };
        if rules.without.contains(&excursion.unit.as_str()) {
            return Ok(Vec::new());
        }
        Ok(if excursion.open { begun(excursion, &rules) } else { ended(excursion, &rules) })
    }
}

fn begun(excursion: &Excursion, rules: &Rules) -> Vec<Action> {
    let (unit, celsius) = (name(excursion), celsius(excursion.millidegrees));
    let mut actions = vec![
        alert(format!("Unit {unit} is at {celsius}; its goods are not sold until this is over"), true),
        task(excursion, format!("See why unit {unit} is at {celsius}: door, load, power")),
    ];
    actions.extend(suppress(excursion, rules.suppress_seconds, format!("Unit {unit} is at {celsius}")));
    more(excursion, &mut actions);
    actions
}

fn ended(excursion: &Excursion, rules: &Rules) -> Vec<Action> {
    let (unit, minutes) = (name(excursion), excursion.lasted / 60_000);
    if excursion.lasted <= rules.tolerated_millis {
        let mut actions = vec![alert(
            format!("Unit {unit} is as it must be after {minutes} min; its goods are sold again"),
            false,
        )];
        actions.extend(suppress(
            excursion,
            0,
            format!("Unit {unit} was out of bounds for {minutes} min only"),
        ));
        return actions;
    }
    let worst = celsius(excursion.millidegrees);
    let text = format!("Check or discard the goods of unit {unit}: {minutes} min, {worst} at worst");
    let mut actions = vec![task(excursion, text)];
    // Counted anew from the end, so that nothing is let free by the mere passing of time while nobody has looked.
    actions.extend(suppress(
        excursion,
        rules.suppress_seconds,
        format!("Unit {unit} was out of bounds for {minutes} min"),
    ));
    more(excursion, &mut actions);
    actions
}

fn suppress(excursion: &Excursion, seconds: u32, reason: String) -> impl Iterator<Item = Action> {
    let skus = excursion.skus.iter().take(SKUS_MAX);
    skus.map(move |sku| Action::Suppress(Suppress { sku: sku.clone(), seconds, reason: reason.clone() }))
}

fn more(excursion: &Excursion, actions: &mut Vec<Action>) {
    let count = excursion.skus.len().saturating_sub(SKUS_MAX);
    if count > 0 {
        actions.push(alert(
            format!("{count} more goods of unit {} must be kept back by hand", name(excursion)),
            true,
        ));
    }
}

fn alert(text: String, urgent: bool) -> Action {
    Action::Alert(Alert { text, urgent })
}

fn task(excursion: &Excursion, text: String) -> Action {
    Action::OpenTask(OpenTask { sku: None, unit: Some(excursion.unit.clone()), text })
}

/// The unit's name, cut so that a sentence with it stays within what can be shown.
fn name(excursion: &Excursion) -> String {
    excursion.unit.chars().take(40).collect()
}

/// `8.5 °C`, cut to a tenth, as it is read from a thermometer.
fn celsius(millidegrees: i32) -> String {
    let tenths = millidegrees / 100;
    let sign = if tenths < 0 { "-" } else { "" };
    format!("{sign}{}.{} °C", (tenths / 10).abs(), (tenths % 10).abs())
}

aisle_plugin_sdk::export!(ColdChain: Reaction);
