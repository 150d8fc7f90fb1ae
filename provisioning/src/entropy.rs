//! Where random bytes come from: the operating system, or what a test passes in.
//!
//! Not here: the keys themselves. `ring` draws them from the operating system and takes no other source, so they are the one thing in
//! this crate that a seed does not repeat.

use ring::rand::SecureRandom as _;

/// Random bytes. What is drawn here becomes claim codes, serial numbers and salts, so it must be unpredictable outside tests.
pub trait Entropy {
    /// Fills the buffer.
    ///
    /// # Errors
    /// When there is no randomness to be had; nothing that needs it is done then.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no random bytes are to be had from the operating system")]
pub struct NoEntropy;

/// The operating system's generator.
#[derive(Debug, Clone)]
pub struct SystemEntropy(ring::rand::SystemRandom);

impl Default for SystemEntropy {
    fn default() -> Self {
        Self(ring::rand::SystemRandom::new())
    }
}

impl Entropy for SystemEntropy {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        self.0.fill(bytes).map_err(|_| NoEntropy)
    }
}

/// So many random bytes.
///
/// # Errors
/// When there are none.
pub fn array<const N: usize>(entropy: &mut dyn Entropy) -> Result<[u8; N], NoEntropy> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}
