//! What a store has acknowledged: the sales whose answer a seller has read.

use anyhow::{Result, bail, ensure};
use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The sales of one store.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    documents: BTreeSet<String>,
    repeated: u64,
}

impl Ledger {
    /// A sale was answered, with this document, after so many attempts.
    pub(super) fn sold(&self, document: &str, attempts: u32) -> Result<()> {
        let mut pages = self.lock();
        ensure!(pages.documents.insert(document.to_owned()), "two sales have the document `{document}`");
        pages.repeated += u64::from(attempts > 1);
        Ok(())
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.lock().documents.len() as u64
    }

    /// Sales whose first answer did not come.
    pub(super) fn repeated(&self) -> u64 {
        self.lock().repeated
    }

    /// Every sale that was acknowledged is in the journal, and none is there twice. The journal's documents are sorted.
    pub(super) fn check_journal(&self, recorded: &[String]) -> Result<()> {
        if let Some(twice) = twice(recorded) {
            bail!("sale `{twice}` is in the journal twice");
        }
        let pages = self.lock();
        let lost = pages.documents.iter().find(|document| recorded.binary_search(document).is_err());
        match lost {
            Some(lost) => bail!("sale `{lost}` was acknowledged and is not in the journal"),
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A document that comes twice in a sorted list.
pub(super) fn twice(sorted: &[String]) -> Option<&str> {
    sorted.windows(2).find_map(|pair| match pair {
        [one, next] if one == next => Some(one.as_str()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::Ledger;

    #[test]
    fn an_acknowledged_sale_that_is_not_in_the_journal_is_named_and_so_is_one_that_is_there_twice() {
        let ledger = Ledger::default();
        ledger.sold("T-1", 1).unwrap();
        ledger.sold("T-2", 3).unwrap();
        assert_eq!((ledger.acknowledged(), ledger.repeated()), (2, 1));
        let journal = |documents: &[&str]| documents.iter().map(ToString::to_string).collect::<Vec<_>>();
        ledger.check_journal(&journal(&["T-0", "T-1", "T-2"])).unwrap();
        let lost = ledger.check_journal(&journal(&["T-1"])).unwrap_err().to_string();
        assert!(lost.contains("`T-2` was acknowledged"), "{lost}");
        let twice = ledger.check_journal(&journal(&["T-1", "T-2", "T-2"])).unwrap_err().to_string();
        assert!(twice.contains("`T-2` is in the journal twice"), "{twice}");
        assert!(ledger.sold("T-1", 1).is_err());
    }
}
