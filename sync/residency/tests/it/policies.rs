//! What a policy can say, and what is said about one that is wrong.

use crate::support::{officer, policy, region, trusted};
use aisle_protocol::PolicyId;
use aisle_residency::{
    Policy, TrustedPolicy,
    policy::{Action, SuccessionError, TrustError},
    signing::SigningKey,
    vocabulary::Path,
};

fn refusal(rules: &str) -> String {
    Policy::draft(policy(rules).as_bytes()).unwrap_err().to_string()
}

fn rule(fields: &str, more: &str) -> String {
    format!("[[rule]]\nto = [\"eu\"]\nfields = [{fields}]\n{more}\n")
}

/// What is wrong with a policy, and every word that is said about it. The first rule begins in line 8, its fields stand in line 10.
#[test]
fn a_policy_that_is_wrong_is_refused_with_its_line_the_cause_and_the_next_step() {
    let pass = "action = \"pass\"";
    let cases = [
        (
            rule("\"SaleRecorded.lines.skew\"", pass),
            "line 10: there is no field `SaleRecorded.lines.skew`\nhint: did you mean `SaleRecorded.lines.sku`?",
        ),
        (
            rule("\"SalesRecorded.lines.sku\"", pass),
            "line 10: there is no event `SalesRecorded`\nhint: did you mean `SaleRecorded`?",
        ),
        (rule("\"Gondola.x\"", pass), "line 10: there is no event `Gondola`"),
        (rule("\"SaleRecorded.?\"", pass), "line 10: there is no field `SaleRecorded.?`"),
        (
            rule("\"SaleRecorded.lines\"", pass),
            "line 10: `SaleRecorded.lines` holds a record\nhint: name the fields in it, such as `SaleRecorded.lines.line`",
        ),
        (
            rule("\"StockCounted.*\"", pass),
            "line 10: `StockCounted.*` has no end\nhint: say up to which field number, so that a field which comes later stays denied: `StockCounted.*<=3`",
        ),
        (
            rule("\"StockCounted.*<=4\"", pass),
            "line 10: `StockCounted.*<=4`: the highest field number of `StockCounted` is 3\nhint: write `StockCounted.*<=3`",
        ),
        (
            rule("\"StockCounted.*<=3\"", "action = \"token\"\npurpose = \"test\""),
            "line 10: `StockCounted.*<=3`: a wildcard stands for the open fields directly in an event, and can only be passed or dropped",
        ),
        (
            rule("\"SaleRecorded.at\", \"SaleRecorded.*<=4\"", pass),
            "line 10: `SaleRecorded.at` has a rule for `eu` already, in line 10",
        ),
        (
            rule("\"SaleRecorded.at\"", pass) + &rule("\"SaleRecorded.at\"", "action = \"drop\""),
            "line 14: `SaleRecorded.at` has a rule for `eu` already, in line 10",
        ),
        (
            rule("\"SaleRecorded.customer\"", pass),
            "line 10: `SaleRecorded.customer` is personal, and this rule lets its content out\nhint: say in `basis` what the law allows that by",
        ),
        (
            rule("\"SaleRecorded.customer\"", "action = \"pass\"\nbasis = \"  \""),
            "line 10: `SaleRecorded.customer` is personal, and this rule lets its content out\nhint: say in `basis` what the law allows that by",
        ),
        (
            rule("\"CodeScanned.code\"", "action = \"coarsen\"\nby = { prefix = 2 }"),
            "line 10: `CodeScanned.code` is sensitive, and this rule lets its content out\nhint: say in `basis` what the law allows that by",
        ),
        (
            rule("\"SaleRecorded.document\"", "action = \"coarsen\"\nby = { time = \"hour\" }"),
            "line 12: `SaleRecorded.document` is text; `time` makes times coarser\nhint: write `by = { prefix = 2 }` or `by = { category = { … }, other = \"…\" }`",
        ),
        (
            rule("\"SessionEnded.reason\"", "action = \"coarsen\"\nby = { number = 2 }"),
            "line 12: `SessionEnded.reason` is one of a set; `number` makes numbers coarser\nhint: it has no coarser form; pass, token, aggregate or drop it",
        ),
        (
            rule("\"SaleRecorded.at\"", "action = \"coarsen\"\nby = { time = \"exact\" }"),
            "line 12: `time` is exact, expected `second`, `minute`, `hour`, `day` or `week`",
        ),
        (
            rule("\"SaleRecorded.at\"", "action = \"coarsen\"\nby = { time = \"hour\", prefix = 2 }"),
            "line 12: `by` has to say one thing: `time`, `money_minor`, `quantity_thousandths`, `measure_millionths`, `number`, `days`, `prefix` or `category`",
        ),
        (rule("\"SaleRecorded.at\"", "action = \"coarsen\""), "line 11: `coarsen` needs `by`"),
        (
            rule("", "action = \"pass\""),
            "line 11: `fields` is empty: the rule is about nothing\nhint: leave the rule out, or say what it is about",
        ),
        (rule("\"SaleRecorded.session\"", "action = \"token\""), "line 11: `token` needs `purpose`"),
        (
            rule("\"SaleRecorded.session\"", "action = \"pass\"\npurpose = \"test\""),
            "line 12: `purpose` says nothing for `pass`\nhint: leave it out",
        ),
        (
            rule("\"SaleRecorded.session\"", "action = \"token\"\npurpose = \"test\"\nbits = 40"),
            "line 13: `bits` is 40; a token has 64 to 256 bits, in whole bytes",
        ),
        (
            rule("\"SaleRecorded.session\"", "action = \"token\"\npurpose = \"Loyalty\""),
            "line 12: `Loyalty` is no name: it needs 1 to 32 lower-case letters, digits and hyphens, a letter first",
        ),
        (
            rule("\"SaleRecorded.at\"", "action = \"aggregate\""),
            "line 10: no `[[aggregate]]` for `eu` uses `SaleRecorded.at`\nhint: name it in one, or write `drop`",
        ),
        (
            "[[rule]]\nto = [\"ue\"]\nfields = [\"SaleRecorded.at\"]\naction = \"pass\"\n".into(),
            "line 9: no `[[destination]]` describes `ue`\nhint: did you mean `eu`?",
        ),
        ("[[destination]]\nregion = \"eu\"\nclock = \"hour\"\n".into(), "line 9: `eu` is described twice"),
    ];
    for (rules, expected) in cases {
        assert_eq!(refusal(&rules), expected, "{rules}");
    }
}

#[test]
fn what_is_no_policy_is_refused_with_the_place() {
    let said = |bytes: &[u8]| Policy::draft(bytes).unwrap_err().to_string();
    assert_eq!(said(&[0xff]), "line 1: the policy is no UTF-8 text");
    assert_eq!(
        said(&vec![b' '; 300 << 10]),
        "line 1: the policy has 307200 bytes; at most 61440 are allowed"
    );
    let of_two = policy("").replace("aisle_policy = 1", "aisle_policy = 2");
    assert_eq!(said(of_two.as_bytes()), "line 1: `aisle_policy` is 2; this build reads format 1");
    let unversioned = policy("").replace("version = 1", "version = 0");
    assert_eq!(
        said(unversioned.as_bytes()),
        "line 3: `version` is 0\nhint: versions begin at 1 and only go up"
    );
    let unknown_key = said(policy("[[rule]]\nto = []\nfield = []\naction = \"pass\"\n").as_bytes());
    assert!(unknown_key.starts_with("line 10: unknown field `field`"), "{unknown_key}");
    let unknown_action = said(policy(&rule("", "action = \"allow\"")).as_bytes());
    assert!(unknown_action.starts_with("line 11: unknown variant `allow`"), "{unknown_action}");
}

#[test]
fn aggregates_that_cannot_be_are_refused() {
    let fields = "\"SaleRecorded.at\", \"SaleRecorded.document\", \"SaleRecorded.customer\", \"SaleRecorded.lines.sku\", \"SaleRecorded.lines.quantity\", \"SaleRecorded.adjustments.amount\"";
    let with = |aggregate: &str| refusal(&(rule(fields, "action = \"aggregate\"") + aggregate));
    let aggregate = |more: &str| {
        format!(
            "[[aggregate]]\nname = \"a\"\nto = \"eu\"\nevent = \"SaleRecorded\"\ntime = \"SaleRecorded.at\"\nwindow = \"day\"\neach = \"SaleRecorded.document\"\nrows_max = 1\n{more}"
        )
    };
    assert_eq!(with(&aggregate("k = 1\n")), "line 20: `k` is 1, expected 2 to 1000000");
    assert_eq!(
        with(&aggregate("k = 5\nkeys = [{ field = \"SaleRecorded.customer\" }]\n")),
        "line 21: `SaleRecorded.customer` is personal; groups are made of open and pseudonymous fields only"
    );
    assert_eq!(
        with(&aggregate("k = 5\nkeys = [{ field = \"SaleRecorded.source\" }]\n")),
        "line 21: the aggregate `a` uses `SaleRecorded.source`, which has no rule `aggregate` for `eu`"
    );
    assert_eq!(
        with(&aggregate("k = 5\nsums = [{ field = \"SaleRecorded.lines.sku\", at_most = 5 }]\n")),
        "line 21: `SaleRecorded.lines.sku` is text; only amounts can be summed"
    );
    assert_eq!(
        with(&aggregate(
            "k = 5\nkeys = [{ field = \"SaleRecorded.lines.sku\" }]\nsums = [{ field = \"SaleRecorded.adjustments.amount\", at_most = 5 }]\n"
        )),
        "line 13: the aggregate `a` uses fields of two lists, `SaleRecorded.adjustments.amount` being one of them"
    );
    assert_eq!(
        with(&aggregate("k = 5\nnoise = { epsilon = \"1e3\", budget = \"1.0\", budget_days = 30 }\n")),
        "line 21: `epsilon` is \"1e3\", expected a decimal above 0 such as \"0.5\""
    );
    assert_eq!(
        with(&aggregate("k = 5\nnoise = { epsilon = \"2.0\", budget = \"1.0\", budget_days = 30 }\n")),
        "line 21: `budget` is 1.0, expected at least one `epsilon`"
    );
}

#[test]
fn a_personal_field_passes_with_its_basis_beside_it() {
    let text = policy(&rule("\"SaleRecorded.customer\"", "action = \"pass\"\nbasis = \"GDPR Art. 6(1)(b)\""));
    let draft = Policy::draft(text.as_bytes()).unwrap();
    let rule = draft.rule(&region("eu"), Path::named("SaleRecorded.customer").unwrap()).unwrap();
    assert_eq!(
        (&rule.action, rule.basis.as_deref(), rule.line),
        (&Action::Pass, Some("GDPR Art. 6(1)(b)"), 10)
    );
}

#[test]
fn only_the_exact_bytes_that_a_trusted_key_signed_are_a_policy() {
    let text = policy("");
    let key = officer();
    let signature = key.sign(text.as_bytes());
    let opened = TrustedPolicy::open(text.as_bytes(), &signature, &[key.verifying_key()]).unwrap();
    assert_eq!(opened.id().hash.0, *blake3::hash(text.as_bytes()).as_bytes());
    let changed = text.replace("exact", "hour");
    let refused = TrustedPolicy::open(changed.as_bytes(), &signature, &[key.verifying_key()]).unwrap_err();
    assert_eq!(refused, TrustError::Signature { keys: 1 });
    let stranger = SigningKey::from_seed(&[1; 32]).unwrap();
    assert!(
        TrustedPolicy::open(text.as_bytes(), &stranger.sign(text.as_bytes()), &[key.verifying_key()])
            .is_err()
    );
    assert!(TrustedPolicy::open(text.as_bytes(), &signature, &[]).is_err());
    assert!(
        TrustedPolicy::open(text.as_bytes(), &signature, &[stranger.verifying_key(), key.verifying_key()])
            .is_ok()
    );
}

#[test]
fn versions_only_go_up() {
    let of = |version: u32, clock: &str| {
        trusted(&policy("").replace("version = 1", &format!("version = {version}")).replace("exact", clock))
    };
    let current: Option<PolicyId> = Some(of(2, "hour").id());
    assert!(of(3, "hour").after(current).is_ok());
    assert!(of(2, "hour").after(current).is_ok(), "the same again");
    assert_eq!(of(1, "hour").after(current).unwrap_err(), SuccessionError::Older { found: 1, current: 2 });
    assert_eq!(of(2, "day").after(current).unwrap_err(), SuccessionError::Same { version: 2 });
    assert!(of(1, "hour").after(None).is_ok());
}
