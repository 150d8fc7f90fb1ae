//! The codes that an installer reads out on the phone: a number, what it means, what to do next.
//!
//! One table; the guide is generated from it ([`markdown`]), and so are the pages. Numbers are for ever: one that is not used any more is not given again.
//!
//! ```text
//! E-1xx  here, at the box        E-4xx  the request for a certificate
//! E-2xx  the claim               E-5xx  what headquarters decided
//! E-3xx  the hub, as a stranger  E-6xx  the hub's own affairs
//! ```

use std::{fmt, fmt::Write as _, str::FromStr};

macro_rules! codes {
    ($($(#[$meta:meta])* $name:ident = $number:literal, $status:literal, $again:expr, $words:literal, $next:literal;)+) => {
        /// What stands between a box and its store.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$meta])* #[doc = $words] $name,)+
        }

        impl Code {
            /// All of them, by number.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its number.
            #[must_use]
            pub const fn number(self) -> u16 {
                match self { $(Self::$name => $number),+ }
            }

            /// The status of an HTTP answer that carries it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status),+ }
            }

            /// Whether it goes away by itself, so that the box tries again without anybody.
            #[must_use]
            pub const fn is_passing(self) -> bool {
                match self { $(Self::$name => $again),+ }
            }

            /// What it means.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $(Self::$name => $words),+ }
            }

            /// What to do next.
            #[must_use]
            pub const fn next_step(self) -> &'static str {
                match self { $(Self::$name => $next),+ }
            }
        }
    };
}

codes! {
    CodeMistyped = 101, 400, false, "The claim code is mistyped.", "Compare it with the slip, group by group. Small letters and missing dashes do not matter.";
    CodeIncomplete = 102, 400, false, "The claim code is not complete.", "Type all five groups of five characters.";
    LinkUnreadable = 103, 400, false, "The claim link cannot be read.", "Scan the QR code again, or type the code alone and the hub's address.";
    HubUnnamed = 104, 400, false, "Nobody has said where the hub is called.", "Use the long form of the claim, give `--hub`, or set `enrolment.hub` in `aisle.toml`.";
    NoNetwork = 111, 503, true, "The box has no network.", "Look at the cable and the lamp beside it; the box needs an address from the store's router.";
    HubNotFound = 112, 503, true, "The hub's name is not known to the network.", "Compare the hub's address with the slip; then ask whoever runs the store's network about DNS.";
    HubUnreachable = 113, 503, true, "The hub does not answer.", "The store's firewall must let the box out to the hub's port; the slip names it. The box goes on trying.";
    DiskUnwritable = 121, 500, false, "The box cannot write its own key to its disk.", "Run `aisle-node doctor`; a full or a worn disk has to be seen to first.";
    SerialUnknown = 122, 400, false, "The box does not know its own serial.", "Set `node.serial` in `aisle.toml` to what is printed on the box.";
    ClaimUnknown = 201, 403, false, "There is no claim with this code.", "Look whether the slip is for this chain and this hub; else ask headquarters for a new claim.";
    ClaimExpired = 202, 403, false, "The claim has expired.", "Ask headquarters for a new claim.";
    ClaimUsed = 203, 403, false, "The claim was used already.", "A claim works once. Ask headquarters for a new one, and tell them if nobody of yours used this one.";
    ClaimWithdrawn = 204, 403, false, "The claim was withdrawn.", "Ask headquarters for a new claim.";
    ClaimOfOtherStore = 205, 403, false, "The claim is for another store.", "Compare the store on the slip with the store that the box is set up for.";
    ClaimOfOtherBox = 206, 403, false, "The claim is for another box.", "Compare the serial on the slip with the one on the box.";
    TooManyTries = 207, 429, true, "There were too many tries from here.", "Wait a quarter of an hour; the box goes on by itself.";
    ClaimNeeded = 208, 401, false, "The hub was asked without a claim and without a certificate.", "Type the claim code on the first page of the box.";
    NoHub = 301, 502, false, "What answered is no hub of Aisle.", "Compare the hub's address with the slip; a sign-in page of a guest network answers like this too.";
    HubOfOtherRoot = 302, 502, false, "The hub is not the one that the claim names.", "Do not go on. Read the fingerprint on the slip to headquarters: somebody may stand between.";
    HubUnproved = 303, 502, false, "The hub did not prove that it knows the claim.", "Compare the code and the hub's address with the slip, or use the long form of the claim.";
    HubNotTrusted = 304, 502, false, "The hub's certificate is not believed.", "If the hub was set up anew, this box needs a new claim; else tell headquarters.";
    RequestMalformed = 401, 400, false, "The request for a certificate cannot be read.", "Update the box's software; then try again.";
    RequestTooLarge = 402, 413, false, "The request for a certificate is too large.", "Update the box's software; then try again.";
    KeyRefused = 403, 400, false, "The key is of a kind that is not allowed.", "Make a key of ECDSA on P-256, as the box does by itself.";
    KeyUnproved = 404, 400, false, "The request is not signed by the key in it.", "Try again; if it stays, the box's disk may be damaged: run `aisle-node doctor`.";
    NameForeign = 405, 403, false, "The request is for somebody else's name.", "Compare chain, store and serial in `aisle.toml` with the slip.";
    RequestExcessive = 406, 403, false, "The request asks for more than a box gets.", "Ask for the identity alone, without further names, uses or rights.";
    AnswerUnusable = 411, 502, true, "The certificate that came back does not fit this box.", "The box asks again. If it stays, tell headquarters.";
    WaitsForApproval = 501, 202, true, "The box waits for approval at headquarters.", "Read the serial and the key's fingerprint to headquarters; they compare and approve. The box goes on by itself.";
    Rejected = 502, 403, false, "Headquarters rejected the box.", "Ask headquarters for the reason; with a new claim that an admin makes for its serial the box may come again.";
    Suspended = 503, 403, true, "Headquarters has suspended the box.", "Ask headquarters for the reason; the store goes on selling meanwhile.";
    Banned = 504, 403, false, "Headquarters has banned the box.", "The box gets no certificate. Ask headquarters; only a new claim that an admin makes for its serial lets it in again.";
    CertificateReplaced = 505, 403, false, "The certificate was replaced by a newer one.", "If the box was restored from a backup, it needs a new claim for its serial.";
    NodeUnknown = 506, 403, false, "The hub does not know this box.", "Ask headquarters for a claim; the hub may have been set up anew.";
    NotInThisState = 507, 409, false, "This cannot be done in the state that the box is in.", "Look at the box's page at headquarters; it says which state that is and what can be done.";
    CertificateExpired = 508, 403, true, "The certificate has run out.", "Nothing: the box gets a new one with its old key, unless it is banned.";
    CannotIssue = 601, 503, true, "The hub cannot issue certificates just now.", "At the hub: `aisle-hub ca show`; its issuing authority may be locked or have run out. The box goes on trying.";
    HubBusy = 602, 503, true, "The hub has too much to do.", "Nothing: the box waits and goes on by itself.";
    ListFull = 603, 507, true, "The hub's list of who may not come in is full.", "Tell headquarters: the answer says when there is room again, the hub's audit log which box filled the list. The box goes on trying.";
}

impl Code {
    /// The code with this number.
    #[must_use]
    pub fn of_number(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.number() == number)
    }

    /// One line for a page or a log: number, words, next step.
    #[must_use]
    pub fn line(self) -> String {
        format!("{self} {} {}", self.words(), self.next_step())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E-{:03}", self.number())
    }
}

/// A text begins with no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no code like `E-203`")]
pub struct InvalidCode;

impl FromStr for Code {
    type Err = InvalidCode;

    /// What follows the number does not matter: answers of a hub begin with a code.
    fn from_str(text: &str) -> Result<Self, InvalidCode> {
        let digits = text.strip_prefix("E-").and_then(|rest| rest.get(..3)).ok_or(InvalidCode)?;
        digits.parse().ok().and_then(Self::of_number).ok_or(InvalidCode)
    }
}

/// The table for the installer's guide.
#[must_use]
pub fn markdown() -> String {
    let mut table = String::from("| code | what it means | what to do next |\n| --- | --- | --- |\n");
    for code in Code::ALL {
        // Writing to a string has no way to fail.
        let _ = writeln!(table, "| {code} | {} | {} |", code.words(), code.next_step());
    }
    table
}
