//! What people and hubs write for a fleet: selectors, documents, desired states; what a node kept of its own convergence, and what it says of it.

use aisle_event::Timestamp;
use aisle_fleet::{
    Around, ContentHash, Converger, DesiredState, Document, Input, Needs, NodeSays, Now, Release, Selector,
    Stamp, Want,
    converge::Config,
    desired::{Wanted, state::STATE_BYTES_MAX},
    document, rehearsal,
    setting::SettingValue,
};

/// The input is a selector.
///
/// # Panics
/// When one that was read is not the same after it was shown, or a refusal names no place in the text.
pub fn fleet_selector(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Selector::parse(text) {
        Ok(selector) => {
            let shown = selector.to_string();
            assert_eq!(Selector::parse(&shown).as_ref(), Ok(&selector), "{shown}");
            assert!(!selector.is_every() || shown == "*");
        }
        Err(error) => {
            assert!((1..=text.chars().count() + 1).contains(&error.at), "{error}");
            assert!(error.to_string().len() < 400, "what is long is not repeated");
        }
    }
}

/// The input is a file of documents.
///
/// # Panics
/// When documents that were read are others after they were written, or a refusal says nothing.
pub fn fleet_document(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match document::read(text) {
        Ok(documents) => {
            let json = serde_json::to_string(&documents).expect("documents can be written");
            assert_eq!(document::read(&json).as_ref(), Ok(&documents));
            for document in &documents {
                if let Document::Rollout(rollout) = document {
                    let draft = aisle_fleet::Rollout::draft(rollout.clone(), "somebody", 1);
                    assert!(draft.is_ok(), "what was read can be drafted");
                }
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(settings) = document::read_device_settings(text) {
        let json = serde_json::to_string(&settings).expect("settings can be written");
        assert_eq!(document::read_device_settings(&json), Ok(settings));
    }
}

/// The input is a desired state.
///
/// # Panics
/// When a state has two rows of bytes, wants what is below its minimum, or cannot be followed.
pub fn fleet_desired(input: &[u8]) {
    let Ok(state) = DesiredState::decode(input) else { return };
    assert_eq!(state.encode().as_deref(), Ok(input), "a state has one row of bytes");
    assert!(input.len() <= STATE_BYTES_MAX);
    for (slot, wanted) in &state.slots {
        let versions = wanted.want.release().zip(state.minimums.get(slot));
        assert!(versions.is_none_or(|(release, minimum)| !release.version.is_below(minimum)));
    }
    let mut machine = Converger::resume(Config::default(), None).expect("nothing was kept");
    let stamp = Stamp { version: 1, hash: ContentHash::of(input) };
    follow(&mut machine, Input::Desired { stamp, state: Box::new(state) });
    assert_eq!(machine.desired_state().0, Some(stamp));
}

/// The input is what a node kept.
///
/// # Panics
/// When a machine that could be made of it does not go on.
pub fn fleet_kept(input: &[u8]) {
    let Ok(mut machine) = Converger::resume(Config::default(), Some(input)) else { return };
    follow(&mut machine, Input::Tick);
    let state = example();
    let stamp = Stamp { version: u64::MAX, hash: state.hash() };
    follow(&mut machine, Input::Desired { stamp, state: Box::new(state) });
}

/// The input is what a node says of itself.
///
/// # Panics
/// When what was read cannot be said again.
pub fn fleet_says(input: &[u8]) {
    let Ok(says) = NodeSays::decode(input) else { return };
    assert!(says.report.drift().count() <= says.report.slots.len());
    // It may be longer when this build writes it: that is told, and not cut.
    if let Ok(again) = says.encode() {
        assert!(NodeSays::decode(&again).is_ok());
    }
}

/// The input is what a node is to rehearse.
///
/// # Panics
/// When candidates that were read are others after they were written.
pub fn fleet_rehearse(input: &[u8]) {
    let Ok(asked) = rehearsal::candidates(input) else { return };
    // A version that a newer hub wrote in more words may be too long in ours.
    if let Ok(again) = rehearsal::encode_candidates(&asked) {
        assert_eq!(rehearsal::candidates(&again), Ok(asked));
    }
}

/// What the machine wants kept can be read again.
fn follow(machine: &mut Converger, input: Input) {
    let around = Around { disk_free_bytes: u64::MAX, ..Around::default() };
    let now = Now { running_ms: 1, wall: Some(Timestamp(1_800_000_000_000)) };
    for effect in machine.handle(now, &around, input) {
        if let aisle_fleet::Effect::Keep(bytes) = effect {
            assert!(Converger::resume(Config::default(), Some(&bytes)).is_ok());
        }
    }
    assert!(machine.loads().count() <= machine.report().slots.len());
}

fn example() -> DesiredState {
    let release = |version: &str| Release {
        version: version.parse().expect("a good version"),
        hash: ContentHash::of(version.as_bytes()),
        bytes: 1000,
        needs: Needs::default(),
    };
    let mut state = DesiredState::new();
    for (slot, want) in [
        ("plugin/multi-buy", Want::Release(release("1.4.0"))),
        ("catalogue", Want::Release(release("2026.11.21"))),
        ("plugin/old", Want::Absent),
    ] {
        state.slots.insert(slot.parse().expect("a good slot"), Wanted { want, round: 1 });
    }
    state
        .minimums
        .insert("plugin/multi-buy".parse().expect("a good slot"), "1.2".parse().expect("a version"));
    state.settings.insert("kiosk.rows".parse().expect("a good key"), SettingValue::Number(4));
    let maintenance = r#"{"zone":"Europe/Berlin","windows":["mon-fri 22:00-04:00"]}"#;
    state.maintenance = Some(serde_json::from_str(maintenance).expect("a good window"));
    state
}

/// Every form of a term.
pub(crate) fn selector_examples() -> Vec<Vec<u8>> {
    let texts = [
        "*",
        "region=eu, size in (s,m), !pilot, version<1.4",
        "a!=b,c notin (d , e),f not in (g),h==\"i j\",k>=2,l",
        "example.com/tier>1.2.3-rc.1, store=\"Berlin 12\"",
    ];
    texts.map(|text| text.as_bytes().to_vec()).into()
}

/// One of each kind, in YAML and in JSON, and settings of devices.
pub(crate) fn document_examples() -> Vec<Vec<u8>> {
    let hash = ContentHash([7; 32]);
    let yaml = format!(
        "group: {{ name: pilots, who: pilot, says: {{ minimums: {{ plugin/a: 1.2 }}, settings: {{ kiosk.rows: 4 }} }} }}\n\
         ---\noverride: {{ store: berlin-12, why: old till, says: {{ artefacts: {{ plugin/a: absent }} }} }}\n\
         ---\nfilter: {{ name: late, who: version<1.4 }}\n\
         ---\nrollout:\n  rollout: spring\n  why: it sells\n  who: '*'\n  set: {{ plugin/a: {{ version: 1.4, hash: {hash}, bytes: 9 }} }}\n  \
         waves:\n    - {{ name: canary, size: 5%, soak_minutes: 60 }}\n    - {{ name: rest }}\n"
    );
    let documents = document::read(&yaml).expect("good documents");
    let json = serde_json::to_string(&documents).expect("documents can be written");
    let rules = "rules:\n  - { name: fridges, who: profile=acme, settings: { sampling.interval_s: 60 } }\n";
    [yaml, json, rules.into()].map(String::into_bytes).into()
}

/// A state with everything, and an empty one.
pub(crate) fn desired_examples() -> Vec<Vec<u8>> {
    [example(), DesiredState::new()].map(|state| state.encode().expect("a good state")).into()
}

/// What is kept after a state was wanted.
pub(crate) fn kept_examples() -> Vec<Vec<u8>> {
    let mut machine = Converger::resume(Config::default(), None).expect("nothing was kept");
    let state = example();
    let stamp = Stamp { version: 1, hash: state.hash() };
    let around = Around { disk_free_bytes: u64::MAX, ..Around::default() };
    let effects = machine.handle(Now::default(), &around, Input::Desired { stamp, state: Box::new(state) });
    let kept = effects.into_iter().filter_map(|effect| match effect {
        aisle_fleet::Effect::Keep(bytes) => Some(bytes),
        _ => None,
    });
    kept.collect()
}

/// A report with a slot, and an empty one.
pub(crate) fn says_examples() -> Vec<Vec<u8>> {
    let mut machine = Converger::resume(Config::default(), None).expect("nothing was kept");
    let state = example();
    let stamp = Stamp { version: 1, hash: state.hash() };
    let around = Around { disk_free_bytes: 1, ..Around::default() };
    drop(machine.handle(Now::default(), &around, Input::Desired { stamp, state: Box::new(state) }));
    let full = NodeSays { report: machine.report(), ..NodeSays::default() };
    [full, NodeSays::default()].map(|says| says.encode().expect("it fits")).into()
}

/// Two candidates, and none.
pub(crate) fn rehearse_examples() -> Vec<Vec<u8>> {
    let candidate = |slot: &str, round| {
        let hash = ContentHash::of(slot.as_bytes());
        let version = "1.5.0".parse().expect("a good version");
        let release = Release { version, hash, bytes: 1000, needs: Needs::default() };
        rehearsal::Candidate { slot: slot.parse().expect("a good slot"), release, round }
    };
    let all = [candidate("plugin/multi-buy", 1_795_305_600_000), candidate("plugin/other", 2)];
    [&all[..], &[]].map(|all| rehearsal::encode_candidates(all).expect("good candidates")).into()
}
