//! One call, from the input to what came of it.

use super::{
    Plugin,
    exports::Answer,
    state::{Answers, Exceeded, State},
};
use crate::{
    call::{Call, Failure},
    check,
    hook::Hook,
    host::{Gate, Place},
    types::{Input, Output},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};
use wasmtime::{
    Store, Trap, WasmBacktrace,
    component::{ComponentNamedList, Lift, Lower},
};

/// How much of a plugin's own words is kept, in characters.
const REASON_LENGTH_MAX: usize = 300;
/// How many functions of a trap are named.
const FRAMES_MAX: usize = 8;

/// Makes the call. Also returns how many questions a recording had no answer to.
pub(super) fn call(plugin: &Plugin, answers: Answers, now: i64, seed: u64, input: &Input) -> (Call, u32) {
    let started = Instant::now();
    let limits = plugin.manifest.limits;
    let not_made = |failure| (Call { micros: micros(started), ..Call::failed(failure) }, 0);
    let hook = input.hook();
    if plugin.exports.get(hook).is_none() {
        return not_made(Failure::NotAsked { hook });
    }
    if input.bytes() > limits.input_bytes_max as usize {
        return not_made(Failure::InputTooLarge { max: limits.input_bytes_max.into() });
    }
    let shared = &plugin.shared;
    let _places = match places(plugin) {
        Ok(places) => places,
        Err(busy) => return not_made(busy),
    };
    let started = Instant::now();
    let mut store = Store::new(&shared.engine, State::new(answers, limits, now, seed));
    store.limiter(|state| &mut state.budget);
    store.set_hostcall_fuel(limits.output_bytes_max as usize);
    let _ticking = shared.ticker.ticking();
    // One tick more: the one that is under way is not a whole one.
    store.set_epoch_deadline(u64::from(limits.time_ms_max.div_ceil(shared.tick_ms)) + 1);
    // Not set anywhere else, and the engine counts fuel: these cannot fail.
    let _ = store.set_fuel(limits.fuel_max);
    // The sandbox is made to contain all that a plugin does. Should it fail at that, or the shop that answers it and is asked what its
    // answer names, it is this call that fails and not the store.
    let ran = catch_unwind(AssertUnwindSafe(|| answer(plugin, &mut store, input)));
    let fuel = limits.fuel_max - store.get_fuel().unwrap_or(0).min(limits.fuel_max);
    let outcome = match ran {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => Err(failure(plugin, &store, &error)),
        Err(_) => Err(Failure::Trap { reason: "what answers plugins failed".into(), frames: Vec::new() }),
    };
    let state = store.into_data();
    let unanswered = state.unanswered();
    let call = Call {
        fuel,
        micros: micros(started),
        memory_bytes: state.budget.used() as u64,
        host_calls: state.asked,
        writes: if outcome.is_ok() { state.kv.into_writes() } else { Vec::new() },
        log: state.log,
        log_lines_cut: state.log_lines_cut,
        outcome,
    };
    (call, unanswered)
}

/// A place among the plugin's own calls, and one among all. Waits as long as one call may take.
fn places<'a>(plugin: &'a Plugin) -> Result<[Place<'a>; 2], Failure> {
    let (since, patience) =
        (Instant::now(), Duration::from_millis(plugin.manifest.limits.time_ms_max.into()));
    let enter = |gate: &'a Gate| {
        let place = gate.enter(patience.saturating_sub(since.elapsed()));
        place.ok_or(Failure::Busy { calls_max: gate.max() })
    };
    Ok([enter(&plugin.gate)?, enter(&plugin.shared.gate)?])
}

impl Call {
    const fn failed(failure: Failure) -> Self {
        Self {
            outcome: Err(failure),
            fuel: 0,
            micros: 0,
            memory_bytes: 0,
            host_calls: Vec::new(),
            writes: Vec::new(),
            log: Vec::new(),
            log_lines_cut: 0,
        }
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

type Answered = wasmtime::Result<Result<Output, Failure>>;

/// The plugin's answer, held to the input.
fn answer(plugin: &Plugin, store: &mut Store<State>, input: &Input) -> Answered {
    match ask(plugin, store, input)? {
        Ok(output) => check_answer(store, input, output),
        Err(failure) => Ok(Err(failure)),
    }
}

fn ask(plugin: &Plugin, store: &mut Store<State>, input: &Input) -> Answered {
    match input {
        Input::Pricing(input) => ask_one(plugin, store, Hook::Pricing, input, Output::Pricing),
        Input::Promotion(input) => ask_one(plugin, store, Hook::Promotion, input, Output::Promotion),
        Input::Ranking(input) => ask_one(plugin, store, Hook::Ranking, input, Output::Ranking),
        Input::Replenishment(input) => {
            ask_one(plugin, store, Hook::Replenishment, input, Output::Replenishment)
        }
        Input::Reaction(input) => ask_one(plugin, store, Hook::Reaction, input, Output::Reaction),
    }
}

fn ask_one<I, T>(
    plugin: &Plugin,
    store: &mut Store<State>,
    hook: Hook,
    input: &I,
    wrap: fn(Vec<T>) -> Output,
) -> Answered
where
    for<'a> (&'a I,): ComponentNamedList + Lower,
    Answer<T>: ComponentNamedList + Lift + 'static,
{
    // The caller has looked whether there is one.
    let Some(export) = plugin.exports.get(hook) else { return Ok(Err(Failure::NotAsked { hook })) };
    let instance = plugin.instance.instantiate(&mut *store)?;
    let function = instance.get_typed_func::<(&I,), Answer<T>>(&mut *store, export)?;
    let (answer,) = function.call(&mut *store, (input,))?;
    Ok(match answer {
        Ok(items) => Ok(wrap(items)),
        Err(unable) => {
            Err(Failure::Refused { reason: unable.reason.chars().take(REASON_LENGTH_MAX).collect() })
        }
    })
}

/// What an error of the sandbox means.
fn failure(plugin: &Plugin, store: &Store<State>, error: &wasmtime::Error) -> Failure {
    let limits = plugin.manifest.limits;
    if let Some(exceeded) = error.downcast_ref::<Exceeded>() {
        return Failure::TooLarge { what: exceeded.what.into(), max: exceeded.max };
    }
    let trap = error.downcast_ref::<Trap>();
    match trap {
        Some(Trap::OutOfFuel) => return Failure::OutOfFuel { limit: limits.fuel_max },
        Some(Trap::Interrupt) => return Failure::Timeout { limit_ms: limits.time_ms_max },
        _ => {}
    }
    if store.data().budget.refused() {
        return Failure::OutOfMemory { limit_bytes: limits.memory_bytes_max.into() };
    }
    // The error's type is wasmtime's own.
    if trap.is_none() && error.chain().any(|cause| cause.to_string().contains("fuel allocated for hostcalls"))
    {
        return Failure::TooLarge { what: "output bytes".into(), max: limits.output_bytes_max.into() };
    }
    let frames = error.downcast_ref::<WasmBacktrace>().map_or_else(Vec::new, |trace| {
        let named = trace.frames().iter().filter_map(|frame| frame.func_name());
        named.take(FRAMES_MAX).map(|name| name.chars().take(REASON_LENGTH_MAX).collect()).collect()
    });
    let reason = trap
        .map_or_else(|| error.root_cause().to_string(), |trap| trap.to_string().replace("wasm trap: ", ""));
    Failure::Trap { reason: reason.chars().take(REASON_LENGTH_MAX).collect(), frames }
}

/// Holds the answer to the input. What the answer names beside it is looked up like a question of the plugin, so that a replay
/// finds it too, and counts like one.
fn check_answer(store: &mut Store<State>, input: &Input, output: Output) -> Answered {
    let max = store.data().limits.output_items_max;
    if output.len() > max as usize {
        return Ok(Err(Failure::TooLarge { what: "output items".into(), max: max.into() }));
    }
    let state = store.data_mut();
    let mut exceeded = None;
    let mut is_product = |sku: &str| match state.product(sku.into()) {
        Ok(found) => found.is_some(),
        Err(error) => {
            exceeded = Some(error);
            false
        }
    };
    let checked = check::output(input, &output, &mut is_product);
    match exceeded {
        Some(error) => Err(error),
        None => Ok(checked.map(|()| output)),
    }
}
