//! Modules that mean harm. All are of the world `pricing` and load; they only run badly.

use super::{EMPTY_ANSWER, asking_module, pricing_module};

const FOREVER: &str = "(loop $on (br $on))";

/// Never comes back from the call.
pub fn loops_in_the_call() -> String {
    let price = format!(r#"(func (export "price") (param i32) (result i32) {FOREVER} (unreachable))"#);
    pricing_module("1", &price)
}

/// Never comes back from its start, so that it is never there to be called.
pub fn loops_in_the_start() -> String {
    pricing_module("1", &format!("(func $start {FOREVER}) (start $start) {EMPTY_ANSWER}"))
}

/// Never says where the input is to be laid down.
pub fn loops_before_the_input() -> String {
    format!(
        r#"(module (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {FOREVER} (unreachable))
            {EMPTY_ANSWER})"#
    )
}

/// Never ends what it is given time for after its answer.
pub fn loops_after_the_answer() -> String {
    let cleanup = format!(r#"(func (export "cabi_post_price") (param i32) {FOREVER})"#);
    pricing_module("1", &format!("{EMPTY_ANSWER}{cleanup}"))
}

/// Calls itself until the stack is full.
pub fn recurses() -> String {
    pricing_module(
        "1",
        r#"(func $deep (param i64) (result i64) (i64.add (call $deep (local.get 0)) (i64.const 1)))
           (func (export "price") (param i32) (result i32) (drop (call $deep (i64.const 1))) (i32.const 1024))"#,
    )
}

/// Grows two memories beside its own by so many pages each, and gives up when it may not.
pub fn grows_memories(pages: u32) -> String {
    pricing_module(
        "1",
        &format!(
            r#"(memory $two 1) (memory $three 1)
            (func (export "price") (param i32) (result i32)
                (if (i32.eq (memory.grow $two (i32.const {pages})) (i32.const -1)) (then (unreachable)))
                (if (i32.eq (memory.grow $three (i32.const {pages})) (i32.const -1)) (then (unreachable)))
                (i32.const 1024))"#
        ),
    )
}

/// Has so many pages of memory from the beginning, grows two tables by so many elements each, and gives up when it may not.
pub fn grows_tables(pages: u32, elements: u32) -> String {
    pricing_module(
        &pages.to_string(),
        &format!(
            r#"(table $t 0 funcref) (table $u 0 funcref)
            (func (export "price") (param i32) (result i32)
                (if (i32.eq (table.grow $t (ref.null func) (i32.const {elements})) (i32.const -1)) (then (unreachable)))
                (if (i32.eq (table.grow $u (ref.null func) (i32.const {elements})) (i32.const -1)) (then (unreachable)))
                (i32.const 1024))"#
        ),
    )
}

/// Grows everything that it has, again and again, until it may not, and writes to what it got.
pub fn grows_for_ever() -> String {
    pricing_module(
        "1",
        r#"(memory $two 0) (memory $three 0) (table $t 0 funcref)
        (func (export "price") (param i32) (result i32)
            (loop $on
                (if (i32.eq (memory.grow $two (i32.const 1)) (i32.const -1)) (then (unreachable)))
                (memory.fill $two (i32.mul (i32.sub (memory.size $two) (i32.const 1)) (i32.const 65536))
                    (i32.const 7) (i32.const 65536))
                (if (i32.eq (memory.grow $three (i32.const 1)) (i32.const -1)) (then (unreachable)))
                (memory.fill $three (i32.mul (i32.sub (memory.size $three) (i32.const 1)) (i32.const 65536))
                    (i32.const 7) (i32.const 65536))
                (if (i32.eq (table.grow $t (ref.null func) (i32.const 16)) (i32.const -1)) (then (unreachable)))
                (br $on))
            (unreachable))"#,
    )
}

/// Answers a list that lies at this address and is so long. `locals` and `data` come before it.
pub fn answers_list(address: u32, length: u32, locals: &str, data: &str) -> String {
    pricing_module(
        "32",
        &format!(
            r#"(func (export "price") (param i32) (result i32) {locals}
                (i32.store (i32.const 1028) (i32.const {address}))
                (i32.store (i32.const 1032) (i32.const {length}))
                {data}
                (i32.const 1024))"#
        ),
    )
}

/// Answers a list of more than a gigabyte.
pub fn answers_a_gigabyte() -> String {
    answers_list(8, 1 << 26, "", "")
}

/// Answers 900 prices whose reasons are all the same megabyte.
pub fn answers_one_text_many_times() -> String {
    let data = r#"(local.set $at (i32.const 65536))
        (loop $on
            (i32.store (i32.add (local.get $at) (i32.const 16)) (i32.const 131072))
            (i32.store (i32.add (local.get $at) (i32.const 20)) (i32.const 1048576))
            (local.set $at (i32.add (local.get $at) (i32.const 24)))
            (br_if $on (i32.lt_u (local.get $at) (i32.const 87136))))"#;
    answers_list(65_536, 900, "(local $at i32)", data)
}

/// Asks for the time a million times. It wants the grant `clock`.
pub fn asks_a_million_times() -> String {
    asking_module(
        r#"(import "aisle:plugin/clock@0.1.0" "now" (func $now (result i64)))"#,
        "1",
        r#"(func (export "price") (param i32) (result i32) (local $left i32)
            (local.set $left (i32.const 1000000))
            (loop $on
                (drop (call $now))
                (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                (br_if $on (local.get $left)))
            (i32.const 1024))"#,
    )
}

/// Gives up in fifteen of sixteen calls, whichever. It wants the grant `random`.
pub fn traps_at_random() -> String {
    asking_module(
        r#"(import "aisle:plugin/random@0.1.0" "next" (func $next (result i64)))"#,
        "1",
        r#"(func (export "price") (param i32) (result i32)
            (if (i64.ne (i64.and (call $next) (i64.const 15)) (i64.const 0)) (then (unreachable)))
            (i32.const 1024))"#,
    )
}
