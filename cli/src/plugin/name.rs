//! Names of plugins: what one may be, and why another may not.

/// The longest, in bytes.
const BYTES_MAX: usize = 64;
/// Names of crates that a plugin's own cannot have: it would hide them, or itself.
const TAKEN: &[&str] = &["aisle-plugin-sdk", "alloc", "core", "plugin", "proc-macro", "std", "test"];
/// Words of Rust: the crate of a plugin is named as the plugin is.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];

/// Holds a name to the rules.
///
/// # Errors
/// Says which rule is broken, and a name that keeps them where one is near.
pub(crate) fn check(name: &str) -> Result<String, String> {
    let wrong = |why: String| {
        let near = near(name);
        let hint = if near.is_empty() || near == name || refused(&near).is_some() {
            String::new()
        } else {
            format!(" (perhaps `{near}`)")
        };
        Err(format!("{why}{hint}"))
    };
    refused(name).map_or_else(|| Ok(name.to_owned()), wrong)
}

/// The first rule that a name breaks.
fn refused(name: &str) -> Option<String> {
    let Some(first) = name.chars().next() else { return Some("it is empty".into()) };
    let odd = name.chars().find(|letter| !matches!(letter, 'a'..='z' | '0'..='9' | '-'));
    if name.len() > BYTES_MAX {
        return Some(format!("it has {} letters; a receipt has room for {BYTES_MAX}", name.len()));
    }
    if let Some(odd) = odd {
        return Some(format!(
            "it has `{}`; it stands in addresses and file names, so a-z, 0-9 and `-` are all there is",
            odd.escape_default()
        ));
    }
    if !first.is_ascii_lowercase() {
        return Some("it is the name of a crate too, so it begins with a letter".into());
    }
    if name.ends_with('-') || name.contains("--") {
        return Some("a `-` stands between two words".into());
    }
    if TAKEN.contains(&name) {
        return Some("another crate has this name".into());
    }
    KEYWORDS.contains(&name).then(|| "it is a word of Rust, and the name of a crate too".into())
}

/// The nearest that keeps the rules.
fn near(name: &str) -> String {
    let mut near = String::new();
    // A capital begins a word, unless it goes on with one: `MyOffer` has two words, `VIP` is one.
    let mut after_small = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && after_small || !letter.is_ascii_alphanumeric() {
            near.push('-');
        }
        after_small = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        if letter.is_ascii_alphanumeric() {
            near.push(letter.to_ascii_lowercase());
        }
    }
    let words: Vec<&str> = near.split('-').filter(|word| !word.is_empty()).collect();
    let joined = words.join("-");
    let near = joined.trim_start_matches(|letter: char| !letter.is_ascii_lowercase());
    near.chars().take(BYTES_MAX).collect::<String>().trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{BYTES_MAX, check};

    #[test]
    fn good_names_stand() {
        for name in ["a", "my-offer", "three-for-2", &"x".repeat(BYTES_MAX)] {
            assert_eq!(check(name).as_deref(), Ok(name));
        }
    }

    #[test]
    fn others_are_refused_with_the_rule_and_a_name_that_is_near() {
        let cases = [
            ("My_Offer", "perhaps `my-offer`"),
            ("MyOffer", "perhaps `my-offer`"),
            ("3for2", "begins with a letter (perhaps `for2`)"),
            ("-offer", "perhaps `offer`"),
            ("a--b", "stands between two words (perhaps `a-b`)"),
            ("../away", "perhaps `away`"),
            ("core", "another crate"),
            ("match", "a word of Rust"),
            ("ünder", "it has `\\u{fc}`"),
        ];
        for (name, part) in cases {
            let reason = check(name).unwrap_err();
            assert!(reason.contains(part), "{name}: {reason}");
        }
        assert!(check(&"x".repeat(BYTES_MAX + 1)).unwrap_err().contains("room for 64"));
    }
}
