//! The nodes below a node, by the name of their level.
//!
//! Most nodes have a child or two, some have thousands. Few are a list, which is smaller than a table and found in faster; many
//! are a table.

use compact_str::CompactString;
use std::{
    collections::HashMap,
    hash::{BuildHasher, DefaultHasher, RandomState},
    sync::LazyLock,
};

/// With more they become a table, with half of it a list again.
const FEW_MAX: usize = 8;

pub(super) enum Children<N> {
    Few(Vec<(CompactString, Box<N>)>),
    Many(HashMap<CompactString, Box<N>, Keyed>),
}

impl<N> Default for Children<N> {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl<N: Default> Children<N> {
    pub(super) fn get(&self, level: &str) -> Option<&N> {
        match self {
            Self::Few(few) => few.iter().find(|(name, _)| name == level).map(|(_, node)| &**node),
            Self::Many(many) => many.get(level).map(|node| &**node),
        }
    }

    pub(super) fn get_mut(&mut self, level: &str) -> Option<&mut N> {
        match self {
            Self::Few(few) => few.iter_mut().find(|(name, _)| name == level).map(|(_, node)| &mut **node),
            Self::Many(many) => many.get_mut(level).map(|node| &mut **node),
        }
    }

    pub(super) fn get_or_insert(&mut self, level: &str) -> &mut N {
        if let Self::Few(few) = self
            && few.len() >= FEW_MAX
            && few.iter().all(|(name, _)| name != level)
        {
            *self = Self::Many(few.drain(..).collect());
        }
        match self {
            Self::Few(few) => {
                let at = few.iter().position(|(name, _)| name == level).unwrap_or_else(|| {
                    if few.is_empty() {
                        few.reserve_exact(1);
                    }
                    few.push((level.into(), Box::default()));
                    few.len() - 1
                });
                #[expect(clippy::indexing_slicing, reason = "found or pushed above")]
                &mut few[at].1
            }
            Self::Many(many) => many.entry(level.into()).or_default(),
        }
    }

    pub(super) fn remove(&mut self, level: &str) {
        match self {
            Self::Few(few) => few.retain(|(name, _)| name != level),
            Self::Many(many) => {
                many.remove(level);
                if many.len() <= FEW_MAX / 2 {
                    *self = Self::Few(many.drain().collect());
                } else if many.len() < many.capacity() / 4 {
                    many.shrink_to(many.len() * 2);
                }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Few(few) => few.is_empty(),
            Self::Many(many) => many.is_empty(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &N> {
        let (few, many) = match self {
            Self::Few(few) => (Some(few), None),
            Self::Many(many) => (None, Some(many)),
        };
        let few = few.into_iter().flatten().map(|(_, node)| &**node);
        few.chain(many.into_iter().flat_map(HashMap::values).map(|node| &**node))
    }
}

/// Level names are chosen by clients, so the hash has a key that they do not know: with a public one, names that collide would
/// make a table a list. The key is one for all tables, which so need not hold it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Keyed;

static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl BuildHasher for Keyed {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        KEY.build_hasher()
    }
}
