//! What a model says of itself: `model.toml`.
//!
//! ```toml
//! form = 1
//! id = "ranker"
//! version = "1.0.0"
//! p99_us_max = 5000            # 99 of 100 runs of the largest input have to end within this
//!
//! [dims]                       # dimensions that differ from run to run, and the largest size of each; the smallest is 1
//! n = 512
//!
//! [[input]]
//! name = "x"
//! type = "f32"                 # f32, i32, i64
//! shape = ["n", 8]
//! min = -1.0                   # what a value may be; whole numbers need both
//! max = 1.0
//!
//! [[output]]
//! name = "y"
//! type = "f32"
//! shape = ["n", 1]
//!
//! [[case]]
//! what = "nothing in, the bias out"
//! tolerance = 0.001            # how far a value may be off
//! [case.input.x]
//! shape = [1, 8]
//! data = [0, 0, 0, 0, 0, 0, 0, 0]
//! [case.output.y]
//! shape = [1, 1]
//! data = [0.5]
//! ```
//!
//! Not here: whether the graph is like that (`onnx`, `trial`). Guards: a card that was read has nothing without a bound, and its cases are of its own shapes.

use crate::tensor::{ELEMENTS_MAX, Element, Given, RANK_MAX, Tensor, Values, elements};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt};

/// The form that this build reads.
pub const FORM: u16 = 1;
/// The most bytes of a card.
pub const CARD_BYTES_MAX: usize = 1 << 20;
/// The most inputs, and the most outputs.
pub const PORTS_MAX: usize = 16;
/// The most dimensions with a name.
pub const DIMS_MAX: usize = 16;
/// The most cases.
pub const CASES_MAX: usize = 64;
/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// The longest time that a card may give a run, in microseconds: ten seconds, since nobody waits that long.
pub const P99_US_MAX: u64 = 10_000_000;

/// A card is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`model.toml`: `{path}` {reason}")]
pub struct CardError {
    /// Which field.
    pub path: String,
    /// Why.
    pub reason: String,
}

fn wrong<T>(path: impl Into<String>, reason: impl Into<String>) -> Result<T, CardError> {
    Err(CardError { path: path.into(), reason: reason.into() })
}

/// How large a dimension is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Dim {
    /// Always so.
    Fixed(usize),
    /// As large as all others of this name, and at most as the card says.
    Named(String),
}

/// An input or an output.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// Its name in the graph.
    pub name: String,
    /// What kind of numbers.
    #[serde(rename = "type")]
    pub element: Element,
    /// Its dimensions.
    pub shape: Vec<Dim>,
    /// The smallest value.
    pub min: Option<f64>,
    /// The largest value.
    pub max: Option<f64>,
}

/// What has to come out.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What it shows.
    pub what: String,
    /// How far a value may be off.
    pub tolerance: f32,
    /// What goes in, by input.
    pub input: BTreeMap<String, Tensor>,
    /// What comes out, by output; others may be anything.
    pub output: BTreeMap<String, Tensor>,
}

/// What a model says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// Its name.
    pub id: String,
    /// Its version.
    pub version: String,
    /// How long 99 of 100 runs may take, in microseconds.
    pub p99_us_max: u64,
    /// The largest size of each dimension that has a name.
    pub dims: BTreeMap<String, usize>,
    /// What goes in.
    pub inputs: Vec<Port>,
    /// What comes out.
    pub outputs: Vec<Port>,
    /// What has to come out.
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    form: u16,
    id: String,
    version: String,
    p99_us_max: u64,
    #[serde(default)]
    dims: BTreeMap<String, usize>,
    #[serde(rename = "input", default)]
    inputs: Vec<Port>,
    #[serde(rename = "output", default)]
    outputs: Vec<Port>,
    #[serde(rename = "case", default)]
    cases: Vec<RawCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    what: String,
    #[serde(default)]
    tolerance: f32,
    #[serde(default)]
    input: BTreeMap<String, Given>,
    output: BTreeMap<String, Given>,
}

impl Card {
    /// Reads what may be anybody's.
    ///
    /// # Errors
    /// Names the first field that cannot be.
    pub fn parse(text: &str) -> Result<Self, CardError> {
        if text.len() > CARD_BYTES_MAX {
            return wrong("form", format!("is in a card of {} bytes, at most {CARD_BYTES_MAX}", text.len()));
        }
        let raw: Raw = toml::from_str(text).map_err(|error| {
            let line =
                error.span().map_or(0, |span| text.get(..span.start).map_or(0, |it| it.lines().count()));
            CardError { path: format!("line {line}"), reason: error.message().replace('\n', " ") }
        })?;
        if raw.form != FORM {
            return wrong("form", format!("is {}; this build reads {FORM}", raw.form));
        }
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
        if raw.id.is_empty() || raw.id.len() > 64 || !raw.id.chars().all(is_plain) {
            return wrong("id", "is not 1 to 64 of a-z, 0-9, `-`, `_` and `.`");
        }
        if raw.version.is_empty() || raw.version.len() > 64 || !raw.version.is_ascii() {
            return wrong("version", "is not 1 to 64 characters of ASCII");
        }
        if !(1..=P99_US_MAX).contains(&raw.p99_us_max) {
            return wrong("p99_us_max", format!("is {}, expected 1 to {P99_US_MAX}", raw.p99_us_max));
        }
        if raw.dims.len() > DIMS_MAX {
            return wrong("dims", format!("has {} names, at most {DIMS_MAX}", raw.dims.len()));
        }
        for (name, size) in &raw.dims {
            named(&format!("dims.{name}"), name)?;
            if !(1..=ELEMENTS_MAX).contains(size) {
                return wrong(format!("dims.{name}"), format!("is {size}, expected 1 to {ELEMENTS_MAX}"));
            }
        }
        ports("input", &raw.inputs, &raw.dims)?;
        ports("output", &raw.outputs, &raw.dims)?;
        for (place, port) in raw.inputs.iter().enumerate() {
            range(&format!("input[{place}]"), port)?;
        }
        let mut card = Self {
            id: raw.id,
            version: raw.version,
            p99_us_max: raw.p99_us_max,
            dims: raw.dims,
            inputs: raw.inputs,
            outputs: raw.outputs,
            cases: Vec::new(),
        };
        if raw.cases.is_empty() || raw.cases.len() > CASES_MAX {
            return wrong("case", format!("is there {} times, expected 1 to {CASES_MAX}", raw.cases.len()));
        }
        for (place, case) in raw.cases.into_iter().enumerate() {
            let case = card.case(&format!("case[{place}]"), &case)?;
            card.cases.push(case);
        }
        Ok(card)
    }

    fn case(&self, path: &str, raw: &RawCase) -> Result<Case, CardError> {
        if !raw.tolerance.is_finite() || raw.tolerance < 0.0 {
            return wrong(format!("{path}.tolerance"), "is no number from 0 on");
        }
        if raw.output.is_empty() {
            return wrong(format!("{path}.output"), "is empty: it would say nothing");
        }
        let read = |side: &str, ports: &[Port], given: &BTreeMap<String, Given>| {
            let mut tensors = BTreeMap::new();
            for (name, given) in given {
                let at = format!("{path}.{side}.{name}");
                let Some(port) = ports.iter().find(|port| port.name == *name) else {
                    return wrong(at, "is none of the card's");
                };
                let tensor = given.read(port.element).or_else(|reason| wrong(at, reason))?;
                tensors.insert(name.clone(), tensor);
            }
            Ok(tensors)
        };
        let input = read("input", &self.inputs, &raw.input)?;
        let output = read("output", &self.outputs, &raw.output)?;
        let bound =
            self.check(&input).or_else(|(name, reason)| wrong(format!("{path}.input.{name}"), reason))?;
        let mut bound = bound;
        for (port, tensor) in self.outputs.iter().filter_map(|port| Some((port, output.get(&port.name)?))) {
            let fits = self.fits(port, tensor, &mut bound);
            fits.or_else(|reason| wrong(format!("{path}.output.{}", port.name), reason))?;
        }
        let what = raw.what.chars().take(200).collect();
        Ok(Case { what, tolerance: raw.tolerance, input, output })
    }

    /// Whether this may go in: the sizes of dimensions with names in it.
    ///
    /// # Errors
    /// Names the input, and says why.
    pub fn check<'a>(&'a self, inputs: &BTreeMap<String, Tensor>) -> Result<Bound<'a>, (String, String)> {
        if let Some(name) = inputs.keys().find(|name| self.inputs.iter().all(|port| port.name != **name)) {
            return Err((name.clone(), "is no input of the model".into()));
        }
        let mut bound = Bound::new();
        for port in &self.inputs {
            let told = |reason: String| (port.name.clone(), reason);
            let tensor = inputs.get(&port.name).ok_or_else(|| told("is missing".into()))?;
            self.fits(port, tensor, &mut bound).map_err(told)?;
            port.holds(tensor.values()).map_err(told)?;
        }
        Ok(bound)
    }

    /// Whether a tensor has the shape of a port, where dimensions of one name are of one size.
    ///
    /// # Errors
    /// Says why not.
    pub fn fits<'a>(&'a self, port: &'a Port, tensor: &Tensor, bound: &mut Bound<'a>) -> Result<(), String> {
        if tensor.values().element() != port.element {
            let (found, wanted) = (tensor.values().element().as_str(), port.element.as_str());
            return Err(format!("is of {found}, expected {wanted}"));
        }
        if tensor.shape().len() != port.shape.len() {
            let (found, wanted) = (tensor.shape().len(), port.shape.len());
            return Err(format!("has {found} dimensions, expected {wanted}"));
        }
        for (place, (found, wanted)) in tensor.shape().iter().zip(&port.shape).enumerate() {
            let wanted = match wanted {
                Dim::Fixed(size) => *size,
                Dim::Named(name) => match bound.get(name.as_str()) {
                    Some(size) => *size,
                    None => {
                        let max = self.dims.get(name).copied().unwrap_or(1);
                        if *found > max {
                            return Err(format!("has {found} in dimension {place}, at most {max}"));
                        }
                        bound.insert(name, *found);
                        *found
                    }
                },
            };
            if *found != wanted {
                return Err(format!("has {found} in dimension {place}, expected {wanted}"));
            }
        }
        Ok(())
    }

    /// An input with all dimensions as small as can be or as large, and all values the same: at the lower end, at the upper end, or as near to 0 as can be.
    #[must_use]
    pub fn corner(&self, is_large: bool, end: End) -> BTreeMap<String, Tensor> {
        let size = |dim: &Dim| match dim {
            Dim::Fixed(size) => *size,
            Dim::Named(name) if is_large => self.dims.get(name).copied().unwrap_or(1),
            Dim::Named(_) => 1,
        };
        let tensors = self.inputs.iter().filter_map(|port| {
            let shape: Vec<usize> = port.shape.iter().map(size).collect();
            let count = elements(&shape).ok()?;
            let (low, high) = (port.min.unwrap_or(-1.0), port.max.unwrap_or(1.0));
            let value = match end {
                End::Low => low,
                End::High => high,
                End::Middle => 0.0_f64.clamp(low.min(high), high.max(low)),
            };
            let values = match port.element {
                Element::F32 => Values::F32(vec![value as f32; count]),
                Element::I32 => Values::I32(vec![value as i32; count]),
                Element::I64 => Values::I64(vec![value as i64; count]),
            };
            Some((port.name.clone(), Tensor::new(shape, values).ok()?))
        });
        tensors.collect()
    }
}

/// Which of the values that may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The smallest.
    Low,
    /// The one next to 0.
    Middle,
    /// The largest.
    High,
}

/// The sizes that dimensions with names have in one run.
pub type Bound<'a> = BTreeMap<&'a str, usize>;

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<String> = self.shape.iter().map(ToString::to_string).collect();
        write!(f, "{}: {}[{}]", self.name, self.element.as_str(), sizes.join(", "))
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(size) => write!(f, "{size}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

impl Port {
    /// Whether all values are such as may be.
    fn holds(&self, values: &Values) -> Result<(), String> {
        let (min, max) = (self.min.unwrap_or(f64::MIN), self.max.unwrap_or(f64::MAX));
        let outside = |value: f64| !(min..=max).contains(&value);
        // Floats round; what was written down as the end is not outside it.
        let narrow = |value: f32| !value.is_finite() || value < min as f32 || value > max as f32;
        let found = match values {
            Values::F32(values) => values.iter().find(|value| narrow(**value)).map(|value| f64::from(*value)),
            Values::I32(values) => values.iter().map(|value| f64::from(*value)).find(|value| outside(*value)),
            Values::I64(values) => values.iter().map(|value| *value as f64).find(|value| outside(*value)),
        };
        match found {
            None => Ok(()),
            Some(value) => Err(format!("has the value {value}, expected {min} to {max}")),
        }
    }
}

fn named(path: &str, name: &str) -> Result<(), CardError> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return wrong(
            path,
            format!("has a name that is not 1 to {NAME_BYTES_MAX} bytes without control characters"),
        );
    }
    Ok(())
}

fn ports(side: &str, ports: &[Port], dims: &BTreeMap<String, usize>) -> Result<(), CardError> {
    if ports.is_empty() || ports.len() > PORTS_MAX {
        return wrong(side, format!("is there {} times, expected 1 to {PORTS_MAX}", ports.len()));
    }
    let mut count = 0_usize;
    for (place, port) in ports.iter().enumerate() {
        let path = |field: &str| format!("{side}[{place}].{field}");
        named(&path("name"), &port.name)?;
        if ports.iter().take(place).any(|earlier| earlier.name == port.name) {
            return wrong(path("name"), format!("is \"{}\" a second time", port.name));
        }
        if port.shape.len() > RANK_MAX {
            return wrong(path("shape"), format!("has {} dimensions, at most {RANK_MAX}", port.shape.len()));
        }
        let mut largest = Vec::new();
        for dim in &port.shape {
            match dim {
                Dim::Fixed(size) => largest.push(*size),
                Dim::Named(name) => match dims.get(name) {
                    Some(size) => largest.push(*size),
                    None => {
                        return wrong(path("shape"), format!("names `{name}`, which is not among `dims`"));
                    }
                },
            }
        }
        count = count.saturating_add(elements(&largest).or_else(|reason| wrong(path("shape"), reason))?);
        if count > ELEMENTS_MAX {
            return wrong(
                path("shape"),
                format!("makes {count} values of all {side}s, at most {ELEMENTS_MAX}"),
            );
        }
    }
    Ok(())
}

/// What may go in has two ends where it is whole numbers: they are places in tables, and what lies outside has no place.
fn range(path: &str, port: &Port) -> Result<(), CardError> {
    let is_whole = port.element != Element::F32;
    if is_whole && (port.min.is_none() || port.max.is_none()) {
        return wrong(path, "is of whole numbers and lacks `min` or `max`");
    }
    // Beyond this not every whole number has a float.
    let limit = match port.element {
        Element::F32 => f64::from(f32::MAX),
        Element::I32 => f64::from(i32::MAX),
        Element::I64 => 9.0e15,
    };
    for (field, value) in [("min", port.min), ("max", port.max)] {
        let Some(value) = value else { continue };
        if !value.is_finite() || value.abs() > limit || (is_whole && value.fract() != 0.0) {
            return wrong(format!("{path}.{field}"), format!("is {value}, which no value can be"));
        }
    }
    if port.min.zip(port.max).is_some_and(|(min, max)| min > max) {
        return wrong(format!("{path}.min"), "is above `max`");
    }
    // A middle without an end of its own has to lie between -1 and 1, which is what is tried.
    if port.min.is_some_and(|min| min > 1.0 && port.max.is_none()) {
        return wrong(format!("{path}.max"), "is missing, and `min` is above 1");
    }
    if port.max.is_some_and(|max| max < -1.0 && port.min.is_none()) {
        return wrong(format!("{path}.min"), "is missing, and `max` is below -1");
    }
    Ok(())
}
