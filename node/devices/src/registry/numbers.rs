//! Which numbers of a stream were seen: a window over the newest, for the newest two starts of a device.
//!
//! A message that was taken and not acknowledged comes again after a crash; a device sends again what it got no answer for. Both
//! carry the number they had. Late is not double: what falls below the window is taken, because losing a reading is worse
//! than having it twice.

use minicbor::{Decode, Encode};

/// So many numbers below the highest are told apart.
pub const WINDOW: u32 = 128;

/// What a number is to its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It is the next, or further on.
    Next,
    /// It comes after a higher one, for the first time as far as is known.
    Late,
    /// It was there.
    Again,
}

/// The numbers of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Numbers {
    /// The newest first.
    #[n(0)]
    starts: Vec<Start>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
struct Start {
    #[n(0)]
    boot: u32,
    #[n(1)]
    highest: u32,
    /// Bit i stands for `highest - i`.
    #[n(2)]
    low: u64,
    #[n(3)]
    high: u64,
}

impl Start {
    const fn bits(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }

    const fn set(&mut self, bits: u128) {
        self.low = bits as u64;
        self.high = (bits >> 64) as u64;
    }
}

impl Numbers {
    /// Takes a number in and says what it is.
    pub fn see(&mut self, boot: u32, number: u32) -> Seen {
        let Some(start) = self.starts.iter_mut().find(|start| start.boot == boot) else {
            // Two starts are enough: what was stored before the last one, and what comes since.
            self.starts.truncate(1);
            self.starts.insert(0, Start { boot, highest: number, low: 1, high: 0 });
            return Seen::Next;
        };
        if number > start.highest {
            let ahead = number - start.highest;
            let bits = if ahead < WINDOW { start.bits() << ahead } else { 0 };
            start.set(bits | 1);
            start.highest = number;
            return Seen::Next;
        }
        let behind = start.highest - number;
        if behind >= WINDOW {
            return Seen::Late;
        }
        let bit = 1_u128 << behind;
        if start.bits() & bit != 0 {
            return Seen::Again;
        }
        start.set(start.bits() | bit);
        Seen::Late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_comes_twice_is_known_and_one_that_comes_late_is_taken() {
        let mut numbers = Numbers::default();
        let seen: Vec<Seen> = [1, 2, 5, 3, 3, 5, 4].map(|number| numbers.see(9, number)).into();
        use Seen::{Again, Late, Next};
        assert_eq!(seen, [Next, Next, Next, Late, Again, Again, Late]);
    }

    #[test]
    fn each_start_of_a_device_has_its_own_numbers() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.see(1, 7), Seen::Next);
        assert_eq!(numbers.see(2, 0), Seen::Next);
        assert_eq!(numbers.see(1, 7), Seen::Again);
        assert_eq!(numbers.see(1, 8), Seen::Next);
        assert_eq!(numbers.see(2, 0), Seen::Again);
        // A third start: the one that was heard last stays beside it.
        assert_eq!(numbers.see(3, 0), Seen::Next);
        assert_eq!(numbers.starts.len(), 2);
    }

    #[test]
    fn a_leap_forgets_the_window_and_what_is_far_behind_is_taken() {
        let mut numbers = Numbers::default();
        numbers.see(1, 0);
        assert_eq!(numbers.see(1, u32::MAX), Seen::Next);
        assert_eq!(numbers.see(1, 0), Seen::Late);
        assert_eq!(numbers.see(1, u32::MAX - 127), Seen::Late);
        assert_eq!(numbers.see(1, u32::MAX - 127), Seen::Again);
    }
}
