//! What passwords, waits and roles are by themselves, and how they lie in the database.

use super::hall::{CHEAP, Hall, House, PASSWORD};
use aisle_hub::{
    database::Location,
    http::Site,
    people::{
        lockout::{Attempts, Subject, WAIT_MS_MAX},
        password::{Cost, Password, PasswordError},
        role::{Grant, GrantError, Permission, Role, Scope, Traits},
        who::Who,
    },
};
use sqlx::ConnectOptions as _;

async fn kept(folder: &std::path::Path) -> String {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("hub.db"));
    let mut connection = options.connect().await.unwrap();
    sqlx::query_scalar("SELECT password FROM people").fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn a_hash_of_other_parameters_is_made_again_at_the_next_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let hall = Hall::over(&Location::Sqlite(folder.path().join("hub.db"))).await;
    hall.one.person("Alice", &["viewer"]).await;
    let first = kept(folder.path()).await;
    assert!(first.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{first}");
    let sign_in = async |house: &House| {
        let browser = house.caller();
        browser.signed_in(&browser.sign_in("alice", PASSWORD).await);
        kept(folder.path()).await
    };
    assert_eq!(sign_in(&hall.one).await, first, "the same parameters, the same hash");
    let dearer = Cost { memory_kib: 128, ..CHEAP };
    let later =
        House::open(hall.two.api.database.clone(), "hub-3", hall.time.clone(), Site::default(), dearer).await;
    let second = sign_in(&later).await;
    assert!(second.starts_with("$argon2id$v=19$m=128,t=1,p=1$"), "{second}");
    assert_eq!(sign_in(&later).await, second);
}

#[test]
fn the_cost_is_what_owasp_says() {
    assert_eq!(Cost::default(), Cost { memory_kib: 19_456, passes: 2, lanes: 1 });
}

#[test]
fn a_password_is_long_and_not_the_name() {
    let chosen = |text: &str| Password::chosen(text, "Charlotte Brontë").err();
    assert_eq!(chosen("eleven char"), Some(PasswordError::Short(11)));
    assert_eq!(chosen("ääääääääääää"), Some(PasswordError::Plain));
    assert_eq!(chosen(" charlotte BRONTË "), Some(PasswordError::Plain));
    assert_eq!(chosen(&"long ".repeat(300)), Some(PasswordError::Long));
    assert_eq!(chosen("a b c d e f g"), None);
    assert_eq!(format!("{:?}", Password::given("secret")), "Password(…)");
}

#[test]
fn a_clock_that_leaps_locks_nobody_out() {
    let subject = Subject::account("alice");
    let mut attempts = Attempts::default();
    let far = 4_000_000_000_000;
    for _ in 0..30 {
        attempts = attempts.failed(&subject, far);
    }
    assert_eq!(attempts.left_ms(far), WAIT_MS_MAX);
    assert_eq!(attempts.left_ms(1_780_272_000_000), 0, "the wait was made in another century");
    assert_eq!(attempts.failed(&subject, far + 86_400_001).failures, 1, "a day later all is forgotten");
    assert_eq!(subject.wait_ms(i64::MAX), WAIT_MS_MAX);
    assert_eq!(Subject::address("::ffff:192.0.2.1"), Subject::address("192.0.2.1"));
    assert_eq!(Subject::address("2001:db8::1"), Subject::address("2001:db8:0:0:9::"));
}

#[test]
fn a_role_is_written_as_it_is_read() {
    for text in ["viewer", "operator@region:eu", "plugin-author", "privacy-officer@label:country=de", "admin"]
    {
        assert_eq!(text.parse::<Grant>().unwrap().to_string(), text);
    }
    for (text, error) in [
        ("root", GrantError::Role("root".into())),
        ("viewer@", GrantError::Scope(String::new())),
        ("viewer@eu", GrantError::Scope("eu".into())),
        ("viewer@region:EU", GrantError::Scope("region:EU".into())),
        ("viewer@label:country", GrantError::Scope("label:country".into())),
    ] {
        assert_eq!(text.parse::<Grant>(), Err(error), "{text}");
    }
    assert_eq!("store.write".parse::<Permission>(), Err(GrantError::Permission("store.write".into())));
}

#[test]
fn the_reach_of_somebody_is_all_their_roles_together() {
    let grants = ["viewer@region:cn", "operator@label:country=de"].map(|text| text.parse::<Grant>().unwrap());
    let who = Who { grants: grants.to_vec(), ..Who::machine("", "") };
    let store = |region: &str, country: &str| Traits {
        region: region.into(),
        labels: vec![("country".into(), country.into())],
    };
    let reach = who.reach(Permission::StoreRead);
    assert!(reach.covers(&store("cn", "fr")) && reach.covers(&store("eu", "de")));
    assert!(!reach.covers(&store("eu", "fr")) && !reach.is_everything());
    assert!(!who.reach(Permission::EventRead).covers(&store("cn", "fr")), "a viewer reads no events");
    assert!(who.reach(Permission::PeopleManage).is_nothing());
    let token = Who { only: Some([Permission::EventRead].into()), ..who };
    assert!(token.reach(Permission::StoreRead).is_nothing());
    assert!(token.reach(Permission::EventRead).covers(&store("eu", "de")));
    assert!("".parse::<Scope>().unwrap().covers(&Traits::default()));
}

#[test]
fn every_permission_has_a_name_words_and_somebody_who_has_it() {
    for permission in Permission::ALL {
        let (noun, verb) = permission.as_str().split_once('.').unwrap();
        assert!(!noun.is_empty() && !verb.is_empty() && !permission.words().trim().is_empty());
        assert!(Role::Admin.may(*permission));
        assert_eq!(permission.as_str().parse(), Ok(*permission));
    }
    assert!(!Role::Viewer.may(Permission::PeopleRead) && !Role::Operator.may(Permission::AuditRead));
    assert!(
        !Role::PrivacyOfficer.may(Permission::RolloutStart) && !Role::PluginAuthor.may(Permission::EventRead)
    );
}
