//! A call as it is kept: everything that it followed from and everything that came of it, one line of JSON each.

use crate::{
    call::{Asked, Call, Failure, KvWrite, Origin},
    hook::Hook,
    plain,
    types::{Input, Output},
};
use serde::{Deserialize, Serialize};

/// The longest line that is read, in bytes.
pub const RECORDING_BYTES_MAX: usize = 64 << 20;

/// One call. What followed from it can be had again by [`crate::Replay`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// The plugin.
    pub plugin: String,
    /// Its version.
    pub version: semver::Version,
    /// BLAKE3 of the component, in hex.
    pub hash: String,
    /// The hook.
    pub hook: Hook,
    /// What `clock` said: milliseconds since 1970.
    pub at: i64,
    /// What `random` followed from.
    pub seed: u64,
    /// BLAKE3 of the input's JSON, in hex.
    pub input_hash: String,
    /// The input.
    pub input: Input,
    /// What was asked of the host, with the answers.
    pub asked: Vec<Asked>,
    /// The answer, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Output>,
    /// Why not, when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What it wanted kept.
    pub writes: Vec<KvWrite>,
    /// What was used of the fuel.
    pub fuel: u64,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// Memory at its largest, in bytes.
    pub memory_bytes: u64,
}

/// Why a line is no recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {reason}")]
pub struct InvalidRecording {
    /// Which part of it.
    pub path: String,
    /// What is wrong.
    pub reason: String,
}

impl Recording {
    /// The record of a call that was made at a time, in milliseconds since 1970, with a seed.
    #[must_use]
    pub fn of(origin: &Origin, at: i64, seed: u64, input: &Input, call: &Call) -> Self {
        let (output, failure) = match &call.outcome {
            Ok(output) => (Some(output.clone()), None),
            Err(failure) => (None, Some(failure.clone())),
        };
        Self {
            plugin: origin.stamp.id.clone(),
            version: origin.stamp.version.clone(),
            hash: origin.hash.clone(),
            hook: input.hook(),
            at,
            seed,
            input_hash: input_hash(input),
            input: input.clone(),
            asked: call.host_calls.clone(),
            output,
            failure,
            writes: call.writes.clone(),
            fuel: call.fuel,
            micros: call.micros,
            memory_bytes: call.memory_bytes,
        }
    }

    /// What came of it.
    ///
    /// # Errors
    /// Why the call gave no answer; nothing inside when the line said neither.
    pub fn outcome(&self) -> Result<&Output, Option<&Failure>> {
        self.output.as_ref().ok_or(self.failure.as_ref())
    }

    /// One line of JSON, without the line's end.
    #[must_use]
    pub fn encode(&self) -> String {
        plain::to_string(self)
    }

    /// A recording from its line.
    ///
    /// # Errors
    /// Names the part that cannot be read, or that contradicts another.
    pub fn decode(line: &str) -> Result<Self, InvalidRecording> {
        let invalid = |path: &str, reason: String| InvalidRecording { path: path.into(), reason };
        if line.len() > RECORDING_BYTES_MAX {
            return Err(invalid("", format!("longer than {RECORDING_BYTES_MAX} bytes")));
        }
        let recording: Self = plain::from_str(line).map_err(|error| invalid(&error.path, error.reason))?;
        if recording.input.hook() != recording.hook {
            return Err(invalid(
                "input.hook",
                format!("`{}`, expected `{}`", recording.input.hook(), recording.hook),
            ));
        }
        match (&recording.output, &recording.failure) {
            (Some(output), None) if output.hook() != recording.hook => {
                Err(invalid("output.hook", format!("`{}`, expected `{}`", output.hook(), recording.hook)))
            }
            (Some(_), Some(_)) | (None, None) => Err(invalid("output", "expected this or `failure`".into())),
            _ => Ok(recording),
        }
    }
}

/// BLAKE3 of an input's JSON, in hex.
#[must_use]
pub fn input_hash(input: &Input) -> String {
    // Without the detour over a tree, which would only be thrown away.
    let json = serde_json::to_vec(input).unwrap_or_default();
    blake3::hash(&json).to_hex().to_string()
}
