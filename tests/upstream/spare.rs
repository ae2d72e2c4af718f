//! What the classes of a pool have to spare where upstream has no more: all of it is used, however
//! little of what is reserved it is, before a value is refused.

use typed_pool::{PoolBox, SizeClassPool};

use crate::allocator::with_largest;

fn rows(pool: &SizeClassPool, bytes: usize, count: usize) -> Vec<PoolBox<'_, [u8]>> {
    (0..count).map(|n| pool.alloc_slice_fill_with(bytes, |_| n as u8)).collect()
}

/// The number of values that a pool has room for, of so many, where tables may grow and no more is
/// reserved.
fn had(pool: &SizeClassPool, count: usize) -> usize {
    with_largest(32 << 10, || {
        let values: Vec<_> = (0..count).map_while(|_| pool.try_alloc([7_u8; 2000]).ok()).collect();
        assert!(values.iter().all(|value| value.iter().all(|byte| *byte == 7)));
        pool.check_invariants();
        values.len()
    })
}

#[test]
#[cfg_attr(miri, ignore = "fills megabytes")]
fn little_to_spare_is_used_before_a_value_is_refused() {
    let pool = SizeClassPool::new();
    let kept = rows(&pool, 64, 100_000);
    drop(rows(&pool, 1000, 600));
    let stats = pool.stats();
    // With a word more behind them, and as aligned, values of 64 bytes take twice as much.
    let live = stats.bytes_live * if cfg!(feature = "hardened") { 2 } else { 1 };
    assert!((stats.bytes_reserved - live) * 4 < stats.bytes_reserved, "{stats:?}");
    let had = had(&pool, 400);
    // Of what lies vacant, 600,000 bytes, some is taken by chunks with a value of another class.
    assert!(had * 2000 > 300_000, "{had} values");
    drop(kept);
}

#[test]
#[cfg_attr(miri, ignore = "fills megabytes")]
fn all_that_lies_vacant_is_used_though_it_has_been_looked_for_before() {
    let pool = SizeClassPool::new();
    let mut held = rows(&pool, 64, 200_000);
    let mut number = 0;
    held.retain(|_| {
        number += 1;
        number % 8 == 0
    });
    // It was looked for here, when no chunk was wholly vacant.
    let more = rows(&pool, 80, 3000);
    drop((held, more));
    assert_eq!(had(&pool, 400), 400);
    assert!(pool.is_empty());
}

#[test]
#[cfg(target_pointer_width = "64")]
#[cfg_attr(miri, ignore = "fills a tract")]
fn the_last_granules_are_used_before_a_value_is_refused() {
    // However few they are beside what a class has, and what it would take at once.
    for count in [700, 1000, 1400, 1900, 2500] {
        let pool = SizeClassPool::new();
        let mut values = Vec::with_capacity(10_000);
        values.extend((0..count).map(|_| pool.alloc([7_u8; 64])));
        with_largest(32 << 10, || values.extend((0..).map_while(|_| pool.try_alloc([7; 64]).ok())));
        pool.check_invariants();
        let stats = pool.stats();
        let live = stats.bytes_live * if cfg!(feature = "hardened") { 2 } else { 1 };
        let ratio = live as f64 / stats.bytes_reserved as f64;
        assert!(ratio > 0.9, "{stats}");
    }
}
