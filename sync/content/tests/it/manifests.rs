//! The manifest and the plugin's package.

use crate::world::{Hub, item, noise};
use aisle_content::{
    Content, Item, Manifest, ManifestError, PIECE_BYTES, PluginPackage,
    manifest::{CONTENT_BYTES_MAX, DELTAS_MAX, ITEMS_MAX, MANIFEST_BYTES_MAX},
    trust::{HubsWord, NotDesired, manifest},
};
use aisle_protocol::{
    Hash,
    control::{Desired, Octets},
};

fn small(byte: u8) -> Content {
    Content { hash: Hash([byte; 32]), bytes: 10, tree: None }
}

#[test]
fn equal_manifests_are_equal_bytes_whatever_order_they_were_made_in() {
    let (mut hub, old) = (Hub::default(), noise(1, 90_000));
    let mut plugin = item("plugin/multi-buy", "1.2.0", hub.add(&noise(2, 600_000)));
    plugin.deltas = vec![hub.delta(&old, &noise(2, 600_000)), hub.delta(&noise(3, 10), &noise(2, 600_000))];
    let catalogue = item("catalogue", "7", hub.add(b"a,b"));
    let one = Manifest::new(4, vec![plugin.clone(), catalogue.clone()]).unwrap();
    plugin.deltas.reverse();
    let other = Manifest::new(4, vec![catalogue, plugin]).unwrap();
    assert_eq!(one.encode(), other.encode());
    assert_eq!(Manifest::decode(&one.encode()).unwrap(), one);
    assert_eq!(one.items()[0].name, "catalogue");
    assert_eq!((one.items()[1].kind(), one.items()[1].which()), ("plugin", Some("multi-buy")));
}

#[test]
fn the_bytes_of_a_manifest_are_these_for_ever() {
    let manifest = Manifest::new(7, vec![item("plugin/x", "1", small(0xab))]).unwrap();
    let hex: String = manifest.encode().iter().map(|byte| format!("{byte:02x}")).collect();
    let hash = "ab".repeat(32);
    let expected = format!("a3000101070281a40168706c7567696e2f78026131 03a2015820{hash}020a 0480");
    assert_eq!(hex, expected.replace(' ', ""));
}

#[test]
fn a_key_that_is_not_known_is_passed_over_and_a_later_form_is_refused() {
    // {0: 1, 1: 9, 2: [], 9: "later"}
    let later_key = b"\xa4\x00\x01\x01\x09\x02\x80\x09\x65later";
    assert_eq!(Manifest::decode(later_key).unwrap(), Manifest::new(9, Vec::new()).unwrap());
    // {0: 2, 1: "of another type"}
    let later_form = b"\xa2\x00\x02\x01\x61x";
    assert_eq!(Manifest::decode(later_form), Err(ManifestError::Form { found: 2 }));
}

#[test]
fn what_cannot_be_right_is_refused_by_the_name_of_its_item() {
    let refused = |change: fn(&mut Item)| {
        let mut wrong = item("plugin/x", "1", small(1));
        change(&mut wrong);
        Manifest::new(1, vec![wrong]).unwrap_err().to_string()
    };
    assert!(refused(|item| item.name = "plugin/../x".into()).contains("plugin/../x"));
    assert!(refused(|item| item.name = String::new()).contains("name"));
    assert!(refused(|item| item.name = "a".repeat(129)).contains("longer than 128"));
    assert!(refused(|item| item.version = String::new()).contains("version"));
    assert!(refused(|item| item.version = "1\n".into()).contains("cannot be shown"));
    assert!(refused(|item| item.content.bytes = 0).contains("at least one byte"));
    assert!(refused(|item| item.content.bytes = CONTENT_BYTES_MAX + 1).contains("2 GiB"));
    assert!(refused(|item| item.content.bytes = PIECE_BYTES + 1).contains("tree"));
    assert!(refused(|item| item.content.tree = Some(Hash([1; 32]))).contains("tree"));
    let delta = |from: u8| aisle_content::Delta { from: Hash([from; 32]), content: small(9) };
    let mut many = item("plugin/x", "1", small(1));
    many.deltas = (0..=DELTAS_MAX as u8).map(delta).collect();
    assert!(Manifest::new(1, vec![many]).unwrap_err().to_string().contains("16 deltas"));
    let mut twice = item("plugin/x", "1", small(1));
    twice.deltas = vec![delta(1), delta(1)];
    assert!(Manifest::new(1, vec![twice]).unwrap_err().to_string().contains("from one content"));
    let same = vec![item("catalogue", "1", small(1)), item("catalogue", "2", small(2))];
    assert!(Manifest::new(1, same).unwrap_err().to_string().contains("twice"));
    let items = (0..=ITEMS_MAX).map(|number| item(&format!("a/{number}"), "1", small(1))).collect();
    assert!(matches!(Manifest::new(1, items), Err(ManifestError::Bound { .. })));
    assert!(matches!(Manifest::decode(&vec![0; MANIFEST_BYTES_MAX + 1]), Err(ManifestError::Bound { .. })));
}

#[test]
fn a_desired_is_of_the_generation_that_its_manifest_says() {
    let bytes = Manifest::new(4, Vec::new()).unwrap().encode();
    let desired = |generation| Desired { generation, manifest: Octets(bytes.clone().into()) };
    assert_eq!(manifest(&desired(4), &HubsWord).unwrap().generation(), 4);
    let other = manifest(&desired(5), &HubsWord).unwrap_err();
    assert!(matches!(other, NotDesired::Manifest(ManifestError::Generation { found: 4, announced: 5 })));
}

#[test]
fn a_plugin_comes_out_of_its_package_as_it_went_in() {
    let plugin = PluginPackage { manifest: "id = \"x\"".into(), component: noise(1, 1000) };
    let bytes = plugin.encode();
    assert_eq!(PluginPackage::decode(&bytes).unwrap(), plugin);
    for cut in [0, 1, 20, bytes.len() - 1] {
        PluginPackage::decode(&bytes[..cut]).unwrap_err();
    }
}
