//! How a plugin says that it cannot answer. It counts as a failure, and the manifest's `on_failure` decides what follows.

use crate::Failure;

impl Failure {
    /// A failure, in words for the people who look after the plugin.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self { reason }
    }
}

impl From<&str> for Failure {
    fn from(reason: &str) -> Self {
        Self::new(reason)
    }
}
