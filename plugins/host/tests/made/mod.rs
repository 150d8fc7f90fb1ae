//! Components made of modules in text form: what no compiler would write.
//!
//! Taken in by its path, here and by the other tests that need components, so that those which mean harm ([`hostile`]) are written
//! once. Not here: what is expected of them.

pub mod hostile;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The contract, as one text.
const WIT: &str = concat!(
    include_str!("../../../wit/types.wit"),
    include_str!("../../../wit/host.wit"),
    include_str!("../../../wit/pricing.wit"),
    include_str!("../../../wit/promotion.wit"),
    include_str!("../../../wit/ranking.wit"),
    include_str!("../../../wit/replenishment.wit"),
    include_str!("../../../wit/reaction.wit"),
);

/// `price` that answers an empty list. The result lies at 1024: discriminant, then list.
pub const EMPTY_ANSWER: &str = r#"(func (export "price") (param i32) (result i32) (i32.const 1024))"#;

/// A module that is asked for prices: `memory` and `realloc` that only goes forward, and what `body` is.
pub fn pricing_module(memory: &str, body: &str) -> String {
    asking_module("", memory, body)
}

/// The same with imports before it.
pub fn asking_module(imports: &str, memory: &str, body: &str) -> String {
    format!(
        r#"(module {imports}
            (memory (export "memory") {memory})
            (global $next (mut i32) (i32.const 4096))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
                (global.set $next (i32.add (local.get $at) (local.get 3)))
                (local.get $at))
            {body})"#
    )
}

/// A component of a world of the contract, from a core module in text form.
pub fn made_of(world: &str, module: &str) -> Vec<u8> {
    encode(world, module).expect("a component")
}

/// The same for a module that may not fit the world.
pub fn encode(world: &str, module: &str) -> Result<Vec<u8>, String> {
    of_wit(WIT, Some(world), module)
}

/// A component for the contract as it would be in another version, which asks for the time.
pub fn of_version(version: &str) -> Vec<u8> {
    let wit = WIT.replace("package aisle:plugin@0.1.0;", &format!("package aisle:plugin@{version};"));
    let import = format!(r#"(import "aisle:plugin/clock@{version}" "now" (func (result i64)))"#);
    of_wit(&wit, Some("pricing"), &asking_module(&import, "1", EMPTY_ANSWER)).expect("a component")
}

/// A component of a world of this WIT; of the only one when none is named.
pub fn of_wit(wit: &str, world: Option<&str>, module: &str) -> Result<Vec<u8>, String> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("made-here.wit", wit).expect("the WIT is good");
    let world = resolve.select_world(&[package], world).expect("the world is there");
    let mut module = wat::parse_str(module).map_err(|error| error.to_string())?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
        .map_err(|error| error.to_string())?;
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(&module).map_err(|error| format!("{error:#}"))?;
    encoder.encode().map_err(|error| format!("{error:#}"))
}
