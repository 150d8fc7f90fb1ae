//! A model that is loaded, and what it answers.
//!
//! The one place that speaks to `ort`. A run holds the model's lock: what stands behind `ort` answers one question at a time, so a model is asked by one
//! thread after the other, and different models beside each other. Not here: whether a model is good (`trial`), which one is in force (`models`).
//! Guards: what goes in is what the card lets in, and what comes out is what the card says, or it is an error.

use crate::{
    card::{Bound, Card, CardError, Port},
    onnx::{self, OnnxError},
    tensor::{Element, Tensor, Values},
};
use aisle_content::{ModelPackage, package::PackageError};
use ort::{
    environment::Environment,
    session::{Session, SessionInputValue, SessionOutputs, builder::GraphOptimizationLevel},
    value::TensorElementType,
};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, OnceLock, PoisonError},
};

/// What goes in, by the names of inputs.
pub type Inputs = BTreeMap<String, Tensor>;
/// What comes out, by the names of outputs.
pub type Outputs = BTreeMap<String, Tensor>;

/// What runs models here.
pub const BACKEND: &str = "tract";

/// A model cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is no package.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// Its card does not read.
    #[error(transparent)]
    Card(#[from] CardError),
    /// Its graph is none that may run.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// What runs models does not take it.
    #[error("the graph cannot be loaded: {0}")]
    Backend(String),
}

/// A run came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// It was asked what its card does not let in: the mistake is the caller's.
    #[error("the input `{input}` {reason}")]
    Input {
        /// Which.
        input: String,
        /// Why not.
        reason: String,
    },
    /// What runs models has failed.
    #[error("the run failed: {0}")]
    Backend(String),
    /// It answered what it should not.
    #[error("the output `{output}` {reason}")]
    Output {
        /// Which.
        output: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A model that can be asked.
#[derive(Debug)]
pub struct Loaded {
    card: Card,
    session: Mutex<Session>,
    /// The inputs, in the order of the graph.
    order: Vec<String>,
}

fn words(error: &ort::Error) -> String {
    error.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect()
}

/// Set up with the first model, and never before.
fn environment() -> Result<&'static Environment, String> {
    static ENVIRONMENT: OnceLock<Result<Environment, String>> = OnceLock::new();
    let made = ENVIRONMENT.get_or_init(|| {
        // False where somebody had set it already; then that one counts.
        ort::set_api(ort_tract::api());
        ort::init().with_name("aisle").with_telemetry(false).build().map_err(|error| words(&error))
    });
    made.as_ref().map_err(Clone::clone)
}

/// What panics on our side of the interface is an error. What panics behind it ends the process: see the crate's own words.
fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("it panicked".into()))
}

impl Loaded {
    /// Loads a model out of its package.
    ///
    /// # Errors
    /// When it is no package, its card or graph is refused, or what runs models does not take it.
    pub fn load(package: &[u8]) -> Result<Self, LoadError> {
        let ModelPackage { card, onnx } = ModelPackage::decode(package)?;
        let card = Card::parse(&card)?;
        onnx::look(&onnx)?.is_as(&card)?;
        let session = caught(|| {
            let builder = Session::builder(environment()?).map_err(|error| words(&error))?;
            let builder = builder.with_optimization_level(GraphOptimizationLevel::Level3);
            let mut builder = builder.unwrap_or_else(ort::Error::recover);
            builder.commit_from_memory(&onnx).map_err(|error| words(&error))
        });
        let session = session.map_err(LoadError::Backend)?;
        let order: Vec<String> = session.inputs().iter().map(|input| input.name().to_owned()).collect();
        Ok(Self { card, session: Mutex::new(session), order })
    }

    /// What it says of itself.
    #[must_use]
    pub const fn card(&self) -> &Card {
        &self.card
    }

    /// Asks it. Waits while somebody else does.
    ///
    /// # Errors
    /// When the input is none that the card lets in, the run fails, or what comes out is not what the card says.
    pub fn run(&self, inputs: &Inputs) -> Result<Outputs, RunError> {
        let told = |(input, reason)| RunError::Input { input, reason };
        let mut bound = self.card.check(inputs).map_err(told)?;
        let found = caught(|| self.ask(inputs)).map_err(RunError::Backend)?;
        let mut outputs = Outputs::new();
        for (port, tensor) in self.card.outputs.iter().zip(found) {
            let wrong = |reason| RunError::Output { output: port.name.clone(), reason };
            let tensor = tensor.map_err(wrong)?;
            self.holds(port, &tensor, &mut bound).map_err(wrong)?;
            outputs.insert(port.name.clone(), tensor);
        }
        Ok(outputs)
    }

    /// What comes out, in the order of the card.
    fn ask(&self, inputs: &Inputs) -> Result<Vec<Result<Tensor, String>>, String> {
        let mut given = Vec::with_capacity(self.order.len());
        for name in &self.order {
            let tensor = inputs.get(name).ok_or_else(|| format!("there is no input `{name}`"))?;
            given.push(value(tensor).map_err(|error| words(&error))?);
        }
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let outputs = session.run(given.as_slice()).map_err(|error| words(&error))?;
        Ok(self.card.outputs.iter().map(|port| extract(&outputs, port)).collect())
    }

    fn holds<'a>(&'a self, port: &'a Port, tensor: &Tensor, bound: &mut Bound<'a>) -> Result<(), String> {
        self.card.fits(port, tensor, bound)?;
        match tensor.values() {
            Values::F32(values) => match values.iter().position(|value| !value.is_finite()) {
                Some(place) => Err(format!("is no finite number at place {place}")),
                None => Ok(()),
            },
            Values::I32(_) | Values::I64(_) => Ok(()),
        }
    }
}

fn value(tensor: &Tensor) -> ort::Result<SessionInputValue<'static>> {
    let shape: Vec<i64> =
        tensor.shape().iter().map(|size| i64::try_from(*size).unwrap_or(i64::MAX)).collect();
    Ok(match tensor.values() {
        Values::F32(values) => ort::value::Tensor::from_array((shape, values.clone()))?.into(),
        Values::I32(values) => ort::value::Tensor::from_array((shape, values.clone()))?.into(),
        Values::I64(values) => ort::value::Tensor::from_array((shape, values.clone()))?.into(),
    })
}

fn extract(outputs: &SessionOutputs<'_>, port: &Port) -> Result<Tensor, String> {
    let value = outputs.get(&port.name).ok_or("is missing")?;
    let wanted = match port.element {
        Element::F32 => TensorElementType::Float32,
        Element::I32 => TensorElementType::Int32,
        Element::I64 => TensorElementType::Int64,
    };
    let found = value.dtype().tensor_type();
    if found != Some(wanted) {
        return Err(format!("is not of {}", port.element.as_str()));
    }
    let sizes = |shape: &[i64]| -> Vec<usize> {
        shape.iter().map(|size| usize::try_from(*size).unwrap_or(usize::MAX)).collect()
    };
    let failed = |error: ort::Error| words(&error);
    let (shape, values) = match port.element {
        Element::F32 => {
            let (shape, values) = value.try_extract_tensor::<f32>().map_err(failed)?;
            (sizes(shape), Values::F32(values.to_vec()))
        }
        Element::I32 => {
            let (shape, values) = value.try_extract_tensor::<i32>().map_err(failed)?;
            (sizes(shape), Values::I32(values.to_vec()))
        }
        Element::I64 => {
            let (shape, values) = value.try_extract_tensor::<i64>().map_err(failed)?;
            (sizes(shape), Values::I64(values.to_vec()))
        }
    };
    Tensor::new(shape, values)
}
