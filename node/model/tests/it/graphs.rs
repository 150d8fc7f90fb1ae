//! What a graph may have.

use aisle_model::{
    Card,
    example::{F32, Graph, Message, linear, linear_card, tensor},
    onnx::{OnnxError, look},
};

fn refused(onnx: &[u8], words: &str) {
    let error = look(onnx).expect_err(words);
    assert!(error.to_string().contains(words), "no `{words}`: {error}");
}

fn base() -> Graph {
    Graph::default().input("x", F32, &[0, 4]).output("y", F32, &[0, 4])
}

#[test]
fn a_graph_shows_what_goes_in_and_out() {
    let outline = look(&linear([1.0; 4], 0.0)).unwrap();
    assert_eq!((outline.nodes, outline.constants), (2, 2));
    assert_eq!(outline.inputs[0].shape, Some(vec![None, Some(4)]));
    outline.is_as(&Card::parse(&linear_card("a", "1", 1, 4.0)).unwrap()).unwrap();
}

#[test]
fn what_could_do_harm_or_go_on_for_ever_is_refused() {
    refused(&base().node("Loop", &["x"], &["y"], &[]).onnx(), "`Loop`");
    refused(&base().node("RandomNormal", &[], &["y"], &[]).onnx(), "`RandomNormal`");
    let within = Message::default().bytes(1, "body").bytes(6, base().0.0);
    refused(&base().node("Anything", &["x"], &["y"], &[within]).onnx(), "graph within its graph");
    let beside = tensor("w", F32, &[4], &[]).bytes(13, [1]).number(14, 1);
    refused(&Graph(base().0.bytes(5, beside.0)).onnx(), "files beside it");
    let beside =
        Message::default().bytes(1, "value").bytes(5, tensor("", F32, &[1], &[0; 4]).number(14, 1).0);
    refused(&base().node("Constant", &[], &["y"], &[beside]).onnx(), "files beside it");
    refused(&base().constant("w", F32, &[1 << 40], &[0; 4]).onnx(), "bytes for fewer");
    refused(&base().constant("w", F32, &[u64::MAX, u64::MAX], &[0; 4]).onnx(), "bytes for fewer");
    refused(&base().constant("x", F32, &[1], &[0; 4]).onnx(), "keep_initializers_as_inputs");
    refused(&Message(base().onnx()).bytes(25, [0]).0, "functions");
    refused(&Message(base().onnx()).bytes(20, [0]).0, "training");
    refused(&Message(base().onnx()).bytes(8, Message::default().bytes(1, "com.acme").0).0, "`com.acme`");
    refused(&Message(base().onnx()).bytes(7, base().0.0).0, "two graphs");
    refused(&base().input("a\0b", F32, &[1]).onnx(), "NUL");
    refused(
        &(0..20).fold(base(), |graph, n| graph.input(&format!("x{n}"), F32, &[1])).onnx(),
        "more than 16",
    );
    let many = (0..10_001).fold(base(), |graph, _| graph.node("Relu", &["x"], &["y"], &[]));
    refused(&many.onnx(), "steps");
    assert!(matches!(look(&vec![0; (64 << 20) + 1]), Err(OnnxError::TooLong { .. })));
}

#[test]
fn what_is_no_graph_is_refused_wherever_it_ends() {
    let whole = linear([1.0; 4], 0.0);
    for cut in 0..whole.len() {
        // What is cut between two fields may still read; it has no graph, or is as it was.
        drop(look(&whole[..cut]));
        let mut damaged = whole.clone();
        damaged[cut] ^= 0xff;
        drop(look(&damaged));
    }
    for bytes in [&b""[..], b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"GIF89a"] {
        assert!(matches!(look(bytes), Err(OnnxError::Malformed(_))));
    }
}

#[test]
fn a_graph_that_is_not_as_its_card_says_is_refused() {
    let outline = look(&linear([1.0; 4], 0.0)).unwrap();
    let changes = [
        ("shape = [\"n\", 4]", "shape = [\"n\", 2]", "has 4 in dimension 1"),
        ("shape = [\"n\", 4]", "shape = [\"n\", \"n\"]", "dimension 1"),
        ("name = \"y\"", "name = \"z\"", "no output `z`"),
        ("name = \"x\"", "name = \"z\"", "no input `z`"),
    ];
    for (from, to, words) in changes {
        let card = linear_card("a", "1", 1, 4.0).replacen(from, to, 1);
        let (before, _) = card.split_once("[[case]]").unwrap();
        let names = if to.contains('z') { to.split('"').nth(1).unwrap() } else { "" };
        let (input, output) = match names {
            "z" if from.contains('x') => ("z", "y"),
            "z" => ("x", "z"),
            _ => ("x", "y"),
        };
        let shape = if to.contains(", 2]") {
            "shape = [1, 2]\ndata = [1, 1]"
        } else if to.contains("\"n\", \"n\"") {
            "shape = [1, 1]\ndata = [1]"
        } else {
            "shape = [1, 4]\ndata = [1, 1, 1, 1]"
        };
        let case = format!(
            "[[case]]\nwhat = \"\"\n[case.input.{input}]\n{shape}\n[case.output.{output}]\nshape = [1, 1]\ndata = [4]\n"
        );
        let card = Card::parse(&format!("{before}{case}")).unwrap();
        let error = outline.is_as(&card).expect_err(to);
        assert!(error.to_string().contains(words), "no `{words}`: {error}");
    }
}
