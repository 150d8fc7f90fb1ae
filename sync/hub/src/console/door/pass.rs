//! The pass of whoever runs the hub: until when, sealed by the hub's token.
//!
//! It is not the token: it opens pages and no other interface, ends within an hour, and is worth nothing once the token is another one. Nothing of it is kept.

use crate::http::Token;

/// How long a pass is worth something, in seconds.
pub(super) const VALID_S: i64 = 3_600;

/// A pass until a moment, in seconds since 1970.
pub(super) fn make(token: &Token, until_s: i64) -> String {
    format!("{until_s}.{}", token.seal(format!("console {until_s}").as_bytes()).to_hex())
}

/// True for a pass that this token made and whose time is not over.
pub(super) fn is_good(token: &Token, pass: &str, now_s: i64) -> bool {
    let Some((until, seal)) = pass.split_once('.') else { return false };
    let (Ok(until), Ok(seal)) = (until.parse::<i64>(), blake3::Hash::from_hex(seal)) else { return false };
    // Hashes are compared in constant time. A clock that was ahead makes no pass that lasts.
    let is_ours = seal == token.seal(format!("console {until}").as_bytes());
    is_ours && until > now_s && until <= now_s.saturating_add(VALID_S).saturating_add(300)
}

/// What forms of who has this pass carry besides it.
pub(super) fn csrf(token: &Token, pass: &str) -> String {
    token.seal(format!("console form {pass}").as_bytes()).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_is_worth_something_for_its_hour_and_its_token_only() {
        let token = Token::of("a-token-of-sixteen-characters");
        let made = make(&token, 1_000 + VALID_S);
        assert!(made.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.'), "{made}");
        assert!(is_good(&token, &made, 1_000));
        assert!(is_good(&token, &made, 1_000 + VALID_S - 1));
        assert!(!is_good(&token, &made, 1_000 + VALID_S), "its time is over");
        assert!(!is_good(&token, &made, 0), "a pass from the future");
        assert!(!is_good(&Token::of("another-token-of-sixteen"), &made, 1_000));
        let longer = made.replacen('4', "5", 1);
        for forged in ["", ".", "1.2", "x.y", &longer, &made[..made.len() - 1]] {
            assert!(!is_good(&token, forged, 1_000), "{forged}");
        }
        assert_ne!(csrf(&token, &made), csrf(&token, &longer));
        assert!(!made.contains(&csrf(&token, &made)));
    }
}
