//! Recordings of calls: any line is refused or is a recording, and a recording survives its own line.

use super::{ask, draw::Draw, drawn_examples, quiet};
use aisle_plugin_host::{Asked, Bytes, Failure, Hook, Input, KvWrite, Output, Recording, Replay, input_hash};

/// The input is a line.
///
/// # Panics
/// When a recording that was read is written otherwise, or a refusal has no words.
pub fn plugin_recording(input: &[u8]) {
    let Ok(line) = std::str::from_utf8(input) else { return };
    match Recording::decode(line) {
        Ok(recording) => {
            survives(&recording);
            drop(Replay::new(&recording).run(quiet()));
        }
        Err(error) => assert!(!error.reason.is_empty(), "{error:?}"),
    }
}

/// Written and read again it is the same.
pub(super) fn survives(recording: &Recording) {
    let line = recording.encode();
    assert!(!line.contains('\n'), "one line: {line}");
    match Recording::decode(&line) {
        Ok(again) => assert_eq!(&again, recording),
        Err(error) => panic!("{error}: {line}"),
    }
}

/// The record of a call that ended like this, with questions on its way.
pub(super) fn of(draw: &mut Draw<'_>, input: Input, outcome: Result<Output, Failure>) -> Recording {
    let (output, failure) = match outcome {
        Ok(output) => (Some(output), None),
        Err(failure) => (None, Some(failure)),
    };
    Recording {
        plugin: "made-here".into(),
        version: "1.0.0-rc.1+7".parse().expect("a version"),
        hash: String::new(),
        hook: input.hook(),
        at: draw.any(),
        seed: draw.any().cast_unsigned(),
        input_hash: input_hash(&input),
        input,
        asked: draw.list(3, asked),
        output,
        failure,
        writes: draw.list(2, |draw| KvWrite { key: draw.words(), value: draw.maybe(bytes) }),
        fuel: draw.any().cast_unsigned(),
        micros: 1,
        memory_bytes: 1,
    }
}

fn asked(draw: &mut Draw<'_>) -> Asked {
    match draw.below(5) {
        0 => Asked::Product { sku: draw.sku(), answer: draw.maybe(ask::product) },
        1 => Asked::OfCategory {
            category: draw.words(),
            limit: draw.count(),
            answer: draw.list(2, ask::product),
        },
        2 => Asked::Stock { sku: draw.sku(), answer: draw.maybe(ask::position) },
        3 => Asked::Kept { key: draw.words(), answer: draw.maybe(bytes) },
        _ => Asked::Full { key: draw.words(), attempt: 0 },
    }
}

/// A text as a rule, so that both forms are seen.
fn bytes(draw: &mut Draw<'_>) -> Bytes {
    if draw.one_in(2) { Bytes(draw.list(12, Draw::byte)) } else { draw.words().as_str().into() }
}

/// One of each hook, twice.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let failures = [Failure::OutOfFuel { limit: 7 }, Failure::NotAsked { hook: Hook::Ranking }];
    let examples = drawn_examples();
    let hooks = Hook::ALL.iter().cycle().zip(&examples).take(2 * Hook::ALL.len());
    let line = |(place, (hook, bytes)): (usize, (&Hook, &Vec<u8>))| {
        let mut draw = Draw::new(bytes);
        let input = ask::input(&mut draw, *hook);
        let outcome = match failures.get(place) {
            Some(failure) => Err(failure.clone()),
            None => Ok(ask::output(&mut draw, *hook)),
        };
        of(&mut draw, input, outcome).encode().into_bytes()
    };
    hooks.enumerate().map(line).collect()
}
