//! A model's folder, tried and packed; and what a trial is for: models that take all memory, all time, or the process with them.

use crate::aisle::aisle;
use aisle_content::ModelPackage;
use aisle_model::example::{self, F32, Graph, Message};
use std::{fs, path::Path};

fn write(folder: &Path, package: &ModelPackage) {
    fs::write(folder.join("model.toml"), &package.card).unwrap();
    fs::write(folder.join("model.onnx"), &package.onnx).unwrap();
}

fn check(package: &ModelPackage) -> crate::aisle::Ran {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), package);
    aisle(folder.path(), ["model", "check"])
}

#[test]
fn a_folder_is_tried_and_becomes_one_file_that_is_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &example::good("ranker", "1.0.0", 0.5));
    aisle(folder.path(), ["model", "check"])
        .well()
        .says("ranker 1.0.0 passes: 1 cases, 2 steps")
        .says("runs within");
    aisle(folder.path(), ["model", "check", "--untimed", "."]).well().says("passes");
    let packed = aisle(folder.path(), ["model", "pack", "--json"]).well().json();
    assert_eq!(packed["file"], "ranker-1.0.0.model");
    let bytes = fs::read(folder.path().join("ranker-1.0.0.model")).unwrap();
    assert_eq!(ModelPackage::decode(&bytes).unwrap(), example::good("ranker", "1.0.0", 0.5));
    assert_eq!(packed["hash"], blake3::hash(&bytes).to_hex().to_string());
    aisle(folder.path(), ["model", "pack", "--out", "again"])
        .well()
        .says("aisle-hub artefact add model ranker 1.0.0");
    assert_eq!(fs::read(folder.path().join("again")).unwrap(), bytes);
    let told = aisle(folder.path(), ["model", "check", "again", "--json"]).well().json();
    assert_eq!((&told["passed"], &told["report"]["cases"]), (&true.into(), &1.into()));
}

#[test]
fn what_is_no_model_is_refused_with_what_is_wrong() {
    check(&example::wrong("ranker", "1.0.0")).ended(1).says("expected 11");
    let folder = tempfile::tempdir().unwrap();
    aisle(folder.path(), ["model", "check"]).ended(1).says("model.toml");
    aisle(folder.path(), ["model", "check", "nothing"]).ended(1).says("cannot read `nothing`");
    fs::write(folder.path().join("junk"), b"junk").unwrap();
    let told = aisle(folder.path(), ["model", "check", "junk", "--json"]).ended(1).json();
    assert_eq!((&told["passed"], &told["is_final"]), (&false.into(), &true.into()));
    write(folder.path(), &ModelPackage { card: "form = 2".into(), ..example::good("a", "1", 0.0) });
    aisle(folder.path(), ["model", "pack"]).ended(1).says("model.toml");
    write(folder.path(), &ModelPackage { onnx: b"GIF89a".to_vec(), ..example::good("a", "1", 0.0) });
    aisle(folder.path(), ["model", "pack"]).ended(1).says("model.onnx");
}

#[test]
fn a_model_that_asks_for_more_memory_than_a_trial_has_ends_its_trial_and_nothing_else() {
    check(&example::greedy(100)).well();
    check(&example::greedy(4_000_000)).ended(1).says("refused: ");
}

#[test]
fn a_model_that_fails_at_the_ends_of_what_its_card_lets_in_is_refused() {
    check(&example::lookup(2)).well();
    // Its one case is well; the seventh row of three is what a shopper's click would ask for some day.
    check(&example::lookup(7)).ended(1).says("refused: ");
}

#[test]
fn whatever_a_graph_says_of_its_steps_comes_to_a_refusal() {
    // Each reads, and is not what its operator takes: what loads it may say so, or break off.
    let shapes: [(&str, &[&str]); 12] = [
        ("Reshape", &["x", "b"]),
        ("Gemm", &["x"]),
        ("Conv", &["x", "b"]),
        ("Concat", &[]),
        ("Slice", &["x", "b", "b", "b", "b"]),
        ("Pad", &["x", "b"]),
        ("Gather", &["b", "x"]),
        ("TopK", &["x", "b"]),
        ("Transpose", &[]),
        ("Split", &["x"]),
        ("LSTM", &["x", "b", "b"]),
        ("TreeEnsembleRegressor", &["x"]),
    ];
    for (operator, inputs) in shapes {
        let graph = Graph::default().input("x", F32, &[0, 4]).output("y", F32, &[0, 1]).floats(
            "b",
            &[2],
            &[-7.0, 9.0e18],
        );
        let axis = Message::default().bytes(1, "axis").number(3, u64::MAX).number(20, 2);
        let onnx = graph.node(operator, inputs, &["y"], &[axis]).onnx();
        let card = example::linear_card("odd", "1", 10_000_000, 10.0);
        check(&ModelPackage { card, onnx }).ended(1).says("refused: ");
    }
}
