//! What a scenario may be, and in which words it is refused.

use aisle_device::simulator::{BUILTIN, Scenario, builtin};

#[test]
fn the_scenarios_that_come_along_can_be_read() {
    for known in BUILTIN {
        let scenario = builtin(known.name).unwrap_or_else(|error| panic!("{}: {error}", known.name));
        assert!(scenario.device_count() > 0);
    }
    assert_eq!(builtin("shop-floor-60").unwrap().device_count(), 60);
    assert_eq!(builtin("five-hundred").unwrap().device_count(), 500);
    let unknown = builtin("moon").unwrap_err().to_string();
    assert!(unknown.contains("`moon`") && unknown.contains("`faults`"), "{unknown}");
}

#[test]
fn what_cannot_be_is_refused_with_its_path() {
    let devices = "[[devices]]\ncount = 2\nmodel = \"shelf-scale\"\nprefix = \"scale-\"\ninterval_s = 5\n";
    let floor = "[floor]\n[[floor.items]]\nsku = \"1\"\n";
    for (text, expected) in [
        ("devices = [".to_owned(), "is no TOML"),
        (format!("{devices}colour = 1\n"), "`devices[0].colour`"),
        (devices.replace("shelf-scale", "shelf-fail"), "`devices[0].model`"),
        (devices.replace("count = 2", "count = 0"), "`devices[0].count` is 0"),
        (devices.replace("count = 2", "count = 20001"), "`devices[0].count` is 20001"),
        (devices.replace("interval_s = 5", "interval_s = 0"), "`devices[0].interval_s` is 0"),
        (devices.replace("interval_s = 5", "interval_s = -5"), "`devices[0].interval_s`"),
        (devices.replace("scale-", "scale/+"), "`devices[0].prefix` is `scale/+`"),
        (format!("{devices}{devices}"), "two devices `scale-1`"),
        (format!("{devices}watch = [\"1\"]\n"), "`devices[0].watch[0]` is `1`"),
        (format!("{devices}watch = [\"2\"]\n{floor}"), "`devices[0].watch[0]` is `2`"),
        (format!("simulation = {{ speed = nan }}\n{devices}"), "`simulation.speed` is NaN"),
        (format!("simulation = {{ speed = 0 }}\n{devices}"), "`simulation.speed`"),
        (format!("mqtt = {{ keep_alive_s = 0 }}\n{devices}"), "`mqtt.keep_alive_s`"),
        (format!("{devices}[floor]\nvisitors_per_day = -1\n"), "`floor.visitors_per_day`"),
        (
            format!("{devices}[[faults]]\nkind = \"gremlin\"\ndevices = \"*\"\nfrom_s = 1\n"),
            "`faults[0].kind`",
        ),
        (
            format!("{devices}[[faults]]\nkind = \"drift\"\ndevices = \"fridge-*\"\nfrom_s = 1\n"),
            "`faults[0].devices` is `fridge-*`",
        ),
        (
            format!("{devices}[[faults]]\nkind = \"drift\"\ndevices = \"*\"\nfrom_s = inf\n"),
            "`faults[0].from_s` is inf",
        ),
        (
            format!("{devices}[[faults]]\nkind = \"reboot_loop\"\ndevices = \"*\"\nfrom_s = 1\nsize = 0.0\n"),
            "`faults[0].size` is 0",
        ),
    ] {
        let refused = Scenario::parse(&text).map(drop).map_err(|error| error.to_string());
        let Err(refused) = refused else { panic!("this was read:\n{text}") };
        assert!(refused.contains(expected), "{refused}\nshould hold {expected}, for\n{text}");
    }
}
