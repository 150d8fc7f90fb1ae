//! What compiling a component would cost, counted before it is tried: a few KiB can keep a compiler busy for minutes.
//!
//! Not here: whether it is a component at all, which the compiler says. Guards invariant 4: a plugin harms nobody before its first call
//! either.

use wasmparser::{FunctionBody, Operator, Parser, Payload};

/// Functions in all modules. Each costs some time whatever it holds: 100,000 empty ones in 390 KiB took 98 s and 612 MiB.
const FUNCTIONS_MAX: u64 = 30_000;
/// Local variables of all functions.
const LOCALS_MAX: u64 = 1 << 20;
/// Blocks within each other. Time grows with the square of it: 5,000 loops in 34 KiB took 69 s.
const DEPTH_MAX: u64 = 1_000;
/// One function, in bytes.
const FUNCTION_BYTES_MAX: u64 = 1 << 20;

/// A component that has more of something than is compiled in good time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooHeavy {
    /// Of what.
    pub(super) what: &'static str,
    /// How much it has, as far as was counted.
    pub(super) found: u64,
    /// How much it may have.
    pub(super) max: u64,
}

#[derive(Default)]
struct Weight {
    functions: u64,
    locals: u64,
}

/// Counts. What cannot be read weighs nothing: the compiler refuses it before it begins.
pub(super) fn weigh(bytes: &[u8]) -> Result<(), TooHeavy> {
    let mut weight = Weight::default();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload {
            Ok(Payload::CodeSectionEntry(body)) => weight.add(&body)?,
            Ok(_) => {}
            Err(_) => break,
        }
    }
    Ok(())
}

impl Weight {
    fn add(&mut self, body: &FunctionBody<'_>) -> Result<(), TooHeavy> {
        self.functions += 1;
        at_most("functions", self.functions, FUNCTIONS_MAX)?;
        at_most("bytes in one function", body.range().len() as u64, FUNCTION_BYTES_MAX)?;
        if let Ok(locals) = body.get_locals_reader() {
            for (count, _) in locals.into_iter().map_while(Result::ok) {
                self.locals += u64::from(count);
                at_most("local variables", self.locals, LOCALS_MAX)?;
            }
        }
        let mut depth = 0_u64;
        for operator in body.get_operators_reader().into_iter().flatten().map_while(Result::ok) {
            match operator {
                Operator::Block { .. }
                | Operator::Loop { .. }
                | Operator::If { .. }
                | Operator::TryTable { .. } => {
                    depth += 1;
                    at_most("blocks within each other", depth, DEPTH_MAX)?;
                }
                Operator::End => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        Ok(())
    }
}

const fn at_most(what: &'static str, found: u64, max: u64) -> Result<(), TooHeavy> {
    if found > max { Err(TooHeavy { what, found, max }) } else { Ok(()) }
}
