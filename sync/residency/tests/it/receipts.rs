//! Receipts, and the hub that does not take a node's word. The mutants at the end are nodes that cheat; each is caught.

use crate::support::{event, gate, golden, items, log, node, policy, region, trusted, values};
use aisle_event::{Event, EventType, Hlc, LogClass};
use aisle_protocol::{Chain, LogId, Point, PolicyId, limits::RECEIPT_BYTES_MAX};
use aisle_residency::{
    Gate, Outcome, Passage, Receipt, TrustedPolicy, Verifier,
    receipt::{Cursor, Draft, DraftError, Excluded, Extent, Misfit, Presented, ReceiptError, Refusal},
    signing::{Signature, SigningKey},
    vocabulary::Path,
};

type Row = (Hlc, EventType, Vec<u8>);

const RULES: &str = "[[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.*<=4\", \"SaleRecorded.lines.sku\", \"NodeStarted.*<=3\"]\naction = \"pass\"\n\
    [[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.customer\"]\naction = \"token\"\npurpose = \"loyalty\"\n\
    [[rule]]\nto = [\"eu\"]\nfields = [\"ReturnRecorded.at\"]\naction = \"coarsen\"\nby = { time = \"hour\" }\n";

struct Batch {
    log: LogId,
    policy: PolicyId,
    extent: Extent,
    rows: Vec<Row>,
    receipt: Vec<u8>,
}

impl Batch {
    fn check(&self, verifier: &Verifier, last: &Cursor) -> Result<(Receipt, Cursor), Refusal> {
        let items = items(self.rows.iter().map(|(hlc, kind, payload)| (*hlc, *kind, payload.as_slice())));
        let presented = Presented {
            log: &self.log,
            policy: self.policy,
            extent: self.extent,
            items: &items,
            receipt: &self.receipt,
        };
        verifier.verify(&node().verifying_key(), &presented, last)
    }
}

fn strict() -> TrustedPolicy {
    trusted(&policy(RULES))
}

fn verifier() -> Verifier {
    Verifier::new(region("eu"), [strict()])
}

fn start() -> Cursor {
    Cursor::start(&log(LogClass::Sales), &region("eu"))
}

/// What an honest node makes of all events of a log.
fn batch(mut draft: Draft, gate: &Gate) -> (Batch, Receipt) {
    let mut rows = Vec::new();
    for (at, (_, kind, bytes)) in golden().into_iter().enumerate() {
        let passage =
            gate.pass(Hlc::new(1_322_746_200_000 + at as u64, 0), &Event::decode(kind, &bytes).unwrap());
        if passage.class() != Some(LogClass::Sales) {
            continue;
        }
        match &passage {
            Passage::Leaves(egress) => {
                let (_, hlc, kind, payload) = draft.add(egress).unwrap();
                rows.push((hlc, kind, payload.to_vec()));
            }
            Passage::Stays { .. } => draft.withhold(&passage).unwrap(),
        }
    }
    let receipt = draft.issue(&node()).unwrap();
    let batch = Batch {
        log: receipt.log.clone(),
        policy: receipt.policy,
        extent: receipt.extent,
        rows,
        receipt: receipt.to_wire(),
    };
    (batch, receipt)
}

fn first() -> (Batch, Receipt) {
    let policy = strict();
    batch(Draft::first(log(LogClass::Sales), region("eu"), policy.id()), &gate(&policy, "eu"))
}

#[test]
fn an_honest_batch_and_the_one_after_it_are_taken() {
    let policy = strict();
    let (one, receipt) = first();
    let (taken, cursor) = one.check(&verifier(), &start()).unwrap();
    assert_eq!(taken, receipt);
    assert!(
        receipt.withheld > 0 && receipt.total(Outcome::Dropped) > 0 && receipt.total(Outcome::Tokened) > 0
    );
    let (two, second) = batch(Draft::after(&receipt, policy.id()), &gate(&policy, "eu"));
    assert_eq!(second.extent.first_seq, receipt.extent.first_seq + u64::from(receipt.extent.count));
    assert_eq!(two.check(&verifier(), &cursor).unwrap().1.number, 2);
}

#[test]
fn a_receipt_reads_back_by_itself_and_costs_little_on_the_wire() {
    let (_, receipt) = first();
    assert_eq!(Receipt::decode(&receipt.encode()).unwrap(), receipt);
    assert!(receipt.is_signed_by(&node().verifying_key()));
    let mut draft = Draft::first(log(LogClass::Sales), region("eu"), strict().id());
    let gate = gate(&strict(), "eu");
    for _ in 0..100 {
        draft.add(&gate.pass(Hlc(1 << 16), &event("sale_recorded")).egress().unwrap()).unwrap();
    }
    let wire = draft.issue(&node()).unwrap().to_wire();
    assert!(wire.len() < 200, "{} bytes for a batch of a hundred sales", wire.len());
}

#[test]
fn a_receipt_with_every_field_of_a_log_has_room_in_a_batch() {
    use std::collections::BTreeSet;
    let every: Vec<Path> = Path::all().collect();
    // A field leaves in one form, or stays because it cannot be given it.
    let all = every.iter().map(|path| format!("\"{path}\"")).collect::<Vec<_>>().join(",");
    let rules =
        format!("[[rule]]\nto = [\"eu\"]\nfields = [{all}]\naction = \"token\"\npurpose = \"test\"\n");
    let (all_in, nothing) = (trusted(&policy(&rules)), trusted(&policy("")));
    let (leaving, staying) = (gate(&all_in, "eu"), gate(&nothing, "eu"));
    for class in LogClass::ALL {
        let mut draft = Draft::first(log(class), region("eu"), nothing.id());
        let events = golden().into_iter().map(|(_, kind, bytes)| Event::decode(kind, &bytes).unwrap());
        let events: Vec<Event> = events.filter(|event| LogClass::of(event) == Some(class)).collect();
        for event in &events {
            draft.withhold(&staying.pass(Hlc(1), event)).unwrap();
        }
        let mut draft = draft.under(all_in.id()).unwrap();
        for event in &events {
            match leaving.pass(Hlc(1), event) {
                Passage::Leaves(egress) => drop(draft.add(&egress).unwrap()),
                stays @ Passage::Stays { .. } => draft.withhold(&stays).unwrap(),
            }
        }
        let receipt = draft.issue(&node()).unwrap();
        let fields = receipt.tally.iter().map(|(path, ..)| path).collect::<BTreeSet<_>>();
        let largest = receipt.to_wire().len() + 8 * receipt.tally.iter().count();
        assert!(fields.len() > 20 && largest <= RECEIPT_BYTES_MAX, "{class}: {largest} bytes");
    }
}

#[test]
fn a_draft_takes_only_what_was_let_out_for_it() {
    let strict = strict();
    let egress = gate(&strict, "eu").pass(Hlc(1), &event("sale_recorded")).egress().unwrap();
    let mut elsewhere = Draft::first(log(LogClass::Sales), region("cn"), strict.id());
    assert_eq!(elsewhere.add(&egress).unwrap_err(), Excluded::Region);
    let mut of_stock = Draft::first(log(LogClass::Stock), region("eu"), strict.id());
    assert_eq!(of_stock.add(&egress).unwrap_err(), Excluded::Class);
    let newer = PolicyId { version: 2, ..strict.id() };
    let mut of_newer = Draft::first(log(LogClass::Sales), region("eu"), newer);
    assert_eq!(of_newer.add(&egress).unwrap_err(), Excluded::Policy);
    assert!(of_newer.issue(&node()).is_err(), "no receipt for nothing");
}

#[test]
fn only_what_stayed_by_the_batchs_own_policy_and_of_its_log_is_withheld_from_it() {
    let strict = strict();
    let (here, mark) = (region("eu"), strict.id());
    let stays = gate(&strict, "eu").pass(Hlc(1), &event("node_stopped"));
    let with = |mut draft: Draft| draft.withhold(&stays);
    assert_eq!(with(Draft::first(log(LogClass::Sales), here.clone(), mark)), Ok(()));
    assert_eq!(with(Draft::first(log(LogClass::Stock), here.clone(), mark)), Err(Excluded::Class));
    assert_eq!(with(Draft::first(log(LogClass::Sales), region("cn"), mark)), Err(Excluded::Region));
    let newer = PolicyId { version: 2, ..mark };
    assert_eq!(with(Draft::first(log(LogClass::Sales), here.clone(), newer)), Err(Excluded::Policy));
    let leaves = gate(&strict, "eu").pass(Hlc(1), &event("sale_recorded"));
    let mut draft = Draft::first(log(LogClass::Sales), here, mark);
    assert_eq!(draft.withhold(&leaves), Err(Excluded::Leaves));
}

#[test]
fn what_was_withheld_before_the_policy_changed_is_told_with_what_leaves_after_it() {
    let older = trusted(&policy(
        "[[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.at\", \"SaleRecorded.document\"]\naction = \"aggregate\"\n\
         [[aggregate]]\nname = \"sales\"\nto = \"eu\"\nevent = \"SaleRecorded\"\ntime = \"SaleRecorded.at\"\nwindow = \"day\"\nkeys = []\n\
         each = \"SaleRecorded.document\"\nk = 3\nrows_max = 1\n",
    ));
    let newer = trusted(&policy(RULES).replace("version = 1", "version = 2"));
    let sale = event("sale_recorded");
    let mut draft = Draft::first(log(LogClass::Sales), region("eu"), older.id());
    draft.withhold(&gate(&older, "eu").pass(Hlc(1), &sale)).unwrap();
    let egress = gate(&newer, "eu").pass(Hlc(2), &sale).egress().unwrap();
    assert_eq!(draft.add(&egress).unwrap_err(), Excluded::Policy);
    let mut draft = Draft::decode(&draft.encode()).unwrap().under(newer.id()).unwrap();
    let (_, hlc, kind, payload) = draft.add(&egress).unwrap();
    let rows = vec![(hlc, kind, payload.to_vec())];
    let (error, draft) = draft.under(older.id()).unwrap_err();
    assert!(matches!(error, DraftError::Begun), "a batch is of one policy");
    let receipt = draft.issue(&node()).unwrap();
    assert_eq!((receipt.withheld, receipt.total(Outcome::Aggregated)), (1, 0));
    let batch = Batch {
        log: receipt.log.clone(),
        policy: receipt.policy,
        extent: receipt.extent,
        rows,
        receipt: receipt.to_wire(),
    };
    let verifier = Verifier::new(region("eu"), [older, newer]);
    assert_eq!(batch.check(&verifier, &start()).unwrap().0, receipt);
}

#[test]
fn a_hub_takes_nothing_that_is_for_another_region_or_by_a_policy_that_it_does_not_know() {
    let (one, _) = first();
    let in_china = Verifier::new(region("cn"), [strict()]);
    assert!(matches!(one.check(&in_china, &start()).unwrap_err(), Refusal::Region { .. }));
    let without = Verifier::new(region("eu"), []);
    assert!(matches!(one.check(&without, &start()).unwrap_err(), Refusal::Policy { .. }));
    let mut retired = verifier();
    retired.retire_below(2);
    assert!(matches!(one.check(&retired, &start()).unwrap_err(), Refusal::Policy { .. }));
}

#[test]
fn every_changed_byte_is_noticed() {
    let (one, _) = first();
    for at in 0..one.receipt.len() {
        let mut changed =
            Batch { receipt: one.receipt.clone(), rows: one.rows.clone(), log: one.log.clone(), ..one };
        changed.receipt[at] ^= 1;
        assert!(changed.check(&verifier(), &start()).is_err(), "byte {at} of the receipt");
    }
    for row in 0..one.rows.len() {
        let mut changed =
            Batch { receipt: one.receipt.clone(), rows: one.rows.clone(), log: one.log.clone(), ..one };
        let last = changed.rows[row].2.len() - 1;
        changed.rows[row].2[last] ^= 1;
        assert_eq!(changed.check(&verifier(), &start()).unwrap_err(), Refusal::Extent { what: "chain head" });
    }
}

// Nodes that cheat.

/// Signs whatever a receipt says, as a node with a broken gate would.
fn sign(mut receipt: Receipt, key: &SigningKey) -> Receipt {
    let mut bytes = receipt.encode();
    bytes.truncate(bytes.len() - 64);
    receipt.signature = key.sign(&bytes);
    assert!(receipt.is_signed_by(&key.verifying_key()));
    receipt
}

/// A batch of these rows with true heads and a signed receipt whose counts are those of an honest one.
fn forged(rows: Vec<Row>, change: impl FnOnce(&mut Receipt)) -> Batch {
    let (_, mut receipt) = first();
    let mut chain = Chain::after(Point { seq: 0, head: receipt.extent.head_before });
    for (hlc, kind, payload) in &rows {
        chain.push(hlc.0, kind.0, payload);
    }
    receipt.extent = Extent { count: rows.len() as u32, head_after: chain.point().head, ..receipt.extent };
    change(&mut receipt);
    let receipt = sign(receipt, &node());
    Batch {
        log: receipt.log.clone(),
        policy: receipt.policy,
        extent: receipt.extent,
        rows,
        receipt: receipt.to_wire(),
    }
}

#[test]
fn mutant_gate_bypassed_raw_events_under_a_good_receipt() {
    let (honest, _) = first();
    let mut rows = honest.rows.clone();
    let raw = event("sale_recorded").encode();
    let at = rows.iter().position(|(_, kind, _)| kind.0 == 0x0201).unwrap();
    rows[at].2 = raw;
    // With the receipt of the honest batch the heads differ already.
    let swapped = Batch { rows: rows.clone(), ..honest };
    assert_eq!(swapped.check(&verifier(), &start()).unwrap_err(), Refusal::Extent { what: "chain head" });
    // With heads and a signature of its own the content gives it away.
    let refusal = forged(rows, |_| {}).check(&verifier(), &start()).unwrap_err();
    let Refusal::Item { misfit: Misfit::NotAllowed { path } | Misfit::Form { path }, .. } = refusal else {
        panic!("{refusal}")
    };
    assert_eq!(path.event_name(), "SaleRecorded");
}

#[test]
fn mutant_gate_bypassed_for_one_field_is_told_by_its_path_and_not_by_its_value() {
    let (honest, _) = first();
    let mut rows = honest.rows;
    let at = rows.iter().position(|(_, kind, _)| kind.0 == 0x0201).unwrap();
    // The token is the customer's number again.
    let token = values(rows[at].1, &rows[at].2)
        .into_iter()
        .find(|value| value.path == "SaleRecorded.customer")
        .unwrap();
    let place = rows[at].2.windows(token.bytes.len()).position(|window| window == token.bytes).unwrap();
    let number = minicbor::to_vec("CANARY-17850").unwrap();
    rows[at].2.splice(place..place + token.bytes.len(), number);
    let refusal = forged(rows, |_| {}).check(&verifier(), &start()).unwrap_err();
    let customer = Path::named("SaleRecorded.customer").unwrap();
    assert!(
        matches!(refusal, Refusal::Item { misfit: Misfit::Form { path }, .. } if path == customer),
        "{refusal}"
    );
    assert!(!format!("{refusal} {refusal:?}").contains("CANARY"));
}

#[test]
fn mutant_gate_bypassed_by_a_type_that_nobody_lets_out() {
    let raw = event("searched");
    let refusal =
        forged(vec![(Hlc(1), raw.kind(), raw.encode())], |_| {}).check(&verifier(), &start()).unwrap_err();
    assert!(matches!(refusal, Refusal::Kind { seq: 1, kind: 0x0106 }), "{refusal}");
}

#[test]
fn mutant_gate_bypassed_by_the_records_own_time() {
    let (honest, _) = first();
    let mut rows = honest.rows;
    let at = rows.iter().position(|(_, kind, _)| kind.0 == 0x0202).unwrap();
    rows[at].0 = Hlc::new(1_322_746_200_123, 4);
    assert!(matches!(forged(rows, |_| {}).check(&verifier(), &start()).unwrap_err(), Refusal::Time { .. }));
}

#[test]
fn mutant_receipt_skipped() {
    let (one, receipt) = first();
    let none = Batch { receipt: Vec::new(), log: one.log.clone(), rows: one.rows.clone(), ..one };
    assert_eq!(none.check(&verifier(), &start()).unwrap_err(), Refusal::Receipt(ReceiptError::Missing));
    // The second batch without the first.
    let policy = strict();
    let (two, _) = batch(Draft::after(&receipt, policy.id()), &gate(&policy, "eu"));
    assert_eq!(two.check(&verifier(), &start()).unwrap_err(), Refusal::Gap { number: 2, last: 0 });
    // A third in the place of the second, with its number.
    let (_, cursor) = one.check(&verifier(), &start()).unwrap();
    let mut other = receipt.clone();
    other.withheld += 1;
    let (not_after, _) = batch(Draft::after(&sign(other, &node()), policy.id()), &gate(&policy, "eu"));
    assert_eq!(not_after.check(&verifier(), &cursor).unwrap_err(), Refusal::Signature);
    // The first again.
    assert_eq!(one.check(&verifier(), &cursor).unwrap_err(), Refusal::Old { number: 1, last: 1 });
}

#[test]
fn mutant_receipt_of_another_node() {
    let (one, receipt) = first();
    let stranger = SigningKey::from_seed(&[1; 32]).unwrap();
    let foreign = Batch {
        receipt: sign(receipt.clone(), &stranger).to_wire(),
        log: one.log.clone(),
        rows: one.rows.clone(),
        ..one
    };
    assert_eq!(foreign.check(&verifier(), &start()).unwrap_err(), Refusal::Signature);
    let unsigned = Batch { receipt: Receipt { signature: Signature([0; 64]), ..receipt }.to_wire(), ..one };
    assert_eq!(unsigned.check(&verifier(), &start()).unwrap_err(), Refusal::Signature);
}

#[test]
fn mutant_receipt_that_counts_wrongly() {
    let rows = || first().0.rows;
    let customer = Path::named("SaleRecorded.customer").unwrap();
    let fewer = forged(rows(), |receipt| receipt.tally = aisle_residency::Tally::default());
    assert!(matches!(fewer.check(&verifier(), &start()).unwrap_err(), Refusal::Count { .. }));
    let more = forged(rows(), |receipt| {
        let gate = gate(&strict(), "eu");
        receipt.tally.add(gate.pass(Hlc(1), &event("sale_recorded")).fates());
    });
    let refusal = more.check(&verifier(), &start()).unwrap_err();
    assert!(matches!(refusal, Refusal::Count { counted, found, .. } if counted > found), "{refusal}");
    assert!(
        forged(rows(), |_| {}).check(&verifier(), &start()).is_ok(),
        "with true counts it would be taken: {customer}"
    );
}
