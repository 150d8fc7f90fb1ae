//! A twin is the old one or the new one, never a part of both, wherever the power is cut.

use crate::made_up::{fields, of, patches, settings};
use aisle_firmware_config::{
    message::{Desired, Refused},
    setting::{Settings, Value, check, defaults},
    twin::{Booted, Change, FAILED_BOOTS_MAX, TWIN_BYTES_MAX, Twin, Verdict},
};
use proptest::{collection::vec, prelude::*};

#[test]
fn settings_are_on_trial_until_the_device_is_healthy() {
    let schema = fields();
    let mut twin = Twin::new(&schema);
    assert_eq!((twin.version(), twin.settings()), (0, &defaults(&schema)));
    let desired = Desired { version: 3, settings: settings() };
    assert_eq!(twin.on_desired(&schema, &desired), Verdict::Accept);
    assert!(twin.is_on_trial());
    assert_eq!((twin.version(), twin.settings()), (3, &settings()));
    assert_eq!(twin.booted(), Booted::Trial(1));
    assert!(twin.healthy() && !twin.is_on_trial() && !twin.healthy());
    assert_eq!(twin.booted(), Booted::Confirmed);
    assert_eq!(twin.reported().version, 3);
}

#[test]
fn after_three_failed_starts_the_last_known_good_is_back_and_is_not_left_again_for_the_same() {
    let schema = fields();
    let mut twin = Twin::new(&schema);
    assert_eq!(twin.desired(&schema, 1, Change::Whole(&settings())), Verdict::Accept);
    assert!(twin.healthy());
    let bad = of(&[("interval_s", 3600.into())]);
    assert_eq!(twin.desired(&schema, 2, Change::Patch(&bad)), Verdict::Accept);
    for number in 1..=FAILED_BOOTS_MAX {
        assert_eq!(twin.booted(), Booted::Trial(number));
        assert_eq!(twin.settings().get("interval_s"), Some(&Value::Integer(3600)));
    }
    assert_eq!(twin.booted(), Booted::FellBack);
    let reported = twin.reported();
    assert_eq!((reported.version, &reported.settings), (1, &settings()));
    assert!(reported.last_known_good);
    let Refused { version, reason, .. } = reported.refused.unwrap();
    assert_eq!((version, reason.as_str()), (2, "the device did not stay up in 3 starts with them"));
    // The retained message comes again at each reconnect.
    assert_eq!(twin.desired(&schema, 2, Change::Patch(&bad)), Verdict::AlreadyKnown);
    assert_eq!(twin.booted(), Booted::Confirmed);
    assert_eq!(twin.desired(&schema, 3, Change::Patch(&Settings::new())), Verdict::Accept);
    assert!(!twin.reported().last_known_good && twin.reported().refused.is_none());
}

#[test]
fn what_does_not_fit_is_refused_whole_and_reported() {
    let schema = fields();
    let mut twin = Twin::new(&schema);
    let bad = of(&[("offset", 5.0.into()), ("interval_s", 0.into())]);
    let Verdict::Refuse(fault) = twin.desired(&schema, 7, Change::Patch(&bad)) else { panic!("accepted") };
    assert_eq!(fault.path, "interval_s");
    assert_eq!((twin.version(), twin.settings()), (0, &defaults(&schema)));
    let refused = twin.reported().refused.unwrap();
    assert_eq!((refused.version, refused.path.as_str()), (7, "interval_s"));
    // After new software it may fit: the version is not used up.
    let good = of(&[("offset", 5.0.into())]);
    assert_eq!(twin.desired(&schema, 7, Change::Patch(&good)), Verdict::Accept);
}

#[test]
fn older_and_equal_versions_are_passed_over() {
    let schema = fields();
    let mut twin = Twin::new(&schema);
    assert_eq!(twin.desired(&schema, 5, Change::Whole(&settings())), Verdict::Accept);
    for version in [0, 4, 5] {
        assert_eq!(twin.desired(&schema, version, Change::Whole(&Settings::new())), Verdict::AlreadyKnown);
    }
    assert_eq!(twin.settings(), &settings());
}

#[test]
fn new_software_with_another_schema_keeps_what_still_fits() {
    let mut twin = Twin::new(&fields());
    assert_eq!(twin.desired(&fields(), 1, Change::Whole(&settings())), Verdict::Accept);
    let mut buffer = [0; TWIN_BYTES_MAX];
    let length = twin.encode(&mut buffer).unwrap();
    let twin = Twin::decode(&fields()[..2], &buffer[..length]).unwrap();
    assert_eq!(twin.settings(), &of(&[("enabled", false.into()), ("interval_s", 60.into())]));
}

#[derive(Debug, Clone)]
enum Step {
    Desired(u64, Box<Settings>, bool),
    Restart,
    Healthy,
}

fn steps() -> impl Strategy<Value = Vec<(Step, bool)>> {
    let step = prop_oneof![
        3 => (0_u64..30, patches(), any::<bool>()).prop_map(|(v, patch, whole)| Step::Desired(v, Box::new(patch), whole)),
        3 => Just(Step::Restart),
        1 => Just(Step::Healthy),
    ];
    vec((step, any::<bool>()), 0..40)
}

proptest! {
    /// `is_cut` is a power cut after the step and before its record is on the flash.
    #[test]
    fn a_power_cut_at_any_step_leaves_the_old_or_the_new(steps in steps()) {
        let schema = fields();
        let mut twin = Twin::new(&schema);
        let mut flash = twin.clone();
        for (step, is_cut) in steps {
            let before = twin.clone();
            match step {
                Step::Desired(version, patch, is_whole) => {
                    let change = if is_whole { Change::Whole(&patch) } else { Change::Patch(&patch) };
                    match twin.desired(&schema, version, change) {
                        Verdict::Accept => prop_assert!(twin.version() == version && before.version() < version),
                        Verdict::Refuse(fault) => {
                            prop_assert!(check(&schema, &patch).is_err(), "{}", fault);
                            prop_assert_eq!((twin.settings(), twin.version()), (before.settings(), before.version()));
                        }
                        Verdict::AlreadyKnown => prop_assert_eq!(&twin, &before),
                    }
                }
                Step::Restart => {
                    twin = flash.clone();
                    match twin.booted() {
                        Booted::Trial(number) => prop_assert!(number <= FAILED_BOOTS_MAX),
                        Booted::FellBack => prop_assert!(!twin.is_on_trial() && twin.reported().last_known_good),
                        Booted::Confirmed => prop_assert!(!twin.is_on_trial()),
                    }
                }
                Step::Healthy => drop(twin.healthy()),
            }
            // In force is a whole set that fits, and nothing else.
            prop_assert_eq!(check(&schema, twin.settings()), Ok(()));
            prop_assert_eq!(twin.settings().len(), schema.len());
            if is_cut {
                twin = flash.clone();
            } else {
                let mut buffer = [0; TWIN_BYTES_MAX];
                let length = twin.encode(&mut buffer).unwrap();
                flash = Twin::decode(&schema, &buffer[..length]).unwrap();
                prop_assert_eq!(&flash, &twin);
            }
        }
    }
}
