//! How wasmtime is set up. One engine for all plugins.

use super::{HostConfig, HostError};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

/// What one component may be made of. Toolchains make some helper modules beside the plugin's own.
const CORE_INSTANCES_MAX: u32 = 16;
const MEMORIES_MAX: u32 = 4;
const TABLES_MAX: u32 = 8;
/// Elements of one table.
const TABLE_ELEMENTS_MAX: usize = 65_536;
/// What the sandbox itself keeps about one instance, in bytes.
const INSTANCE_BYTES_MAX: usize = 1 << 20;
/// How much of a memory is wiped by hand for the next call; what lies beyond is given back to the system.
const KEPT_MEMORY_BYTES: usize = 256 << 10;
const KEPT_TABLE_BYTES: usize = 16 << 10;

pub(super) fn engine(config: &HostConfig) -> Result<Engine, HostError> {
    let failed = |error: wasmtime::Error| HostError::Engine { reason: format!("{error:#}") };
    Engine::new(&settings(config)).map_err(failed)
}

pub(crate) fn settings(config: &HostConfig) -> Config {
    let mut settings = Config::new();
    settings
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(config.stack_bytes_max)
        .cranelift_opt_level(OptLevel::Speed)
        // The same answer on each processor: no NaN that differs, no instruction that may round as it likes.
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_multi_memory(true)
        .wasm_component_model(true)
        .memory_init_cow(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config)));
    settings
}

fn pool(config: &HostConfig) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    let calls = config.calls_max;
    pool.total_component_instances(calls)
        .total_core_instances(calls * CORE_INSTANCES_MAX)
        .total_memories(calls * MEMORIES_MAX)
        .total_tables(calls * TABLES_MAX)
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .max_memories_per_module(MEMORIES_MAX)
        .max_tables_per_module(TABLES_MAX)
        .max_component_instance_size(INSTANCE_BYTES_MAX)
        .max_core_instance_size(INSTANCE_BYTES_MAX)
        .max_memory_size(config.ceilings.memory_bytes_max as usize)
        .table_elements(TABLE_ELEMENTS_MAX)
        .linear_memory_keep_resident(KEPT_MEMORY_BYTES)
        .table_keep_resident(KEPT_TABLE_BYTES)
        .pagemap_scan(Enabled::Auto);
    pool
}
