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
//! - 2: an argument was given, or standard output cannot be written to.

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use typed_pool::MemoryPool;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed, and there is nowhere left to say so.
            let _ = writeln!(io::stderr(), "memory_pool: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    if let Some(argument) = env::args().nth(1) {
        return Err(format!("expected no arguments, found {argument:?}").into());
    }
    let mut out = io::stdout().lock();

    let pool = MemoryPool::new(32, 10)?;
    writeln!(out, "a pool of {} blocks of {} bytes", pool.capacity(), pool.object_size())?;

    let first = pool.allocate().expect("ten blocks are vacant");
    let second = pool.allocate().expect("nine blocks are vacant");
    writeln!(out, "first block:  {first:p}")?;
    writeln!(out, "second block: {second:p}")?;
    writeln!(out, "len: {}", pool.len())?;

    // SAFETY: 1. the block came from this pool, once. 2. It is not used any more.
    unsafe { pool.deallocate(second) };
    // SAFETY: 1. the block came from this pool, once. 2. It is not used any more.
    unsafe { pool.deallocate(first) };
    writeln!(out, "len after giving both back: {}", pool.len())?;

    // SAFETY: 1. the block is vacant, so nobody uses it; the pool refuses it.
    if let Err(error) = unsafe { pool.try_deallocate(first) } {
        writeln!(out, "giving the first back again: {error}")?;
    }

    let mut taken = 0;
    while pool.allocate().is_some() {
        taken += 1;
    }
    writeln!(out, "taken until exhausted: {taken}")?;
    writeln!(out, "one more: {:?}", pool.allocate())?;
    // Dropping the pool frees all of its blocks.
    Ok(())
}
