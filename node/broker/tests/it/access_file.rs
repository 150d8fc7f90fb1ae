//! The credentials file: what is refused in it, and how it is edited.

use aisle_broker::access::{
    AccessConfig, Devices, DevicesFile, EditError, Listed, OWN_TOPICS, PASSWORD_BYTES_MAX, hash_password,
    random_password,
};
use prometheus_client::registry::Registry;
use std::{fs, os::unix::fs::PermissionsExt, thread};
use tempfile::TempDir;

fn file(dir: &TempDir) -> DevicesFile {
    DevicesFile::at(dir.path().join("mqtt/devices.toml"), "store-1")
}

fn listed(id: &str) -> Listed {
    Listed {
        id: id.into(),
        password: None,
        certificate: true,
        publish: vec![OWN_TOPICS.into()],
        subscribe: vec![OWN_TOPICS.into()],
        enabled: true,
    }
}

/// What is said of a file with this text.
fn problem(text: &str) -> String {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("devices.toml");
    fs::write(&path, text).unwrap();
    let said = DevicesFile::at(path.clone(), "store-1").list().unwrap_err().to_string();
    said.replace(&path.display().to_string(), "devices.toml")
}

#[test]
fn every_mistake_is_named_by_its_place() {
    let hash = hash_password(b"p").unwrap();
    let costly = hash.replace("m=7168", "m=4000000");
    let cases = [
        ("[[device]]\nid = 7\n", "`devices.toml`, line 2: `device[0].id`: invalid type: integer `7`"),
        ("[[device]]\n", "`device[0]`: missing field `id`"),
        (
            "[[device]]\nid = \"a\"\npass = 1\n",
            "line 3: `device[0].pass`: unknown field `pass`, expected one of `id`",
        ),
        ("[[device]\n", "line 1"),
        ("[[device]]\nid = \"a/b\"\n", "`device[0].id` is `a/b`, expected one level of a topic"),
        (
            "[[device]]\nid = \"a\"\n[[device]]\nid = \"a\"\n",
            "`device[1].id` is `a` again, expected each device once",
        ),
        ("[[device]]\nid = \"a\"\npublish = [\"ok\", \"a/#/b\"]\n", "`device[0].publish[1]` is `a/#/b`"),
        (
            "[[device]]\nid = \"a\"\npassword = \"secret\"\n",
            "`device[0].password` is something else, expected a hash",
        ),
        (
            &format!("[[device]]\nid = \"a\"\npassword = \"{costly}\"\n"),
            "expected at most m=65536 (KiB), t=10 and p=4",
        ),
        (
            &format!("[[device]]\nid = \"a\"\npassword = \"{}\"\n", hash.replace("argon2id", "argon2d")),
            "argon2id",
        ),
    ];
    for (text, expected) in cases {
        let said = problem(text);
        assert!(said.contains(expected), "{said:?} does not say {expected:?}");
        assert!(!said.contains("secret"), "what may be a password is not repeated: {said}");
        assert!(!said.contains('\n'), "one line: {said}");
    }
}

#[tokio::test]
async fn a_device_that_was_added_gets_in_by_its_password() {
    let dir = TempDir::new().unwrap();
    let password = random_password();
    let hash = hash_password(password.as_bytes());
    assert!(hash.as_ref().is_some_and(|hash| hash.starts_with("$argon2id$v=19$m=7168,t=5,p=1$")), "{hash:?}");
    file(&dir).add(&Listed { password: hash, certificate: false, ..listed("fridge-7") }).unwrap();
    let mode = fs::metadata(file(&dir).path()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let path = file(&dir).path().to_owned();
    let devices = Devices::open(path, "store-1", AccessConfig::default(), &mut Registry::default()).unwrap();
    assert!(devices.verify("fridge-7", password.as_bytes()).await.is_ok());
}

#[test]
fn an_edit_keeps_comments_and_order_and_what_it_does_not_speak_of() {
    let dir = TempDir::new().unwrap();
    let file = file(&dir);
    file.add(&listed("a")).unwrap();
    let text = fs::read_to_string(file.path()).unwrap();
    assert!(text.starts_with("# The devices"), "{text}");
    let text = text.replace("certificate = true", "certificate = true # by hand");
    fs::write(file.path(), text + "\n# the cold room\n[[device]]\nid = \"b\"\n").unwrap();
    file.add(&listed("c")).unwrap();
    file.set_enabled("b", false).unwrap();
    file.set_password("c", &hash_password(b"new").unwrap()).unwrap();
    file.remove("a").unwrap();

    let text = fs::read_to_string(file.path()).unwrap();
    assert!(text.contains("# the cold room"), "{text}");
    let listed = file.list().unwrap();
    assert_eq!(listed.iter().map(|device| device.id.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    assert!(!listed[0].enabled && listed[1].password.is_some() && listed[1].certificate);
}

#[test]
fn edits_at_the_same_time_do_not_undo_each_other() {
    let dir = TempDir::new().unwrap();
    let file = file(&dir);
    thread::scope(|scope| {
        for worker in 0..4 {
            let file = file.clone();
            scope.spawn(move || {
                for number in 0..5 {
                    file.add(&listed(&format!("device-{worker}-{number}"))).unwrap();
                }
            });
        }
    });
    assert_eq!(file.list().unwrap().len(), 20);
}

#[test]
fn an_edit_that_would_break_the_file_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let file = file(&dir);
    file.add(&listed("a")).unwrap();
    let before = fs::read_to_string(file.path()).unwrap();

    let wrong = Listed { publish: vec!["a/#/b".into()], ..listed("b") };
    let said = file.add(&wrong).unwrap_err();
    assert!(matches!(said, EditError::Refused(_)), "{said:?}");
    assert!(said.to_string().contains("publish[0]"), "{said}");
    assert!(matches!(file.add(&listed("a")), Err(EditError::Exists { .. })));
    assert!(matches!(file.add(&listed("a/b")), Err(EditError::Refused(_))));
    assert!(matches!(file.remove("z"), Err(EditError::Unknown { .. })));
    assert!(matches!(file.set_password("a", "plain"), Err(EditError::Refused(_))));
    assert_eq!(fs::read_to_string(file.path()).unwrap(), before);

    fs::write(file.path(), "nonsense").unwrap();
    assert!(matches!(file.remove("a"), Err(EditError::File(_))));
    assert_eq!(fs::read_to_string(file.path()).unwrap(), "nonsense");
}

#[test]
fn no_password_is_empty_or_endless_and_random_ones_differ() {
    assert_eq!(hash_password(b""), None);
    assert_eq!(hash_password(&[b'x'; PASSWORD_BYTES_MAX + 1]), None);
    let passwords = [random_password(), random_password()];
    assert_ne!(passwords[0], passwords[1]);
    assert_eq!(passwords[0].len(), 24);
}
