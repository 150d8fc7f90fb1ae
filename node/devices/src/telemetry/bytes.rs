//! Whole numbers as bytes: seven bits a byte, small ones short, signed ones folded so that small means near zero.
//!
//! The variable-length form is LEB128 (DWARF 5, section 7.6), the folding is zigzag as in Protocol Buffers. What is read may be
//! any bytes: a reader says [`Damaged`] and reserves nothing on the word of what it reads.
//!
//! Not here: what the numbers mean (`minute`, `raw`, `snapshot`, `archive`).

/// The bytes are not what this crate wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not what was written")]
pub struct Damaged;

#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn into_vec(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn wide(&mut self, mut number: u128) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    pub(super) fn wide_signed(&mut self, number: i128) {
        self.wide(((number << 1) ^ (number >> 127)).cast_unsigned());
    }

    pub(super) fn number(&mut self, number: impl Into<u64>) {
        self.wide(number.into().into());
    }

    pub(super) fn len(&mut self, len: usize) {
        self.number(len as u64);
    }

    pub(super) fn signed(&mut self, number: i64) {
        self.wide_signed(number.into());
    }

    pub(super) fn float(&mut self, number: f64) {
        self.0.extend_from_slice(&number.to_bits().to_le_bytes());
    }

    pub(super) fn flag(&mut self, flag: bool) {
        self.0.push(flag.into());
    }

    pub(super) fn sized(&mut self, bytes: &[u8]) {
        self.len(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn maybe_signed(&mut self, number: Option<i64>) {
        self.flag(number.is_some());
        if let Some(number) = number {
            self.signed(number);
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn byte(&mut self) -> Result<u8, Damaged> {
        let (first, rest) = self.0.split_first().ok_or(Damaged)?;
        self.0 = rest;
        Ok(*first)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Damaged> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn wide(&mut self) -> Result<u128, Damaged> {
        let mut number = 0_u128;
        for shift in (0..=126).step_by(7) {
            let byte = self.byte()?;
            number |= u128::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Damaged)
    }

    pub(super) fn wide_signed(&mut self) -> Result<i128, Damaged> {
        let folded = self.wide()?;
        Ok((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    pub(super) fn number<T: TryFrom<u128>>(&mut self) -> Result<T, Damaged> {
        T::try_from(self.wide()?).map_err(|_| Damaged)
    }

    /// A counter that can go on for as long as anybody counts.
    pub(super) fn counter(&mut self) -> Result<u64, Damaged> {
        self.number().and_then(|number| if number < 1 << 62 { Ok(number) } else { Err(Damaged) })
    }

    pub(super) fn signed<T: TryFrom<i128>>(&mut self) -> Result<T, Damaged> {
        T::try_from(self.wide_signed()?).map_err(|_| Damaged)
    }

    /// A length of things that take at least one byte each of what is left.
    pub(super) fn len(&mut self) -> Result<usize, Damaged> {
        let len = self.number()?;
        if len > self.0.len() { Err(Damaged) } else { Ok(len) }
    }

    pub(super) fn float(&mut self) -> Result<f64, Damaged> {
        let bytes = self.take(8)?.try_into().map_err(|_| Damaged)?;
        let number = f64::from_bits(u64::from_le_bytes(bytes));
        if number.is_finite() { Ok(number) } else { Err(Damaged) }
    }

    pub(super) fn flag(&mut self) -> Result<bool, Damaged> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Damaged),
        }
    }

    pub(super) fn sized(&mut self) -> Result<&'a [u8], Damaged> {
        let len = self.len()?;
        self.take(len)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Damaged> {
        str::from_utf8(self.sized()?).map_err(|_| Damaged)
    }

    pub(super) fn maybe_signed(&mut self) -> Result<Option<i64>, Damaged> {
        if self.flag()? { self.signed().map(Some) } else { Ok(None) }
    }

    pub(super) const fn end(self) -> Result<(), Damaged> {
        if self.0.is_empty() { Ok(()) } else { Err(Damaged) }
    }
}

/// The largest number that divides both; what divides everything when both are 0 is given as 0.
pub(super) const fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
