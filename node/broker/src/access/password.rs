//! Passwords: made, hashed and checked with Argon2id.
//!
//! Guards the bound on what a hash in the file may cost: its parameters are honoured within limits and refused beyond.

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::phc::{Output, Salt},
};

/// The longest password, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 1_024;

/// OWASP's choice for little memory: 7 MiB, five passes, one lane.
const MEMORY_KIB: u32 = 7_168;
const PASSES: u32 = 5;
const LANES: u32 = 1;

/// What a hash made elsewhere may ask for.
const MEMORY_KIB_MAX: u32 = 64 * 1_024;
const PASSES_MAX: u32 = 10;
const LANES_MAX: u32 = 4;

/// A password is made of these: none looks like another, none means anything to a shell.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Hashes a password for the file, in the PHC format; `None` when it is empty or too long.
pub fn hash_password(password: &[u8]) -> Option<String> {
    let fits = !password.is_empty() && password.len() <= PASSWORD_BYTES_MAX;
    let hasher = fits.then(hasher).flatten()?;
    Some(hasher.hash_password(password).ok()?.to_string())
}

/// A new password of 120 random bits.
pub fn random_password() -> String {
    let random: [u8; 24] = rand::random();
    random
        .iter()
        .filter_map(|byte| LETTERS.get(usize::from(byte % 32)))
        .map(|letter| char::from(*letter))
        .collect()
}

/// Reads a hash from the file.
pub(crate) fn parse(hash: &str) -> Result<PasswordHash, &'static str> {
    let hash = PasswordHash::new(hash).map_err(|_error| "a hash that begins with `$argon2id$v=19$`")?;
    if Algorithm::try_from(hash.algorithm.as_str()) != Ok(Algorithm::Argon2id) || hash.version != Some(19) {
        return Err("a hash that begins with `$argon2id$v=19$`");
    }
    let params = Params::try_from(&hash).map_err(|_error| "parameters `m=…,t=…,p=…`")?;
    let bounded =
        params.m_cost() <= MEMORY_KIB_MAX && params.t_cost() <= PASSES_MAX && params.p_cost() <= LANES_MAX;
    if !bounded {
        return Err("at most m=65536 (KiB), t=10 and p=4");
    }
    if hash.salt.is_none() || hash.hash.is_none_or(|output| output.as_bytes().len() < 16) {
        return Err("a salt and a hash of 16 bytes or more");
    }
    Ok(hash)
}

/// Whether the password is the one that was hashed. Takes milliseconds and megabytes: for blocking threads.
pub(crate) fn matches(password: &[u8], hash: &PasswordHash) -> bool {
    Argon2::default().verify_password(password, hash).is_ok()
}

/// A hash that no password matches, to spend on unknown devices the time that known ones take.
pub(crate) fn unmatchable() -> Option<PasswordHash> {
    let random: [u8; 32] = rand::random();
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    Some(PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: (&params).try_into().ok()?,
        salt: Some(Salt::generate()),
        hash: Output::new(&random).ok(),
    })
}

fn hasher() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}
