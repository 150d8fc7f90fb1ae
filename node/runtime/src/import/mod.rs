//! `aisle-node import`: a file of a till or a spreadsheet becomes events, once, at the times it names.
//!
//! Rows of one document with one time become one event. A line is known by source, document and place in the document, so a
//! second run, or a run after an interruption, adds only what is missing. Refused rows go to a report.
//!
//! Not here: what a row means (`online_retail`), what its products are called (`products`).

pub(crate) mod input;
pub(crate) mod online_retail;
mod products;
mod progress;
mod report;
pub(crate) mod submit;

use crate::{
    cli::{Encoding, Format, ImportArgs},
    output,
    store::Store,
};
use aisle_event::{
    Currency, Event, SourceName, Unknown,
    operation::ImportFinished,
    sale::{ReturnRecorded, SaleLine, SaleRecorded},
};
use aisle_state::LineSet;
use anyhow::Context;
use csv::ByteRecord;
use online_retail::{Direction, Heading, Row, Texts, check_header};
use products::Products;
use progress::Progress;
use report::Report;
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};
use submit::Submitter;

/// The most lines in one event; a longer document becomes several.
const LINES_PER_EVENT_MAX: usize = 500;
/// How many documents' lines are remembered beside the state before the state is waited for.
const FRESH_DOCUMENTS_MAX: usize = 100_000;

/// What an import did.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    file: PathBuf,
    rows: u64,
    accepted: u64,
    present: u64,
    rejected: u64,
    rejected_by_field: BTreeMap<&'static str, u64>,
    report: PathBuf,
    events: u64,
    products_changed: u64,
    seconds: f64,
    rows_per_second: f64,
    interrupted: bool,
}

/// Runs the import on the calling thread until the file ends or `stop` is set.
pub(crate) fn run(
    store: &Store,
    args: &ImportArgs,
    currency: Currency,
    json: bool,
    stop: &AtomicBool,
) -> anyhow::Result<Summary> {
    let Format::OnlineRetail = args.format;
    let report_path = args.report.clone().unwrap_or_else(|| default_report(&store.import_dir(), &args.file));
    let report = Report::create(&report_path)
        .with_context(|| format!("cannot write the report `{}`", report_path.display()))?;
    store.state.catch_up()?;
    let mut import = Import {
        store,
        encoding: match args.encoding {
            Encoding::Utf8 => None,
            Encoding::Windows1252 => Some(encoding_rs::WINDOWS_1252),
        },
        currency,
        source: SourceName::new("online-retail")?,
        rows_of: HashMap::new(),
        fresh: HashMap::new(),
        pending: None,
        products: Products::default(),
        report,
        submit: Submitter::new(&store.journal),
        rows: 0,
        accepted: 0,
        present: 0,
    };
    let started = Instant::now();
    let interrupted = import.read(&args.file, json, stop)?;
    import.flush_pending()?;
    let products_changed = if interrupted { 0 } else { import.list_products()? };
    if import.submit.events() > 0 && !interrupted {
        import.note_end()?;
    }
    import.submit.settle()?;
    store.state.catch_up()?;
    let seconds = started.elapsed().as_secs_f64();
    Ok(Summary {
        file: args.file.clone(),
        rows: import.rows,
        accepted: import.accepted,
        present: import.present,
        rejected: import.report.rows(),
        rejected_by_field: import.report.by_field().clone(),
        report: import.report.finish()?.to_owned(),
        events: import.submit.events(),
        products_changed,
        seconds,
        rows_per_second: import.rows as f64 / seconds.max(1e-9),
        interrupted,
    })
}

impl Summary {
    /// True when the run was stopped before the file's end.
    pub(crate) fn interrupted(&self) -> bool {
        self.interrupted
    }

    /// Prints it for a person.
    pub(crate) fn print(&self) -> std::io::Result<()> {
        let Self { rows, accepted, present, rejected, events, products_changed, seconds, .. } = self;
        output::line(format!(
            "{rows} rows in {seconds:.1} s ({:.0} rows/s): {accepted} taken in, {present} there already, {rejected} refused",
            self.rows_per_second
        ))?;
        output::line(format!("{events} events written; {products_changed} changes to the catalogue"))?;
        if *rejected > 0 {
            let fields: Vec<String> =
                self.rejected_by_field.iter().map(|(field, count)| format!("{field} {count}")).collect();
            output::line(format!("refused by field: {}", fields.join(", ")))?;
            output::line(format!("why, row by row: {}", self.report.display()))?;
        }
        if self.interrupted {
            output::line("stopped before the end; the same command goes on where this one stopped")?;
        }
        Ok(())
    }
}

fn default_report(dir: &Path, file: &Path) -> PathBuf {
    let name = file.file_name().map_or_else(|| "file".into(), |name| name.to_string_lossy().into_owned());
    dir.join(format!("online-retail-{name}-rejected.csv"))
}

struct Pending {
    heading: Heading,
    lines: Vec<SaleLine>,
}

struct Import<'a> {
    store: &'a Store,
    encoding: Option<&'static encoding_rs::Encoding>,
    currency: Currency,
    source: SourceName,
    /// How many rows of each document were read: a row's place in its document.
    rows_of: HashMap<Box<str>, u32>,
    /// Lines of documents that this run has seen and the state may not hold yet.
    fresh: HashMap<Box<str>, LineSet>,
    pending: Option<Pending>,
    products: Products,
    report: Report,
    submit: Submitter<'a>,
    rows: u64,
    accepted: u64,
    present: u64,
}

impl Import<'_> {
    /// Reads rows until the end (false) or until it is told to stop (true).
    fn read(&mut self, path: &Path, json: bool, stop: &AtomicBool) -> anyhow::Result<bool> {
        let input = input::open(path)?;
        let progress = Progress::new(input.bytes_total, input.bytes_read.clone(), json);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input.reader);
        check_header(path, &mut reader)?;
        // After CRLF the reader counts the line only with the next byte, so every record would seem one line higher.
        let late = u64::from(reader.position().line() == 1);
        let mut record = ByteRecord::new();
        loop {
            if stop.load(Ordering::Relaxed) {
                return Ok(true);
            }
            let more = reader
                .read_byte_record(&mut record)
                .with_context(|| format!("cannot read `{}` after row {}", path.display(), self.rows))?;
            if !more {
                return Ok(false);
            }
            self.rows += 1;
            let line = record.position().map_or(self.rows + 1, |position| position.line() + late);
            if let Err(refusal) = self.row(&record)? {
                self.report.refuse(line, &refusal).context("cannot write the report")?;
            }
            progress.row(self.rows);
        }
    }

    fn row(&mut self, record: &ByteRecord) -> anyhow::Result<Result<(), online_retail::Refusal>> {
        let texts = match Texts::decode(record, self.encoding) {
            Ok(texts) => texts,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let document = match texts.document() {
            Ok(document) => document,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // Refused rows count too: a line keeps its place when a later file mends the row before it.
        let place = match self.rows_of.get_mut(document.as_str()) {
            Some(count) => {
                *count += 1;
                *count
            }
            None => {
                self.rows_of.insert(document.as_str().into(), 1);
                1
            }
        };
        match texts.check(place, self.currency) {
            Ok(row) => self.take(row).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn take(&mut self, row: Row) -> anyhow::Result<()> {
        self.products.see(&row);
        if !self.is_new(&row)? {
            self.present += 1;
            return Ok(());
        }
        self.accepted += 1;
        match &mut self.pending {
            Some(pending) if pending.heading == row.heading && pending.lines.len() < LINES_PER_EVENT_MAX => {
                pending.lines.push(row.line);
            }
            _ => {
                self.flush_pending()?;
                self.pending = Some(Pending { heading: row.heading, lines: vec![row.line] });
            }
        }
        Ok(())
    }

    /// True when neither the journal nor this run has the line; from then on this run has it.
    fn is_new(&mut self, row: &Row) -> anyhow::Result<bool> {
        let document = row.heading.document.as_str();
        if !self.fresh.contains_key(document) {
            if self.fresh.len() >= FRESH_DOCUMENTS_MAX {
                self.flush_pending()?;
                self.submit.settle()?;
                self.store.state.catch_up()?;
                self.fresh.clear();
            }
            let known = self.store.state.imported(&self.source, &row.heading.document)?;
            self.fresh.insert(document.into(), known);
        }
        Ok(self.fresh.get_mut(document).is_some_and(|lines| lines.insert(row.line.line)))
    }

    fn flush_pending(&mut self) -> anyhow::Result<()> {
        let Some(Pending { heading, lines }) = self.pending.take() else { return Ok(()) };
        let Heading { document, direction, at, customer, country } = heading;
        let (source, unknown) = (self.source.clone(), Unknown::default());
        let event: Event = match direction {
            Direction::Sale => SaleRecorded {
                source,
                document,
                lines,
                at,
                session: None,
                customer,
                country,
                idempotency_key: None,
                arm: None,
                adjustments: Vec::new(),
                points: Vec::new(),
                unknown,
            }
            .into(),
            Direction::Return => {
                ReturnRecorded { source, document, lines, at, customer, country, unknown }.into()
            }
        };
        self.submit.push(&event)
    }

    fn list_products(&mut self) -> anyhow::Result<u64> {
        let shop = self.store.state.shop();
        let mut changed = 0;
        for event in self.products.events(&shop) {
            self.submit.push(&event)?;
            changed += 1;
        }
        Ok(changed)
    }

    fn note_end(&mut self) -> anyhow::Result<()> {
        let event = ImportFinished {
            source: self.source.clone(),
            rows: self.rows,
            accepted: self.accepted,
            present: self.present,
            rejected: self.report.rows(),
            at: self.store.now(),
            unknown: Unknown::default(),
        };
        self.submit.push(&event.into())
    }
}
