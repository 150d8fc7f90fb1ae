//! CBOR as tokens (RFC 8949), over `minicbor`'s decoder. Tags are passed over, what they mark is read.
//!
//! Not here: values. Nothing is reserved by an announced length; a list that announces more than there is is cut off.

use super::reader::{Entries, Scratch, Source, Token, Wrong};
use minicbor::{
    data::Type,
    decode::{Decoder, Error},
};

const BREAK: u8 = 0xff;
const NOT_CBOR: Wrong = "is no CBOR value";
const CUT: Wrong = "is cut off";

pub(super) struct Cbor<'de> {
    decoder: Decoder<'de>,
}

impl<'de> Cbor<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { decoder: Decoder::new(bytes) }
    }

    /// The kind of the next value behind its tags.
    fn kind(&mut self) -> Result<Type, Wrong> {
        loop {
            match self.decoder.datatype().map_err(wrong)? {
                Type::Tag => drop(self.decoder.tag().map_err(wrong)?),
                kind => return Ok(kind),
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.decoder.input().get(self.decoder.position()).copied()
    }

    /// Half precision: IEEE 754 binary16, RFC 8949 appendix D.
    fn half(&mut self) -> Result<f64, Wrong> {
        let at = self.decoder.position();
        let bytes = self.decoder.input().get(at + 1..at + 3).ok_or(CUT)?;
        let half = bytes.iter().fold(0_u16, |half, byte| half << 8 | u16::from(*byte));
        self.decoder.set_position(at + 3);
        let (exponent, mantissa) = (half >> 10 & 0x1f, f64::from(half & 0x3ff));
        let size = match exponent {
            0 => mantissa * 2_f64.powi_exact(-24),
            31 if mantissa == 0.0 => f64::INFINITY,
            31 => f64::NAN,
            _ => (mantissa + 1024.0) * 2_f64.powi_exact(i32::from(exponent) - 25),
        };
        Ok(if half & 0x8000 == 0 { size } else { -size })
    }
}

/// Powers of two without a mathematics library, which `core` has not.
trait Exact {
    fn powi_exact(self, exponent: i32) -> f64;
}

impl Exact for f64 {
    fn powi_exact(self, exponent: i32) -> f64 {
        let factor = if exponent < 0 { self.recip() } else { self };
        (0..exponent.unsigned_abs()).fold(1.0, |power, _| power * factor)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is for `map_err`")]
fn wrong(error: Error) -> Wrong {
    if error.is_end_of_input() { CUT } else { NOT_CBOR }
}

impl<'de> Source<'de> for Cbor<'de> {
    fn token(&mut self, scratch: &mut Scratch) -> Result<Token<'de>, Wrong> {
        let entries = |left| Entries { left, is_first: true, end: BREAK };
        match self.kind()? {
            Type::Null => self.decoder.null().map(|()| Token::Null),
            Type::Undefined => self.decoder.undefined().map(|()| Token::Null),
            Type::Bool => self.decoder.bool().map(Token::Bool),
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => self.decoder.u64().map(Token::Unsigned),
            Type::I8 | Type::I16 | Type::I32 | Type::I64 => self.decoder.i64().map(Token::Signed),
            Type::Int => return Err("is an integer of more than 64 bits"),
            Type::F16 => return self.half().map(Token::Float),
            Type::F32 => self.decoder.f32().map(|value| Token::Float(f64::from(value))),
            Type::F64 => self.decoder.f64().map(Token::Float),
            Type::Bytes => self.decoder.bytes().map(Token::Bytes),
            Type::String => self.decoder.str().map(Token::Text),
            Type::StringIndef => {
                scratch.clear();
                for piece in self.decoder.str_iter().map_err(wrong)? {
                    let piece = piece.map_err(wrong)?;
                    scratch.push_str(piece).map_err(|_| "is a text that is too long")?;
                }
                return Ok(Token::Scratch);
            }
            Type::Array | Type::ArrayIndef => self.decoder.array().map(|left| Token::Array(entries(left))),
            Type::Map | Type::MapIndef => self.decoder.map().map(|left| Token::Map(entries(left))),
            _ => return Err(NOT_CBOR),
        }
        .map_err(wrong)
    }

    fn is_null(&mut self) -> bool {
        matches!(self.peek(), Some(0xf6 | 0xf7))
    }

    fn entry(&mut self, entries: &mut Entries) -> Result<bool, Wrong> {
        match &mut entries.left {
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
            None => match self.peek().ok_or(CUT)? {
                BREAK => {
                    self.decoder.set_position(self.decoder.position() + 1);
                    entries.left = Some(0);
                    Ok(false)
                }
                _ => Ok(true),
            },
        }
    }

    fn value(&mut self) -> Result<(), Wrong> {
        Ok(())
    }

    fn skip_text(&mut self) -> Result<bool, Wrong> {
        match self.kind()? {
            Type::String => drop(self.decoder.str().map_err(wrong)?),
            Type::StringIndef => {
                for piece in self.decoder.str_iter().map_err(wrong)? {
                    piece.map_err(wrong)?;
                }
            }
            Type::Bytes => drop(self.decoder.bytes().map_err(wrong)?),
            Type::BytesIndef => {
                for piece in self.decoder.bytes_iter().map_err(wrong)? {
                    piece.map_err(wrong)?;
                }
            }
            Type::Int => drop(self.decoder.int().map_err(wrong)?),
            Type::Simple => drop(self.decoder.simple().map_err(wrong)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn finish(&mut self) -> Result<(), Wrong> {
        if self.decoder.position() >= self.decoder.input().len() {
            Ok(())
        } else {
            Err("goes on after its end")
        }
    }
}
