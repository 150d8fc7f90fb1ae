//! From the fields of the form to a rollout as it is written, and back.
//!
//! Not here: how the form looks ([`super::write`]), what a rollout may be (`aisle_fleet`). Guards: what is sent is what was shown; a rollout with parts that the form has no field for is
//! not opened in it.

use crate::{
    artefacts::slots::Published,
    console::{
        pages::{says, typed::Typed},
        say,
    },
    database::{Database, DatabaseError, fleet::WordKind},
};
use aisle_fleet::{
    ArtefactSet, Filter, Gates, Group, Metric, RolloutId, RolloutSpec, Selector, WaveName,
    gate::{Business, Scale, Worse},
    wave::{OnFailure, Size, WaveSpec},
};
use std::collections::BTreeMap;

/// The most waves of the form; a rollout may have more, written as a file.
pub(super) const ROWS_MAX: usize = 16;
/// How many business metrics the form has fields for.
pub(super) const METRICS: usize = 2;

/// The gates that have a field: its name, what it says, where it is empty.
pub(super) const GATES: [(&str, &str, &str); 10] = [
    (
        "reached_percent_min",
        "Nodes that must have come to an end, in per cent",
        "Of those that can be reached.",
    ),
    ("failed_percent_max", "Of those at most so many failed, in per cent", ""),
    (
        "dark_percent_max",
        "Nodes gone dark since, at most, in per cent",
        "Beyond those that are away anyway; one is always allowed.",
    ),
    ("deadline_minutes", "A node that takes longer is not waited for, in minutes", ""),
    ("calls_min", "Calls in live traffic, at least", "Of all nodes together, for what is called."),
    ("traps_ppm_max", "Traps, at most, of a million calls", ""),
    ("errors_ppm_max", "Errors, at most, of a million calls", ""),
    ("p99_us_max", "99 of 100 calls take at most, in microseconds", "Not judged where it is empty."),
    ("fuel_mean_max", "Fuel of a call in the mean, at most", "Not judged where it is empty."),
    ("alpha_per_mille", "A gate may stop a good release, in thousandths of rollouts", ""),
];

/// A form with waves and gates that are right for most: few stores first, then a tenth, then all.
pub(super) fn blank() -> Typed {
    let mut typed = Typed::default();
    typed.set("who", "*");
    for (row, (name, size, soak)) in
        [("canary", "5", "60"), ("tenth", "10%", "240"), ("rest", "all", "0")].into_iter().enumerate()
    {
        typed.set(&format!("wave-{row}-name"), name);
        typed.set(&format!("wave-{row}-size"), size);
        typed.set(&format!("wave-{row}-soak"), soak);
    }
    typed.set("rows", "4");
    fill_gates(&mut typed, &Gates::default());
    typed.set("approvals", "0");
    typed.set("offline", "30");
    typed
}

fn fill_gates(typed: &mut Typed, gates: &Gates) {
    let maybe = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let values = [
        gates.reached_percent_min.to_string(),
        gates.failed_percent_max.to_string(),
        gates.dark_percent_max.to_string(),
        gates.deadline_minutes.to_string(),
        gates.calls_min.to_string(),
        gates.traps_ppm_max.to_string(),
        gates.errors_ppm_max.to_string(),
        maybe(gates.p99_us_max),
        maybe(gates.fuel_mean_max),
        gates.alpha_per_mille.to_string(),
    ];
    for ((name, ..), value) in GATES.iter().zip(values) {
        typed.set(name, value);
    }
    for (row, business) in gates.business.iter().take(METRICS).enumerate() {
        let mut set = |field: &str, value: String| typed.set(&format!("metric-{row}-{field}"), value);
        set("name", business.metric.to_string());
        set("worse", if business.worse == Worse::Lower { "lower" } else { "higher" }.into());
        set("scale", if business.scale == Scale::Relative { "relative" } else { "absolute" }.into());
        set("tolerance", business.tolerance.to_string());
        set("periods", business.periods_min.to_string());
        set("apart", business.apart_percent_max.to_string());
        set("same", business.same.join(", "));
        if business.must_show {
            set("show", "yes".into());
        }
    }
}

/// A form with what a rollout says; nothing where it has parts that the form has no field for.
pub(super) fn of(spec: &RolloutSpec) -> Option<Typed> {
    let has_fields = spec.waves.len() <= ROWS_MAX
        && spec.waves.iter().all(|wave| wave.gates.is_none())
        && spec.gates.business.len() <= METRICS;
    if !has_fields {
        return None;
    }
    let mut typed = Typed::default();
    typed.set("rollout", spec.rollout.as_str());
    typed.set("why", spec.why.as_str());
    typed.set("who", spec.who.to_string());
    says::fill_set(&mut typed, &spec.set);
    for (row, wave) in spec.waves.iter().enumerate() {
        let mut set = |field: &str, value: String| typed.set(&format!("wave-{row}-{field}"), value);
        set("name", wave.name.to_string());
        set("who", wave.who.as_ref().map(ToString::to_string).unwrap_or_default());
        set("size", wave.size.to_string());
        set("soak", wave.soak_minutes.to_string());
        set("fail", if wave.on_failure == OnFailure::Pause { "pause" } else { "rollback" }.into());
        if wave.asks {
            set("asks", "yes".into());
        }
    }
    typed.set("rows", spec.waves.len().saturating_add(1).min(ROWS_MAX).to_string());
    fill_gates(&mut typed, &spec.gates);
    typed.set("approvals", spec.approvals.to_string());
    typed.set("offline", spec.offline_minutes.to_string());
    Some(typed)
}

/// How many waves the form has room for now.
pub(super) fn rows(typed: &Typed) -> usize {
    typed.get("rows").parse::<usize>().unwrap_or(4).clamp(1, ROWS_MAX)
}

/// Selectors that have a name, by it: saved filters and groups.
pub(super) type Names = BTreeMap<String, Result<Selector, String>>;

/// The most names that are known to a form, of each kind.
const NAMES_MAX: u32 = 200;

/// Reads them. A group that lists stores by name besides is no selector, and says so.
pub(super) async fn names(database: &Database) -> Result<Names, DatabaseError> {
    let mut names = Names::new();
    for word in database.fleet_words(WordKind::Group, ("", ""), NAMES_MAX).await? {
        let Ok(group) = serde_json::from_str::<Group>(&word.document) else { continue };
        let selector = group.who.filter(|_| group.stores.is_empty());
        let selector = selector
            .ok_or_else(|| "lists stores by name: give them a label, and mean them by that".to_owned());
        names.insert(word.name, selector);
    }
    // What was saved to be looked with counts, where a group has the same name.
    for word in database.fleet_words(WordKind::Filter, ("", ""), NAMES_MAX).await? {
        if let Ok(filter) = serde_json::from_str::<Filter>(&word.document) {
            names.insert(word.name, Ok(filter.who));
        }
    }
    Ok(names)
}

fn selector(typed: &mut Typed, name: &str, names: &Names) -> Option<Selector> {
    let text = typed.get(name).to_owned();
    let read = match text.strip_prefix('@') {
        None => Selector::parse(&text).map_err(|error| error.to_string()),
        Some(known) => match names.get(known) {
            Some(Ok(selector)) => Ok(selector.clone()),
            Some(Err(reason)) => Err(format!("`{known}` {reason}")),
            None => Err(format!("no group and no saved filter is called `{}`", say::cut(known, 64))),
        },
    };
    typed.read(name, read)
}

fn wave(typed: &mut Typed, row: usize, names: &Names) -> Option<WaveSpec> {
    let field = |name: &str| format!("wave-{row}-{name}");
    let text = |typed: &Typed, name: &str| typed.get(&field(name)).to_owned();
    let name = text(typed, "name");
    let name = typed.read(&field("name"), WaveName::new(&name));
    let who = if text(typed, "who").is_empty() { None } else { selector(typed, &field("who"), names) };
    let size = text(typed, "size");
    let size = if size.is_empty() { Ok(Size::All) } else { serde_json::from_value::<Size>(size.into()) };
    let size = size.map_err(|_| "is no number of nodes, such as 5, no share, such as 10%, and not `all`");
    let size = typed.read(&field("size"), size);
    let soak_minutes = typed.number(&field("soak"), Some(0));
    let on_failure = if text(typed, "fail") == "pause" { OnFailure::Pause } else { OnFailure::Rollback };
    let asks = typed.has(&field("asks"));
    Some(WaveSpec {
        name: name?,
        who,
        size: size?,
        soak_minutes: soak_minutes?,
        gates: None,
        on_failure,
        asks,
    })
}

fn business(typed: &mut Typed, row: usize) -> Option<Business> {
    let field = |name: &str| format!("metric-{row}-{name}");
    let metric = typed.get(&field("name")).to_owned();
    let metric = typed.read(&field("name"), Metric::new(&metric));
    let worse = if typed.get(&field("worse")) == "higher" { Worse::Higher } else { Worse::Lower };
    let scale = if typed.get(&field("scale")) == "absolute" { Scale::Absolute } else { Scale::Relative };
    let tolerance = typed.number(&field("tolerance"), Some(0));
    let periods_min = typed.number(&field("periods"), Some(6));
    let apart_percent_max = typed.number(&field("apart"), Some(25));
    let same = typed
        .get(&field("same"))
        .split(',')
        .map(str::trim)
        .filter(|label| !label.is_empty())
        .map(str::to_owned)
        .collect();
    let must_show = typed.has(&field("show"));
    Some(Business {
        metric: metric?,
        worse,
        scale,
        tolerance: tolerance?,
        periods_min: periods_min?,
        must_show,
        same,
        apart_percent_max: apart_percent_max?,
    })
}

fn gates(typed: &mut Typed) -> Option<Gates> {
    let default = Gates::default();
    let maybe = |typed: &mut Typed, name: &str| {
        if typed.get(name).is_empty() { Some(None) } else { typed.number(name, None).map(Some) }
    };
    let reached_percent_min = typed.number("reached_percent_min", Some(default.reached_percent_min));
    let failed_percent_max = typed.number("failed_percent_max", Some(default.failed_percent_max));
    let dark_percent_max = typed.number("dark_percent_max", Some(default.dark_percent_max));
    let deadline_minutes = typed.number("deadline_minutes", Some(default.deadline_minutes));
    let calls_min = typed.number("calls_min", Some(default.calls_min));
    let traps_ppm_max = typed.number("traps_ppm_max", Some(default.traps_ppm_max));
    let errors_ppm_max = typed.number("errors_ppm_max", Some(default.errors_ppm_max));
    let (p99_us_max, fuel_mean_max) = (maybe(typed, "p99_us_max"), maybe(typed, "fuel_mean_max"));
    let alpha_per_mille = typed.number("alpha_per_mille", Some(default.alpha_per_mille));
    let named: Vec<usize> =
        (0..METRICS).filter(|row| !typed.get(&format!("metric-{row}-name")).is_empty()).collect();
    let business = named.into_iter().map(|row| business(typed, row)).collect::<Option<Vec<_>>>();
    Some(Gates {
        reached_percent_min: reached_percent_min?,
        failed_percent_max: failed_percent_max?,
        dark_percent_max: dark_percent_max?,
        deadline_minutes: deadline_minutes?,
        calls_min: calls_min?,
        traps_ppm_max: traps_ppm_max?,
        errors_ppm_max: errors_ppm_max?,
        p99_us_max: p99_us_max?,
        fuel_mean_max: fuel_mean_max?,
        business: business?,
        alpha_per_mille: alpha_per_mille?,
    })
}

/// The rollout of a form; nothing where something in it is wrong, which stands beside its field then.
pub(super) fn read(
    typed: &mut Typed,
    published: &[Published],
    known: &ArtefactSet,
    names: &Names,
) -> Option<RolloutSpec> {
    let name = typed.get("rollout").to_owned();
    let rollout = typed.read("rollout", RolloutId::new(&name));
    let why = typed.get("why").to_owned();
    let who = selector(typed, "who", names);
    let set = says::read_set(typed, published, known);
    // A row without anything is none; one with a name that is missing says so.
    let is_used = |typed: &Typed, row: &usize| {
        ["name", "who", "size"].iter().any(|field| !typed.get(&format!("wave-{row}-{field}")).is_empty())
    };
    let used: Vec<usize> = (0..rows(typed)).filter(|row| is_used(typed, row)).collect();
    let waves = used.iter().map(|row| wave(typed, *row, names)).collect::<Vec<_>>();
    let waves = waves.into_iter().collect::<Option<Vec<_>>>();
    let gates = gates(typed);
    let approvals = typed.number("approvals", Some(0));
    let offline_minutes = typed.number("offline", Some(30));
    let spec = RolloutSpec {
        rollout: rollout?,
        why,
        who: who?,
        set,
        waves: waves?,
        gates: gates?,
        approvals: approvals?,
        offline_minutes: offline_minutes?,
    };
    if typed.is_good()
        && let Err(error) = spec.check()
    {
        typed.fault(&place(&error.path, &error.reason, &used), error.reason);
    }
    typed.is_good().then_some(spec)
}

/// The field of a part that the rules name.
fn place(path: &str, reason: &str, used: &[usize]) -> String {
    let row = path.strip_prefix("waves[").and_then(|rest| rest.split(']').next()?.parse::<usize>().ok());
    if let Some(row) = row.and_then(|place| used.get(place)) {
        return format!("wave-{row}-name");
    }
    match path {
        "set" => "artefacts".into(),
        "waves" => "waves".into(),
        "offline_minutes" => "offline".into(),
        // Their fields are called as the rules call them.
        "gates" => GATES
            .iter()
            .find(|(name, ..)| reason.contains(&format!("`{name}`")))
            .map_or("gates", |(name, ..)| name)
            .into(),
        path => path.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_fleet::{ContentHash, Needs, Release, Want};

    fn spec() -> RolloutSpec {
        let release = Release {
            version: "1.4.0".parse().unwrap(),
            hash: ContentHash::of(b"x"),
            bytes: 9,
            needs: Needs { disk_bytes: 7, ..Needs::default() },
        };
        let wave = |name: &str, who: Option<&str>, size, asks| WaveSpec {
            name: WaveName::new(name).unwrap(),
            who: who.map(|who| who.parse().unwrap()),
            size,
            soak_minutes: 5,
            gates: None,
            on_failure: if asks { OnFailure::Pause } else { OnFailure::Rollback },
            asks,
        };
        let business = Business {
            metric: Metric::new("basket-value").unwrap(),
            worse: Worse::Higher,
            scale: Scale::Absolute,
            tolerance: 3,
            periods_min: 9,
            must_show: true,
            same: vec!["size".into(), "region".into()],
            apart_percent_max: 40,
        };
        RolloutSpec {
            rollout: RolloutId::new("spring").unwrap(),
            why: "a \"reason\"".into(),
            who: "region=eu, !closed".parse().unwrap(),
            set: [
                ("plugin/multi-buy".parse().unwrap(), Want::Release(release)),
                ("plugin/old".parse().unwrap(), Want::Absent),
            ]
            .into(),
            waves: vec![
                wave("canary", Some("pilot"), Size::Count(2), true),
                wave("tenth", None, Size::Percent(10), false),
                wave("rest", None, Size::All, false),
            ],
            gates: Gates { p99_us_max: Some(500), business: vec![business], ..Gates::default() },
            approvals: 2,
            offline_minutes: 45,
        }
    }

    #[test]
    fn a_rollout_goes_into_the_form_and_comes_out_the_same() {
        let mut typed = of(&spec()).unwrap();
        let read = read(&mut typed, &[], &spec().set, &Names::new());
        assert_eq!(read, Some(spec()), "{}", typed.summary().into_string());
        // What the form has no field for is not opened in it.
        let mut own = spec();
        own.waves[0].gates = Some(Gates::default());
        assert!(of(&own).is_none());
    }

    #[test]
    fn the_blank_form_needs_a_name_a_reason_and_something_to_roll_out() {
        let mut typed = blank();
        assert_eq!(read(&mut typed, &[], &spec().set, &Names::new()), None);
        let said = typed.summary().into_string();
        assert!(said.contains("#rollout") && !said.contains("#wave"), "{said}");
        let mut typed = blank();
        typed.set("rollout", "spring");
        typed.set("why", "because");
        assert_eq!(read(&mut typed, &[], &spec().set, &Names::new()), None);
        assert!(typed.summary().into_string().contains("#artefacts"));
        let mut typed = blank();
        typed.set("rollout", "spring");
        typed.set("why", "because");
        typed.set("slots", "plugin/old absent");
        let read = read(&mut typed, &[], &spec().set, &Names::new()).unwrap();
        assert_eq!((read.gates, read.waves.len(), read.offline_minutes), (Gates::default(), 3, 30));
        assert_eq!(
            (read.waves[0].size, read.waves[1].size, read.waves[2].size),
            (Size::Count(5), Size::Percent(10), Size::All)
        );
    }

    #[test]
    fn what_is_wrong_stands_beside_the_field_that_it_is_about() {
        let names: Names = [
            ("pilots".to_owned(), Ok("pilot".parse().unwrap())),
            ("listed".to_owned(), Err("lists stores".to_owned())),
        ]
        .into();
        for (field, value, at) in [
            ("rollout", "a b", "rollout"),
            ("why", "", "why"),
            ("who", "region=", "who"),
            ("who", "@nobody", "who"),
            ("who", "@listed", "who"),
            ("slots", "plugin/x", "slots"),
            ("wave-1-name", "canary", "wave-1-name"),
            ("wave-1-name", "", "wave-1-name"),
            ("wave-0-who", "region=", "wave-0-who"),
            ("wave-0-size", "0", "wave-0-size"),
            ("wave-0-size", "ten", "wave-0-size"),
            ("wave-0-soak", "-1", "wave-0-soak"),
            ("failed_percent_max", "101", "failed_percent_max"),
            ("alpha_per_mille", "0", "alpha_per_mille"),
            ("p99_us_max", "x", "p99_us_max"),
            ("metric-0-name", "a b", "metric-0-name"),
            ("approvals", "11", "approvals"),
            ("offline", "0", "offline"),
        ] {
            let mut typed = of(&spec()).unwrap();
            typed.set(field, value);
            assert_eq!(read(&mut typed, &[], &spec().set, &names), None, "{field} {value}");
            let said = typed.summary().into_string();
            assert!(said.contains(&format!("href=\"#{at}\"")), "{field} {value}: {said}");
        }
        let mut typed = of(&spec()).unwrap();
        typed.set("who", "@pilots");
        assert_eq!(read(&mut typed, &[], &spec().set, &names).unwrap().who, "pilot".parse().unwrap());
    }
}
