//! A rehearsal, the whole way: stores that sell by one version say what another would have sold, and sell on by the first.

use super::rollouts::{PATIENCE, Shop, begin, document, folder, until};
use crate::{
    plugins::shop::{manifest, three_for_two},
    support::{
        command::{aisle, run},
        wait::eventually,
    },
};
use aisle_harness::hub::{Approval, HubOptions, HubUnderTest, Person};

const FOUR_FOR_THREE: &str = "[[settings.offers]]\nsku = \"TEA-1\"\nbuy = 4\nreason = \"4 for 3 on TEA-1\"";

#[tokio::test]
async fn stores_say_what_a_candidate_would_have_sold_otherwise_and_sell_on() {
    let hub = HubUnderTest::start(HubOptions { enrolment: Some(Approval::Auto), ..HubOptions::default() })
        .expect("the hub serves");
    hub.sign_artefacts().expect("the ceremony is held");
    let hq = hub.headquarters().expect("people");
    let (one, two) = (Shop::open(&hub, "berlin-1"), Shop::open(&hub, "berlin-2"));
    hq.fleet(Person::Olga, &["label", "berlin-1", "pilot="]).expect("a label");
    let first = folder(&one.store, "first", &three_for_two("1.0.0", "TEA-1"), "multi-buy");
    let first = hq.sign("multi-buy", "1.0.0", &first).expect("it is signed");
    begin(&hq, "tea-1", &first).await;
    until(&hq, [&one, &two], "TEA-1", "tea-1", "done").await;
    assert_eq!(one.shop("TEA-1", 2).await["total"]["minor"], 500, "three for two");

    let toml = manifest("multi-buy", "2.0.0", "promotion", FOUR_FOR_THREE);
    let second = folder(&one.store, "second", &toml, "multi-buy");
    let second = hq.sign("multi-buy", "2.0.0", &second).expect("it is signed");
    hq.apply(Person::Olga, &document("tea-2", &second)).expect("it is written down");
    let asked = hq.fleet(Person::Olga, &["rollout", "rehearse", "tea-2"]).expect("they are asked");
    assert!(asked.contains("of 2 nodes have answered"), "{asked}");
    let shown = eventually("both have played it", PATIENCE, async || {
        let shown = hq.fleet(Person::Olga, &["rollout", "show", "tea-2"]).expect("it is shown");
        shown.contains("2 of 2 nodes have answered; every node has answered").then_some(shown)
    })
    .await;
    for words in [
        "tea-2 is draft",
        "plugin/multi-buy 2.0.0: 2 stores played",
        "the candidate failed in 0",
        // The amounts of a basket or two are nobody's business: a word may be told, and a number not yet.
        "in 2 stores: was too few calls to tell, would be none, such as berlin-1, berlin-2",
    ] {
        assert!(shown.contains(words), "no `{words}`:\n{shown}");
    }

    // It is there to be tried, and for nothing else.
    for shop in [&one, &two] {
        assert_eq!(shop.shop("TEA-1", 0).await["total"]["minor"], 500, "three for two still");
        assert_eq!(shop.slot()["running"]["version"], "1.0.0", "{}", shop.slot());
        let known =
            run(&mut aisle(&shop.store.data(), ["plugin", "show", "multi-buy", "--json"])).exits(0).stdout;
        assert!(!known.contains("2.0.0"), "nobody has installed it: {known}");
    }
    let json = hq.fleet(Person::Olga, &["rollout", "show", "tea-2", "--json"]).expect("it is shown");
    assert!(!json.contains("TEA-1"), "no product leaves a store: {json}");
}
