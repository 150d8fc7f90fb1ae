//! How long does the disk take to make a write durable? Every acknowledgement waits that long.

use super::{Finding, Subject, existing};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
    time::{Duration, Instant},
};

const ID: &str = "disk-sync";
const WRITES: usize = 50;
const SLOW: Duration = Duration::from_millis(20);

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    let dir = existing(subject.data);
    match probe(dir) {
        Ok((median, worst)) => {
            let ms = |time: Duration| time.as_secs_f64() * 1000.0;
            let found = format!(
                "fdatasync takes {:.2} ms (median of {WRITES}), {:.2} ms at worst",
                ms(median),
                ms(worst)
            );
            if median > SLOW {
                Finding::warn(
                    ID,
                    found,
                    "use an SSD; baskets and sensors are acknowledged no faster than this",
                )
            } else {
                Finding::ok(ID, found)
            }
        }
        Err(error) => {
            let found = format!("`{}` cannot be written: {error}", dir.display());
            Finding::fail(ID, found, "check that the disk is mounted for writing and belongs to this user")
        }
    }
}

fn probe(dir: &Path) -> io::Result<(Duration, Duration)> {
    let path = dir.join(format!(".aisle-doctor-{}", std::process::id()));
    let measured = measure(&path);
    // The probe file goes also when the probe failed.
    let removed = fs::remove_file(&path);
    let times = measured?;
    removed?;
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    Ok((median, times.last().copied().unwrap_or_default()))
}

fn measure(path: &Path) -> io::Result<Vec<Duration>> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        file.write_all(&[0; 512])?;
        let started = Instant::now();
        file.sync_data()?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    Ok(times)
}
