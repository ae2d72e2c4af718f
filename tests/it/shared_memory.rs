//! What the classes of a pool for one thread do with the memory that they share.
//!
//! Few slots of many classes take little; what one class has to spare serves the next; all of it
//! goes back; upstream is called once for a tract.

use typed_pool::{PoolBox, SizeClassPool};

use crate::support::CHUNK_ALIGN;

/// Values of so many bytes.
fn rows(pool: &SizeClassPool, bytes: usize, count: usize) -> Vec<PoolBox<'_, [u8]>> {
    (0..count).map(|n| pool.alloc_slice_fill_with(bytes, |_| n as u8)).collect()
}

#[test]
#[cfg(target_pointer_width = "64")]
#[cfg_attr(miri, ignore = "writes 64 MiB byte by byte")]
fn a_value_of_every_class_takes_little() {
    let pool = SizeClassPool::new();
    let values: Vec<_> = (8..=32 << 10)
        .step_by(8)
        .map(|bytes| pool.alloc_slice_fill_with(bytes, |_| 1_u8))
        .collect();
    assert_eq!((pool.stats().classes, values.len()), (80, 4096));
    drop(values);
    pool.trim();
    assert_eq!(pool.stats().bytes_reserved, 0);
    let pool = SizeClassPool::new();
    let sizes = || (3..15).flat_map(|power| [1 << power, 9 << (power - 3), 15 << (power - 3)]);
    let values: Vec<_> = sizes().map(|bytes| pool.alloc_slice_copy(&vec![7_u8; bytes])).collect();
    let stats = pool.stats();
    let live: usize = sizes().sum();
    // What is vacant is the rest of the last tract, and less than half of what is taken of others.
    assert!(stats.bytes_reserved < 2 * live + (256 << 10), "{stats:?}, {live} bytes live");
    assert!(stats.upstream_allocations <= 3, "{stats:?}");
    drop(values);
}

#[test]
fn what_one_class_has_to_spare_serves_the_next() {
    let pool = SizeClassPool::new();
    let count = if cfg!(miri) { 40 } else { 20_000 };
    // Classes are aligned to what divides them: a word more can double them.
    let most = count * 100 * if cfg!(feature = "hardened") { 2 } else { 1 };
    let mut peak = 0;
    // Slots of 1024 bytes are aligned to as much: on 32-bit targets these share no memory.
    for bytes in [100, 200, 60, 900, 24] {
        let values = rows(&pool, bytes, count * 100 / bytes);
        assert!(values.iter().enumerate().all(|(n, row)| row.iter().all(|byte| *byte == n as u8)));
        peak = peak.max(pool.stats().bytes_reserved);
        pool.check_invariants();
    }
    let allocations = pool.stats().upstream_allocations;
    assert!(peak < most * 3 / 2 + (512 << 10), "{peak} bytes for {most}");
    drop(rows(&pool, 100, count));
    assert_eq!(pool.stats().upstream_allocations, allocations, "what is there is used again");
}

#[test]
fn everything_goes_back_but_what_is_occupied() {
    let pool = SizeClassPool::new();
    let count = if cfg!(miri) { 300 } else { 30_000 };
    let kept: Vec<_> =
        [8, 50, 300, 2000].map(|bytes| pool.alloc_slice_copy(&vec![3_u8; bytes])).into();
    drop([8, 50, 300, 2000].map(|bytes| rows(&pool, bytes, count * 8 / bytes)));
    let reserved = pool.stats().bytes_reserved;
    let released = pool.trim();
    let stats = pool.stats();
    assert_eq!(reserved - stats.bytes_reserved, released);
    assert!(released * 2 > reserved || cfg!(miri), "{released} of {reserved} bytes");
    assert!(kept.iter().all(|row| row.iter().all(|byte| *byte == 3)));
    pool.check_invariants();
    drop(kept);
    pool.trim();
    let stats = pool.stats();
    assert_eq!((stats.bytes_reserved, stats.len), (0, 0));
    assert_eq!(stats.upstream_allocations, stats.upstream_releases);
}

#[test]
#[cfg_attr(miri, ignore = "fills megabytes")]
fn a_pool_that_was_trimmed_is_as_good_as_new() {
    let use_of = |pool: &SizeClassPool| {
        drop(rows(pool, 100, 20_000));
        drop(rows(pool, 200, 10_000));
        pool.stats().bytes_reserved
    };
    let pool = SizeClassPool::new();
    // Much is vacant, and no chunk wholly, so that looking for one brings nothing.
    let mut held = rows(&pool, 64, 200_000);
    let mut number = 0;
    held.retain(|_| {
        number += 1;
        number % 8 == 0
    });
    drop((rows(&pool, 80, 3000), held));
    pool.trim();
    assert_eq!(pool.stats().bytes_reserved, 0);
    let fresh = use_of(&SizeClassPool::new());
    assert_eq!(use_of(&pool), fresh);
}

#[test]
#[cfg_attr(miri, ignore = "fills a chunk, often")]
fn alternating_at_the_end_of_a_chunk_calls_upstream_no_more() {
    let pool = SizeClassPool::new();
    let mut held = rows(&pool, 40, 5000);
    let before = pool.stats().upstream_allocations;
    for _ in 0..200 {
        let more = rows(&pool, 40, 1000);
        let other = rows(&pool, 48, 1000);
        drop((more, other));
        held.push(pool.alloc_slice_copy(&[0_u8; 40]));
        held.swap_remove(0);
    }
    let after = pool.stats();
    // The rows of a round may take some chunks, all of them in the first.
    assert!(after.upstream_allocations <= before + 2 + 100_000 / CHUNK_ALIGN, "{after:?}");
    assert_eq!(after.upstream_releases, 0);
    pool.check_invariants();
}
