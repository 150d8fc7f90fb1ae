//! Where logs go: standard error, as text for people or JSON for machines.

use crate::config::LogFormat;
use anyhow::Context;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging. `RUST_LOG` goes over the configured level.
pub(crate) fn start(format: LogFormat, level: &str) -> anyhow::Result<()> {
    let filter = match std::env::var(EnvFilter::DEFAULT_ENV) {
        Ok(directives) => EnvFilter::try_new(directives).context("`RUST_LOG` is no log filter")?,
        Err(_) => {
            EnvFilter::try_new(level).with_context(|| format!("`log.level`: `{level}` is no log filter"))?
        }
    };
    let ansi = std::io::stderr().is_terminal();
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(ansi);
    match format {
        LogFormat::Text => builder.with_target(false).init(),
        LogFormat::Json => builder.json().init(),
    }
    Ok(())
}
