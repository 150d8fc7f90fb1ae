//! Where passphrases come from: a file, systemd's credentials, or somebody who types them. None is ever logged or kept.

use crate::config::PassphraseSource;
use aisle_provisioning::{
    entropy::{self, NoEntropy, SystemEntropy},
    key::{InvalidPassphrase, PASSPHRASE_BYTES_MAX, Passphrase},
};
use data_encoding::BASE32_NOPAD;
use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, IsTerminal as _, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Why there is no passphrase.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// The file cannot be read or made.
    #[error("cannot use the passphrase file `{}`", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// systemd gives none.
    #[error(
        "there is no credential `{name}`\nhint: the unit needs `LoadCredentialEncrypted={name}:…`, and the hub has to be started by systemd"
    )]
    NoCredentials {
        /// Its name.
        name: String,
    },
    /// Nobody can type one.
    #[error(
        "{what} has to be typed, and there is no terminal\nhint: `enrolment.passphrase` may be `credential:NAME` or `file:PATH`"
    )]
    NoTerminal {
        /// Which passphrase.
        what: &'static str,
    },
    /// It could not be read from the terminal.
    #[error("{what} could not be read from the terminal")]
    Terminal {
        /// Which passphrase.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// It was typed in two ways.
    #[error("the two are not the same\nhint: try again")]
    Apart,
    /// It is none.
    #[error(transparent)]
    Invalid(#[from] InvalidPassphrase),
    /// There is no randomness for a new one.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

fn read_file(path: &Path) -> Result<Zeroizing<String>, PassphraseError> {
    let failed = |source| PassphraseError::File { path: path.to_owned(), source };
    let mut text = Zeroizing::new(String::new());
    let file = File::open(path).map_err(failed)?;
    // Its line's end, and one more byte, so that what is too long is seen.
    file.take(PASSPHRASE_BYTES_MAX as u64 + 3).read_to_string(&mut text).map_err(failed)?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Reads a passphrase; `what` it is, somebody who has to type it is told.
///
/// # Errors
/// When there is none.
pub fn read(source: &PassphraseSource, what: &'static str) -> Result<Passphrase, PassphraseError> {
    Ok(Passphrase::new(&read_text(source, what)?)?)
}

/// The same as text, for what is sealed by others.
///
/// # Errors
/// When there is none.
pub fn read_text(
    source: &PassphraseSource,
    what: &'static str,
) -> Result<Zeroizing<String>, PassphraseError> {
    match source {
        PassphraseSource::File(path) => read_file(path),
        PassphraseSource::Credential(name) => {
            let missing = || PassphraseError::NoCredentials { name: name.clone() };
            let folder = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(missing)?;
            read_file(&Path::new(&folder).join(name))
        }
        PassphraseSource::Prompt => typed_text(what),
    }
}

/// A passphrase for a key that is made now: typed twice, or in a file that is made with a random one where it is not there.
///
/// # Errors
/// When there is none.
pub fn choose(source: &PassphraseSource, what: &'static str) -> Result<Passphrase, PassphraseError> {
    Ok(Passphrase::new(&choose_text(source, what)?)?)
}

/// The same as text, for what is sealed by others.
///
/// # Errors
/// When there is none.
pub fn choose_text(
    source: &PassphraseSource,
    what: &'static str,
) -> Result<Zeroizing<String>, PassphraseError> {
    match source {
        PassphraseSource::File(path) if !path.exists() => make_file(path),
        PassphraseSource::Prompt => {
            let first = typed_text(what)?;
            let again = typed_text("the same again")?;
            if *first == *again { Ok(first) } else { Err(PassphraseError::Apart) }
        }
        source => read_text(source, what),
    }
}

fn make_file(path: &Path) -> Result<Zeroizing<String>, PassphraseError> {
    let failed = |source| PassphraseError::File { path: path.to_owned(), source };
    let bytes: Zeroizing<[u8; 20]> = Zeroizing::new(entropy::array(&mut SystemEntropy::default())?);
    let text = Zeroizing::new(BASE32_NOPAD.encode(&*bytes).to_lowercase());
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| {
        writeln!(file, "{}", *text)?;
        file.sync_all()
    });
    written.map_err(failed)?;
    Ok(text)
}

fn typed_text(what: &'static str) -> Result<Zeroizing<String>, PassphraseError> {
    if !io::stdin().is_terminal() {
        return Err(PassphraseError::NoTerminal { what });
    }
    let text = rpassword::prompt_password(format!("{what}: "));
    text.map(Zeroizing::new).map_err(|source| PassphraseError::Terminal { what, source })
}
