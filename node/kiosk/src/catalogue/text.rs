//! How names and search terms become tokens: lower case, without accents, words of letters and digits.
//!
//! A Chinese, Japanese or Korean character is a token by itself: those scripts put no spaces between words.

/// Calls `token` with each token of a text, in order.
pub(crate) fn tokens(text: &str, mut token: impl FnMut(&str)) {
    let mut word = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        let whole = is_cjk(c);
        if (whole || !is_part(c)) && !word.is_empty() {
            token(&word);
            word.clear();
        }
        if whole {
            token(c.encode_utf8(&mut [0; 4]));
        } else if c.is_alphanumeric() {
            fold(c, &mut word);
        }
    }
    if !word.is_empty() {
        token(&word);
    }
}

/// Apostrophes and combining accents belong to the word they stand in, and are not kept.
fn is_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\'' | '’' | '\u{300}'..='\u{36f}')
}

/// Ideographs, kana and Hangul.
fn is_cjk(c: char) -> bool {
    matches!(c,
        '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2ffff}')
}

/// Appends a lower-case letter without its accent.
fn fold(c: char, word: &mut String) {
    word.push(match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' | 'đ' | 'ð' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' | 'ħ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => 's',
        'ţ' | 'ť' | 'ŧ' | 'ț' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        'æ' => return word.push_str("ae"),
        'œ' => return word.push_str("oe"),
        'ß' => return word.push_str("ss"),
        'þ' => return word.push_str("th"),
        other => other,
    });
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn all(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        tokens(text, |token| found.push(token.to_owned()));
        found
    }

    #[test]
    fn words_lose_case_accents_and_apostrophes() {
        assert_eq!(all("Crème BRÛLÉE, Farmer's 2-pack"), ["creme", "brulee", "farmers", "2", "pack"]);
        assert_eq!(all("Straße e\u{301}te\u{301}"), ["strasse", "ete"]);
    }

    #[test]
    fn each_chinese_character_is_a_token() {
        assert_eq!(all("绿茶 tea杯"), ["绿", "茶", "tea", "杯"]);
    }

    #[test]
    fn a_text_without_letters_has_no_tokens() {
        assert!(all(" -*- ").is_empty());
    }
}
