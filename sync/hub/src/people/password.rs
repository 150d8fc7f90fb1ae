//! Passwords: what is one, how it is kept (Argon2id), and how it is checked.
//!
//! A check takes tens of milliseconds and megabytes on purpose: it runs on blocking threads, so many at once and no more. Who is not known costs
//! the same as who is. A hash that was made with other parameters than now is made again at the next sign-in. Not here: how often somebody may
//! try ([`super::lockout`]). Only this module names `argon2` in the hub.

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::phc::{Output, Salt},
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The fewest characters of a password.
pub const CHARS_MIN: usize = 12;
/// The longest password, in bytes.
pub const BYTES_MAX: usize = 1_024;
/// The most checks at once; further ones wait.
const TOGETHER_MAX: usize = 4;
/// How long a check waits for its turn; then whoever asks is told to come again.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// What a check costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

/// OWASP's first choice: 19 MiB, two passes, one lane. (Devices have another one of OWASP's: a store's box has less memory.)
impl Default for Cost {
    fn default() -> Self {
        Self { memory_kib: 19 * 1_024, passes: 2, lanes: 1 }
    }
}

/// Why a password is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PasswordError {
    /// Too short.
    #[error("has {0} characters, expected at least {CHARS_MIN}")]
    Short(usize),
    /// Too long.
    #[error("has more than {BYTES_MAX} bytes")]
    Long,
    /// The name itself, or one character again and again.
    #[error("is the name, or one character again and again: choose another one")]
    Plain,
}

/// Why nothing was checked or hashed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HashError {
    /// Too many at once.
    #[error("too many passwords are being checked")]
    Busy,
    /// The parameters are none, or the system gives no randomness.
    #[error("no hash can be made of a password")]
    Impossible,
}

/// A password as somebody has given it. It is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// What was given at a sign-in: it is right or wrong, whatever it looks like.
    #[must_use]
    pub fn given(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// One that somebody of this name wants to have from now on.
    ///
    /// # Errors
    /// When it is too short, too long, or the name.
    pub fn chosen(text: &str, name: &str) -> Result<Self, PasswordError> {
        let count = text.chars().count();
        if text.len() > BYTES_MAX {
            return Err(PasswordError::Long);
        }
        if count < CHARS_MIN {
            return Err(PasswordError::Short(count));
        }
        let mut letters = text.chars();
        let first = letters.next();
        if text.trim().to_lowercase() == name.trim().to_lowercase()
            || letters.all(|letter| Some(letter) == first)
        {
            return Err(PasswordError::Plain);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Makes and checks hashes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Passwords {
    cost: Cost,
    turns: Arc<Semaphore>,
    checked: Arc<AtomicU64>,
}

impl Passwords {
    /// At a cost.
    #[must_use]
    pub fn new(cost: Cost) -> Self {
        Self { cost, turns: Arc::new(Semaphore::new(TOGETHER_MAX)), checked: Arc::default() }
    }

    /// How many checks were paid for, of people who are known and of others.
    #[must_use]
    pub fn checked(&self) -> u64 {
        self.checked.load(Ordering::Relaxed)
    }

    /// Waits for a turn: whoever checks or hashes a password has one, from before it is looked whether they may try until what came of it is
    /// written. So of many tries at once no more than a few are under way.
    ///
    /// # Errors
    /// When too many wait.
    pub async fn turn(&self) -> Result<Turn, HashError> {
        let turn = tokio::time::timeout(WAIT_MAX, self.turns.clone().acquire_owned()).await;
        Ok(Turn(Arc::new(turn.map_err(|_| HashError::Busy)?.map_err(|_| HashError::Busy)?)))
    }

    /// Hashes a password, in the PHC format.
    ///
    /// # Errors
    /// When no hash can be made.
    pub async fn hash(&self, turn: &Turn, password: Password) -> Result<String, HashError> {
        let cost = self.cost;
        aside(turn, move || {
            let hash = hasher(cost)?.hash_password(password.0.as_bytes()).ok()?;
            Some(hash.to_string())
        })
        .await?
        .ok_or(HashError::Impossible)
    }

    /// Whether the password is the one that was hashed. Without a hash nothing is right, and it takes as long.
    ///
    /// # Errors
    /// When it cannot be checked.
    pub async fn matches(
        &self,
        turn: &Turn,
        password: Password,
        hash: Option<String>,
    ) -> Result<bool, HashError> {
        let cost = self.cost;
        self.checked.fetch_add(1, Ordering::Relaxed);
        aside(turn, move || {
            let known = hash.and_then(|hash| PasswordHash::new(&hash).ok());
            let is_known = known.is_some();
            let Some(hash) = known.or_else(|| unmatchable(cost)) else { return false };
            let matches = password.0.len() <= BYTES_MAX
                && Argon2::default().verify_password(password.0.as_bytes(), &hash).is_ok();
            matches && is_known
        })
        .await
    }

    /// Whether a hash was made at another cost than now.
    #[must_use]
    pub fn is_outdated(&self, hash: &str) -> bool {
        let params = PasswordHash::new(hash).ok().and_then(|hash| Params::try_from(&hash).ok());
        let cost = params.map(|params| Cost {
            memory_kib: params.m_cost(),
            passes: params.t_cost(),
            lanes: params.p_cost(),
        });
        cost != Some(self.cost)
    }
}

/// Somebody's turn to check or hash. The next one's comes when it is dropped, and what runs for it has ended.
#[derive(Debug, Clone)]
pub struct Turn(#[expect(dead_code, reason = "it is held, not looked at")] Arc<OwnedSemaphorePermit>);

async fn aside<T: Send + 'static>(
    turn: &Turn,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, HashError> {
    let turn = turn.clone();
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    });
    done.await.map_err(|_| HashError::Impossible)
}

fn hasher(cost: Cost) -> Option<Argon2<'static>> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// A hash that no password matches.
fn unmatchable(cost: Cost) -> Option<PasswordHash> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None).ok()?;
    Some(PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: (&params).try_into().ok()?,
        salt: Some(Salt::generate()),
        // Of zeros: nobody knows a password to it, and what matches it is still nobody's (see above).
        hash: Output::new(&[0; 32]).ok(),
    })
}
