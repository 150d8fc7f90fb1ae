//! Which box this is: what its maker wrote into it, or the number that its system was given.
//!
//! Asked in this order: `enrolment.serial`, the board's serial (DMI), the system's machine-id. Many cheap boards say "To be filled by O.E.M."
//! or zeros; such a serial is no one's. Guards: two boxes of one image do not get one serial, as long as their machine-ids differ.

use aisle_provisioning::identity::Serial;
use std::path::Path;

/// Where the kernel shows what the maker wrote, the most likely first.
const DMI: [&str; 3] = [
    "sys/class/dmi/id/product_serial",
    "sys/class/dmi/id/board_serial",
    "sys/firmware/devicetree/base/serial-number",
];
/// The number that the system was given when it was installed.
const MACHINE_ID: [&str; 2] = ["etc/machine-id", "var/lib/dbus/machine-id"];
/// The fewest characters that tell boxes apart.
const CHARS_MIN: usize = 4;
/// What makers leave in the place of a serial.
const NOBODYS: [&str; 8] =
    ["to-be-filled", "default", "not-specified", "none", "unknown", "system-serial", "oem", "n-a"];

/// The serial of this box, below `/`; `None` when nothing tells it apart from others.
#[must_use]
pub fn of_box(root: &Path) -> Option<Serial> {
    let read = |path: &&str| std::fs::read_to_string(root.join(path)).ok();
    let of_maker = DMI.iter().filter_map(read).find_map(|text| tidy(&text));
    let of_system = || MACHINE_ID.iter().filter_map(read).find_map(|text| tidy(&text));
    of_maker.or_else(of_system)
}

/// A serial as it can stand in a name, unless it is one that many boxes have.
fn tidy(text: &str) -> Option<Serial> {
    let small = text.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_ascii_lowercase();
    let dashed: String = small.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let serial = dashed.trim_matches('-');
    let is_nobodys = NOBODYS.iter().any(|known| serial.starts_with(known))
        || serial.chars().all(|c| !c.is_ascii_alphanumeric() || c == '0')
        || ["123456789", "1234567890", "0123456789"].contains(&serial);
    (serial.len() >= CHARS_MIN && !is_nobodys).then(|| Serial::new(serial).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_the_maker_wrote_counts_before_what_the_system_was_given() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(of_box(root.path()), None);
        write("etc/machine-id", "5d2b1c8e9f6a4b7c8d9e0f1a2b3c4d5e\n");
        assert_eq!(of_box(root.path()).unwrap().as_str(), "5d2b1c8e9f6a4b7c8d9e0f1a2b3c4d5e");
        write("sys/class/dmi/id/product_serial", "To be filled by O.E.M.\n");
        write("sys/class/dmi/id/board_serial", " PF-3X 7Q \n");
        assert_eq!(of_box(root.path()).unwrap().as_str(), "pf-3x-7q");
    }

    #[test]
    fn a_serial_that_many_boxes_have_is_no_ones() {
        for text in ["Default string", "000000000", "None", "0123456789", "abc", "", "-----", "OEM-1"] {
            assert_eq!(tidy(text), None, "{text}");
        }
    }
}
