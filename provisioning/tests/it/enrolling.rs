//! From a claim to a ban: what leads from one state to another, who may do it, and what a node is answered.

use crate::world::{Member, NOW, World, days, node};
use aisle_event::{Name, Timestamp};
use aisle_provisioning::{
    Code, Fingerprint,
    device::What,
    enrolment::{
        Action, Actor, Admission, BAN_LOOK_MS, BAN_TAKES_EFFECT_MS, Change, ChangeError, Credential,
        Decision, Effects, Enrolment, Presented, Role, State, TransitionError,
    },
};

const OPERATOR: Actor = Actor::Person(Role::Operator);
const ADMIN: Actor = Actor::Person(Role::Admin);
fn why(text: &str) -> Option<Name> {
    Some(Name::new(text).unwrap())
}

fn credential(member: &Member) -> Credential {
    Credential::from(&member.issued.facts)
}

fn shown(member: &Member) -> Presented<'_> {
    Presented { facts: &member.issued.facts, is_revoked: false }
}

fn apply(record: &Enrolment, change: &Change, actor: Actor) -> (Enrolment, Effects) {
    record.apply(change, actor, why("because"), NOW).unwrap()
}

/// A node that is active with a first certificate.
fn active(world: &mut World) -> (Enrolment, Member) {
    let first = world.node(NOW);
    let record = Enrolment::claimed(node(), first.key.fingerprint(), NOW);
    let (record, _) = apply(&record, &Change::Queue, Actor::Hub);
    let (record, _) = apply(&record, &Change::Approve, OPERATOR);
    let (record, effects) = apply(&record, &Change::Issue(credential(&first)), Actor::Hub);
    assert_eq!((record.state, effects), (State::Active, Effects::default()));
    (record, first)
}

/// All that is allowed. Whatever is not here must be refused.
fn allowed(from: State, action: Action, actor: Actor) -> bool {
    let person = matches!(actor, OPERATOR | ADMIN);
    match (from, action) {
        (State::Claimed, Action::Queue) | (State::Active | State::Renewing, Action::Issue) => {
            actor == Actor::Hub
        }
        (State::Claimed, Action::Approve) => person || actor == Actor::Hub,
        (State::Active | State::Renewing, Action::Prove) => actor == Actor::Node,
        (State::Pending, Action::Approve)
        | (State::Claimed | State::Pending, Action::Reject)
        | (State::Active | State::Renewing, Action::Suspend)
        | (State::Suspended, Action::Resume) => person,
        (State::Banned, Action::Reclaim) => actor == ADMIN,
        (State::Banned, _) => false,
        (_, Action::Ban | Action::Reclaim) => person,
        _ => false,
    }
}

#[test]
fn every_change_in_every_state_by_everybody_is_allowed_or_refused_by_name() {
    let mut count = 0;
    for &from in State::ALL {
        for &action in Action::ALL {
            for &actor in Actor::ALL {
                let result = from.after(action, actor);
                assert_eq!(result.is_ok(), allowed(from, action, actor), "{from} {action} {actor}");
                count += usize::from(result.is_ok());
                if let Err(refusal) = result {
                    let text = refusal.to_string();
                    assert!(text.contains(from.as_str()) && text.contains("hint:"), "{text}");
                }
            }
        }
    }
    assert_eq!(count, 41);
    let refusal = State::Active.after(Action::Ban, Actor::Person(Role::Viewer)).unwrap_err();
    assert!(matches!(&refusal, TransitionError::Actor { .. }));
    assert_eq!(
        refusal.to_string().lines().next().unwrap(),
        "a person with the role `viewer` may not ban a node that is active"
    );
}

#[test]
fn states_have_the_words_of_the_design() {
    let words: Vec<String> = State::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(words, ["claimed", "pending", "active", "renewing", "suspended", "banned"]);
    assert!(words.iter().all(|word| word.parse::<State>().unwrap().as_str() == word));
    assert!("gone".parse::<State>().unwrap_err().to_string().contains("suspended"));
    for action in Action::ALL {
        assert_eq!(action.as_str().parse(), Ok(*action));
    }
    for actor in Actor::ALL {
        assert_eq!(actor.as_str().parse(), Ok(*actor));
    }
    for role in Role::ALL {
        assert_eq!(role.as_str().parse(), Ok(*role));
    }
}

#[test]
fn a_box_waits_for_approval_and_gets_its_certificate_for_the_key_of_its_claim() {
    let mut world = World::new(1);
    let first = world.node(NOW);
    let record = Enrolment::claimed(node(), first.key.fingerprint(), NOW);
    assert_eq!(record.at_first(&record.claimed_key), Decision::Wait(Code::WaitsForApproval));
    let (record, _) = apply(&record, &Change::Queue, Actor::Hub);
    assert_eq!(record.at_first(&record.claimed_key), Decision::Wait(Code::WaitsForApproval));
    let (record, _) = apply(&record, &Change::Approve, OPERATOR);
    assert_eq!(record.at_first(&record.claimed_key), Decision::Allow);
    assert!(matches!(record.at_first(&Fingerprint([0; 32])), Decision::Refuse(_)), "another key");
    let stranger = credential(&world.node(NOW));
    let refusal = record.apply(&Change::Issue(stranger), Actor::Hub, None, NOW).unwrap_err();
    assert!(matches!(refusal, ChangeError::OtherKey { .. }));
}

#[test]
fn who_is_rejected_or_banned_is_told_so_with_the_reason() {
    let record = Enrolment::claimed(node(), Fingerprint([1; 32]), NOW);
    let refusal = record.apply(&Change::Reject, OPERATOR, None, NOW).unwrap_err();
    assert!(matches!(refusal, ChangeError::Reason { .. }), "nobody is sent away without a reason");
    let (rejected, effects) = record.apply(&Change::Reject, OPERATOR, why("wrong serial"), NOW).unwrap();
    assert!(effects.close_sessions && effects.revoke[0].what == What::Identity(node()));
    let Decision::Refuse(refusal) = rejected.at_first(&Fingerprint([1; 32])) else { panic!("refused") };
    assert_eq!(refusal.code, Code::Rejected);
    assert!(refusal.to_string().ends_with("Reason: wrong serial"), "{refusal}");
}

#[test]
fn the_old_certificate_is_dead_once_the_new_one_was_shown_and_not_before() {
    let mut world = World::new(2);
    let (record, old) = active(&mut world);
    let new = world.node(days(45));
    let (renewing, effects) = apply(&record, &Change::Issue(credential(&new)), Actor::Hub);
    assert_eq!((renewing.state, effects), (State::Renewing, Effects::default()));
    assert_eq!(renewing.admit(shown(&old), days(45)), Ok(Admission::Welcome), "make before break");
    assert_eq!(renewing.admit(shown(&new), days(45)), Ok(Admission::Proved));
    let (stays, _) = apply(&renewing, &Change::Prove(old.issued.facts.number.clone()), Actor::Node);
    assert_eq!(stays, renewing, "the old one proves nothing");
    let proof = Change::Prove(new.issued.facts.number.clone());
    let (renewed, effects) = apply(&renewing, &proof, Actor::Node);
    assert_eq!(renewed.state, State::Active);
    assert_eq!(effects.revoke[0].what, What::Certificate(old.issued.facts.number.clone()));
    assert!(!effects.close_sessions, "the session that showed it goes on");
    let refusal = renewed.admit(shown(&old), days(45)).unwrap_err();
    assert_eq!(refusal.code, Code::CertificateReplaced);
    assert!(matches!(renewed.at_renewal(shown(&old), days(45)), Decision::Refuse(_)));
    let (again, effects) = apply(&renewed, &proof, Actor::Node);
    assert_eq!((again, effects), (renewed, Effects::default()), "twice is once");
}

#[test]
fn a_lost_answer_is_asked_for_again_and_leaves_no_certificate_alive() {
    let mut world = World::new(3);
    let (record, first) = active(&mut world);
    let mut again = credential(&world.node(NOW));
    again.key = first.key.fingerprint();
    let (record, effects) = apply(&record, &Change::Issue(again.clone()), Actor::Hub);
    assert_eq!((record.state, record.current.clone()), (State::Active, Some(again)));
    assert_eq!(effects.revoke[0].what, What::Certificate(first.issued.facts.number));
    let (one, two) = (credential(&world.node(NOW)), credential(&world.node(NOW)));
    let (record, effects) = apply(&record, &Change::Issue(one.clone()), Actor::Hub);
    assert!(effects.revoke.is_empty());
    let (record, effects) = apply(&record, &Change::Issue(two.clone()), Actor::Hub);
    assert_eq!((record.state, record.next), (State::Renewing, Some(two)));
    assert_eq!(effects.revoke[0].what, What::Certificate(one.number));
}

#[test]
fn a_certificate_that_expired_offline_recovers_after_any_time_unless_banned() {
    let mut world = World::new(4);
    let (record, old) = active(&mut world);
    assert_eq!(record.at_renewal(shown(&old), days(45)), Decision::Allow);
    for away in [91, 400, 4_000] {
        let Decision::Recover { expired_ms } = record.at_renewal(shown(&old), days(away)) else {
            panic!("after {away} days");
        };
        assert_eq!(Timestamp(expired_ms as i64), Timestamp(days(away).0 - days(90).0));
        let refusal = record.admit(shown(&old), days(away)).unwrap_err();
        assert_eq!(refusal.code, Code::CertificateExpired, "it is good for nothing else");
    }
    let (banned, effects) = apply(&record, &Change::Ban, OPERATOR);
    assert!(effects.close_sessions);
    let revoked: Vec<&What> = effects.revoke.iter().map(|entry| &entry.what).collect();
    assert_eq!(revoked, [&What::Identity(node()), &What::Certificate(old.issued.facts.number.clone())]);
    for now in [NOW, days(400)] {
        let Decision::Refuse(refusal) = banned.at_renewal(shown(&old), now) else { panic!("refused") };
        assert_eq!(refusal.code, Code::Banned);
        assert_eq!(banned.admit(shown(&old), now).unwrap_err().code, Code::Banned);
    }
}

#[test]
fn a_ban_takes_effect_within_a_minute_though_one_look_fails() {
    assert_eq!(BAN_TAKES_EFFECT_MS, 60_000);
    assert_eq!(BAN_LOOK_MS.checked_mul(3), Some(60_000));
}

#[test]
fn who_is_suspended_comes_back_to_where_they_were() {
    let mut world = World::new(5);
    let (record, old) = active(&mut world);
    let (suspended, effects) = apply(&record, &Change::Suspend, OPERATOR);
    assert!(effects.close_sessions && effects.revoke.is_empty());
    let refusal = suspended.admit(shown(&old), NOW).unwrap_err();
    assert!(refusal.code == Code::Suspended && refusal.code.is_passing());
    let (resumed, _) = apply(&suspended, &Change::Resume, OPERATOR);
    assert_eq!(resumed.admit(shown(&old), NOW), Ok(Admission::Welcome));
    let next = credential(&world.node(NOW));
    let (renewing, _) = apply(&record, &Change::Issue(next.clone()), Actor::Hub);
    let (suspended, _) = apply(&renewing, &Change::Suspend, ADMIN);
    let (resumed, _) = apply(&suspended, &Change::Resume, ADMIN);
    assert_eq!((resumed.state, resumed.next), (State::Renewing, Some(next)));
}

#[test]
fn a_box_that_was_set_up_anew_takes_the_serial_over_and_the_old_certificates_die() {
    let mut world = World::new(6);
    let (record, old) = active(&mut world);
    let new = world.node(NOW);
    let claim = Change::Reclaim(new.key.fingerprint());
    let (reclaimed, effects) = apply(&record, &claim, OPERATOR);
    assert_eq!(reclaimed.state, State::Claimed);
    assert!(effects.close_sessions && effects.lift == [node()]);
    assert_eq!(effects.revoke[0].what, What::Certificate(old.issued.facts.number.clone()));
    let (record, _) = apply(&reclaimed, &Change::Approve, Actor::Hub);
    // Before the new box has its certificate, the old one's is nobody's.
    assert_eq!(record.admit(shown(&old), NOW).unwrap_err().code, Code::CertificateReplaced);
    let (record, _) = apply(&record, &Change::Issue(credential(&new)), Actor::Hub);
    assert_eq!(record.admit(shown(&new), NOW), Ok(Admission::Welcome));
    assert!(record.admit(shown(&old), NOW).is_err());
    let (banned, _) = apply(&record, &Change::Ban, OPERATOR);
    let refusal = banned.apply(&claim, OPERATOR, None, NOW).unwrap_err();
    assert!(
        matches!(refusal, ChangeError::Transition(TransitionError::Actor { .. })),
        "a ban is lifted by an admin"
    );
    apply(&banned, &claim, ADMIN);
}

#[test]
fn a_hub_restored_from_a_backup_takes_on_what_it_issued_after_it() {
    let mut world = World::new(7);
    let (backup, old) = active(&mut world);
    let after = world.node(days(45));
    let admitted = backup.admit(shown(&after), days(46)).unwrap();
    assert_eq!(admitted, Admission::Adopt(credential(&after)));
    assert_eq!(backup.at_renewal(shown(&after), days(46)), Decision::Allow);
    let listed = Presented { is_revoked: true, ..shown(&after) };
    assert_eq!(backup.admit(listed, days(46)).unwrap_err().code, Code::CertificateReplaced);
    let (record, _) = apply(&backup, &Change::Issue(credential(&after)), Actor::Hub);
    let (record, _) = apply(&record, &Change::Prove(after.issued.facts.number.clone()), Actor::Node);
    assert!(record.admit(shown(&old), days(46)).is_err());
}

#[test]
fn a_certificate_of_another_box_is_never_this_one_s() {
    let mut world = World::new(8);
    let (record, _) = active(&mut world);
    let other = world.member(&crate::world::device(), &[], NOW);
    assert_eq!(record.admit(shown(&other), NOW).unwrap_err().code, Code::NameForeign);
}

#[test]
fn a_key_that_was_left_behind_gets_nothing_by_the_claim_any_more() {
    let mut world = World::new(21);
    let (record, old) = active(&mut world);
    let first = old.key.fingerprint();
    assert_eq!(record.at_first(&first), Decision::Allow, "the answer may have been lost");
    let new = world.node(days(45));
    let (renewing, _) = apply(&record, &Change::Issue(credential(&new)), Actor::Hub);
    assert_eq!(renewing.at_first(&first), Decision::Allow, "the first one is still in use");
    let proof = Change::Prove(new.issued.facts.number.clone());
    let (renewed, _) = apply(&renewing, &proof, Actor::Node);
    for key in [first, new.key.fingerprint()] {
        let Decision::Refuse(refusal) = renewed.at_first(&key) else { panic!("refused") };
        assert_eq!(refusal.code, Code::ClaimUsed);
    }
    assert!(!renewed.is_first_key(&first) && renewing.is_first_key(&first));
}
