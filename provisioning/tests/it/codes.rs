//! The installer's codes.

use aisle_provisioning::{Code, code};
use std::collections::BTreeSet;

#[test]
fn every_code_has_a_number_of_its_own_words_and_a_next_step() {
    let numbers: BTreeSet<u16> = Code::ALL.iter().map(|code| code.number()).collect();
    assert_eq!(numbers.len(), Code::ALL.len());
    assert!(Code::ALL.is_sorted_by_key(|code| code.number()), "in the order of their numbers");
    for code in Code::ALL {
        assert!(code.words().ends_with('.') && code.next_step().ends_with('.'), "{code}");
        assert!((200..600).contains(&code.status()), "{code}");
        assert_eq!(code.to_string().parse::<Code>().unwrap(), *code);
        assert_eq!(code.line().parse::<Code>().unwrap(), *code, "an answer begins with its code");
    }
    for text in ["", "E-", "E-999", "e-203", "E-20", "E-ééé", "nginx"] {
        assert!(text.parse::<Code>().is_err(), "{text}");
    }
}

#[test]
fn the_guide_lists_them_all() {
    let table = code::markdown();
    assert_eq!(table.lines().count(), Code::ALL.len() + 2);
    assert!(table.contains("| E-203 | The claim was used already. | A claim works once."));
}

#[test]
fn the_guide_in_the_installers_hand_is_that_table() {
    let guide = include_str!("../../../deploy/edge/INSTALLER.md");
    assert!(
        guide.contains(code::markdown().trim_end()),
        "deploy/edge/INSTALLER.md has other codes; its last section is:\n{}",
        code::markdown()
    );
}
