//! What a basket takes by its size, and how far that is from the limits.

use crate::aisle::{aisle, shipped, template};

#[test]
fn sizes_have_a_base_and_a_slope_and_a_margin() {
    let folder = template("promotion");
    let arguments = ["plugin", "bench", ".", "--input", "cases/enough.json", "--lines", "1,10,100"];
    let ran = aisle(&folder, arguments).well();
    ran.says("lines").says("a 100-line basket uses ").says("% of `fuel_max`");
    let report = aisle(&folder, arguments.iter().chain(&["--json"])).well().json();
    let fuel = |row: usize| report["rows"][row]["fuel"]["p50"].as_u64().unwrap();
    assert!(fuel(0) < fuel(1) && fuel(1) < fuel(2), "{report}");
    assert!(report["fuel"]["per_line"].as_f64().unwrap() > 0.0, "{report}");
    let share = &report["shares"][0];
    assert_eq!((&share["limit"], &share["used"]), (&"fuel_max".into(), &report["rows"][2]["fuel"]["p99"]));
    assert!(share["percent"].as_f64().unwrap() < 100.0, "{share}");
}

#[test]
fn a_limit_that_a_large_basket_exceeds_is_warned_of() {
    let folder = template("promotion");
    let tight = shipped(&folder, |text| text.replace("fuel_max = 2_000_000", "fuel_max = 2_000"));
    let (component, case) = (tight.path().join("plugin.wasm"), folder.join("cases/enough.json"));
    let start = ["plugin", "bench", component.to_str().unwrap(), "--input", case.to_str().unwrap()];
    aisle(tight.path(), start).well().says("warning: a 100-line basket needs `fuel_max` of ");
}

#[test]
fn what_has_no_lines_is_measured_once() {
    let folder = template("reaction");
    let report =
        aisle(&folder, ["plugin", "bench", ".", "--input", "cases/empty-shelf.json", "--json"]).well().json();
    assert_eq!(report["rows"].as_array().unwrap().len(), 1);
    assert_eq!(report["hook"], "reaction");
}
