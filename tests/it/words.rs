//! What is printed of a pool, of what belongs to one, and of an error, names what it is about, with
//! its numbers.

use std::fmt::Debug;

use typed_pool::{Coercion, InvalidFree, PoolError, coercion};

use super::{MemoryPool, Pool, PoolBox, SizeClassPool};

/// Checks that what is printed has all the words, in their order.
fn check(printed: &str, words: &[&str]) {
    let mut rest = printed;
    for word in words {
        let found = rest.split_once(word);
        rest = found.unwrap_or_else(|| panic!("no {word:?} at its place in {printed:?}")).1;
    }
}

/// As [`check`], of what `{:?}` prints.
fn check_debug(value: impl Debug, words: &[&str]) {
    check(&format!("{value:?}"), words);
}

#[test]
fn pools_are_printed_with_their_figures() {
    let memory = MemoryPool::new(24, 5).unwrap();
    let block = memory.allocate().unwrap();
    check_debug(&memory, &["MemoryPool", "object_size: 24", "len: 1", "capacity: 5"]);
    // SAFETY: 1. the block came from this pool and is not used any more. 2. It is occupied.
    unsafe { memory.deallocate(block) };

    let pool = Pool::bounded(5);
    let value = pool.alloc(7_u64);
    check_debug(&pool, &["Pool", "len: 1", "capacity: 5", "bounded: true"]);
    check_debug(Pool::<u8>::new(), &["Pool", "len: 0", "capacity: 0", "bounded: false"]);
    check_debug(PoolBox::pool(&value), &["PoolRef("]);

    let classes = SizeClassPool::new();
    let large = classes.alloc([7_u8; 100_000]);
    let (number, text) = (classes.alloc(7_u64), classes.alloc_str("a text that is longer"));
    check_debug(&classes, &["SizeClassPool", "len: 3", "classes: 2", "bytes_reserved: 1"]);
    let stats = classes.stats().to_string();
    let reserved = classes.stats().bytes_reserved.to_string();
    check(&stats, &["values in classes", "2", "large values", "1", "100000"]);
    check(&stats, &["straight from upstream", "0", "classes", "2", "reserved", &reserved]);
    check(&stats, &["fragmentation", "0.", "upstream: ", " allocations, 0 releases, 0 straight"]);
    drop((large, number, text));

    let builder = Pool::<u64>::builder().bounded(20);
    check_debug(&builder, &["PoolBuilder", "slots: 20", "growth: Bounded", "gives_back: false"]);
    let coercion: Coercion<u8, dyn Debug> = coercion!(dyn Debug);
    check_debug(coercion, &["Coercion"]);
}

#[test]
fn errors_say_what_is_wrong() {
    for (error, words) in [
        (InvalidFree::Foreign, "the pointer is foreign: "),
        (InvalidFree::Misaligned, "the pointer is misaligned: "),
        (InvalidFree::Interior, "the pointer is interior: "),
        (InvalidFree::Vacant, "the block is vacant already: "),
    ] {
        check(&error.to_string(), &[words]);
    }
    for (error, words) in [
        (PoolError::ZeroObjectSize, &["object_size is 0: "][..]),
        (PoolError::ZeroPoolSize, &["pool_size is 0: "]),
        (PoolError::AlignTooLarge { align: 8192 }, &["alignment of 8192 bytes", "4096 bytes"]),
        (PoolError::Full { capacity: 7 }, &["the pool is full: ", "7 in number"]),
        (PoolError::OutOfMemory { bytes: 7 }, &["refused 7 bytes"]),
        (
            PoolError::TooLarge { object_size: 1, pool_size: 7 },
            &["pool_size 7 is too large", "object_size 1 byte: "],
        ),
        (
            PoolError::CapacityExceeded { capacity: 3, len: 2, additional: 5 },
            &["no room for 5 more: ", "3 slots", "2 of them are occupied"],
        ),
    ] {
        check(&error.to_string(), words);
    }
    let full = Pool::bounded(0);
    let refused = full.try_alloc(7).unwrap_err();
    check(&refused.to_string(), &["the pool is full: "]);
    check_debug(&refused, &["TryAllocError", "error: Full { capacity: 0 }"]);
    let refused = full.try_alloc_iter([7, 8]).unwrap_err();
    check(&refused.to_string(), &["0 values were stored", "2 or more were not: the pool is full"]);
    check_debug(&refused, &["TryAllocIterError", "handles: 0", "missing: 2", "error: Full"]);
}
