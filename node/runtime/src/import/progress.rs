//! How far an import is: a bar on a terminal, a log line every few seconds elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    cell::Cell,
    io::IsTerminal,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The bar is moved once in so many rows.
const ROWS_PER_UPDATE: u64 = 2000;
const LOG_INTERVAL: Duration = Duration::from_secs(5);

/// Progress over the bytes of a file, counted in rows.
pub(crate) struct Progress {
    bar: ProgressBar,
    bytes_total: u64,
    bytes_read: Arc<AtomicU64>,
    started: Instant,
    logged: Cell<Instant>,
}

impl Progress {
    pub(crate) fn new(bytes_total: u64, bytes_read: Arc<AtomicU64>, json: bool) -> Self {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(bytes_total), target);
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}  {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let now = Instant::now();
        Self { bar, bytes_total, bytes_read, started: now, logged: Cell::new(now) }
    }

    pub(crate) fn row(&self, rows: u64) {
        if !rows.is_multiple_of(ROWS_PER_UPDATE) {
            return;
        }
        let read = self.bytes_read.load(Ordering::Relaxed);
        let rate = rows as f64 / self.started.elapsed().as_secs_f64().max(1e-9);
        self.bar.set_position(read);
        self.bar.set_message(format!("{rows} rows  {rate:.0} rows/s"));
        if !std::io::stderr().is_terminal() && self.logged.get().elapsed() >= LOG_INTERVAL {
            self.logged.set(Instant::now());
            let percent = 100 * read / self.bytes_total.max(1);
            tracing::info!(rows, rate = rate as u64, percent, "importing");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
