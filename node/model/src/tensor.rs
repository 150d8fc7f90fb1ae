//! Numbers in rows: what goes into a model and what comes out of it.
//!
//! Not here: what a card lets in (`card`). Guards: a tensor holds as many values as its shape says, and never more than [`ELEMENTS_MAX`].

use serde::{Deserialize, Serialize};

/// The most values of a tensor.
pub const ELEMENTS_MAX: usize = 1 << 22;
/// The most dimensions of a tensor.
pub const RANK_MAX: usize = 6;

/// What kind of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Element {
    /// Floating point, 32 bits.
    F32,
    /// Whole numbers of 32 bits.
    I32,
    /// Whole numbers of 64 bits.
    I64,
}

impl Element {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::I32 => "i32",
            Self::I64 => "i64",
        }
    }
}

/// The values of a tensor, row by row.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "named like the kinds of `Element`")]
pub enum Values {
    F32(Vec<f32>),
    I32(Vec<i32>),
    I64(Vec<i64>),
}

impl Values {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::I64(values) => values.len(),
        }
    }

    /// True where there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What kind they are.
    #[must_use]
    pub const fn element(&self) -> Element {
        match self {
            Self::F32(_) => Element::F32,
            Self::I32(_) => Element::I32,
            Self::I64(_) => Element::I64,
        }
    }
}

/// A tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    values: Values,
}

impl Tensor {
    /// A tensor of this shape.
    ///
    /// # Errors
    /// When the values are not as many as the shape says, or too many.
    pub fn new(shape: Vec<usize>, values: Values) -> Result<Self, String> {
        let wanted = elements(&shape)?;
        if values.len() != wanted {
            return Err(format!("has {} values, and its shape {shape:?} wants {wanted}", values.len()));
        }
        Ok(Self { shape, values })
    }

    /// How many values in each dimension.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its values, row by row.
    #[must_use]
    pub const fn values(&self) -> &Values {
        &self.values
    }

    /// As somebody writes it down.
    #[must_use]
    pub fn given(&self) -> Given {
        let shape = self.shape.iter().map(|size| *size as u64).collect();
        let data = match &self.values {
            Values::F32(values) => values.iter().map(|value| Number::Part(f64::from(*value))).collect(),
            Values::I32(values) => values.iter().map(|value| Number::Whole(i64::from(*value))).collect(),
            Values::I64(values) => values.iter().map(|value| Number::Whole(*value)).collect(),
        };
        Given { shape, data }
    }
}

/// How many values a shape has.
///
/// # Errors
/// When they are too many, or the shape has too many dimensions or an empty one.
pub fn elements(shape: &[usize]) -> Result<usize, String> {
    if shape.len() > RANK_MAX {
        return Err(format!("has {} dimensions, at most {RANK_MAX}", shape.len()));
    }
    let mut count = 1_usize;
    for size in shape {
        if *size == 0 {
            return Err("has a dimension of 0".into());
        }
        count = count.saturating_mul(*size);
    }
    if count > ELEMENTS_MAX {
        return Err(format!("has {count} values, at most {ELEMENTS_MAX}"));
    }
    Ok(count)
}

/// A number that somebody wrote down.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Number {
    /// A whole one.
    Whole(i64),
    /// Another one.
    Part(f64),
}

/// A tensor that somebody wrote down: what kind its numbers are is said elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// How many values in each dimension.
    pub shape: Vec<u64>,
    /// The values, row by row.
    pub data: Vec<Number>,
}

impl Given {
    /// The tensor of this kind.
    ///
    /// # Errors
    /// When a number is none of that kind, or there are not as many as the shape says.
    pub fn read(&self, element: Element) -> Result<Tensor, String> {
        // Looked at first, so that nothing is made of a shape that cannot be.
        let shape: Vec<usize> =
            self.shape.iter().map(|size| usize::try_from(*size).unwrap_or(usize::MAX)).collect();
        elements(&shape)?;
        let values = match element {
            Element::F32 => {
                Values::F32(self.data.iter().map(|number| part(*number)).collect::<Result<_, _>>()?)
            }
            Element::I32 => {
                Values::I32(self.data.iter().map(|number| whole32(*number)).collect::<Result<_, _>>()?)
            }
            Element::I64 => {
                Values::I64(self.data.iter().map(|number| whole(*number)).collect::<Result<_, _>>()?)
            }
        };
        Tensor::new(shape, values)
    }
}

fn part(number: Number) -> Result<f32, String> {
    let wide = match number {
        Number::Whole(number) => number as f64,
        Number::Part(number) => number,
    };
    let near = wide as f32;
    if near.is_finite() { Ok(near) } else { Err(format!("{wide} is no finite number of 32 bits")) }
}

fn whole(number: Number) -> Result<i64, String> {
    match number {
        Number::Whole(number) => Ok(number),
        Number::Part(number) => Err(format!("{number} is no whole number")),
    }
}

fn whole32(number: Number) -> Result<i32, String> {
    let number = whole(number)?;
    i32::try_from(number).map_err(|_| format!("{number} is no whole number of 32 bits"))
}
