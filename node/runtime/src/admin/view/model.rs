//! Models, as administrators see them.

use aisle_model::{Given, ModelView, Outputs, tensor::Number};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A model in a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Model)]
pub(crate) struct ModelLine {
    /// Its name.
    pub model: String,
    /// The version in force.
    pub version: String,
    /// BLAKE3 of its package, in hexadecimal digits.
    pub hash: String,
    /// What goes in, as `NAME: TYPE[SHAPE]`.
    pub inputs: Vec<String>,
    /// What comes out.
    pub outputs: Vec<String>,
    /// What its card allows 99 of 100 runs, in microseconds.
    pub p99_us_max: u64,
    /// Runs since it was put in force, or the node started.
    pub calls: u64,
    /// Those that failed, gave what the card does not say, or took longer than it allows.
    pub errors: u64,
    /// What 99 of 100 runs stayed within, in microseconds, to within a quarter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub p99_us: Option<u64>,
}

impl ModelLine {
    pub(crate) fn of(view: ModelView) -> Self {
        Self {
            model: view.name,
            version: view.version,
            hash: view.hash,
            inputs: view.inputs,
            outputs: view.outputs,
            p99_us_max: view.p99_us_max,
            calls: view.health.calls,
            errors: view.health.errors,
            p99_us: view.health.took.quantile_us(990),
        }
    }
}

/// All models.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ModelList {
    /// What runs them.
    pub backend: String,
    /// Those in force, by name.
    pub models: Vec<ModelLine>,
}

/// Numbers in rows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Tensor)]
pub(crate) struct TensorBody {
    /// How many values in each dimension.
    pub shape: Vec<u64>,
    /// The values, row by row.
    #[schema(value_type = Vec<f64>)]
    pub data: Vec<Number>,
}

/// What a model is asked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ModelQuestion)]
pub(crate) struct QuestionBody {
    /// What goes in, by the names of inputs.
    pub inputs: BTreeMap<String, TensorBody>,
}

/// What a model answers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = ModelAnswer)]
pub(crate) struct AnswerBody {
    /// What comes out, by the names of outputs.
    pub outputs: BTreeMap<String, TensorBody>,
}

impl QuestionBody {
    pub(crate) fn given(self) -> BTreeMap<String, Given> {
        let given = |body: TensorBody| Given { shape: body.shape, data: body.data };
        self.inputs.into_iter().map(|(name, body)| (name, given(body))).collect()
    }
}

impl AnswerBody {
    pub(crate) fn of(outputs: &Outputs) -> Self {
        let outputs = outputs.iter().map(|(name, tensor)| {
            let Given { shape, data } = tensor.given();
            (name.clone(), TensorBody { shape, data })
        });
        Self { outputs: outputs.collect() }
    }
}
