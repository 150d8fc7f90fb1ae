//! Whether what a hub gives as the first root of signed artefacts is one: its own keys must have signed it, as many as it says.
//!
//! Not here: whose root it is. A box that is claimed believes its hub once, and what comes later is held against what came first. Guards: what can never be opened is
//! not kept, since what is kept is never replaced.

use aisle_artefact::{Client, Limits, files::Files};
use std::io;

/// A folder that is empty and stays so: the root is judged as at its first use, and nothing of it is written.
struct Nowhere;

impl Files for Nowhere {
    fn read(&self, _: &str, _: u64) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn write(&mut self, _: &str, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn rename(&mut self, _: &str, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn remove(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a node may begin to trust this root; else why not.
pub(super) fn is_root(root: &[u8]) -> Result<(), String> {
    let begun = Client::init_with(Box::new(Nowhere), root, Limits::default());
    begun.map(drop).map_err(|error| crate::sync::words(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_artefact::{
        Draft, SigningKey,
        repository::{Keys, RootPlan},
    };
    use aisle_event::Timestamp;

    fn root(signed_by: &[u8]) -> Vec<u8> {
        let key = |seed: u8| SigningKey::from_seed(&[seed; 32]).unwrap();
        let keys = |seeds: &[u8]| {
            let keys = seeds.iter().map(|seed| key(*seed).public().clone()).collect();
            Keys { threshold: seeds.len() as u64, keys }
        };
        let plan = RootPlan {
            root: keys(&[1, 2]),
            targets: keys(&[3]),
            snapshot: keys(&[4]),
            timestamp: keys(&[5]),
        };
        let mut draft = Draft::root(1, &plan, Timestamp(1_795_348_800_000)).unwrap();
        signed_by.iter().for_each(|seed| draft.sign(&key(*seed)));
        draft.write().unwrap()
    }

    #[test]
    fn a_root_is_one_when_as_many_of_its_own_keys_have_signed_it_as_it_says() {
        assert_eq!(is_root(&root(&[1, 2])), Ok(()));
        for wrong in [root(&[]), root(&[1]), root(&[1, 3]), b"{}".to_vec(), b"{\"signed\":{}}".to_vec()] {
            let why = is_root(&wrong).unwrap_err();
            assert!(!why.is_empty());
        }
    }
}
