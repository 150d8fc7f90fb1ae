//! Wasmtime alone: a fresh instance from an `InstancePre` and a typed call of the same component, with nothing looked at before or after.
//!
//! What `bindgen!` generates for a world does the same: it looks the export up, holds its type to the one of the contract, and calls it.

use aisle_plugin_host::{
    HostConfig, Limits, engine_settings,
    types::{Adjustment, PromotionInput, Unable},
};
use anyhow::{Context, Result, anyhow, ensure};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, Store,
    component::{Component, ComponentExportIndex, InstancePre, Linker},
};

type Answer = (Result<Vec<Adjustment>, Unable>,);

/// One way to set wasmtime up.
pub(super) struct Bare {
    engine: Engine,
    instance: InstancePre<()>,
    promote: ComponentExportIndex,
    /// What is set for each call where the engine counts.
    counted: Option<Counted>,
}

#[derive(Clone, Copy)]
struct Counted {
    fuel: u64,
    ticks: u64,
}

impl Bare {
    /// As its book has it: a pool as it comes, nothing counted.
    pub(super) fn by_default(component: &[u8]) -> Result<Self> {
        let mut settings = Config::new();
        settings.allocation_strategy(InstanceAllocationStrategy::pooling());
        Self::new(&settings, component, None)
    }

    /// With the host's pool, which wipes memory by hand; nothing counted.
    pub(super) fn with_our_pool(config: &HostConfig, component: &[u8]) -> Result<Self> {
        let mut settings = engine_settings(config);
        settings.consume_fuel(false).epoch_interruption(false);
        Self::new(&settings, component, None)
    }

    /// With the host's settings: its pool, fuel counted, epochs looked at.
    pub(super) fn with_our_settings(config: &HostConfig, limits: &Limits, component: &[u8]) -> Result<Self> {
        let ticks = u64::from(limits.time_ms_max.div_ceil(config.epoch_tick_ms)) + 1;
        let counted = Counted { fuel: limits.fuel_max, ticks };
        Self::new(&engine_settings(config), component, Some(counted))
    }

    fn new(settings: &Config, component: &[u8], counted: Option<Counted>) -> Result<Self> {
        let engine = told(Engine::new(settings))?;
        let component = told(Component::from_binary(&engine, component))?;
        let promote = component.get_export_index(None, "promote").context("there is no `promote`")?;
        let instance = told(Linker::new(&engine).instantiate_pre(&component))?;
        Ok(Self { engine, instance, promote, counted })
    }

    /// Calls it, and gives how many adjustments it made.
    pub(super) fn call(&self, input: &PromotionInput) -> Result<usize> {
        let mut store = Store::new(&self.engine, ());
        if let Some(Counted { fuel, ticks }) = self.counted {
            told(store.set_fuel(fuel))?;
            store.set_epoch_deadline(ticks);
        }
        let instance = told(self.instance.instantiate(&mut store))?;
        let promote = told(instance.get_typed_func::<(&PromotionInput,), Answer>(&mut store, &self.promote))?;
        let (answer,) = told(promote.call(&mut store, (input,)))?;
        ensure!(answer.is_ok(), "the plugin is unable");
        Ok(answer.map_or(0, |adjustments| adjustments.len()))
    }
}

fn told<T>(result: wasmtime::Result<T>) -> Result<T> {
    result.map_err(|error| anyhow!("{error:#}"))
}
