//! The report of refused rows: a CSV file with line, field, value and reason.

use crate::import::online_retail::Refusal;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// The most bytes of a refused value that are repeated in the report.
const VALUE_CHARS_MAX: usize = 200;

/// Refused rows on their way to a file.
pub(crate) struct Report {
    path: PathBuf,
    out: csv::Writer<File>,
    by_field: BTreeMap<&'static str, u64>,
    rows: u64,
}

impl Report {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut out = csv::Writer::from_writer(File::create(path)?);
        out.write_record(["line", "field", "value", "reason"])?;
        Ok(Self { path: path.into(), out, by_field: BTreeMap::new(), rows: 0 })
    }

    pub(crate) fn refuse(&mut self, line: u64, refusal: &Refusal) -> io::Result<()> {
        *self.by_field.entry(refusal.field).or_default() += 1;
        self.rows += 1;
        let value: String = refusal.value.chars().take(VALUE_CHARS_MAX).collect();
        self.out.write_record([&line.to_string(), refusal.field, &value, &refusal.reason])?;
        Ok(())
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn by_field(&self) -> &BTreeMap<&'static str, u64> {
        &self.by_field
    }

    pub(crate) fn finish(&mut self) -> io::Result<&Path> {
        self.out.flush()?;
        Ok(&self.path)
    }
}
