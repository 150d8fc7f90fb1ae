//! `extism-peer GUEST INPUT`: calls a plugin of Extism's when told to.
//!
//! Says on its first line what the plugin answers. Then reads lines `HOW CALLS` and answers each with seconds for one call. HOW is
//! `fresh`, a plugin for each call from what was compiled once; `pooled`, the same with wasmtime's pool; `kept`, one plugin for all calls,
//! which finds what the call before left in its memory.
//!
//! All have the limits of Aisle's plugins: fuel, time and memory. Input and output are serialised and parsed, as they are for every user.

#[path = "../guest/src/types.rs"]
mod types;

use anyhow::{Context, Result, bail};
use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, Wasm, convert::Json};
use std::{
    env, fs,
    hint::black_box,
    io::{Write, stdin, stdout},
    time::{Duration, Instant},
};
use types::{Discount, Input};

const FUEL: u64 = 20_000_000;
const TIMEOUT: Duration = Duration::from_millis(50);
/// Pages of 64 KiB: 16 MiB.
const MEMORY_PAGES: u32 = 256;

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let (guest, input) = arguments.next().zip(arguments.next()).context("expected GUEST and INPUT")?;
    let module = fs::read(&guest).with_context(|| format!("cannot read `{guest}`"))?;
    let input: Input = serde_json::from_slice(&fs::read(&input)?)?;
    let fresh = compiled(&module, extism_config(false))?;
    let pooled = compiled(&module, extism_config(true))?;
    let mut kept = Plugin::new_from_compiled(&fresh)?;
    say(&serde_json::to_string(&call(&mut kept, &input)?)?)?;
    for line in stdin().lines() {
        let line = line?;
        let (how, calls) = line.split_once(' ').context("expected HOW and CALLS")?;
        let calls: u32 = calls.parse()?;
        let started = Instant::now();
        for _ in 0..calls {
            let answer = match how {
                "fresh" => call(&mut Plugin::new_from_compiled(&fresh)?, &input),
                "pooled" => call(&mut Plugin::new_from_compiled(&pooled)?, &input),
                "kept" => call(&mut kept, &input),
                _ => bail!("`{how}` is no way to call"),
            };
            black_box(answer?);
        }
        say(&(started.elapsed().as_secs_f64() / f64::from(calls)).to_string())?;
    }
    Ok(())
}

fn extism_config(pool: bool) -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    if pool {
        config.allocation_strategy(wasmtime::InstanceAllocationStrategy::pooling());
    }
    config
}

fn compiled(module: &[u8], config: wasmtime::Config) -> Result<CompiledPlugin> {
    let manifest = Manifest::new([Wasm::data(module)]).with_memory_max(MEMORY_PAGES).with_timeout(TIMEOUT);
    PluginBuilder::new(manifest)
        .with_fuel_limit(FUEL)
        .with_cache_disabled()
        .with_wasmtime_config(config)
        .compile()
}

fn call(plugin: &mut Plugin, input: &Input) -> Result<Vec<Discount>> {
    let Json(discounts) = plugin.call::<_, Json<Vec<Discount>>>("promote", Json(black_box(input)))?;
    Ok(discounts)
}

fn say(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
