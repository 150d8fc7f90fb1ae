//! What a model answers, and whether it passes.

use aisle_content::ModelPackage;
use aisle_model::{
    Depth, Inputs, Loaded, Refusal, RunError, Tensor, Values,
    example::{F32, Graph, good, linear, linear_card, lookup, wrong},
    trial,
};

fn rows(rows: usize, values: Vec<f32>) -> Inputs {
    Inputs::from([("x".to_owned(), Tensor::new(vec![rows, 4], Values::F32(values)).unwrap())])
}

#[test]
fn a_model_answers_inputs_of_any_size_that_its_card_lets_in() {
    let model = Loaded::load(&good("ranker", "1.0.0", 0.5).encode()).unwrap();
    let found = model.run(&rows(1, vec![1.0, 0.0, 0.0, 0.0])).unwrap();
    assert_eq!(found["y"], Tensor::new(vec![1, 1], Values::F32(vec![1.5])).unwrap());
    let found = model.run(&rows(3, (0..12).map(|n| (n % 4) as f32).collect())).unwrap();
    assert_eq!(found["y"].values(), &Values::F32(vec![20.5; 3]));
    let model = Loaded::load(&lookup(2).encode()).unwrap();
    let ids = Tensor::new(vec![2], Values::I64(vec![2, 0])).unwrap();
    let found = model.run(&Inputs::from([("ids".to_owned(), ids)])).unwrap();
    assert_eq!(found["rows"].values(), &Values::F32(vec![4.0, 5.0, 0.0, 1.0]));
}

#[test]
fn what_the_card_does_not_let_in_never_reaches_the_model() {
    let model = Loaded::load(&lookup(2).encode()).unwrap();
    for ids in [vec![3], vec![-1], vec![i64::MAX], vec![0; 9]] {
        let tensor = Tensor::new(vec![ids.len()], Values::I64(ids)).unwrap();
        let error = model.run(&Inputs::from([("ids".to_owned(), tensor)])).unwrap_err();
        assert!(matches!(&error, RunError::Input { input, .. } if input == "ids"), "{error}");
    }
}

#[test]
fn what_comes_out_that_the_card_does_not_say_is_an_error() {
    let graph = Graph::default().input("x", F32, &[0, 4]).output("y", F32, &[0, 1]);
    let graph = graph.floats("w", &[4, 1], &[f32::MAX; 4]).node("MatMul", &["x", "w"], &["y"], &[]);
    let card = linear_card("a", "1", 1_000_000, 0.0).replace("data = [1, 1, 1, 1]", "data = [0, 0, 0, 0]");
    let package = ModelPackage { card, onnx: graph.onnx() }.encode();
    let model = Loaded::load(&package).unwrap();
    let error = model.run(&rows(1, vec![10.0; 4])).unwrap_err();
    assert!(matches!(&error, RunError::Output { output, .. } if output == "y"), "{error}");
    let Refusal { is_final, text } = trial::run(&package, Depth::Whole).unwrap_err();
    assert!(is_final && text.contains("its smallest values") && text.contains("finite"), "{text}");
}

#[test]
fn a_good_model_passes_and_says_how_long_it_took() {
    let report = trial::run(&good("ranker", "1.0.0", 0.0).encode(), Depth::Whole).unwrap();
    assert_eq!(
        (report.id.as_str(), report.version.as_str(), report.cases, report.nodes),
        ("ranker", "1.0.0", 1, 2)
    );
    assert!(report.runs > 0 && report.p99_us <= report.p99_us_max, "{report:?}");
    let again = trial::run(&good("ranker", "1.0.0", 0.0).encode(), Depth::Again).unwrap();
    assert_eq!((again.runs, again.p99_us), (0, 0));
}

#[test]
fn a_model_whose_case_does_not_come_out_is_refused_for_good() {
    let Refusal { is_final, text } = trial::run(&wrong("ranker", "1").encode(), Depth::Whole).unwrap_err();
    assert!(is_final, "{text}");
    for words in ["\"four ones\"", "`y` has 10 at place 0", "expected 11"] {
        assert!(text.contains(words), "no `{words}`: {text}");
    }
}

/// Sixty-four thousand multiplications for each of a thousand rows: no machine does that within a microsecond.
fn slow(p99_us_max: u64) -> Vec<u8> {
    let weights = vec![0.0; 256 * 256];
    let graph = Graph::default().input("x", F32, &[0, 256]).output("y", F32, &[0, 256]);
    let onnx = graph.floats("w", &[256, 256], &weights).node("MatMul", &["x", "w"], &["y"], &[]).onnx();
    let row = vec!["0"; 256].join(",");
    let card = format!(
        "form = 1\nid = \"slow\"\nversion = \"1\"\np99_us_max = {p99_us_max}\n[dims]\nn = 200\n\
         [[input]]\nname = \"x\"\ntype = \"f32\"\nshape = [\"n\", 256]\n\
         [[output]]\nname = \"y\"\ntype = \"f32\"\nshape = [\"n\", 256]\n\
         [[case]]\nwhat = \"zeros\"\n[case.input.x]\nshape = [1, 256]\ndata = [{row}]\n\
         [case.output.y]\nshape = [1, 256]\ndata = [{row}]\n"
    );
    ModelPackage { card, onnx }.encode()
}

#[test]
fn a_model_that_takes_longer_than_its_card_allows_is_refused_and_may_be_tried_again() {
    let Refusal { is_final, text } = trial::run(&slow(1), Depth::Whole).unwrap_err();
    assert!(!is_final && text.contains("its card allows 1 µs"), "{text}");
    trial::run(&slow(10_000_000), Depth::Whole).unwrap();
    trial::run(&slow(1), Depth::Again).expect("time is not looked at again");
}

#[test]
fn what_is_no_model_is_refused_with_what_is_wrong() {
    let plugin = aisle_content::PluginPackage { manifest: "id = \"a\"".into(), component: vec![0] }.encode();
    let card = linear_card("a", "1", 1_000, 10.0);
    let (unknown, graph) =
        (linear([1.0; 4], 0.0), Graph::default().input("x", F32, &[0, 4]).output("y", F32, &[0, 1]));
    let graph = graph.floats("w", &[4, 1], &[1.0; 4]);
    let broken = graph.clone().node("NoSuchOperator", &["x", "w"], &["y"], &[]).onnx();
    let loose = graph.node("MatMul", &["nothing", "w"], &["y"], &[]).onnx();
    let packages = [
        (plugin, "no package of a model"),
        (b"".to_vec(), "no package of a model"),
        (ModelPackage { card: "form = 1".into(), onnx: unknown }.encode(), "model.toml"),
        (ModelPackage { card: card.clone(), onnx: b"nonsense".to_vec() }.encode(), "model.onnx"),
        (ModelPackage { card: card.clone(), onnx: broken }.encode(), "NoSuchOperator"),
        (ModelPackage { card, onnx: loose }.encode(), "cannot be loaded"),
    ];
    for (package, words) in packages {
        let Refusal { is_final, text } = trial::run(&package, Depth::Whole).unwrap_err();
        assert!(is_final && text.contains(words), "no `{words}`: {text}");
    }
}
