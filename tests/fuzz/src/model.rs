//! Models: any bytes are a package, a card, a graph or an error. Loading a graph is not fed here: what panics behind the interface of C ends the process, which is why a node does it in
//! another one.

use aisle_content::ModelPackage;
use aisle_model::{
    Card,
    card::{CASES_MAX, End, PORTS_MAX},
    example,
    onnx::{NODES_MAX, look},
};

/// The input may be a model's package, or its card, or its graph.
///
/// # Panics
/// When what was read is not bounded, or does not hold what it says.
pub fn model_package(input: &[u8]) {
    if let Ok(package) = ModelPackage::decode(input) {
        assert_eq!(ModelPackage::decode(&package.encode()).as_ref(), Ok(&package));
        card(&package.card);
        graph(&package.onnx, Card::parse(&package.card).ok().as_ref());
    }
    if let Ok(text) = str::from_utf8(input) {
        card(text);
    }
    graph(input, None);
}

fn card(text: &str) {
    match Card::parse(text) {
        Ok(card) => {
            assert!((1..=CASES_MAX).contains(&card.cases.len()) && card.inputs.len() <= PORTS_MAX);
            for case in &card.cases {
                assert!(card.check(&case.input).is_ok(), "a case is of the card's own shapes");
            }
            for end in [End::Low, End::Middle, End::High] {
                assert!(card.check(&card.corner(false, end)).is_ok(), "a corner is what may go in");
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn graph(onnx: &[u8], card: Option<&Card>) {
    match look(onnx) {
        Ok(outline) => {
            assert!(outline.nodes <= NODES_MAX && outline.inputs.len() <= PORTS_MAX);
            if let Some(Err(error)) = card.map(|card| outline.is_as(card)) {
                assert!(!error.to_string().is_empty());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A package, a card and a graph.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let [good, lookup, greedy] =
        [example::good("ranker", "1.0.0", 0.5), example::lookup(2), example::greedy(9)];
    vec![
        good.encode(),
        lookup.encode(),
        good.card.clone().into_bytes(),
        lookup.card.into_bytes(),
        good.onnx,
        greedy.onnx,
    ]
}
