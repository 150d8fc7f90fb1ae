//! Settings are taken whole or not at all.

use crate::made_up::{fields, of, patches, settings};
use aisle_firmware_config::setting::{
    Field, FieldKind, Settings, Value, check, check_schema, defaults, merge,
};
use proptest::prelude::*;

fn refusal(name: &str, value: Value) -> String {
    check(&fields(), &of(&[(name, value)])).unwrap_err().to_string()
}

#[test]
fn each_kind_of_wrong_is_said_with_its_path() {
    let text = |text| Value::try_from(text).unwrap();
    assert_eq!(refusal("ofset", 1.0.into()), "`ofset` is no setting; the nearest is `offset`");
    assert_eq!(refusal("colour", 1.0.into()), "`colour` is no setting of this device");
    assert_eq!(refusal("enabled", 1.into()), "`enabled` is 1, expected true or false");
    assert_eq!(refusal("interval_s", 0.into()), "`interval_s` is 0, expected a whole number from 1 to 3600");
    assert_eq!(
        refusal("interval_s", 1.5.into()),
        "`interval_s` is 1.5, expected a whole number from 1 to 3600"
    );
    assert_eq!(refusal("offset", f64::NAN.into()), "`offset` is NaN, expected a number from -50 to 50");
    assert_eq!(refusal("offset", f64::INFINITY.into()), "`offset` is inf, expected a number from -50 to 50");
    assert_eq!(refusal("offset", text("1")), "`offset` is \"1\", expected a number from -50 to 50");
    assert_eq!(
        refusal("label", text("more than twenty bytes")),
        "`label` is \"more than twenty bytes\", expected a text of at most 20 bytes"
    );
    assert_eq!(
        refusal("beeper", text("loudd")),
        "`beeper` is \"loudd\", expected one of its words; the nearest is `loud`"
    );
    assert_eq!(
        refusal("beeper", text("off")),
        "`beeper` is \"off\", expected one of `quiet` `normal` `loud`"
    );
}

#[test]
fn a_whole_number_stands_where_any_number_may() {
    let merged = merge(&fields(), &Settings::new(), &of(&[("offset", Value::Integer(3))])).unwrap();
    assert_eq!(merged.get("offset"), Some(&Value::Number(3.0)));
}

#[test]
fn what_no_longer_fits_the_schema_is_as_from_the_factory() {
    let current = of(&[("interval_s", 99_999.into()), ("gone", true.into()), ("offset", 2.5.into())]);
    let merged = merge(&fields(), &current, &Settings::new()).unwrap();
    assert_eq!(merged.get("interval_s"), Some(&Value::Integer(10)));
    assert_eq!(merged.get("offset"), Some(&Value::Number(2.5)));
    assert_eq!(merged.get("gone"), None);
}

#[test]
fn a_schema_that_cannot_be_kept_is_refused() {
    let refusal = |change: fn(&mut Field)| {
        let mut fields = fields();
        change(&mut fields[1]);
        check_schema(&fields).unwrap_err().to_string()
    };
    assert_eq!(check_schema(&fields()), Ok(()));
    assert_eq!(
        refusal(|field| field.name = "enabled".try_into().unwrap()),
        "`settings[1].name` is empty or stands twice"
    );
    assert_eq!(
        refusal(|field| field.kind = FieldKind::Integer { min: 2, max: 1 }),
        "`settings[1].kind` leaves no value to choose"
    );
    assert_eq!(
        refusal(|field| field.default = Value::Bool(true)),
        "`settings[1].default` is true, expected a whole number from 1 to 3600"
    );
}

proptest! {
    #[test]
    fn a_patch_is_merged_whole_or_not_at_all(first in patches(), second in patches()) {
        let schema = fields();
        let current = merge(&schema, &defaults(&schema), &first).unwrap_or_else(|_| settings());
        match merge(&schema, &current, &second) {
            Ok(merged) => {
                prop_assert_eq!(check(&schema, &second), Ok(()));
                prop_assert_eq!(check(&schema, &merged), Ok(()));
                prop_assert_eq!(merged.len(), schema.len());
                for (name, value) in merged.iter() {
                    let wanted = second.get(name).or(current.get(name)).unwrap();
                    let is_same = wanted == value || wanted.number().is_some_and(|it| Some(it) == value.number());
                    prop_assert!(is_same, "{name}: {value} instead of {wanted}");
                }
            }
            Err(fault) => {
                prop_assert_eq!(check(&schema, &second), Err(fault.clone()));
                prop_assert!(second.get(&fault.path).is_some(), "{}", fault);
            }
        }
    }
}
