//! The untyped pool, as in the classic exercise: ten blocks of 32 bytes.
//!
//! ```sh
//! cargo run --example memory_pool
//! ```
//!
//! Takes two blocks and prints where they lie, gives them back, then takes blocks until the pool
//! has no more. It takes no arguments.
//!
//! # Exit codes
//!
//! - 0: the run is complete.
//! - 2: an argument was given, or standard output cannot be written to. A reader that has seen
//!   enough and left is no error.

#[path = "shared/output.rs"]
mod output;

use std::env;
use std::fmt::Write as _;
use std::process::ExitCode;

use typed_pool::{MemoryPool, PoolError};

fn main() -> ExitCode {
    // An argument may hold any bytes.
    let text = match env::args_os().nth(1) {
        Some(argument) => Err(format!("expected no arguments, found {argument:?}")),
        None => run().map_err(|error| error.to_string()),
    };
    output::finish("memory_pool", text)
}

fn run() -> Result<String, PoolError> {
    // Writing to a string does not fail, so the results below hold nothing.
    let mut out = String::new();

    let pool = MemoryPool::new(32, 10)?;
    let _ = writeln!(out, "a pool of {} blocks of {} bytes", pool.capacity(), pool.object_size());

    let first = pool.allocate().expect("ten blocks are vacant");
    let second = pool.allocate().expect("nine blocks are vacant");
    let _ = writeln!(out, "first block:  {first:p}");
    let _ = writeln!(out, "second block: {second:p}");
    let _ = writeln!(out, "len: {}", pool.len());

    // SAFETY: 1. the block came from this pool, once. 2. It is not used any more.
    unsafe { pool.deallocate(second) };
    // SAFETY: 1. the block came from this pool, once. 2. It is not used any more.
    unsafe { pool.deallocate(first) };
    let _ = writeln!(out, "len after giving both back: {}", pool.len());

    // SAFETY: 1. the block is vacant, so nobody uses it; the pool refuses it.
    if let Err(error) = unsafe { pool.try_deallocate(first) } {
        let _ = writeln!(out, "giving the first back again: {error}");
    }

    let mut taken = 0;
    while pool.allocate().is_some() {
        taken += 1;
    }
    let _ = writeln!(out, "taken until exhausted: {taken}");
    let _ = writeln!(out, "one more: {:?}", pool.allocate());
    // Dropping the pool frees all of its blocks.
    Ok(out)
}
