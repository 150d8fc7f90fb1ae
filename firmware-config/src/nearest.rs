//! The nearest valid name to one that is none, for error messages. No heap.
//!
//! Not here: what is done with it. Guards invariant 10: an unknown name is answered with the one that was meant.

/// Longer names are compared by their first so many bytes.
const BYTES_MAX: usize = 48;

/// The candidate with the fewest changes to `name`, if they are few beside its length: one, two from 5 bytes, about a third further on.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let worst = (name.len().min(BYTES_MAX).saturating_add(1) / 3).max(1);
    candidates
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= worst)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Bytes to insert, delete or replace (Levenshtein), letters of either case being one.
fn distance(left: &str, right: &str) -> usize {
    let right = right.as_bytes().get(..right.len().min(BYTES_MAX)).unwrap_or_default();
    let mut row = [0_usize; BYTES_MAX + 1];
    row.iter_mut().enumerate().for_each(|(at, cell)| *cell = at);
    for (number, left) in left.bytes().take(BYTES_MAX).enumerate() {
        let mut diagonal = number;
        let mut before = number + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (cell, right) in row.iter_mut().skip(1).zip(right) {
            let replaced = diagonal + usize::from(!left.eq_ignore_ascii_case(right));
            diagonal = *cell;
            *cell = replaced.min(diagonal + 1).min(before + 1);
            before = *cell;
        }
    }
    row.get(right.len()).copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_found_and_another_word_is_not() {
        let names = ["interval_s", "offset", "threshold"];
        let near = |name| nearest(name, names.into_iter());
        assert_eq!(near("intervals"), Some("interval_s"));
        assert_eq!(near("Ofset"), Some("offset"));
        assert_eq!(near("offste"), Some("offset"));
        assert_eq!(near("colour"), None);
        assert_eq!(near(""), None);
    }

    #[test]
    fn the_distance_is_that_of_levenshtein() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("same", "SAME"), 0);
    }
}
