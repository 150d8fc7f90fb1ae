//! What is done about boxes and claims, told in one place.
//!
//! One call for each thing that somebody did or was refused. It is a log line; a log that is chained and kept takes its place here and nowhere else.

/// Something that was done, or refused.
#[derive(Debug, Clone, Copy)]
pub struct Note<'a> {
    /// Who did it: a person, `hub`, or the box itself.
    pub who: &'a str,
    /// Where from; empty where it was on this machine.
    pub address: &'a str,
    /// What: a noun and a verb.
    pub action: &'static str,
    /// To what: `STORE/SERIAL`, a claim's locator.
    pub object: &'a str,
    /// `done`, or the code of the refusal.
    pub outcome: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// Tells it.
pub fn note(note: &Note<'_>) {
    let Note { who, address, action, object, outcome, reason } = *note;
    if outcome == "done" {
        tracing::info!(who, address, action, object, reason, "enrolment");
    } else {
        tracing::warn!(who, address, action, object, outcome, reason, "enrolment refused");
    }
}
