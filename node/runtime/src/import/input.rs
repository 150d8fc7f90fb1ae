//! A file to read, plain or gzip, that counts the bytes it has given.

use anyhow::{Context, bail};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

const BUFFER_BYTES: usize = 256 << 10;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// An open input.
pub(crate) struct Input {
    pub reader: Box<dyn Read>,
    /// Size of the file on disk.
    pub bytes_total: u64,
    /// Bytes of the file that were read so far.
    pub bytes_read: Arc<AtomicU64>,
}

struct Counting {
    file: File,
    bytes_read: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bytes_read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Opens a file; what begins as gzip is unpacked, whatever its name.
pub(crate) fn open(path: &Path) -> anyhow::Result<Input> {
    let file = File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
    let metadata = file.metadata().with_context(|| format!("cannot open `{}`", path.display()))?;
    if metadata.is_dir() {
        bail!("`{}` is a directory, not a file", path.display());
    }
    let bytes_read = Arc::new(AtomicU64::new(0));
    let counting = Counting { file, bytes_read: bytes_read.clone() };
    let mut buffered = BufReader::with_capacity(BUFFER_BYTES, counting);
    let start = buffered.fill_buf().with_context(|| format!("cannot read `{}`", path.display()))?;
    let reader: Box<dyn Read> = if start.starts_with(&GZIP_MAGIC) {
        Box::new(flate2::bufread::MultiGzDecoder::new(buffered))
    } else {
        Box::new(buffered)
    };
    Ok(Input { reader, bytes_total: metadata.len(), bytes_read })
}
