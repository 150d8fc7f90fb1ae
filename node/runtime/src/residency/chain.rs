//! Whether receipts hold: each follows the one before it, is about the batch that it lies with, and is signed by the node.
//!
//! Not here: whether the payloads of a batch are those that its chain was computed over. The hub checks that before it acknowledges, and
//! `aisle-hub verify` again.

use aisle_event::LogClass;
use aisle_outbox::Issued;
use aisle_protocol::{Epoch, Hash, LogId, Point};
use aisle_residency::{
    Region,
    receipt::{Extent, first_of},
    signing::VerifyingKey,
};
use std::fmt;

/// The most faults that are told one by one.
pub(super) const FAULTS_MAX: usize = 100;

/// What is wrong with a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    class: LogClass,
    epoch: Epoch,
    number: u64,
    problem: Problem,
}

/// In which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Problem {
    /// It is of a log of another class than the one it lies in.
    Class,
    /// Its number is not the next one.
    Number { expected: u64 },
    /// It does not name the hash of the receipt before it.
    Previous,
    /// Its batch does not begin where the one before ended.
    Place,
    /// Its range, its heads or its policy are not those of its batch.
    Batch,
    /// It is for another region than those before it.
    Region,
    /// The signature is not the node's.
    Signature,
}

/// The last receipt that was looked at.
struct Last {
    log: LogId,
    region: Region,
    number: u64,
    hash: Hash,
    end: Point,
}

/// Goes over the receipts of one class in their order.
pub(super) struct Chain {
    pub(super) class: LogClass,
    key: Option<VerifyingKey>,
    last: Option<Last>,
    /// The first receipt, where those before it are no longer kept.
    pub(super) begins_at: Option<u64>,
    pub(super) receipts: u64,
    pub(super) faults_count: u64,
    /// The first of them.
    pub(super) faults: Vec<Fault>,
}

impl Chain {
    /// Of a class; without a key signatures are not looked at.
    pub(super) const fn new(class: LogClass, key: Option<VerifyingKey>) -> Self {
        Self { class, key, last: None, begins_at: None, receipts: 0, faults_count: 0, faults: Vec::new() }
    }

    /// Looks at the next one. True when nothing is wrong with it.
    pub(super) fn push(&mut self, issued: &Issued) -> bool {
        self.receipts += 1;
        let problems = self.problems(issued);
        let receipt = &issued.receipt;
        for problem in &problems {
            self.faults_count += 1;
            if self.faults.len() < FAULTS_MAX {
                let (epoch, number) = (receipt.log.epoch, receipt.number);
                self.faults.push(Fault { class: self.class, epoch, number, problem: *problem });
            }
        }
        self.last = Some(Last {
            log: receipt.log.clone(),
            region: receipt.region.clone(),
            number: receipt.number,
            hash: receipt.hash(),
            end: issued.header.end(),
        });
        problems.is_empty()
    }

    fn problems(&mut self, issued: &Issued) -> Vec<Problem> {
        let Issued { header, receipt, .. } = issued;
        let mut problems = Vec::new();
        if receipt.log.class != self.class || header.class != self.class {
            problems.push(Problem::Class);
        }
        match self.last.as_ref().filter(|last| last.log == receipt.log) {
            Some(last) => {
                let expected = last.number.saturating_add(1);
                if receipt.number != expected {
                    problems.push(Problem::Number { expected });
                }
                if receipt.previous != last.hash {
                    problems.push(Problem::Previous);
                }
                if header.start() != last.end {
                    problems.push(Problem::Place);
                }
                if receipt.region != last.region {
                    problems.push(Problem::Region);
                }
            }
            // Those before it were acknowledged, and removed in time.
            None if self.last.is_none() && receipt.number > 1 => self.begins_at = Some(receipt.number),
            None => {
                if receipt.number != 1 {
                    problems.push(Problem::Number { expected: 1 });
                }
                if receipt.previous != first_of(&receipt.log, &receipt.region) {
                    problems.push(Problem::Previous);
                }
                if header.start() != receipt.log.start() {
                    problems.push(Problem::Place);
                }
            }
        }
        let is_of_batch = receipt.extent == Extent::from(header)
            && receipt.policy == header.policy
            && receipt.log.epoch == header.epoch;
        if !is_of_batch {
            problems.push(Problem::Batch);
        }
        if self.key.is_some_and(|key| !receipt.is_signed_by(&key)) {
            problems.push(Problem::Signature);
        }
        problems
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { class, epoch, number, problem } = self;
        write!(f, "receipt {number} of {class}, epoch {epoch:?}: {problem}")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class => f.write_str("it is of another class"),
            Self::Number { expected } => write!(f, "the next one is {expected}"),
            Self::Previous => f.write_str("it does not follow the receipt before it"),
            Self::Place => f.write_str("its batch does not begin where the one before ended"),
            Self::Batch => f.write_str("it is not about the batch that it lies with"),
            Self::Region => f.write_str("it is for another region than the one before it"),
            Self::Signature => f.write_str("its signature is not the node's"),
        }
    }
}
