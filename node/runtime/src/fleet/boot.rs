//! Which start of the machine this is, so that a loss of power is not taken for something that brought the node down.
//!
//! Linux makes a name for each of its starts. The node's unit hides the file that it stands in, and gives the name as a variable instead. Not here: what follows from it
//! (`aisle-fleet`).

use std::{env, fs};

/// Where the unit says it.
const VARIABLE: &str = "AISLE_BOOT_ID";
/// Where the kernel says it.
const FILE: &str = "/proc/sys/kernel/random/boot_id";
/// The digits that are read; more of them tell no more starts apart.
const DIGITS: usize = 16;

/// A number that is another one after each start of the machine; nothing where nobody says.
pub(super) fn this() -> Option<u64> {
    let given = env::var(VARIABLE).ok().as_deref().and_then(number);
    given.or_else(|| fs::read_to_string(FILE).ok().as_deref().and_then(number))
}

/// The number in a name: `b63f2a4c-…` as the kernel writes it, `b63f2a4c…` as systemd does.
fn number(name: &str) -> Option<u64> {
    let digits: String = name.trim().chars().filter(|digit| *digit != '-').take(DIGITS).collect();
    if digits.len() < DIGITS {
        return None;
    }
    u64::from_str_radix(&digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_and_systemd_name_one_start_alike_and_what_is_no_name_says_nothing() {
        let kernel = number("b63f2a4c-1d5e-4f60-8a7b-0123456789ab\n");
        assert_eq!(kernel, Some(0xb63f_2a4c_1d5e_4f60));
        assert_eq!(number("b63f2a4c1d5e4f608a7b0123456789ab"), kernel);
        assert_ne!(number("b63f2a4c-1d5e-4f61-8a7b-0123456789ab"), kernel);
        for wrong in ["", "b63f2a4c", "%b", "no name of any start of it"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
        assert_eq!(this(), this());
    }
}
