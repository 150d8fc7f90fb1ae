//! Files that are whole or absent: numbered by the record they go up to, and closed by a checksum.
//!
//! Written to a temporary name, synced, renamed, and the directory synced. The last four bytes are a CRC32C of everything
//! before them (RFC 3720, appendix B.4). Numbers are little-endian.
//!
//! Not here: what is in them (`checkpoint`, `snapshot_file`).
//! Guards invariant 2: what was torn, cut or changed is told from what was written.

use std::{
    cmp::Reverse,
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

const EXTENSION: &str = "ckpt";
const UNFINISHED: &str = "tmp";
const CHECKSUM_BYTES: u64 = 4;
const BUFFER_BYTES: usize = 1 << 16;

/// Why a checkpoint or snapshot file could not be written or used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file system refused.
    #[error("file `{path}`")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// It can be read and is not what is looked for.
    #[error("file `{path}` cannot be used: {what}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl FileError {
    /// All of it in one line, for a report that keeps no sources.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::File { path, source } => format!("file `{}`: {source}", path.display()),
            Self::Unusable { .. } => self.to_string(),
        }
    }

    pub(crate) fn unusable(path: &Path, what: &'static str) -> Self {
        Self::Unusable { path: path.into(), what }
    }

    fn at(path: &Path) -> impl Fn(io::Error) -> Self {
        |source| Self::File { path: path.into(), source }
    }
}

/// A file and the last record that it holds the effects of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numbered {
    pub path: PathBuf,
    pub applied: u64,
}

/// The files of one name in a directory, latest first. None when there is no directory.
pub(crate) fn list(dir: &Path, name: &str) -> Result<Vec<Numbered>, FileError> {
    let mut found = named(dir, name, EXTENSION)?;
    found.sort_by_key(|file| Reverse(file.applied));
    Ok(found)
}

fn named(dir: &Path, name: &str, extension: &str) -> Result<Vec<Numbered>, FileError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(FileError::at(dir))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(FileError::at(dir))?.path();
        let applied = path
            .file_name()
            .and_then(|file| file.to_str()?.strip_prefix(name)?.strip_prefix('-')?.strip_suffix(extension))
            .and_then(|number| number.strip_suffix('.')?.parse().ok());
        found.extend(applied.map(|applied| Numbered { path, applied }));
    }
    Ok(found)
}

/// Writes one file, then removes what is not among it and the `keep - 1` before it. A file that goes further than what was just
/// written is of another journal, and goes too; so do unfinished ones.
pub(crate) fn write<E: From<FileError>>(
    dir: &Path,
    name: &str,
    applied: u64,
    keep: usize,
    fill: impl FnOnce(&mut Output) -> Result<(), E>,
) -> Result<Numbered, E> {
    for unfinished in named(dir, name, UNFINISHED)? {
        remove(&unfinished.path)?;
    }
    let path = dir.join(format!("{name}-{applied:020}.{EXTENSION}"));
    let unfinished = path.with_extension(UNFINISHED);
    let written = Output::create(&unfinished).map_err(E::from).and_then(|mut output| {
        fill(&mut output)?;
        Ok(output.sync()?)
    });
    if let Err(error) = written {
        // A full disk should not be kept full by it. If it stays, the next write removes it.
        let _ = fs::remove_file(&unfinished);
        return Err(error);
    }
    fs::rename(&unfinished, &path).map_err(FileError::at(&unfinished))?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(FileError::at(dir))?;
    let (ahead, kept): (Vec<_>, Vec<_>) =
        list(dir, name)?.into_iter().partition(|file| file.applied > applied);
    for old in ahead.iter().chain(kept.iter().skip(keep.max(1))) {
        remove(&old.path)?;
    }
    Ok(Numbered { path, applied })
}

fn remove(path: &Path) -> Result<(), FileError> {
    fs::remove_file(path).map_err(FileError::at(path))
}

/// A file that is being written.
pub(crate) struct Output {
    path: PathBuf,
    inner: BufWriter<File>,
    crc: u32,
}

impl Output {
    fn create(path: &Path) -> Result<Self, FileError> {
        let file = File::create(path).map_err(FileError::at(path))?;
        Ok(Self { path: path.into(), inner: BufWriter::with_capacity(BUFFER_BYTES, file), crc: 0 })
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.crc = crc32c::crc32c_append(self.crc, bytes);
        self.inner.write_all(bytes).map_err(FileError::at(&self.path))
    }

    /// With its length before it, in four bytes.
    pub(crate) fn put_sized(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        let len =
            u32::try_from(bytes.len()).map_err(|_| FileError::unusable(&self.path, "a value is too long"))?;
        self.put(&len.to_le_bytes())?;
        self.put(bytes)
    }

    fn sync(mut self) -> Result<(), FileError> {
        self.put(&self.crc.to_le_bytes())?;
        let at = FileError::at(&self.path);
        let file = self.inner.into_inner().map_err(|error| at(error.into_error()))?;
        file.sync_all().map_err(at)
    }
}

/// A file that is being read. Nothing is known to be right before [`Input::end`] says so.
pub(crate) struct Input<'a> {
    path: &'a Path,
    inner: BufReader<File>,
    crc: u32,
    /// Bytes to come before the checksum.
    left: u64,
}

impl<'a> Input<'a> {
    pub(crate) fn open(path: &'a Path) -> Result<Self, FileError> {
        let file = File::open(path).map_err(FileError::at(path))?;
        let bytes = file.metadata().map_err(FileError::at(path))?.len();
        let left = bytes.saturating_sub(CHECKSUM_BYTES);
        Ok(Self { path, inner: BufReader::with_capacity(BUFFER_BYTES, file), crc: 0, left })
    }

    pub(crate) fn unusable(&self, what: &'static str) -> FileError {
        FileError::unusable(self.path, what)
    }

    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], FileError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn take_u32(&mut self) -> Result<u32, FileError> {
        self.take().map(u32::from_le_bytes)
    }

    /// So many bytes; no more are allocated than the file has.
    pub(crate) fn take_vec(&mut self, len: u64) -> Result<Vec<u8>, FileError> {
        if len > self.left {
            return Err(self.unusable("it is cut short"));
        }
        let len = usize::try_from(len).map_err(|_| self.unusable("it does not fit into memory"))?;
        let mut bytes = vec![0; len];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// What [`Output::put_sized`] wrote.
    pub(crate) fn take_sized(&mut self, bytes_max: usize) -> Result<Vec<u8>, FileError> {
        let len = self.take_u32()?;
        if len as usize > bytes_max {
            return Err(self.unusable("a value is too long"));
        }
        self.take_vec(len.into())
    }

    /// Everything was read, and the checksum is right.
    pub(crate) fn end(mut self) -> Result<(), FileError> {
        if self.left > 0 {
            return Err(self.unusable("it goes on after its end"));
        }
        let expected = self.crc;
        self.left = CHECKSUM_BYTES;
        if self.take_u32()? != expected {
            return Err(self.unusable("its checksum is wrong"));
        }
        Ok(())
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), FileError> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or_else(|| self.unusable("it is cut short"))?;
        self.inner.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.unusable("it is cut short"),
            _ => FileError::at(self.path)(error),
        })?;
        self.crc = crc32c::crc32c_append(self.crc, bytes);
        Ok(())
    }
}
