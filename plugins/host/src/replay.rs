//! A recorded call, made again without the shop it was made in.

use crate::{
    call::Call,
    plugin::{Plugin, Recorded},
    recording::Recording,
    types::Input,
};

/// What a recording asked of the host, ready to be answered again.
#[derive(Debug, Clone)]
pub struct Replay {
    answers: Recorded,
    now: i64,
    seed: u64,
    input: Input,
}

/// What came of a replay.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The call. Its time is that of this machine.
    pub call: Call,
    /// How many questions the recording had no answer to: they were answered with nothing. Always none for the component that was
    /// recorded.
    pub unanswered: u32,
}

impl Replay {
    /// Takes the answers of a recording.
    #[must_use]
    pub fn new(recording: &Recording) -> Self {
        Self {
            answers: Recorded::new(&recording.asked),
            now: recording.at,
            seed: recording.seed,
            input: recording.input.clone(),
        }
    }

    /// The input, to be changed: a candidate with other settings is asked with its own.
    pub const fn input_mut(&mut self) -> &mut Input {
        &mut self.input
    }

    /// Asks a plugin: the one that was recorded, or a candidate for its place.
    #[must_use]
    pub fn run(&self, plugin: &Plugin) -> Replayed {
        let (call, unanswered) = plugin.call_recorded(self.answers.clone(), self.now, self.seed, &self.input);
        Replayed { call, unanswered }
    }
}
