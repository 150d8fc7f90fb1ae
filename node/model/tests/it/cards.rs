//! What a card may say.

use aisle_model::{Card, Given, Tensor, Values, card::End, example::linear_card, tensor::Number};
use std::collections::BTreeMap;

fn good() -> String {
    linear_card("ranker", "1.0.0", 5_000, 10.0)
}

#[test]
fn a_card_reads_with_its_cases_in_its_own_shapes() {
    let card = Card::parse(&good()).unwrap();
    assert_eq!((card.id.as_str(), card.version.as_str(), card.p99_us_max), ("ranker", "1.0.0", 5_000));
    assert_eq!(card.inputs[0].to_string(), "x: f32[n, 4]");
    assert_eq!(card.cases[0].output["y"].values(), &Values::F32(vec![10.0]));
}

#[test]
fn what_a_card_cannot_say_is_refused_by_its_field() {
    let changes = [
        ("form = 1", "form = 2", "form"),
        ("form = 1", "", "line"),
        ("form = 1", "form = 1\nsurprise = 1", "line"),
        ("\"ranker\"", "\"Ranker\"", "id"),
        ("\"1.0.0\"", "\"\"", "version"),
        ("p99_us_max = 5000", "p99_us_max = 0", "p99_us_max"),
        ("p99_us_max = 5000", "p99_us_max = 10000001", "p99_us_max"),
        ("n = 64", "n = 0", "dims.n"),
        ("n = 64", "n = 2000000", "input[0].shape"),
        ("n = 64", "m = 64", "input[0].shape"),
        ("type = \"f32\"\nshape = [\"n\", 4]\nmin = -10", "type = \"i64\"\nshape = [\"n\", 4]", "input[0]"),
        ("type = \"f32\"", "type = \"f64\"", "line"),
        ("min = -10", "min = 11", "input[0].min"),
        ("min = -10", "min = nan", "input[0].min"),
        ("shape = [1, 4]", "shape = [1, 3]", "case[0].input.x"),
        ("shape = [1, 4]", "shape = [1, 0]", "case[0].input.x"),
        ("shape = [1, 4]", "shape = [18446744073709551615, 4]", "case[0].input.x"),
        ("data = [1, 1, 1, 1]", "data = [1, 1, 1, 99]", "case[0].input.x"),
        ("data = [1, 1, 1, 1]", "data = [1, 1, 1, 1e300]", "case[0].input.x"),
        ("tolerance = 0.001", "tolerance = -1", "case[0].tolerance"),
        ("[case.output.y]", "[case.output.z]", "case[0].output.z"),
        ("[case.input.x]", "[case.input.z]", "case[0].input.z"),
    ];
    for (from, to, path) in changes {
        let text = good().replacen(from, to, 1);
        assert_ne!(text, good(), "{from}");
        let error = Card::parse(&text).expect_err(to);
        assert!(error.path.starts_with(path), "`{to}`: {error}");
        assert!(error.to_string().contains("model.toml"), "{error}");
    }
    let none = good().split("[[case]]").next().unwrap().to_owned();
    assert_eq!(Card::parse(&none).unwrap_err().path, "case", "a model without a case shows nothing");
    assert!(Card::parse(&"#".repeat(2 << 20)).is_err());
}

#[test]
fn dimensions_of_one_name_are_of_one_size_and_values_lie_within_their_ends() {
    let card = Card::parse(&good()).unwrap();
    let input = |rows: usize, value: f32| {
        let tensor = Tensor::new(vec![rows, 4], Values::F32(vec![value; rows * 4])).unwrap();
        BTreeMap::from([("x".to_owned(), tensor)])
    };
    assert_eq!(card.check(&input(64, 10.0)).unwrap()["n"], 64);
    assert!(card.check(&input(65, 1.0)).unwrap_err().1.contains("at most 64"));
    for value in [10.5, f32::NAN, f32::INFINITY] {
        assert!(card.check(&input(1, value)).unwrap_err().1.contains("expected -10 to 10"));
    }
    assert!(card.check(&BTreeMap::new()).unwrap_err().1.contains("missing"));
}

#[test]
fn corners_are_the_ends_of_what_may_go_in() {
    let card = Card::parse(&good()).unwrap();
    let large = &card.corner(true, End::High)["x"];
    assert_eq!((large.shape(), large.values()), (&[64, 4][..], &Values::F32(vec![10.0; 256])));
    let small = &card.corner(false, End::Middle)["x"];
    assert_eq!((small.shape(), small.values()), (&[1, 4][..], &Values::F32(vec![0.0; 4])));
    for is_large in [true, false] {
        for end in [End::Low, End::Middle, End::High] {
            card.check(&card.corner(is_large, end)).unwrap();
        }
    }
}

#[test]
fn a_tensor_is_written_down_and_read_again() {
    let tensor = Tensor::new(vec![2, 1], Values::I64(vec![7, -1])).unwrap();
    let given = tensor.given();
    assert_eq!(given, Given { shape: vec![2, 1], data: vec![Number::Whole(7), Number::Whole(-1)] });
    assert_eq!(given.read(aisle_model::tensor::Element::I64).unwrap(), tensor);
    assert!(Tensor::new(vec![3], Values::I64(vec![7])).is_err());
    assert!(Tensor::new(vec![usize::MAX, usize::MAX], Values::I64(vec![7])).is_err());
}
