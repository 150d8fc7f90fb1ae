//! Whether a model may run: it loads, is what its card says, answers its cases, answers at the ends of all that its card lets in, and is quick enough.
//!
//! It belongs in a process of its own (`process`). Not here: who decides what to do about it. Guards: the number of runs and the time of measuring are bounded;
//! what is refused for its time alone may be tried again, since a machine that is busy is slow.

use crate::{
    card::{Case, End},
    engine::{Inputs, LoadError, Loaded, Outputs, RunError},
    tensor::{Tensor, Values},
};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Runs before time is taken.
const WARM_RUNS: usize = 5;
/// Runs whose time is taken, at most.
pub const RUNS_MAX: usize = 200;
/// No further run is begun when measuring has taken so long.
const MEASURE: Duration = Duration::from_secs(10);

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Everything.
    Whole,
    /// Everything but how long it takes: for what has run here before.
    Again,
}

/// A model passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Its name.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Steps of its graph.
    pub nodes: usize,
    /// Cases that came out.
    pub cases: usize,
    /// Runs whose time was taken.
    pub runs: usize,
    /// What 99 of 100 of them stayed within, in microseconds; 0 where none was taken.
    pub p99_us: u64,
    /// What the card allows.
    pub p99_us_max: u64,
}

/// A model did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// It would come to the same if it was tried again.
    pub is_final: bool,
    /// Why.
    pub text: String,
}

impl Refusal {
    /// It would come to the same.
    #[must_use]
    pub fn never(text: impl Into<String>) -> Self {
        Self { is_final: true, text: text.into() }
    }

    /// It may come to something else another time.
    #[must_use]
    pub fn not_now(text: impl Into<String>) -> Self {
        Self { is_final: false, text: text.into() }
    }
}

impl From<LoadError> for Refusal {
    fn from(error: LoadError) -> Self {
        Self::never(error.to_string())
    }
}

/// Tries a package, here and now. What panics behind `ort` ends the process.
///
/// # Errors
/// When the model may not run.
pub fn run(package: &[u8], depth: Depth) -> Result<Report, Refusal> {
    let model = Loaded::load(package)?;
    let card = model.card();
    for case in &card.cases {
        answers(&model, case)?;
    }
    for is_large in [false, true] {
        for end in [End::Low, End::Middle, End::High] {
            let asked = model.run(&card.corner(is_large, end));
            let size = if is_large { "largest" } else { "smallest" };
            asked.map_err(|error| {
                Refusal::never(format!("at the {size} input with {}: {error}", end.told()))
            })?;
        }
    }
    let (runs, p99_us) = match depth {
        Depth::Again => (0, 0),
        Depth::Whole => time(&model, &card.corner(true, End::Middle))?,
    };
    let p99_us_max = card.p99_us_max;
    if p99_us > p99_us_max {
        let text = format!("99 of 100 runs took up to {p99_us} µs; its card allows {p99_us_max} µs");
        return Err(Refusal::not_now(text));
    }
    // It was read a moment ago.
    let nodes = nodes(package);
    let (id, version) = (card.id.clone(), card.version.clone());
    Ok(Report { id, version, nodes, cases: card.cases.len(), runs, p99_us, p99_us_max })
}

fn nodes(package: &[u8]) -> usize {
    let package = aisle_content::ModelPackage::decode(package).ok();
    package.and_then(|package| crate::onnx::look(&package.onnx).ok()).map_or(0, |outline| outline.nodes)
}

impl End {
    const fn told(self) -> &'static str {
        match self {
            Self::Low => "its smallest values",
            Self::Middle => "values next to 0",
            Self::High => "its largest values",
        }
    }
}

fn answers(model: &Loaded, case: &Case) -> Result<(), Refusal> {
    let failed = |why: String| Refusal::never(format!("the case \"{}\" fails: {why}", case.what));
    let outputs = model.run(&case.input).map_err(|error| failed(error.to_string()))?;
    match difference(case, &outputs) {
        None => Ok(()),
        Some(why) => Err(failed(why)),
    }
}

/// The first thing that is otherwise.
fn difference(case: &Case, outputs: &Outputs) -> Option<String> {
    case.output.iter().find_map(|(name, wanted)| {
        let Some(found) = outputs.get(name) else { return Some(format!("there is no output `{name}`")) };
        if found.shape() != wanted.shape() {
            let (found, wanted) = (found.shape(), wanted.shape());
            return Some(format!("`{name}` has the shape {found:?}, expected {wanted:?}"));
        }
        let (place, found, wanted) = off(found, wanted, case.tolerance)?;
        let tolerance = case.tolerance;
        Some(format!("`{name}` has {found} at place {place}, expected {wanted} within {tolerance}"))
    })
}

/// The first value that is too far off, with its place.
fn off(found: &Tensor, wanted: &Tensor, tolerance: f32) -> Option<(usize, String, String)> {
    fn first<T: Copy + ToString>(
        found: &[T],
        wanted: &[T],
        is_off: impl Fn(T, T) -> bool,
    ) -> Option<(usize, String, String)> {
        let mut pairs = found.iter().zip(wanted).enumerate();
        let (place, (found, wanted)) = pairs.find(|(_, (found, wanted))| is_off(**found, **wanted))?;
        Some((place, found.to_string(), wanted.to_string()))
    }
    let whole = |found: i64, wanted: i64| found.abs_diff(wanted) as f64 > f64::from(tolerance);
    match (found.values(), wanted.values()) {
        (Values::F32(found), Values::F32(wanted)) => {
            first(found, wanted, |found, wanted| (found - wanted).abs() > tolerance)
        }
        (Values::I32(found), Values::I32(wanted)) => {
            first(found, wanted, |found, wanted| whole(found.into(), wanted.into()))
        }
        (Values::I64(found), Values::I64(wanted)) => first(found, wanted, whole),
        _ => Some((0, "another kind of number".into(), "the card's".into())),
    }
}

/// How many runs there were, and what 99 of 100 of them stayed within, in microseconds.
fn time(model: &Loaded, inputs: &Inputs) -> Result<(usize, u64), Refusal> {
    let failed = |error: RunError| Refusal::never(error.to_string());
    let begun = Instant::now();
    let mut took = Vec::with_capacity(RUNS_MAX);
    for run in 0..WARM_RUNS + RUNS_MAX {
        // One is measured in any case.
        if !took.is_empty() && begun.elapsed() > MEASURE {
            break;
        }
        let is_warm = run >= WARM_RUNS || begun.elapsed() > MEASURE;
        let at = Instant::now();
        model.run(inputs).map_err(failed)?;
        if is_warm {
            took.push(u64::try_from(at.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
    }
    took.sort_unstable();
    let place = (took.len() * 99).div_ceil(100).saturating_sub(1);
    Ok((took.len(), took.get(place).copied().unwrap_or(0)))
}
