//! A unit that keeps food cold is too warm, or nobody knows: its goods are not sold until somebody knows that they are good.
//!
//! At the begin staff are told and asked to look, and what is in the unit is kept from being sold. At the end a short excursion lets
//! the goods free again that no other one still holds, of this unit or of another ([`held`]); after a long one they stay as they are, and
//! staff are told and asked to check or discard them.

mod held;

use aisle_plugin_sdk::{
    Action, Alert, Context, Excursion, Failure, Happening, OpenTask, Reaction, ReactionInput, Suppress,
};
use held::Held;

struct ColdChain;

/// The settings.
struct Rules<'a> {
    /// How long the goods are kept back, in minutes.
    suppress_minutes: u32,
    /// How long an excursion may last so that the goods are let free by its end, in milliseconds.
    tolerated_millis: i64,
    /// Units that this is not for.
    without: Vec<&'a str>,
}

/// The most goods that one answer names; the words to staff say when there are more.
const SKUS_MAX: usize = 500;
const SUPPRESS_MINUTES_MAX: u32 = 7 * DAY_MINUTES;
const DAY_MINUTES: u32 = 24 * 60;

impl Reaction for ColdChain {
    fn react(input: ReactionInput) -> Result<Vec<Action>, Failure> {
        let Happening::Excursion(excursion) = &input.happening else { return Ok(Vec::new()) };
        let settings = input.context.settings();
        let suppress_minutes = settings.or("suppress-minutes", DAY_MINUTES)?;
        // No time at all would let the goods free at the begin.
        if suppress_minutes == 0 {
            return Err(settings.wrong("suppress-minutes", "0"));
        }
        let tolerated_minutes: i64 = settings.or("tolerated-minutes", 30)?;
        let rules = Rules {
            suppress_minutes: suppress_minutes.min(SUPPRESS_MINUTES_MAX),
            tolerated_millis: tolerated_minutes.saturating_mul(60_000),
            without: settings.texts("without-units"),
        };
        if rules.without.contains(&excursion.unit.as_str()) {
            return Ok(Vec::new());
        }
        let act = if excursion.open { begun } else { ended };
        Ok(act(excursion, &input.context, &rules))
    }
}

fn begun(excursion: &Excursion, context: &Context, rules: &Rules) -> Vec<Action> {
    Held::beside(excursion, context.now).hold(excursion, rules.until(context));
    let (unit, celsius, until) =
        (name(excursion), celsius(excursion.millidegrees), rules.until_when(context));
    // The temperature of a silent unit is the last that is known, and where there is none its limit.
    let what = format!("is out of bounds or silent ({celsius})");
    let mut actions = vec![
        alert(format!("Unit {unit} {what}; its goods are not sold until {until}"), true),
        task(excursion, format!("See why unit {unit} {what}: door, load, power")),
    ];
    let reason = format!("Unit {unit} {what}");
    actions.extend(suppress(&excursion.skus, rules.suppress_seconds(), reason));
    more(excursion, &mut actions);
    actions
}

fn ended(excursion: &Excursion, context: &Context, rules: &Rules) -> Vec<Action> {
    let (unit, minutes) = (name(excursion), excursion.lasted / 60_000);
    let held = Held::beside(excursion, context.now);
    if excursion.lasted <= rules.tolerated_millis {
        held.keep();
        let short = format!("Unit {unit} is as it must be after {minutes} min");
        let all = excursion.skus.len();
        let free = if held.is_free() { held.held_nowhere_else(&excursion.skus) } else { Vec::new() };
        let what = match free.len() {
            0 if all > 0 || !held.is_free() => "its goods stay back as before".to_owned(),
            some if some < all => format!("{some} of its {all} goods are sold again"),
            _ => "its goods are sold again".to_owned(),
        };
        let mut actions = vec![alert(format!("{short}; {what}"), false)];
        actions.extend(suppress(free, 0, format!("Unit {unit} was out of bounds for {minutes} min only")));
        return actions;
    }
    held.hold(excursion, rules.until(context));
    let worst = celsius(excursion.millidegrees);
    let text = format!("Check or discard the goods of unit {unit}: {minutes} min, {worst} at worst");
    // The task that asked to see why may still be open, and then there is no other about the unit.
    let mut actions = vec![alert(text.clone(), true), task(excursion, text)];
    // Counted anew from the end, so that nothing is let free by the mere passing of time while nobody has looked.
    actions.extend(suppress(
        &excursion.skus,
        rules.suppress_seconds(),
        format!("Unit {unit} was out of bounds for {minutes} min"),
    ));
    more(excursion, &mut actions);
    actions
}

impl Rules<'_> {
    fn suppress_seconds(&self) -> u32 {
        self.suppress_minutes * 60
    }

    /// Until when goods are kept back that are so from now on, in milliseconds since 1970.
    fn until(&self, context: &Context) -> i64 {
        context.now.saturating_add(i64::from(self.suppress_minutes) * 60_000)
    }

    /// The same in words, by the store's own clock.
    fn until_when(&self, context: &Context) -> String {
        const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let minutes = u32::from(context.minute_of_day) + self.suppress_minutes;
        let (days, minute) = (minutes / DAY_MINUTES, minutes % DAY_MINUTES);
        let weekday = (u32::from(context.weekday) + 6 + days) % 7;
        let day = DAYS.get(weekday as usize).copied().unwrap_or_default();
        format!("{day} {:02}:{:02}", minute / 60, minute % 60)
    }
}

fn suppress<'a>(
    skus: impl IntoIterator<Item = &'a String>,
    seconds: u32,
    reason: String,
) -> impl Iterator<Item = Action> {
    let skus = skus.into_iter().take(SKUS_MAX);
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
    excursion.unit.chars().take(32).collect()
}

/// `8.5 °C`, cut to a tenth, as it is read from a thermometer.
fn celsius(millidegrees: i32) -> String {
    let tenths = millidegrees / 100;
    let sign = if tenths < 0 { "-" } else { "" };
    format!("{sign}{}.{} °C", (tenths / 10).abs(), (tenths % 10).abs())
}

aisle_plugin_sdk::export!(ColdChain: Reaction);
