//! `aisle plugin bench`: what baskets of several sizes take, what of it is for each line, and how far that is from the limits.
//!
//! Measured under the highest limits that there are, so that also what is beyond the plugin's own is told, and not only that it failed.

use super::{
    case,
    statistics::{Fit, Spread},
    subject::{self, Subject},
};
use crate::output;
use aisle_plugin_host::{
    Hook, Limits, Manifest, Plugin, Scene,
    types::{Happening, Input, Line},
};
use anyhow::{Result, bail};
use serde::Serialize;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// The basket that limits are made for.
const LINES_OF_A_LARGE_BASKET: u32 = 100;
/// More lines than any basket has.
const LINES_MAX: u32 = 10_000;
/// Calls before it counts: caches are cold at first.
const CALLS_BEFORE: u32 = 20;
/// At least so many calls are measured of each size.
const CALLS_MIN: u32 = 100;
/// No more calls than this.
const CALLS_MAX: u32 = 5_000;
/// A size is measured for so long, once it has its fewest calls.
const TIME_OF_A_SIZE: Duration = Duration::from_millis(500);

/// `plugin bench`
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  aisle plugin bench . --input cases/enough.json --lines 1,10,50,100")]
pub(crate) struct Args {
    /// A plugin's folder, which is built first, or a component
    #[arg(value_name = "DIR|FILE", default_value = ".")]
    subject: PathBuf,
    /// The component's `plugin.toml` [default: the one in DIR, or beside FILE]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// What it is asked: a case, whose lines are repeated until there are enough [default: the first of DIR/cases]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// How many lines the baskets have; for other hooks how many candidates, products
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "1,10,50,100",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(LINES_MAX)))]
    lines: Vec<u32>,
}

#[derive(Debug, Serialize)]
struct Row {
    lines: u32,
    calls: u32,
    fuel: Spread,
    micros: Spread,
    memory_bytes: u64,
    output_items: usize,
}

#[derive(Debug, Serialize)]
struct Report {
    plugin: String,
    version: String,
    hook: Hook,
    input: PathBuf,
    rows: Vec<Row>,
    /// Nothing where there is one size alone.
    fuel: Option<Fit>,
    micros: Option<Fit>,
    /// Shares of the limits that a basket of a hundred lines uses.
    shares: Vec<Share>,
}

/// How much of a limit is used.
#[derive(Debug, Serialize)]
struct Share {
    limit: &'static str,
    used: u64,
    max: u64,
    percent: f64,
}

/// Measures, and shows it.
pub(crate) fn run(args: &Args, json: bool) -> Result<()> {
    let file = match &args.input {
        Some(file) => file.clone(),
        None => case::first(&args.subject)?,
    };
    let asked = case::read_input(&file)?;
    let subject = Subject::read(&args.subject, args.manifest.as_deref())?;
    let own = subject.manifest.limits;
    let host = subject::host()?;
    let highest = Manifest { limits: Limits::CEILING, ..subject.manifest.clone() };
    let plugin = host.load(highest, &subject.component)?;
    let (scene, input) = (asked.scene(), asked.input_for(&plugin));
    let sizes = if is_sized(&input) { args.lines.clone() } else { vec![1] };
    let mut rows = Vec::with_capacity(sizes.len());
    for lines in sizes {
        rows.push(row(&plugin, &scene, &sized(&input, lines), lines)?);
    }
    let report = report(&subject.manifest, input.hook(), file, &own, rows);
    if json { Ok(output::json(&report)?) } else { show(&report) }
}

fn row(plugin: &Plugin, scene: &Scene, input: &Input, lines: u32) -> Result<Row> {
    let mut output_items = 0;
    let mut memory_bytes = 0;
    for _ in 0..CALLS_BEFORE {
        let call = plugin.call(scene, input);
        match call.outcome {
            Ok(output) => output_items = output.len(),
            Err(failure) => bail!("with {lines} lines it does not answer: {failure}"),
        }
        memory_bytes = call.memory_bytes;
    }
    let (mut fuel, mut micros) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    let mut calls = 0;
    while calls < CALLS_MAX && (calls < CALLS_MIN || begun.elapsed() < TIME_OF_A_SIZE) {
        let call = plugin.call(scene, input);
        fuel.push(call.fuel);
        micros.push(call.micros);
        calls += 1;
    }
    Ok(Row { lines, calls, fuel: Spread::of(fuel), micros: Spread::of(micros), memory_bytes, output_items })
}

fn report(manifest: &Manifest, hook: Hook, input: PathBuf, own: &Limits, rows: Vec<Row>) -> Report {
    let fit = |of: fn(&Row) -> u64| {
        let points: Vec<(f64, f64)> = rows.iter().map(|row| (f64::from(row.lines), of(row) as f64)).collect();
        Fit::of(&points)
    };
    let (fuel, micros) = (fit(|row| row.fuel.p50), fit(|row| row.micros.p50));
    // What was measured at the size itself is better than what the line says; without either the largest there is.
    let large = |of: fn(&Row) -> u64, fit: Option<Fit>| {
        let measured = rows.iter().find(|row| row.lines == LINES_OF_A_LARGE_BASKET).map(of);
        let by_line = fit.map(|fit| fit.at(f64::from(LINES_OF_A_LARGE_BASKET)).max(0.0) as u64);
        measured.or(by_line).or_else(|| rows.last().map(of)).unwrap_or(0)
    };
    let share = |limit, used: u64, max: u64| Share {
        limit,
        used,
        max,
        percent: 100.0 * used as f64 / max.max(1) as f64,
    };
    let memory = fit(|row| row.memory_bytes);
    let items = fit(|row| row.output_items as u64);
    let shares = vec![
        share("fuel_max", large(|row| row.fuel.p99, fuel), own.fuel_max),
        share("time_ms_max", large(|row| row.micros.p99, micros).div_ceil(1_000), own.time_ms_max.into()),
        share("memory_bytes_max", large(|row| row.memory_bytes, memory), own.memory_bytes_max.into()),
        share("output_items_max", large(|row| row.output_items as u64, items), own.output_items_max.into()),
    ];
    Report {
        plugin: manifest.id.clone(),
        version: manifest.version.to_string(),
        hook,
        input,
        rows,
        fuel,
        micros,
        shares,
    }
}

/// Whether an input has something that there can be more of.
const fn is_sized(input: &Input) -> bool {
    match input {
        Input::Pricing(input) => !input.lines.is_empty(),
        Input::Promotion(input) => !input.lines.is_empty(),
        Input::Ranking(input) => !input.candidates.is_empty(),
        Input::Replenishment(input) => !input.demands.is_empty(),
        Input::Reaction(input) => {
            matches!(&input.happening, Happening::Excursion(excursion) if !excursion.skus.is_empty())
        }
    }
}

/// An input of so many lines, made by repeating its own. Numbers of lines are counted on; products that may be named once only
/// get a number of their own.
fn sized(input: &Input, lines: u32) -> Input {
    let mut input = input.clone();
    let count = usize::try_from(lines).unwrap_or(usize::MAX);
    match &mut input {
        Input::Pricing(it) => it.lines = basket(&it.lines, lines),
        Input::Promotion(it) => {
            it.lines = basket(&it.lines, lines);
            let lines = &it.lines;
            it.so_far.retain(|given| given.line.is_none_or(|line| lines.iter().any(|it| it.number == line)));
        }
        Input::Ranking(it) => it.candidates = it.candidates.iter().cycle().take(count).cloned().collect(),
        Input::Replenishment(it) => {
            let own = it.demands.len().max(1);
            it.demands = it.demands.iter().cycle().take(count).cloned().collect();
            for (place, demand) in it.demands.iter_mut().enumerate().skip(own) {
                demand.product.sku = format!("{}~{}", demand.product.sku, place / own);
            }
        }
        Input::Reaction(it) => {
            if let Happening::Excursion(excursion) = &mut it.happening {
                excursion.skus = excursion.skus.iter().cycle().take(count).cloned().collect();
            }
        }
    }
    input
}

fn basket(lines: &[Line], count: u32) -> Vec<Line> {
    lines.iter().cycle().zip(1..=count).map(|(line, number)| Line { number, ..line.clone() }).collect()
}

fn show(report: &Report) -> Result<()> {
    output::line(format!(
        "{} {}, hook `{}`, asked with {}",
        report.plugin,
        report.version,
        report.hook,
        report.input.display()
    ))?;
    let rows: Vec<[String; 8]> = report
        .rows
        .iter()
        .map(|row| {
            [
                row.lines.to_string(),
                output::grouped(row.fuel.p50),
                output::grouped(row.fuel.p99),
                output::micros(row.micros.p50),
                output::micros(row.micros.p99),
                output::bytes(row.memory_bytes),
                row.output_items.to_string(),
                row.calls.to_string(),
            ]
        })
        .collect();
    let headings = ["lines", "fuel p50", "p99", "time p50", "p99", "memory", "items", "calls"];
    output::table(headings, headings.len(), &rows)?;
    if let (Some(fuel), Some(micros)) = (report.fuel, report.micros) {
        output::line(format!("fuel  {:.0} and {:.0} a line", fuel.base, fuel.per_line))?;
        output::line(format!("time  {:.1} µs and {:.2} µs a line", micros.base, micros.per_line))?;
    }
    let size = if report.rows.len() > 1 { "a 100-line basket" } else { "a call" };
    let used: Vec<String> = report
        .shares
        .iter()
        .map(|share| format!("{:.0} % of `{}`", share.percent.ceil(), share.limit))
        .collect();
    output::line(format!("{size} uses {}", used.join(", ")))?;
    for share in report.shares.iter().filter(|share| share.used > share.max) {
        let Share { limit, used, max, .. } = share;
        output::line(format!(
            "warning: {size} needs `{limit}` of {used}, and the plugin.toml says {max}: it would fail in the shop"
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{is_sized, sized};
    use aisle_plugin_host::{Case, types::Input};

    fn input(json: &str) -> Input {
        Case::parse(&format!(r#"{{"what": "w", "input": {json}, "expected": []}}"#)).expect("a case").input
    }

    #[test]
    fn a_basket_grows_by_its_own_lines_with_numbers_of_their_own() {
        let small = input(
            r#"{"hook": "promotion", "lines": [{"product": {"sku": "A"}}, {"product": {"sku": "B"}}]}"#,
        );
        let Input::Promotion(large) = sized(&small, 5) else { panic!("another hook") };
        let lines: Vec<(u32, &str)> =
            large.lines.iter().map(|it| (it.number, it.product.sku.as_str())).collect();
        assert_eq!(lines, [(1, "A"), (2, "B"), (3, "A"), (4, "B"), (5, "A")]);
        let Input::Promotion(smaller) = sized(&small, 1) else { panic!("another hook") };
        assert_eq!(smaller.lines.len(), 1);
    }

    #[test]
    fn products_to_order_are_told_apart() {
        let small = input(r#"{"hook": "replenishment", "demands": [{"product": {"sku": "A"}}]}"#);
        let Input::Replenishment(large) = sized(&small, 3) else { panic!("another hook") };
        let skus: Vec<&str> = large.demands.iter().map(|it| it.product.sku.as_str()).collect();
        assert_eq!(skus, ["A", "A~1", "A~2"]);
    }

    #[test]
    fn what_has_no_lines_has_one_size() {
        assert!(!is_sized(&input(r#"{"hook": "reaction", "happening": "day-began"}"#)));
        assert!(!is_sized(&input(r#"{"hook": "pricing", "lines": []}"#)));
    }
}
