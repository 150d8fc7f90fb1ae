//! A day's report: made from readings, proved by the journal, and not proved once a byte of it is another one.

use super::scale::SOON;
use crate::{
    admin::administrator::Administered,
    support::{
        command::{aisle, run},
        store::Store,
        wait::eventually,
    },
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{fs, time::SystemTime};

/// Today by the clock of this machine, in UTC.
fn today() -> String {
    let seconds = SystemTime::UNIX_EPOCH.elapsed().expect("a clock after 1970").as_secs();
    // Days since 1970 as a date (H. Hinnant, chrono-compatible low-level date algorithms).
    let z = seconds / 86_400 + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    format!("{:04}-{month:02}-{day:02}", yoe + era * 400 + u64::from(month <= 2))
}

async fn watched() -> Administered {
    let admin = Administered::with("[kiosk]\ntime_zone = \"UTC\"\n");
    run(&mut admin.aisle(["cold-chain", "define", "dairy-1", "--group", "chilled"])).exits(0);
    let mut scale = admin.scale("probe-1").await;
    admin.device("probe-1").await;
    run(&mut admin.aisle(["device", "approve", "probe-1", "--watch", "temperature=dairy-1"])).exits(0);
    for celsius in [3.5, 3.75, 4.0] {
        scale.measure("temperature", "celsius", celsius).await;
    }
    eventually("three readings", SOON, async || {
        let units = admin.get("/v1/admin/units").await;
        (units[0]["probes"][0]["celsius"] == 4.0).then_some(())
    })
    .await;
    admin
}

#[tokio::test]
async fn a_report_is_made_and_verified_and_a_changed_byte_is_found() {
    let admin = watched().await;
    let day = today();
    let units = run(&mut admin.aisle(["cold-chain", "units"])).exits(0).stdout;
    assert!(units.lines().any(|line| line.starts_with("dairy-1  chilled  5.0 °C  ok")), "{units}");
    for form in ["html", "csv"] {
        let file = admin.store.path(&format!("report.{form}"));
        let path = file.display().to_string();
        let made = ["cold-chain", "report", "dairy-1", &day, "--format", form, "-o", &path];
        run(&mut admin.aisle(made)).exits(0);
        let verified = run(&mut admin.aisle(["cold-chain", "verify", &path, "--json"])).exits(0).json();
        assert_eq!(verified["verified"], true, "{verified}");
        assert_eq!(verified["readings"], 3, "{verified}");
        assert_eq!((&verified["page_compared"], &verified["chain_compared"]), (&json!(true), &json!(true)));

        let mut bytes = fs::read(&file).expect("a report");
        let whole = bytes.clone();
        // The last of it: in what is shown, behind the data.
        let at = String::from_utf8_lossy(&whole).rfind('3').expect("a digit");
        bytes[at] = b'4';
        fs::write(&file, &bytes).expect("written");
        let changed = run(&mut admin.aisle(["cold-chain", "verify", &path])).exits(1);
        assert!(
            changed.stdout.contains("differs:") && changed.stdout.contains("not verified"),
            "{changed:?}"
        );
        fs::write(&file, &whole[..whole.len() / 3]).expect("written");
        let cut = run(&mut admin.aisle(["cold-chain", "verify", &path]));
        assert_eq!(cut.code(), 1, "{cut:?}");
    }
}

#[tokio::test]
async fn a_report_verifies_without_a_node_and_not_against_another_journal() {
    let mut admin = watched().await;
    let path = admin.store.path("report.html").display().to_string();
    run(&mut admin.aisle(["cold-chain", "report", "dairy-1", &today(), "-o", &path])).exits(0);
    admin.node.stop().expect("it stops");
    let said = run(&mut admin.aisle(["cold-chain", "verify", &path])).exits(0);
    assert!(said.stdout.contains("verified: unit `dairy-1`"), "{said:?}");
    let other = Store::empty();
    run(&mut aisle(&other.data(), ["cold-chain", "verify", &path])).exits(1).complains_about(&[
        "no journal",
        "hint:",
        "--data",
    ]);
    drop(other.start());
    run(&mut aisle(&other.data(), ["cold-chain", "verify", &path]))
        .exits(1)
        .complains_about(&["names journal", "hint:"]);
    let no_report = other.file("page.html", "<p>3.5 °C").display().to_string();
    run(&mut admin.aisle(["cold-chain", "verify", &no_report])).exits(1).complains_about(&["no report"]);
}

#[tokio::test]
async fn a_report_comes_as_data_and_in_chinese_too() {
    let admin = watched().await;
    let day = today();
    let report: Value = admin.get(&format!("/v1/admin/units/dairy-1/reports/{day}?format=json")).await;
    assert_eq!((&report["unit"], &report["day"]), (&json!("dairy-1"), &json!(day)), "{report}");
    let page = format!("/v1/admin/units/dairy-1/reports/{day}?language=zh");
    let page = admin.ask(Method::GET, &page).await;
    assert!(page.body.contains("lang=\"zh-Hans\""), "{}", page.status);
    let path = "/v1/admin/units/dairy-1/reports";
    admin.ask(Method::GET, &format!("{path}/yesterday")).await.problem_with(400, "day");
    admin.ask(Method::GET, &format!("{path}/{day}?format=pdf")).await.problem_with(400, "format");
    admin.ask(Method::GET, &format!("{path}/{day}?language=xx")).await.problem_with(400, "language");
    run(&mut admin.aisle(["cold-chain", "remove", "dairy-1"])).exits(0);
    assert_eq!(admin.get("/v1/admin/units").await, json!([]));
    assert_eq!(admin.ask(Method::GET, &format!("{path}/{day}")).await.status, 200);
    run(&mut admin.aisle(["cold-chain", "remove", "dairy-1"]))
        .exits(1)
        .complains_about(&["dairy-1", "hint:"]);
}
