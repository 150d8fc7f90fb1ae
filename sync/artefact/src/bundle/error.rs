//! Why a bundle is refused: each trick by its own name.

use super::{Direction, FORM};
use std::{error::Error, fmt, io};

/// Why a bundle is refused.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It ends in the middle.
    #[error(
        "the bundle is cut off\nhint: copy it again; a stick has to be unmounted before it is pulled out"
    )]
    Truncated,
    /// It is no bundle, or was damaged.
    #[error("this is no bundle, or a damaged one")]
    Malformed(#[source] io::Error),
    /// Bytes behind its end.
    #[error("bytes follow the end of the bundle")]
    Trailing,
    /// Another form.
    #[error("the bundle is of form {found}; this build reads {FORM}")]
    Form {
        /// Which.
        found: u16,
    },
    /// It goes the other way.
    #[error("the bundle goes {found:?}, expected {expected:?}")]
    Direction {
        /// Where it goes.
        found: Direction,
        /// Where it should.
        expected: Direction,
    },
    /// A link of any kind.
    #[error("the bundle's entry `{name}` is a link")]
    Link {
        /// Which.
        name: String,
    },
    /// A folder, a device, a sparse file, a long name.
    #[error("the bundle's entry `{name}` is no plain file, but of type {kind}")]
    Type {
        /// Which.
        name: String,
        /// What it is, by the letter of the tar.
        kind: char,
    },
    /// Another dialect of tar.
    #[error("the bundle's entry `{name}` is written in another dialect of tar than ustar")]
    Dialect {
        /// Which.
        name: String,
    },
    /// A name from the root of a file system.
    #[error("the bundle's entry `{name}` has an absolute name")]
    Absolute {
        /// Which.
        name: String,
    },
    /// A name that leads out of its folder.
    #[error("the bundle's entry `{name}` has a name that leads elsewhere")]
    Traversal {
        /// Which.
        name: String,
    },
    /// A name that nothing in a bundle has, or not there.
    #[error("the bundle's entry `{name}` has no place there")]
    Name {
        /// Which.
        name: String,
    },
    /// A name twice.
    #[error("the bundle has two entries `{name}`")]
    Duplicate {
        /// Which.
        name: String,
    },
    /// An entry longer than it may be.
    #[error("the bundle's entry `{name}` has {bytes} bytes, at most {bytes_max} may be")]
    TooLong {
        /// Which.
        name: String,
        /// How many it says it has.
        bytes: u64,
        /// How many it may have.
        bytes_max: u64,
    },
    /// More than there may be, however little room it took packed.
    #[error("{what} of the bundle: more than {max}")]
    TooMuch {
        /// What.
        what: &'static str,
        /// How much may be.
        max: u64,
    },
    /// One of its own files does not read.
    #[error("the bundle's `{name}` does not read")]
    Json {
        /// Which.
        name: String,
        /// Why not.
        source: serde_json::Error,
    },
    /// Entries are missing, or there are some too many.
    #[error("the bundle has {found} entries, and its end says {said}")]
    Count {
        /// How many there are.
        found: u64,
        /// How many there should be.
        said: u64,
    },
}

/// What the reader under the tar says when too much came out of the frame.
#[derive(Debug)]
pub(super) struct Unpacked(pub(super) u64);

impl fmt::Display for Unpacked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {} bytes came out of it", self.0)
    }
}

impl Error for Unpacked {}

impl BundleError {
    /// What reading said, by its name.
    pub(super) fn of(error: io::Error) -> Self {
        if let Some(Unpacked(max)) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
            return Self::TooMuch { what: "the unpacked bytes", max: *max };
        }
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::Truncated } else { Self::Malformed(error) }
    }
}
