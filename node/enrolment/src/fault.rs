//! What stands between a box and its store, with a code that can be read out on the phone, its cause, and the next step.
//!
//! Not here: the table of codes (`aisle_provisioning::code`). Guards invariant 10: nothing goes wrong here without a code.

use aisle_provisioning::code::Code;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// The longest text of a hub that is shown.
const DETAIL_CHARS_MAX: usize = 400;

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The code.
    pub code: Code,
    /// The cause, this time.
    pub detail: String,
    /// When it is to be tried again at the earliest, in milliseconds, where the hub said so.
    pub retry_after_ms: Option<u64>,
}

impl std::error::Error for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.code.words())?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        write!(f, "\nhint: {}", self.code.next_step())
    }
}

impl Fault {
    /// A fault with its cause. What others wrote is cut, and loses what could steer a terminal.
    #[must_use]
    pub fn new(code: Code, detail: impl fmt::Display) -> Self {
        let detail = detail.to_string();
        let detail = detail.split("\nhint: ").next().unwrap_or_default().trim();
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let detail = detail.chars().map(plain).take(DETAIL_CHARS_MAX).collect();
        Self { code, detail, retry_after_ms: None }
    }

    /// An error with its causes, under a code.
    #[must_use]
    pub fn of(code: Code, error: &dyn std::error::Error) -> Self {
        let mut texts = Vec::new();
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            texts.push(text.split("\nhint: ").next().unwrap_or_default().to_owned());
            next = error.source();
        }
        texts.dedup();
        Self::new(code, texts.join(": "))
    }

    /// The same, to be tried again no sooner than the hub said.
    #[must_use]
    pub const fn not_before(mut self, ms: Option<u64>) -> Self {
        self.retry_after_ms = ms;
        self
    }

    /// For pages and commands.
    #[must_use]
    pub fn report(&self) -> FaultReport {
        FaultReport {
            code: self.code.to_string(),
            title: self.code.words().into(),
            detail: self.detail.clone(),
            next_step: self.code.next_step().into(),
            passing: self.code.is_passing(),
        }
    }
}

/// What went wrong, for pages and commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = EnrolmentFault)]
pub struct FaultReport {
    /// The code, such as `E-203`.
    #[schema(example = "E-203")]
    pub code: String,
    /// What it means.
    pub title: String,
    /// The cause, this time.
    pub detail: String,
    /// What to do next.
    pub next_step: String,
    /// It may go away by itself: the box goes on trying.
    pub passing: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_its_code_its_cause_and_the_next_step() {
        let fault = Fault::new(Code::ClaimUsed, "by box 4711\nhint: not this one");
        let said = fault.to_string();
        assert!(said.starts_with("E-203 "), "{said}");
        assert!(said.contains("(by box 4711)") && said.contains("\nhint: A claim works once."), "{said}");
        assert!(!fault.report().passing);
    }

    #[test]
    fn what_a_hub_says_steers_no_terminal_and_is_cut() {
        let fault = Fault::new(Code::Rejected, format!("\u{1b}[2J{}", "x".repeat(5_000)));
        assert!(!fault.detail.contains('\u{1b}') && fault.detail.len() <= DETAIL_CHARS_MAX);
    }
}
