//! The hash chain: `h_n = BLAKE3(h_{n-1} ‖ seq ‖ hybrid time ‖ kind ‖ payload)`, which is the record behind its checksum.
//!
//! Who knows one head can tell whether any record before it was changed, left out or put in. Checksum and length are
//! left out on purpose: they belong to one journal's file, while the chain is what the store can prove to others.

/// The hash that stands for everything up to one record.
pub type Head = [u8; 32];

/// The head before the first record of a journal.
#[must_use]
pub fn genesis(journal: &[u8; 16]) -> Head {
    *blake3::hash(journal).as_bytes()
}

/// Extends a head, record by record.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    head: Head,
    // One contiguous input is hashed twice as fast as two short updates of an incremental hasher.
    input: Vec<u8>,
}

impl Chain {
    pub(crate) const fn after(head: Head) -> Self {
        Self { head, input: Vec::new() }
    }

    pub(crate) const fn head(&self) -> Head {
        self.head
    }

    /// Goes on after a head that was found rather than computed.
    pub(crate) const fn resume(&mut self, head: Head) {
        self.head = head;
    }

    pub(crate) fn push(&mut self, chained: &[u8]) {
        self.input.clear();
        self.input.extend_from_slice(&self.head);
        self.input.extend_from_slice(chained);
        self.head = *blake3::hash(&self.input).as_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_depends_on_every_record_and_their_order() {
        let head_of = |records: &[&[u8]]| {
            let mut chain = Chain::after([0; 32]);
            records.iter().for_each(|record| chain.push(record));
            chain.head()
        };
        let heads = [head_of(&[b"a", b"b"]), head_of(&[b"b", b"a"]), head_of(&[b"a"]), head_of(&[b"ab"])];
        for (i, head) in heads.iter().enumerate() {
            assert!(!heads[..i].contains(head), "{i}");
        }
    }
}
