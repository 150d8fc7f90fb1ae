//! Which paths a delegation covers.
//!
//! A pattern has as many parts between slashes as the paths that it covers; within a part, `*` stands for any characters and `?` for one. What
//! else a shell would read into it covers nothing: a pattern that two readers understand differently would let somebody sign more for one of them.

use crate::digest::Digest;
use tough::schema::PathSet;

pub(crate) fn covers(paths: &PathSet, path: &str) -> bool {
    match paths {
        PathSet::Paths(patterns) => patterns.iter().any(|pattern| matches(pattern.value(), path)),
        PathSet::PathHashPrefixes(prefixes) => {
            let hash = Digest::sha256(path.as_bytes()).to_string();
            prefixes.iter().any(|prefix| {
                let prefix = prefix.value();
                !prefix.is_empty() && hash.starts_with(&prefix.to_ascii_lowercase())
            })
        }
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    if pattern.contains(['[', ']', '{', '}', '\\']) || pattern.contains("**") {
        return false;
    }
    let (mut patterns, mut parts) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(pattern), Some(part)) if part_matches(pattern, part) => {}
            _ => return false,
        }
    }
}

/// Walks both once, going back to the last `*` where they part: at most the product of both lengths.
fn part_matches(pattern: &str, part: &str) -> bool {
    let (mut pattern, mut part) = (pattern.chars(), part.chars());
    let mut back: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let mut wanted = pattern.clone();
        match wanted.next() {
            Some('*') => {
                pattern = wanted;
                back = Some((pattern.clone(), part.clone()));
                continue;
            }
            Some(c) => {
                let mut rest = part.clone();
                if rest.next().is_some_and(|found| c == '?' || c == found) {
                    (pattern, part) = (wanted, rest);
                    continue;
                }
            }
            None if part.as_str().is_empty() => return true,
            None => {}
        }
        // The last `*` takes one more character.
        let Some((after, from)) = &mut back else { return false };
        if from.next().is_none() {
            return false;
        }
        (pattern, part) = (after.clone(), from.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stays_within_its_part_and_a_pattern_that_could_be_read_twice_covers_nothing() {
        for (pattern, path) in [
            ("plugins/*/*", "plugins/buy-two/1.4.0.plugin"),
            ("foo-?.tgz", "foo-1.tgz"),
            ("*.md", "README.md"),
            ("a*b*c", "aXbXbc"),
            ("*", ""),
            ("ä?", "äö"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("plugins/*/*", "plugins/buy-two"),
            ("plugins/*/*", "plugins/a/b/c"),
            ("plugins/*/*", "prices/a/1.0.0.prices"),
            ("*.md", "releases/README.md"),
            ("*.md", "README.MD"),
            ("foo-?.tgz", "foo-alpha.tgz"),
            ("a*b*c", "aXbXbcd"),
            ("**", "anything"),
            ("[ab]", "a"),
            ("{a,b}", "a"),
            ("", "a"),
        ] {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }
}
