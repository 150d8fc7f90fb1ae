//! Where logs go: standard error, as text for people or JSON for machines; and how much of them, which may change while the node runs.

use crate::config::LogFormat;
use anyhow::Context;
use std::{env, io::IsTerminal, sync::OnceLock};
use tracing_subscriber::{EnvFilter, reload};

/// Puts another filter in place. One process has one log.
type Sets = Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>;

static SETS: OnceLock<Sets> = OnceLock::new();

/// Starts logging. `RUST_LOG` goes over the configured level.
pub(crate) fn start(format: LogFormat, level: &str) -> anyhow::Result<()> {
    let filter = match env::var(EnvFilter::DEFAULT_ENV) {
        Ok(directives) => EnvFilter::try_new(directives).context("`RUST_LOG` is no log filter")?,
        Err(_) => {
            EnvFilter::try_new(level).with_context(|| format!("`log.level`: `{level}` is no log filter"))?
        }
    };
    let ansi = std::io::stderr().is_terminal();
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(ansi);
    let sets: Sets = match format {
        LogFormat::Text => {
            let builder = builder.with_target(false).with_filter_reloading();
            let handle = builder.reload_handle();
            builder.init();
            Box::new(move |filter| handle.reload(filter))
        }
        LogFormat::Json => {
            let builder = builder.json().with_filter_reloading();
            let handle = builder.reload_handle();
            builder.init();
            Box::new(move |filter| handle.reload(filter))
        }
    };
    // Only the first counts, and there is one.
    let _ = SETS.set(sets);
    Ok(())
}

/// Whether a text says how much is logged.
pub(crate) fn check(level: &str) -> Result<(), String> {
    EnvFilter::try_new(level).map(drop).map_err(|error| {
        format!(
            "is `{level}`, which is no log filter: {error}\nhint: write `info`, or `info,aisle_journal=debug`"
        )
    })
}

/// Logs so much from now on. Where `RUST_LOG` is set it goes on counting.
pub(crate) fn set(level: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(level).map_err(|error| error.to_string())?;
    match SETS.get().filter(|_| !is_overruled()) {
        Some(sets) => sets(filter).map_err(|error| error.to_string()),
        None => Ok(()),
    }
}

/// Whether the environment says how much is logged, whatever the configuration says.
pub(crate) fn is_overruled() -> bool {
    env::var_os(EnvFilter::DEFAULT_ENV).is_some()
}
