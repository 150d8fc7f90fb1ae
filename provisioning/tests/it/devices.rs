//! Devices of a store, and the list of who may not come in.

use crate::world::{Member, NOW, Seeded, World, chain, days, device, node, store};
use aisle_provisioning::{
    Device, Identity, Store,
    device::{
        DevicePassword, Entry, ListError, RevocationBoard, RevocationList, Revocations as _, Roster,
        RosterError, Way, What,
    },
};
use std::collections::BTreeSet;

fn ban(identity: Identity) -> Entry {
    Entry { what: What::Identity(identity), since: NOW, until: None }
}

fn published(list: &RevocationList, by: &Member) -> Vec<u8> {
    list.sign(by.signer()).unwrap()
}

#[test]
fn a_list_is_signed_by_a_hub_and_its_number_only_rises() {
    let mut world = World::new(1);
    let (roots, hub) = (world.roots(), world.hub(NOW));
    let empty = RevocationList::default();
    let first = empty.with([ban(device())], &[], NOW).unwrap();
    let second = first.with([ban(node())], &[], NOW).unwrap();
    assert!(second.number() > first.number());
    let open =
        |bytes: &[u8], current: &RevocationList| RevocationList::open(bytes, &roots, &chain(), current);
    let (one, two) = (published(&first, &hub), published(&second, &hub));
    assert_eq!(open(&one, &empty).unwrap(), first);
    assert_eq!(open(&two, &first).unwrap(), second);
    assert!(matches!(open(&one, &second), Err(ListError::Older { .. })), "an old one that is sent again");
    assert_eq!(open(&two, &second).unwrap(), second, "the same one again changes nothing");
    let twin = first.with([], &[], NOW).unwrap();
    assert!(matches!(open(&published(&twin, &hub), &second), Err(ListError::Same { .. })));
    for other in [world.node(NOW), World::new(2).hub(NOW)] {
        assert!(matches!(open(&published(&second, &other), &empty), Err(ListError::Signed(_))));
    }
    let mut forged = two;
    let place = forged.windows(8).position(|bytes| bytes == b"fridge-7").unwrap();
    forged[place] = b'F';
    assert!(matches!(open(&forged, &empty), Err(ListError::Signed(_))));
}

#[test]
fn a_list_is_believed_long_after_the_hub_s_certificate_has_ended() {
    let mut world = World::new(3);
    let (roots, hub) = (world.roots(), world.hub(NOW));
    let list = RevocationList::default().with([ban(node())], &[], days(10)).unwrap();
    // Nothing here asks what time it is: a store that was offline for a year reads it all the same.
    RevocationList::open(&published(&list, &hub), &roots, &chain(), &RevocationList::default()).unwrap();
}

#[test]
fn after_a_restored_backup_the_number_still_rises() {
    let backup = RevocationList::default().with([], &[], NOW).unwrap();
    let lost = (0..1_000).fold(backup.clone(), |list, _| list.with([], &[], NOW).unwrap());
    let restored = backup.with([], &[], days(1)).unwrap();
    assert!(restored.number() > lost.number());
}

#[test]
fn a_ban_holds_until_it_is_lifted_and_a_replaced_certificate_until_it_has_long_ended() {
    let mut world = World::new(4);
    let facts = world.node(NOW).issued.facts;
    let replaced = Entry { what: What::Certificate(facts.number.clone()), since: NOW, until: Some(days(90)) };
    let list = RevocationList::default().with([ban(node()), replaced], &[], NOW).unwrap();
    assert!(list.bans(&node()) && list.refuses(&facts, &[]));
    let pruned = list.prune(days(500));
    assert_eq!(pruned.entries().count(), 1);
    assert!(pruned.bans(&node()));
    let lifted = pruned.with([], &[node()], days(501)).unwrap();
    assert!(!lifted.refuses(&facts, &[]));
    let issuer = Entry { what: What::Issuer(world.issuing.facts().key), since: NOW, until: None };
    let fallen = lifted.with([issuer], &[], days(502)).unwrap();
    assert!(fallen.refuses(&facts, &[world.issuing.facts().key]));
}

#[test]
fn a_store_is_told_of_its_own_devices_and_of_no_other_store() {
    let elsewhere = Identity::device(chain(), Store::new("paris-1").unwrap(), Device::new("x").unwrap());
    let list = RevocationList::default().with([ban(device()), ban(elsewhere.clone())], &[], NOW).unwrap();
    let ours = list.for_store(&store());
    assert!(ours.bans(&device()) && !ours.bans(&elsewhere));
}

#[test]
fn a_board_takes_no_older_list() {
    let board = RevocationBoard::default();
    let first = board.get().with([ban(node())], &[], NOW).unwrap();
    let second = first.with([], &[], NOW).unwrap();
    assert!(board.set(second.clone()));
    assert!(!board.set(first.clone()));
    assert!(!board.set(first.with([ban(device())], &[], NOW).unwrap()), "another one with the same number");
    assert!(board.set(second.clone()), "the same one again");
    assert_eq!(*board.get(), second);
}

#[test]
fn a_list_reads_back_and_is_written_in_one_way() {
    let mut world = World::new(5);
    let number = world.node(NOW).issued.facts.number;
    let entries = [
        ban(node()),
        ban(device()),
        Entry { what: What::Certificate(number), since: NOW, until: Some(days(3)) },
        Entry { what: What::Issuer(world.issuing.facts().key), since: NOW, until: None },
    ];
    let list = RevocationList::default().with(entries.clone(), &[], NOW).unwrap();
    let turned = RevocationList::default().with(entries.into_iter().rev(), &[], NOW).unwrap();
    assert_eq!(list.encode(), turned.encode());
    assert_eq!(RevocationList::decode(&list.encode()).unwrap(), list);
    let mut longer = list.encode();
    longer.push(0);
    assert!(RevocationList::decode(&longer).is_err());
}

#[test]
fn a_device_comes_in_by_certificate_or_by_password_and_not_after_it_was_revoked() {
    let mut world = World::new(6);
    let mut roster = Roster::new(chain(), store());
    let fridge = Device::new("fridge-7").unwrap();
    let first = world.member(&device(), &[], NOW).issued;
    assert_eq!(roster.certify(&first, NOW).unwrap(), []);
    let second = world.member(&device(), &[], NOW).issued;
    let replaced = roster.certify(&second, days(1)).unwrap();
    assert_eq!(replaced[0].what, What::Certificate(first.facts.number.clone()), "the one before is dead");
    let hash = "$argon2id$v=19$m=7168,t=5,p=1$c2FsdA$aGFzaA".to_owned();
    assert_eq!(roster.set_password(fridge.clone(), hash, days(2)).unwrap().len(), 1);
    let entries = roster.revoke(&fridge, days(3)).unwrap();
    assert_eq!(entries.last().unwrap().what, What::Identity(device()));
    let (_, line) = roster.lines().next().unwrap();
    assert!(matches!(line.way, Way::Password { .. }) && line.revoked_at == Some(days(3)));
    let other = world.node(NOW).issued;
    assert!(matches!(roster.certify(&other, NOW), Err(RosterError::OtherStore { .. })));
    assert_eq!(roster.set_password(fridge, "plain".into(), NOW), Err(RosterError::Hash));
    let unknown = Device::new("nobody").unwrap();
    assert!(matches!(roster.revoke(&unknown, NOW), Err(RosterError::Unknown { .. })));
}

#[test]
fn passwords_of_devices_are_random_and_do_not_show() {
    let mut entropy = Seeded(7);
    let drawn: BTreeSet<String> = (0..100)
        .map(|_| {
            let password = DevicePassword::draw(&mut entropy).unwrap();
            assert!(!format!("{password:?}").contains(password.reveal()));
            password.reveal().to_owned()
        })
        .collect();
    assert_eq!(drawn.len(), 100);
    assert!(drawn.iter().all(|password| password.len() == 20 && !password.contains(['i', 'l', 'o', 'u'])));
}
