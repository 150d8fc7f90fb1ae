//! A look at the graph before anybody works with it: the few things that decide whether it may be tried at all.
//!
//! It reads the wire form of `onnx.proto` and keeps next to nothing of it. What it refuses could be harmful or endless: files beside the graph, loops,
//! functions, tensors that say they are larger than they are. Not here: what the graph computes. Guards: it returns for any bytes, in one pass, without
//! holding more than names.

use crate::{
    card::{Card, Dim, PORTS_MAX, Port},
    tensor::{Element, RANK_MAX},
};

/// The most bytes of a graph.
pub const ONNX_BYTES_MAX: usize = 64 << 20;
/// The most steps of a graph.
pub const NODES_MAX: usize = 10_000;
/// The most constants of a graph.
pub const CONSTANTS_MAX: usize = 10_000;

/// Whose operators there are: those of ONNX itself, and its classic ones (trees).
const DOMAINS: [&str; 3] = ["", "ai.onnx", "ai.onnx.ml"];
/// What computes something else each time, or may go on for ever.
const UNWANTED: [&str; 10] = [
    "If",
    "Loop",
    "Scan",
    "SequenceMap",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
    "Multinomial",
    "Bernoulli",
];

/// A graph is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnnxError {
    /// It is longer than a graph may be.
    #[error("`model.onnx` has {bytes} bytes, at most {ONNX_BYTES_MAX} are taken")]
    TooLong {
        /// How long.
        bytes: usize,
    },
    /// It is no graph.
    #[error("`model.onnx` does not read: {0}")]
    Malformed(&'static str),
    /// It has something that no model here may have.
    #[error("`model.onnx` has {0}")]
    Unwanted(String),
    /// It is not what the card says.
    #[error("`model.onnx` is not as `model.toml` says: {0}")]
    Differs(String),
}

type Look<T> = Result<T, OnnxError>;

fn unwanted<T>(what: impl Into<String>) -> Look<T> {
    Err(OnnxError::Unwanted(what.into()))
}

fn differs<T>(what: impl Into<String>) -> Look<T> {
    Err(OnnxError::Differs(what.into()))
}

/// An input or output as the graph declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// What kind of numbers, as `onnx.proto` counts them.
    pub element: u64,
    /// Its dimensions: sizes, or nothing where the size differs; nothing at all where the graph does not say.
    pub shape: Option<Vec<Option<u64>>>,
}

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// What goes in.
    pub inputs: Vec<Declared>,
    /// What comes out.
    pub outputs: Vec<Declared>,
    /// How many steps.
    pub nodes: usize,
    /// How many constants.
    pub constants: usize,
}

/// One field of a message.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

/// The fields of a message, one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn number(&mut self) -> Look<u64> {
        let mut value = 0_u64;
        for place in 0..10_u32 {
            let (byte, rest) = self.0.split_first().ok_or(OnnxError::Malformed("a number is cut off"))?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f).checked_shl(7 * place).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(OnnxError::Malformed("a number is too long"))
    }

    fn bytes(&mut self, count: u64) -> Look<&'a [u8]> {
        let cut = OnnxError::Malformed("a field is cut off");
        let count = usize::try_from(count).map_err(|_| cut.clone())?;
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(cut)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn next(&mut self) -> Look<Option<(u64, Field<'a>)>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.number()?;
        let field = match key & 7 {
            0 => Field::Number(self.number()?),
            1 => {
                self.bytes(8)?;
                Field::Other
            }
            2 => {
                let count = self.number()?;
                Field::Bytes(self.bytes(count)?)
            }
            5 => {
                self.bytes(4)?;
                Field::Other
            }
            _ => return Err(OnnxError::Malformed("a field is of a form that `onnx.proto` has not")),
        };
        Ok(Some((key >> 3, field)))
    }
}

fn text(bytes: &[u8]) -> Look<&str> {
    let text = str::from_utf8(bytes).map_err(|_| OnnxError::Malformed("a name is no text"))?;
    // Names go over an interface of C.
    if text.contains('\0') {
        return Err(OnnxError::Malformed("a name has a NUL in it"));
    }
    Ok(text)
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// Looks at a graph.
///
/// # Errors
/// When it is none, or has what no model here may have.
pub fn look(bytes: &[u8]) -> Result<Outline, OnnxError> {
    if bytes.len() > ONNX_BYTES_MAX {
        return Err(OnnxError::TooLong { bytes: bytes.len() });
    }
    let (mut fields, mut outline) = (Fields(bytes), None);
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            // Two would become one, which nobody has looked at.
            (7, Field::Bytes(_)) if outline.is_some() => {
                return Err(OnnxError::Malformed("it has two graphs"));
            }
            (7, Field::Bytes(bytes)) => outline = Some(graph(bytes)?),
            (8, Field::Bytes(bytes)) => domain(bytes)?,
            (20, _) => return unwanted("what belongs to training"),
            (25, _) => return unwanted("functions of its own; export it with them inlined"),
            _ => {}
        }
    }
    outline.ok_or(OnnxError::Malformed("it has no graph"))
}

fn domain(bytes: &[u8]) -> Look<()> {
    let mut fields = Fields(bytes);
    while let Some((number, field)) = fields.next()? {
        if let (1, Field::Bytes(bytes)) = (number, field) {
            known(text(bytes)?)?;
        }
    }
    Ok(())
}

fn known(domain: &str) -> Look<()> {
    if DOMAINS.contains(&domain) {
        return Ok(());
    }
    unwanted(format!("operators of `{}`, which are none of ONNX itself", shown(domain)))
}

fn graph(bytes: &[u8]) -> Look<Outline> {
    let (mut fields, mut outline, mut constants) = (Fields(bytes), Outline::default(), Vec::new());
    while let Some((number, field)) = fields.next()? {
        let Field::Bytes(bytes) = field else { continue };
        match number {
            1 => {
                node(bytes)?;
                outline.nodes += 1;
            }
            5 => {
                constants.push(tensor(bytes)?);
                outline.constants += 1;
            }
            11 => outline.inputs.push(declared(bytes)?),
            12 => outline.outputs.push(declared(bytes)?),
            15 => return unwanted("sparse constants"),
            _ => {}
        }
        if outline.nodes > NODES_MAX || outline.constants > CONSTANTS_MAX {
            return unwanted(format!("more than {NODES_MAX} steps or {CONSTANTS_MAX} constants"));
        }
        if outline.inputs.len() > PORTS_MAX || outline.outputs.len() > PORTS_MAX {
            let hint = "constants are not to be inputs (`keep_initializers_as_inputs=False`)";
            return unwanted(format!("more than {PORTS_MAX} inputs or outputs; {hint}"));
        }
    }
    for input in &outline.inputs {
        if constants.contains(&input.name.as_str()) {
            let hint = "export it with `keep_initializers_as_inputs=False`";
            return unwanted(format!("the constant `{}` among its inputs; {hint}", shown(&input.name)));
        }
    }
    Ok(outline)
}

fn node(bytes: &[u8]) -> Look<()> {
    let mut fields = Fields(bytes);
    while let Some((number, field)) = fields.next()? {
        let Field::Bytes(bytes) = field else { continue };
        match number {
            1..=3 => drop(text(bytes)?),
            4 => {
                let operator = text(bytes)?;
                if UNWANTED.contains(&operator) {
                    return unwanted(format!(
                        "the operator `{operator}`, which may go on for ever or by chance"
                    ));
                }
            }
            5 => attribute(bytes)?,
            7 => known(text(bytes)?)?,
            _ => {}
        }
    }
    Ok(())
}

fn attribute(bytes: &[u8]) -> Look<()> {
    let mut fields = Fields(bytes);
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (5 | 10, Field::Bytes(bytes)) => drop(tensor(bytes)?),
            (6 | 11, _) => return unwanted("a graph within its graph"),
            (22 | 23, _) => return unwanted("sparse constants"),
            _ => {}
        }
    }
    Ok(())
}

/// The name of a constant, which has the bytes for what it says it holds.
fn tensor(bytes: &[u8]) -> Look<&str> {
    let (mut fields, mut name, mut count) = (Fields(bytes), "", 1_u64);
    let mut of_dim = |size: u64| count = count.saturating_mul(size);
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (1, Field::Number(size)) => of_dim(size),
            (1, Field::Bytes(packed)) => {
                let mut sizes = Fields(packed);
                while !sizes.0.is_empty() {
                    of_dim(sizes.number()?);
                }
            }
            (8, Field::Bytes(bytes)) => name = text(bytes)?,
            (13, _) => return unwanted("constants in files beside it"),
            (14, Field::Number(location)) if location != 0 => {
                return unwanted("constants in files beside it");
            }
            _ => {}
        }
    }
    // A value takes half a byte at least.
    if count > 2 * bytes.len() as u64 {
        return unwanted(format!("the constant `{}` with {count} values, and bytes for fewer", shown(name)));
    }
    Ok(name)
}

fn declared(bytes: &[u8]) -> Look<Declared> {
    let (mut fields, mut declared) =
        (Fields(bytes), Declared { name: String::new(), element: 0, shape: None });
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (1, Field::Bytes(bytes)) => declared.name = text(bytes)?.to_owned(),
            (2, Field::Bytes(bytes)) => of_type(bytes, &mut declared)?,
            _ => {}
        }
    }
    Ok(declared)
}

fn of_type(bytes: &[u8], declared: &mut Declared) -> Look<()> {
    let mut fields = Fields(bytes);
    while let Some((number, field)) = fields.next()? {
        let (1, Field::Bytes(bytes)) = (number, field) else { continue };
        let mut fields = Fields(bytes);
        while let Some((number, field)) = fields.next()? {
            match (number, field) {
                (1, Field::Number(element)) => declared.element = element,
                (2, Field::Bytes(bytes)) => declared.shape = Some(shape(bytes)?),
                _ => {}
            }
        }
    }
    Ok(())
}

fn shape(bytes: &[u8]) -> Look<Vec<Option<u64>>> {
    let (mut fields, mut shape) = (Fields(bytes), Vec::new());
    while let Some((number, field)) = fields.next()? {
        let (1, Field::Bytes(bytes)) = (number, field) else { continue };
        let (mut fields, mut size) = (Fields(bytes), None);
        while let Some((number, field)) = fields.next()? {
            if let (1, Field::Number(value)) = (number, field) {
                size = Some(value);
            }
        }
        shape.push(size);
        if shape.len() > RANK_MAX {
            return unwanted(format!("a tensor of more than {RANK_MAX} dimensions"));
        }
    }
    Ok(shape)
}

impl Outline {
    /// Whether the graph is what the card says: inputs and outputs by name, kind and shape.
    ///
    /// # Errors
    /// Says what is otherwise.
    pub fn is_as(&self, card: &Card) -> Result<(), OnnxError> {
        same("input", &self.inputs, &card.inputs)?;
        same("output", &self.outputs, &card.outputs)
    }
}

fn same(side: &str, found: &[Declared], wanted: &[Port]) -> Look<()> {
    let (names, count) =
        (found.iter().map(|it| shown(&it.name)).collect::<Vec<_>>().join(", "), wanted.len());
    if found.len() != count {
        return differs(format!("it has {} {side}s ({names}), and the card {count}", found.len()));
    }
    for port in wanted {
        let name = shown(&port.name);
        let Some(declared) = found.iter().find(|declared| declared.name == port.name) else {
            return differs(format!("it has no {side} `{name}`, but {names}"));
        };
        let element = match port.element {
            Element::F32 => 1,
            Element::I32 => 6,
            Element::I64 => 7,
        };
        if declared.element != element {
            let wanted = port.element.as_str();
            return differs(format!(
                "the {side} `{name}` is not of {wanted} (but of kind {})",
                declared.element
            ));
        }
        let Some(shape) = &declared.shape else { continue };
        if shape.len() != port.shape.len() {
            let (found, wanted) = (shape.len(), port.shape.len());
            return differs(format!("the {side} `{name}` has {found} dimensions, and in the card {wanted}"));
        }
        for (place, (found, wanted)) in shape.iter().zip(&port.shape).enumerate() {
            let fits = match (found, wanted) {
                (None, _) => true,
                (Some(found), Dim::Fixed(wanted)) => *found == *wanted as u64,
                (Some(_), Dim::Named(_)) => false,
            };
            if !fits {
                let found = found.unwrap_or_default();
                return differs(format!(
                    "the {side} `{name}` has {found} in dimension {place}, and in the card {wanted}"
                ));
            }
        }
    }
    Ok(())
}
