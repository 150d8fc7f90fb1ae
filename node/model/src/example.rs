//! Small models made by hand, for tests here and elsewhere: a writer for what they need of `onnx.proto`, and a few cards.
//!
//! Not here: anything that a node uses. The bytes are the same each time.

use aisle_content::ModelPackage;

/// A message of a protobuf, as it grows.
#[derive(Debug, Clone, Default)]
pub struct Message(pub Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// A number.
    #[must_use]
    pub fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    /// Bytes, or text, or another message.
    #[must_use]
    pub fn bytes(mut self, field: u64, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }
}

/// A graph, as it grows.
#[derive(Debug, Clone, Default)]
pub struct Graph(pub Message);

/// Numbers of `onnx.proto` for kinds of numbers.
pub const F32: u64 = 1;
/// Whole numbers of 64 bits.
pub const I64: u64 = 7;

impl Graph {
    /// A step: an operator with what goes in and what comes out.
    #[must_use]
    pub fn node(self, operator: &str, inputs: &[&str], outputs: &[&str], attributes: &[Message]) -> Self {
        let mut node = Message::default();
        for input in inputs {
            node = node.bytes(1, input);
        }
        for output in outputs {
            node = node.bytes(2, output);
        }
        node = node.bytes(4, operator);
        for attribute in attributes {
            node = node.bytes(5, &attribute.0);
        }
        Self(self.0.bytes(1, node.0))
    }

    /// A constant of floats.
    #[must_use]
    pub fn floats(self, name: &str, shape: &[u64], values: &[f32]) -> Self {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, F32, shape, &raw)
    }

    /// A constant of these bytes.
    #[must_use]
    pub fn constant(self, name: &str, element: u64, shape: &[u64], raw: &[u8]) -> Self {
        Self(self.0.bytes(5, tensor(name, element, shape, raw).0))
    }

    /// What goes in. A dimension of 0 differs from run to run.
    #[must_use]
    pub fn input(self, name: &str, element: u64, shape: &[u64]) -> Self {
        Self(self.0.bytes(11, port(name, element, shape).0))
    }

    /// What comes out.
    #[must_use]
    pub fn output(self, name: &str, element: u64, shape: &[u64]) -> Self {
        Self(self.0.bytes(12, port(name, element, shape).0))
    }

    /// The bytes of `model.onnx`.
    #[must_use]
    pub fn onnx(self) -> Vec<u8> {
        let opset = Message::default().bytes(1, "").number(2, 13);
        let graph = Message(self.0.0).bytes(2, "g");
        Message::default().number(1, 8).bytes(7, graph.0).bytes(8, opset.0).0
    }
}

/// A constant, as a step or a graph has it.
#[must_use]
pub fn tensor(name: &str, element: u64, shape: &[u64], raw: &[u8]) -> Message {
    let mut tensor = Message::default();
    for size in shape {
        tensor = tensor.number(1, *size);
    }
    tensor.number(2, element).bytes(8, name).bytes(9, raw)
}

fn port(name: &str, element: u64, shape: &[u64]) -> Message {
    let mut dims = Message::default();
    for size in shape {
        let dim =
            if *size == 0 { Message::default().bytes(2, "n") } else { Message::default().number(1, *size) };
        dims = dims.bytes(1, dim.0);
    }
    let tensor = Message::default().number(1, element).bytes(2, dims.0);
    Message::default().bytes(1, name).bytes(2, Message::default().bytes(1, tensor.0).0)
}

/// A graph that multiplies rows of four with weights and adds a bias: `y = x · w + b`.
#[must_use]
pub fn linear(weights: [f32; 4], bias: f32) -> Vec<u8> {
    let graph = Graph::default().input("x", F32, &[0, 4]).output("y", F32, &[0, 1]);
    let graph = graph.floats("w", &[4, 1], &weights).floats("b", &[1], &[bias]);
    graph.node("MatMul", &["x", "w"], &["xw"], &[]).node("Add", &["xw", "b"], &["y"], &[]).onnx()
}

/// The card of [`linear`], whose one case says that four ones make `sum`.
#[must_use]
pub fn linear_card(id: &str, version: &str, p99_us_max: u64, sum: f32) -> String {
    format!(
        "form = 1\nid = \"{id}\"\nversion = \"{version}\"\np99_us_max = {p99_us_max}\n\n[dims]\nn = 64\n\n\
         [[input]]\nname = \"x\"\ntype = \"f32\"\nshape = [\"n\", 4]\nmin = -10\nmax = 10\n\n\
         [[output]]\nname = \"y\"\ntype = \"f32\"\nshape = [\"n\", 1]\n\n\
         [[case]]\nwhat = \"four ones\"\ntolerance = 0.001\n[case.input.x]\nshape = [1, 4]\ndata = [1, 1, 1, 1]\n\
         [case.output.y]\nshape = [1, 1]\ndata = [{sum:?}]\n"
    )
}

/// A model that passes: weights 1 to 4, and this bias.
#[must_use]
pub fn good(id: &str, version: &str, bias: f32) -> ModelPackage {
    let card = linear_card(id, version, 10_000_000, 10.0 + bias);
    ModelPackage { card, onnx: linear([1.0, 2.0, 3.0, 4.0], bias) }
}

/// A model whose case does not come out.
#[must_use]
pub fn wrong(id: &str, version: &str) -> ModelPackage {
    let card = linear_card(id, version, 10_000_000, 11.0);
    ModelPackage { card, onnx: linear([1.0, 2.0, 3.0, 4.0], 0.0) }
}

/// A graph that looks rows up in a table of three, by numbers that its card lets be as large as `max`.
#[must_use]
pub fn lookup(max: i64) -> ModelPackage {
    let graph = Graph::default().input("ids", I64, &[0]).output("rows", F32, &[0, 2]);
    let graph = graph.floats("table", &[3, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let onnx = graph.node("Gather", &["table", "ids"], &["rows"], &[]).onnx();
    let card = format!(
        "form = 1\nid = \"lookup\"\nversion = \"1\"\np99_us_max = 10000000\n[dims]\nn = 8\n\
         [[input]]\nname = \"ids\"\ntype = \"i64\"\nshape = [\"n\"]\nmin = 0\nmax = {max}\n\
         [[output]]\nname = \"rows\"\ntype = \"f32\"\nshape = [\"n\", 2]\n\
         [[case]]\nwhat = \"the second row\"\n[case.input.ids]\nshape = [1]\ndata = [1]\n\
         [case.output.rows]\nshape = [1, 2]\ndata = [2, 3]\n"
    );
    ModelPackage { card, onnx }
}

/// A graph that makes rows of a thousand numbers out of rows of one, and gives the largest of each: four thousand bytes for each of at most so many rows.
#[must_use]
pub fn greedy(rows: usize) -> ModelPackage {
    let axes = Message::default().bytes(1, "axes").number(8, 1).number(20, 7);
    let graph = Graph::default().input("x", F32, &[0, 1]).output("y", F32, &[0, 1]);
    let graph = graph.floats("w", &[1, 1000], &[1.0; 1000]);
    let graph = graph.node("MatMul", &["x", "w"], &["wide"], &[]);
    let onnx = graph.node("ReduceMax", &["wide"], &["y"], &[axes]).onnx();
    let card = format!(
        "form = 1\nid = \"greedy\"\nversion = \"1\"\np99_us_max = 10000000\n[dims]\nn = {rows}\n\
         [[input]]\nname = \"x\"\ntype = \"f32\"\nshape = [\"n\", 1]\n\
         [[output]]\nname = \"y\"\ntype = \"f32\"\nshape = [\"n\", 1]\n\
         [[case]]\nwhat = \"one row\"\n[case.input.x]\nshape = [1, 1]\ndata = [3]\n\
         [case.output.y]\nshape = [1, 1]\ndata = [3]\n"
    );
    ModelPackage { card, onnx }
}
