//! The gate, rule by rule.

use crate::support::{Value, event, gate, golden, plant, policy, region, trusted, values};
use aisle_event::{Event, Hlc, LogClass};
use aisle_residency::{Egress, Gate, Outcome, Passage, token::is_token, vocabulary::Path};

fn let_out(rules: &str, name: &str) -> Option<Egress<Event>> {
    gate(&trusted(&policy(rules)), "eu").pass(Hlc::new(1_322_746_261_500, 3), &event(name)).egress()
}

fn rule(fields: &str, more: &str) -> String {
    format!("[[rule]]\nto = [\"eu\"]\nfields = [{fields}]\n{more}\n")
}

fn of(egress: &Egress<Event>, path: &str) -> Vec<Vec<u8>> {
    let all: Vec<Value> = values(egress.kind(), egress.payload());
    all.into_iter().filter(|value| value.path == path).map(|value| value.bytes).collect()
}

#[test]
fn what_passes_is_byte_for_byte_what_was_there() {
    let egress = let_out(
        &rule("\"SaleRecorded.lines.sku\", \"SaleRecorded.document\"", "action = \"pass\""),
        "sale_recorded",
    )
    .unwrap();
    assert_eq!(egress.class(), LogClass::Sales);
    assert_eq!(egress.hlc(), Hlc::new(1_322_746_261_500, 3));
    let sku = of(&egress, "SaleRecorded.lines.sku");
    assert!(!sku.is_empty());
    assert_eq!(minicbor::decode::<&str>(&sku[0]).unwrap(), "85123A");
    let Event::SaleRecorded(sale) = event("sale_recorded") else { panic!("a sale") };
    assert_eq!(sku.len(), sale.lines.len());
    assert_eq!(values(egress.kind(), egress.payload()).len(), sku.len() + 1);
}

#[test]
fn one_customer_has_one_token_in_a_purpose_and_another_in_every_other() {
    let of_one = |name: &str| {
        let event = event(name);
        let bytes = plant(event.kind(), &event.encode(), &|field| field.name == "customer", "17850");
        Event::decode(event.kind(), &bytes).unwrap()
    };
    let fields = "\"SaleRecorded.customer\", \"ReturnRecorded.customer\"";
    let token = |purpose: &str, name: &str| {
        let text = policy(&rule(fields, &format!("action = \"token\"\npurpose = \"{purpose}\"")));
        let egress = gate(&trusted(&text), "eu").pass(Hlc(1), &of_one(name)).egress().unwrap();
        let path = format!("{}.customer", crate::support::fields_of(egress.kind()).0);
        let token: String = minicbor::decode(&of(&egress, &path)[0]).unwrap();
        assert!(is_token(&token, 64), "{token}");
        assert_eq!(egress.fates().iter().filter(|(_, outcome, _)| *outcome == Outcome::Tokened).count(), 1);
        token
    };
    assert_eq!(token("loyalty", "sale_recorded"), token("loyalty", "return_recorded"));
    assert_ne!(token("loyalty", "sale_recorded"), token("audit", "sale_recorded"));
}

#[test]
fn a_region_has_tokens_of_its_own() {
    let text = policy(
        "[[destination]]\nregion = \"cn\"\nclock = \"exact\"\n[[rule]]\nto = [\"eu\", \"cn\"]\nfields = [\"SaleRecorded.customer\"]\naction = \"token\"\npurpose = \"loyalty\"\n",
    );
    let trusted = trusted(&text);
    let of_region = |to: &str| {
        gate(&trusted, to).pass(Hlc(1), &event("sale_recorded")).egress().unwrap().payload().to_vec()
    };
    assert_ne!(of_region("eu"), of_region("cn"));
}

#[test]
fn the_records_own_time_is_no_more_exact_than_its_coarsest_time_field() {
    let text = rule("\"SaleRecorded.at\"", "action = \"coarsen\"\nby = { time = \"day\" }")
        + &rule("\"StockCounted.at\"", "action = \"pass\"");
    assert_eq!(let_out(&text, "sale_recorded").unwrap().hlc().ms(), 1_322_697_600_000);
    assert_eq!(let_out(&text, "stock_counted").unwrap().hlc(), Hlc::new(1_322_746_261_500, 3));
    let at = of(&let_out(&text, "sale_recorded").unwrap(), "SaleRecorded.at");
    assert_eq!(minicbor::decode::<i64>(&at[0]).unwrap() % 86_400_000, 0);
}

#[test]
fn two_identical_views_in_one_hour_leave_as_two_and_each_of_them_always_as_the_same() {
    let rules = rule("\"ProductViewed.sku\"", "action = \"pass\"");
    let hourly = trusted(&policy(&rules).replace("clock = \"exact\"", "clock = \"hour\""));
    let view = event("product_viewed");
    let leaves =
        |ms: u64| gate(&hourly, "eu").pass(Hlc::new(1_322_746_200_000 + ms, 0), &view).egress().unwrap();
    let (one, two) = (leaves(1), leaves(900_000));
    assert_eq!((one.kind(), one.payload()), (two.kind(), two.payload()));
    assert_eq!((one.hlc().ms(), two.hlc().ms()), (1_322_744_400_000, 1_322_744_400_000));
    assert_ne!(one.hlc(), two.hlc(), "a hub would take them for one event that came twice");
    assert_eq!(leaves(1), one, "what is projected again is the same");
    let other = crate::support::keys_of_store(&[44; 32]);
    let elsewhere = Gate::new(&hourly, &region("eu"), other).unwrap();
    let elsewhere = elsewhere.pass(Hlc::new(1_322_746_200_001, 0), &view).egress().unwrap();
    assert_ne!(elsewhere.hlc(), one.hlc(), "only the store can make the code");
}

#[test]
fn text_goes_to_its_prefix_or_its_category_and_short_text_stays() {
    let sku = |by: &str| {
        let egress = let_out(
            &rule("\"StockCounted.sku\"", &format!("action = \"coarsen\"\nby = {by}")),
            "stock_counted",
        );
        egress.map(|egress| minicbor::decode::<String>(&of(&egress, "StockCounted.sku")[0]).unwrap())
    };
    assert_eq!(sku("{ prefix = 2 }").as_deref(), Some("85"));
    assert_eq!(sku("{ prefix = 16 }"), None, "a prefix as long as the text would be the text");
    assert_eq!(
        sku("{ category = { \"85\" = \"home\", \"851\" = \"lights\" }, other = \"rest\" }").as_deref(),
        Some("lights")
    );
    assert_eq!(sku("{ category = { \"9\" = \"food\" } }").as_deref(), Some("other"));
}

#[test]
fn amounts_go_down_to_a_multiple_and_keep_their_unit() {
    let text = rule("\"SaleRecorded.lines.unit_price\"", "action = \"coarsen\"\nby = { money_minor = 100 }")
        + &rule(
            "\"SaleRecorded.lines.quantity\"",
            "action = \"coarsen\"\nby = { quantity_thousandths = 5000 }",
        );
    let egress = let_out(&text, "sale_recorded").unwrap();
    let price: aisle_event::Money =
        minicbor::decode(&of(&egress, "SaleRecorded.lines.unit_price")[0]).unwrap();
    assert_eq!(price, aisle_event::Money::new(200, aisle_event::Currency::GBP));
    let quantity: aisle_event::Quantity =
        minicbor::decode(&of(&egress, "SaleRecorded.lines.quantity")[0]).unwrap();
    assert_eq!(quantity, aisle_event::Quantity::each(5));
}

#[test]
fn a_wildcard_stands_for_open_fields_up_to_its_number_and_no_further() {
    let egress = let_out(&rule("\"SaleRecorded.*<=4\"", "action = \"pass\""), "sale_recorded").unwrap();
    let paths: Vec<String> =
        values(egress.kind(), egress.payload()).into_iter().map(|value| value.path).collect();
    assert_eq!(
        paths,
        ["SaleRecorded.source", "SaleRecorded.document", "SaleRecorded.at"],
        "no session, no lines, no arm"
    );
}

#[test]
fn a_second_gate_takes_what_the_first_let_out() {
    let first = let_out(
        &(rule("\"SaleRecorded.*<=9\", \"SaleRecorded.lines.sku\"", "action = \"pass\"")
            + &rule("\"SaleRecorded.customer\"", "action = \"token\"\npurpose = \"loyalty\"")),
        "sale_recorded",
    )
    .unwrap();
    let second = trusted(&policy(
        "[[destination]]\nregion = \"global\"\nclock = \"hour\"\n[[rule]]\nto = [\"global\"]\nfields = [\"SaleRecorded.lines.sku\", \"SaleRecorded.lines.quantity\"]\naction = \"pass\"\n",
    ));
    let passage = gate(&second, "global").relay(first.hlc(), first.kind(), first.payload());
    let dropped = passage.fates().iter().any(|(path, outcome, _)| {
        outcome == Outcome::Dropped && Some(path) == Path::named("SaleRecorded.customer")
    });
    assert!(dropped);
    let Passage::Leaves(egress) = passage else { panic!("it goes on") };
    assert_eq!(egress.region(), &region("global"));
    assert!(
        values(egress.kind(), egress.payload()).iter().all(|value| value.path == "SaleRecorded.lines.sku")
    );
}

#[test]
fn every_event_type_has_a_log_by_value_and_by_number() {
    for (name, kind, bytes) in golden() {
        let event = Event::decode(kind, &bytes).unwrap();
        assert!(LogClass::of(&event).is_some(), "{name}");
        assert_eq!(LogClass::of(&event), LogClass::of_kind(kind), "{name}");
    }
}

/// The token as another implementation of HMAC-SHA-256 makes it. It must never change: what hubs hold could not be found again.
#[test]
fn a_token_is_the_one_that_hubs_hold_already() {
    let of_eu = crate::support::keys().tokens_of(&region("eu"), "CustomerRef", "17850", 64);
    let loyalty = of_eu.iter().find(|(purpose, _)| purpose.as_str() == "loyalty").unwrap();
    assert_eq!(loyalty.1, "t1.JUsOc-1BR6w");
    let sale = event("sale_recorded");
    let bytes = plant(sale.kind(), &sale.encode(), &|field| field.name == "customer", "17850");
    let text = policy(&rule("\"SaleRecorded.customer\"", "action = \"token\"\npurpose = \"loyalty\""));
    let egress = gate(&trusted(&text), "eu").relay(Hlc(1), sale.kind(), &bytes).egress().unwrap();
    assert_eq!(
        of(&egress, "SaleRecorded.customer"),
        [minicbor::to_vec(&loyalty.1).unwrap()],
        "erasure asks by what was sent"
    );
}

#[test]
fn what_is_sealed_does_not_leave_even_where_a_rule_would_let_it() {
    use aisle_residency::seal::{KeyRing, seal};
    let sale = event("sale_recorded");
    let (mut ring, mut entropy) = (KeyRing::new(&[5; 32]), crate::support::Seeded::new(1));
    let person = ring.person("17850");
    ring.key_of(person, &mut entropy).unwrap();
    let sealed = seal(sale.kind(), &sale.encode(), &ring, person, &mut entropy).unwrap();
    for action in ["action = \"pass\"\nbasis = \"a test\"", "action = \"token\"\npurpose = \"test\""] {
        let trusted = trusted(&policy(&rule("\"SaleRecorded.customer\"", action)));
        assert!(gate(&trusted, "eu").relay(Hlc(1), sale.kind(), &sealed).egress().is_none());
    }
}
