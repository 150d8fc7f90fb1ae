//! Whether a policy can be used, said before it is signed.

use super::{example, residency};
use crate::support::store::Store;

const HEAD: &str = "aisle_policy = 1\nname = \"stores\"\nversion = 1\nhome = \"eu\"\n\n[[destination]]\nregion = \"eu\"\nclock = \"second\"\n\n";

#[test]
fn the_policies_that_come_along_are_accepted_and_counted() {
    let store = Store::empty();
    for (file, name, home) in [("eu.toml", "stores-eu", "eu"), ("cn.toml", "stores-cn", "cn")] {
        let said = residency(&store, &["policy", "check", &example(file), "--json"]).exits(0).json();
        assert_eq!(said["accepted"], true);
        assert_eq!(said["name"], name);
        assert_eq!(said["home"], home);
        let regions = said["regions"].as_array().expect("regions");
        assert_eq!(regions.len(), 2, "{said}");
        for counted in regions {
            assert!(counted["no_rule"].as_u64() > Some(0), "what is not named stays: {counted}");
            assert_eq!(counted["aggregate"].as_u64() > Some(0), counted["region"] == "global", "{counted}");
        }
    }
    let said = residency(&store, &["policy", "check", &example("eu.toml")]).exits(0).stdout;
    assert!(
        said.starts_with("accepted: policy `stores-eu`, version 1 (") && said.contains("FIELDS TO"),
        "{said}"
    );
}

#[test]
fn a_misspelt_name_is_refused_with_its_line_and_the_nearest_one() {
    let store = Store::empty();
    let refused = |rules: &str, words: &[&str]| {
        let file = store.file("policy.toml", format!("{HEAD}{rules}")).display().to_string();
        let refused = residency(&store, &["policy", "check", &file]).exits(1);
        refused.complains_about(&[&[file.as_str()][..], words].concat());
    };
    let rule = |to: &str, field: &str| {
        format!("[[rule]]\nto = [\"{to}\"]\nfields = [\"{field}\"]\naction = \"pass\"\n")
    };
    refused(
        &rule("eu", "SaleRecorded.lines.skus"),
        &["line 12", "`SaleRecorded.lines.skus`", "hint: did you mean `SaleRecorded.lines.sku`?"],
    );
    refused(&rule("eu", "SalesRecorded.at"), &["line 12", "hint: did you mean `SaleRecorded`?"]);
    refused(&rule("ue", "SaleRecorded.at"), &["line 11", "`ue`", "hint: did you mean `eu`?"]);
    refused(&rule("eu", "SaleRecorded.customer"), &["line 12", "personal", "hint: say in `basis`"]);
    refused("[[rules]]\n", &["rules"]);
    residency(&store, &["policy", "check"]).exits(2).complains_about(&["FILE"]);
}
