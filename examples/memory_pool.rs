//! The untyped pool, as in the classic exercise: ten blocks of 32 bytes.
//!
//! ```sh
//! cargo run --example memory_pool
//! ```
//!
//! Takes two blocks and prints where they lie, gives them back, then takes blocks until the pool
//! has no more.

use std::process::ExitCode;

use typed_pool::MemoryPool;

fn main() -> ExitCode {
    let pool = match MemoryPool::new(32, 10) {
        Ok(pool) => pool,
        Err(error) => {
            eprintln!("memory_pool: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("a pool of {} blocks of {} bytes", pool.capacity(), pool.object_size());

    let first = pool.allocate().expect("ten blocks are vacant");
    let second = pool.allocate().expect("nine blocks are vacant");
    println!("first block:  {first:p}");
    println!("second block: {second:p}");
    println!("len: {}", pool.len());

    // SAFETY: the block came from this pool, once, and is not used any more.
    unsafe { pool.deallocate(second) };
    // SAFETY: the block came from this pool, once, and is not used any more.
    unsafe { pool.deallocate(first) };
    println!("len after giving both back: {}", pool.len());

    // SAFETY: the block is vacant, so nobody uses it; the pool refuses it.
    if let Err(error) = unsafe { pool.try_deallocate(first) } {
        println!("giving the first back again: {error}");
    }

    let mut taken = 0;
    while pool.allocate().is_some() {
        taken += 1;
    }
    println!("taken until exhausted: {taken}");
    println!("one more: {:?}", pool.allocate());
    // Dropping the pool frees all of its blocks.
    ExitCode::SUCCESS
}
