//! From text to a selector: words and signs, then terms.

use super::{Problem, SELECTOR_BYTES_MAX, Selector, SelectorError, TERMS_MAX, Term, Test, Than, VALUES_MAX};
use crate::{
    label::is_key,
    text::{nearest, shown},
};
use compact_str::CompactString;
use std::iter::Peekable;

/// What is repeated of what stands there, in characters.
const SHOWN_MAX: usize = 64;

/// True for what a word without quotes is made of.
pub(super) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_./+".contains(c)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Comma,
    Open,
    Close,
    Star,
    Not,
    Is,
    IsNot,
    Than(Than),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Quoted(&'a str),
    Sign(Sign, &'a str),
}

impl Token<'_> {
    fn told(&self) -> String {
        match self {
            Self::Word(text) | Self::Sign(_, text) => format!("`{}`", shown(text, SHOWN_MAX)),
            Self::Quoted(text) => format!("\"{}\"", shown(text, SHOWN_MAX)),
        }
    }
}

type Read<T> = Result<T, SelectorError>;

fn refuse<T>(at: usize, problem: Problem) -> Read<T> {
    Err(SelectorError { at, problem })
}

pub(super) fn read(text: &str, keys: Option<&[&str]>) -> Read<Selector> {
    if text.len() > SELECTOR_BYTES_MAX {
        let problem = Problem::TooLong { bytes: text.len(), bytes_max: SELECTOR_BYTES_MAX };
        return refuse(1, problem);
    }
    let tokens = tokens(text)?;
    let end = text.chars().count() + 1;
    Reader { tokens: tokens.into_iter().peekable(), end, keys, values: 0 }.selector()
}

/// The words and signs, each with its character from 1.
fn tokens(text: &str) -> Read<Vec<(usize, Token<'_>)>> {
    let (mut tokens, mut rest, mut at) = (Vec::new(), text, 1);
    while let Some(first) = rest.chars().next() {
        let (token, bytes) = if first.is_whitespace() {
            (None, first.len_utf8())
        } else if first == '"' {
            let (token, bytes) = quoted(rest, at)?;
            (Some(token), bytes)
        } else if is_word(first) {
            let bytes = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            (rest.get(..bytes).map(Token::Word), bytes)
        } else {
            let (sign, bytes) = sign(rest, at)?;
            (rest.get(..bytes).map(|text| Token::Sign(sign, text)), bytes)
        };
        tokens.extend(token.map(|token| (at, token)));
        let (done, after) = rest.split_at_checked(bytes).unwrap_or((rest, ""));
        at += done.chars().count();
        rest = after;
    }
    Ok(tokens)
}

fn quoted(rest: &str, at: usize) -> Read<(Token<'_>, usize)> {
    let inner = rest.strip_prefix('"').unwrap_or(rest);
    let Some((value, _)) = inner.split_once('"') else { return refuse(at, Problem::Quote) };
    if value.contains(char::is_control) {
        return refuse(at, Problem::Character);
    }
    Ok((Token::Quoted(value), value.len() + 2))
}

fn sign(rest: &str, at: usize) -> Read<(Sign, usize)> {
    // Longer ones first.
    const SIGNS: [(&str, Sign); 12] = [
        ("!=", Sign::IsNot),
        ("==", Sign::Is),
        ("<=", Sign::Than(Than::AtMost)),
        (">=", Sign::Than(Than::AtLeast)),
        ("<", Sign::Than(Than::Less)),
        (">", Sign::Than(Than::More)),
        ("=", Sign::Is),
        ("!", Sign::Not),
        (",", Sign::Comma),
        ("(", Sign::Open),
        (")", Sign::Close),
        ("*", Sign::Star),
    ];
    let known = SIGNS.into_iter().find(|(text, _)| rest.starts_with(text));
    let Some((text, sign)) = known else {
        let found = format!("`{}`", shown(rest, 1));
        return refuse(
            at,
            Problem::Unexpected { found, expected: "a key, a value or a sign", nearest: None },
        );
    };
    Ok((sign, text.len()))
}

struct Reader<'a, I: Iterator<Item = (usize, Token<'a>)>> {
    tokens: Peekable<I>,
    end: usize,
    keys: Option<&'a [&'a str]>,
    values: usize,
}

impl<'a, I: Iterator<Item = (usize, Token<'a>)>> Reader<'a, I> {
    fn selector(mut self) -> Read<Selector> {
        match self.tokens.peek() {
            None => return refuse(1, Problem::Empty),
            Some((_, Token::Sign(Sign::Star, _))) => {
                self.tokens.next();
                return match self.tokens.next() {
                    None => Ok(Selector::every()),
                    Some((at, token)) => self.unexpected(Some((at, token)), "nothing, behind `*`,", &[]),
                };
            }
            Some(_) => {}
        }
        let mut terms = Vec::new();
        loop {
            let at = self.at();
            if terms.len() >= TERMS_MAX {
                return refuse(at, Problem::TooMany { what: "terms", max: TERMS_MAX });
            }
            terms.push(self.term()?);
            match self.tokens.next() {
                None => return Ok(Selector { terms }),
                Some((_, Token::Sign(Sign::Comma, _))) => {}
                other => return self.unexpected(other, "`,` or the end", &[]),
            }
        }
    }

    fn at(&mut self) -> usize {
        self.tokens.peek().map_or(self.end, |(at, _)| *at)
    }

    fn is_next(&mut self, sign: Sign) -> bool {
        self.tokens.next_if(|(_, token)| matches!(token, Token::Sign(found, _) if *found == sign)).is_some()
    }

    fn unexpected<T>(
        &self,
        token: Option<(usize, Token<'_>)>,
        expected: &'static str,
        known: &[&'static str],
    ) -> Read<T> {
        let Some((at, token)) = token else {
            return refuse(
                self.end,
                Problem::Unexpected { found: "the end".into(), expected, nearest: None },
            );
        };
        let nearest = match &token {
            Token::Word(word) => nearest(&shown(word, SHOWN_MAX), known.iter().copied()).map(str::to_owned),
            _ => None,
        };
        refuse(at, Problem::Unexpected { found: token.told(), expected, nearest })
    }

    fn term(&mut self) -> Read<Term> {
        if self.is_next(Sign::Not) {
            return Ok(Term { key: self.key()?, test: Test::Missing });
        }
        let key = self.key()?;
        let operator = self.tokens.next_if(|(_, token)| !matches!(token, Token::Sign(Sign::Comma, _)));
        let test = match operator {
            None => Test::Exists,
            Some((_, Token::Sign(Sign::Is, _))) => Test::Is(self.value()?),
            Some((_, Token::Sign(Sign::IsNot, _))) => Test::IsNot(self.value()?),
            Some((_, Token::Sign(Sign::Than(than), _))) => {
                let at = self.at();
                let value = self.value()?;
                match value.parse() {
                    Ok(version) => Test::Version(than, version),
                    Err(_) => {
                        let value = shown(&value, SHOWN_MAX);
                        return refuse(at, Problem::Version { value });
                    }
                }
            }
            Some((_, Token::Word("in"))) => Test::In(self.list()?),
            Some((_, Token::Word("notin"))) => Test::NotIn(self.list()?),
            Some((_, Token::Word("not"))) => match self.tokens.next() {
                Some((_, Token::Word("in"))) => Test::NotIn(self.list()?),
                other => return self.unexpected(other, "`in`, behind `not`,", &["in"]),
            },
            other => {
                let expected = "`=`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `notin`, `,` or the end";
                return self.unexpected(other, expected, &["in", "notin"]);
            }
        };
        Ok(Term { key, test })
    }

    fn key(&mut self) -> Read<CompactString> {
        let (at, key) = match self.tokens.next() {
            Some((at, Token::Word(key))) => (at, key),
            other => return self.unexpected(other, "the key of a label", &[]),
        };
        if !is_key(key) {
            return refuse(at, Problem::Key { key: shown(key, SHOWN_MAX) });
        }
        if let Some(known) = self.keys.filter(|known| !known.contains(&key)) {
            let key = shown(key, SHOWN_MAX);
            let nearest = nearest(&key, known.iter().copied()).map(str::to_owned);
            return refuse(at, Problem::UnknownKey { key, nearest });
        }
        Ok(key.into())
    }

    fn value(&mut self) -> Read<CompactString> {
        let at = self.at();
        self.values += 1;
        if self.values > VALUES_MAX {
            return refuse(at, Problem::TooMany { what: "values", max: VALUES_MAX });
        }
        match self.tokens.next() {
            Some((_, Token::Word(value) | Token::Quoted(value))) => Ok(value.into()),
            other => self.unexpected(other, "a value", &[]),
        }
    }

    fn list(&mut self) -> Read<Vec<CompactString>> {
        if !self.is_next(Sign::Open) {
            let next = self.tokens.next();
            return self.unexpected(next, "`(`", &[]);
        }
        let mut values = vec![self.value()?];
        loop {
            match self.tokens.next() {
                Some((_, Token::Sign(Sign::Close, _))) => return Ok(values),
                Some((_, Token::Sign(Sign::Comma, _))) => values.push(self.value()?),
                other => return self.unexpected(other, "`,` or `)`", &[]),
            }
        }
    }
}
