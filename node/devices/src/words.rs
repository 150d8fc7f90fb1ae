//! Texts of any origin as names: what cannot stand in a name is put right instead of refused.

use aisle_event::{Name, id::NAME_BYTES_MAX};

/// The text without control characters and outer white space, cut off at the longest that a name can be; `-` when nothing is
/// left.
pub(crate) fn name(text: &str) -> Name {
    let mut clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    clean.truncate(clean.floor_char_boundary(NAME_BYTES_MAX));
    #[expect(clippy::expect_used, reason = "one dash is a name")]
    Name::new(clean.trim()).unwrap_or_else(|_| Name::new("-").expect("a name"))
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn any_text_becomes_a_name() {
        assert_eq!(name("").as_str(), "-");
        assert_eq!(name(" \n ").as_str(), "-");
        assert_eq!(name(" a\nb ").as_str(), "a b");
        assert_eq!(name(&"ü".repeat(300)).as_str().len(), 256);
        assert_eq!(name(&format!("{} {}", "x".repeat(255), "y")).as_str(), "x".repeat(255));
    }
}
