//! JSON as tokens (RFC 8259), strictly: no comments, no trailing commas, no numbers that JSON has not.
//!
//! Not here: values. Any bytes are tokens or wrong; nothing is read twice but texts.

use super::reader::{Entries, Scratch, Source, Token, Wrong};

const CUT: Wrong = "is cut off";
const TOO_LONG: Wrong = "is a text that is too long";

pub(super) struct Json<'de> {
    bytes: &'de [u8],
    at: usize,
}

impl<'de> Json<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Result<u8, Wrong> {
        let byte = self.peek().ok_or(CUT)?;
        self.at += 1;
        Ok(byte)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &[u8], token: Token<'de>) -> Result<Token<'de>, Wrong> {
        let is_it = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        self.at += word.len();
        if is_it { Ok(token) } else { Err("is no JSON value") }
    }

    fn digits(&mut self) -> Result<(), Wrong> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err("is no JSON number");
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Token<'de>, Wrong> {
        let from = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        let mut is_whole = true;
        if self.peek() == Some(b'.') {
            is_whole = false;
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            is_whole = false;
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let text = self.text_of(from)?;
        if is_whole {
            if let Ok(value) = text.parse() {
                return Ok(Token::Unsigned(value));
            }
            if let Ok(value) = text.parse() {
                return Ok(Token::Signed(value));
            }
        }
        text.parse().map(Token::Float).map_err(|_| "is no JSON number")
    }

    fn text_of(&self, from: usize) -> Result<&'de str, Wrong> {
        let bytes = self.bytes.get(from..self.at).ok_or(CUT)?;
        core::str::from_utf8(bytes).map_err(|_| "is not UTF-8")
    }

    /// After the opening quote. Without an escape the text is as it stands.
    fn text(&mut self, scratch: &mut Scratch) -> Result<Token<'de>, Wrong> {
        let from = self.at;
        self.plain()?;
        if self.peek() == Some(b'"') {
            let text = self.text_of(from)?;
            self.at += 1;
            return Ok(Token::Text(text));
        }
        scratch.clear();
        scratch.push_str(self.text_of(from)?).map_err(|_| TOO_LONG)?;
        loop {
            let from = self.at;
            self.plain()?;
            scratch.push_str(self.text_of(from)?).map_err(|_| TOO_LONG)?;
            if self.next()? == b'"' {
                return Ok(Token::Scratch);
            }
            let character = self.escape()?;
            scratch.push(character).map_err(|_| TOO_LONG)?;
        }
    }

    /// Goes to the next quote or backslash.
    fn plain(&mut self) -> Result<(), Wrong> {
        loop {
            match self.peek().ok_or(CUT)? {
                b'"' | b'\\' => return Ok(()),
                ..0x20 => return Err("has a control character in a text"),
                _ => self.at += 1,
            }
        }
    }

    /// After the backslash.
    fn escape(&mut self) -> Result<char, Wrong> {
        Ok(match self.next()? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                const HALF: Wrong = "has half of a surrogate pair in a text";
                let first = self.hex()?;
                let code = match first {
                    0xd800..=0xdbff => {
                        if (self.next()?, self.next()?) != (b'\\', b'u') {
                            return Err(HALF);
                        }
                        match self.hex()? {
                            second @ 0xdc00..=0xdfff => {
                                0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                            }
                            _ => return Err(HALF),
                        }
                    }
                    other => other,
                };
                char::from_u32(code).ok_or(HALF)?
            }
            _ => return Err("has an unknown escape in a text"),
        })
    }

    fn hex(&mut self) -> Result<u32, Wrong> {
        (0..4).try_fold(0, |code, _| {
            let digit = char::from(self.next()?).to_digit(16).ok_or("has an unknown escape in a text")?;
            Ok(code << 4 | digit)
        })
    }
}

impl<'de> Source<'de> for Json<'de> {
    fn token(&mut self, scratch: &mut Scratch) -> Result<Token<'de>, Wrong> {
        self.space();
        let entries = |end| Entries { left: None, is_first: true, end };
        match self.peek().ok_or(if self.bytes.is_empty() { "is empty" } else { CUT })? {
            b'{' => {
                self.at += 1;
                Ok(Token::Map(entries(b'}')))
            }
            b'[' => {
                self.at += 1;
                Ok(Token::Array(entries(b']')))
            }
            b'"' => {
                self.at += 1;
                self.text(scratch)
            }
            b'n' => self.word(b"null", Token::Null),
            b't' => self.word(b"true", Token::Bool(true)),
            b'f' => self.word(b"false", Token::Bool(false)),
            b'-' | b'0'..=b'9' => self.number(),
            _ => Err("is no JSON value"),
        }
    }

    fn is_null(&mut self) -> bool {
        self.space();
        self.peek() == Some(b'n')
    }

    fn entry(&mut self, entries: &mut Entries) -> Result<bool, Wrong> {
        if entries.left == Some(0) {
            return Ok(false);
        }
        self.space();
        if self.peek() == Some(entries.end) {
            self.at += 1;
            entries.left = Some(0);
            return Ok(false);
        }
        if !entries.is_first {
            if self.next()? != b',' {
                return Err("has no comma where one belongs");
            }
            self.space();
        }
        entries.is_first = false;
        if entries.end == b'}' && self.peek().ok_or(CUT)? != b'"' {
            return Err("has a key that is no text");
        }
        Ok(true)
    }

    fn value(&mut self) -> Result<(), Wrong> {
        self.space();
        if self.next()? == b':' { Ok(()) } else { Err("has no colon after a key") }
    }

    fn skip_text(&mut self) -> Result<bool, Wrong> {
        self.space();
        if self.peek() != Some(b'"') {
            return Ok(false);
        }
        self.at += 1;
        loop {
            let from = self.at;
            self.plain()?;
            self.text_of(from)?;
            if self.next()? == b'"' {
                return Ok(true);
            }
            self.escape()?;
        }
    }

    fn finish(&mut self) -> Result<(), Wrong> {
        self.space();
        if self.at >= self.bytes.len() { Ok(()) } else { Err("goes on after its end") }
    }
}
