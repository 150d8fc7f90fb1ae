//! Past sessions by number and by item, packed: two flat arrays each way.
//!
//! Sessions are numbered by age, the oldest first, so that a larger number is a more recent session and a posting
//! list (newest first) is sorted by number. A delta goes on with the numbers where its base ends.

/// Lists of numbers, one after another.
#[derive(Debug)]
pub(crate) struct Lists {
    /// Where each list starts, and the end of the last.
    starts: Vec<u32>,
    values: Vec<u32>,
}

impl Lists {
    pub(crate) fn get(&self, index: usize) -> &[u32] {
        match (self.starts.get(index), self.starts.get(index + 1)) {
            (Some(&start), Some(&end)) => self.values.get(start as usize..end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }
}

/// Sessions and what they hold; items and the most recent sessions that hold them.
#[derive(Debug)]
pub(crate) struct SessionIndex {
    /// The number of the oldest session here.
    first: u32,
    sessions: Lists,
    postings: Lists,
    /// How many sessions hold each item; a posting list may be cut shorter.
    frequency: Vec<u32>,
    occurrences: u64,
}

impl SessionIndex {
    /// Indexes sessions, oldest first, each a list of distinct items below `items`. `recent_max` bounds a posting list.
    pub(crate) fn build<'a>(
        first: u32,
        sessions: impl DoubleEndedIterator<Item = &'a [u32]> + Clone,
        items: usize,
        recent_max: usize,
    ) -> Self {
        let (mut starts, mut values, mut frequency) = (vec![0], Vec::new(), vec![0_u32; items]);
        for session in sessions.clone() {
            values.extend_from_slice(session);
            starts.push(values.len() as u32);
            for &item in session {
                if let Some(count) = frequency.get_mut(item as usize) {
                    *count += 1;
                }
            }
        }
        let occurrences = values.len() as u64;
        let mut end = first + starts.len() as u32 - 1;
        let sessions_packed = Lists { starts, values };

        let mut room: Vec<u32> = frequency.iter().map(|&count| count.min(recent_max as u32)).collect();
        let mut starts = Vec::with_capacity(items + 1);
        let mut total = 0;
        starts.push(0);
        for &length in &room {
            total += length;
            starts.push(total);
        }
        let mut values = vec![0; total as usize];
        for session in sessions.rev() {
            end -= 1;
            for &item in session {
                let item = item as usize;
                let (Some(room), Some(&list_end)) = (room.get_mut(item), starts.get(item + 1)) else {
                    continue;
                };
                if *room > 0 {
                    if let Some(value) = values.get_mut((list_end - *room) as usize) {
                        *value = end;
                    }
                    *room -= 1;
                }
            }
        }
        Self { first, sessions: sessions_packed, postings: Lists { starts, values }, frequency, occurrences }
    }

    /// The items of a session, in the order in which it saw them.
    pub(crate) fn session(&self, number: u32) -> Option<&[u32]> {
        number.checked_sub(self.first).map(|index| self.sessions.get(index as usize))
    }

    /// The most recent sessions that hold an item, newest first.
    pub(crate) fn posting(&self, item: u32) -> &[u32] {
        self.postings.get(item as usize)
    }

    /// How many sessions hold each item, by item.
    pub(crate) fn frequency(&self) -> &[u32] {
        &self.frequency
    }

    /// The sum of the lengths of all sessions.
    pub(crate) fn occurrences(&self) -> u64 {
        self.occurrences
    }

    /// How many sessions there are.
    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// The number that the next more recent session would have.
    pub(crate) fn end(&self) -> u32 {
        self.first + self.len() as u32
    }
}

/// The inverse document frequency of items, kept as logarithms: `ln(occurrences) - ln(frequency)`.
#[derive(Debug)]
pub(crate) struct Idf {
    ln_occurrences: f64,
    ln_frequency: Vec<f64>,
}

impl Idf {
    pub(crate) fn of(index: &SessionIndex) -> Self {
        Self {
            ln_occurrences: (index.occurrences().max(1) as f64).ln(),
            ln_frequency: index.frequency().iter().map(|&count| f64::from(count.max(1)).ln()).collect(),
        }
    }

    /// As if the sessions of both indexes were in one.
    pub(crate) fn of_both(base: &SessionIndex, base_idf: &Self, delta: &SessionIndex) -> Self {
        let mut ln_frequency = base_idf.ln_frequency.clone();
        ln_frequency.resize(delta.frequency().len(), 0.0);
        for (item, (ln, &recent)) in ln_frequency.iter_mut().zip(delta.frequency()).enumerate() {
            if recent > 0 {
                let count = recent + base.frequency().get(item).copied().unwrap_or(0);
                *ln = f64::from(count).ln();
            }
        }
        let occurrences = base.occurrences() + delta.occurrences();
        Self { ln_occurrences: (occurrences.max(1) as f64).ln(), ln_frequency }
    }

    pub(crate) fn get(&self, item: u32) -> f64 {
        self.ln_occurrences - self.ln_frequency.get(item as usize).copied().unwrap_or(0.0)
    }
}
