//! The order in which slots of pools for one thread come back: fresh ones and those freed long ago
//! by address. What was freed last comes first, which `memory_pool` holds for both kinds of pools.

use typed_pool::{MemoryPool, Pool, PoolBox};

#[test]
#[cfg_attr(miri, ignore = "fills chunks")]
fn slots_freed_long_ago_come_back_in_address_order() {
    let pool = Pool::<u64>::bounded(10_000);
    let mut handles: Vec<_> = (0..10_000).map(|i| pool.alloc(i)).collect();
    fastrand::Rng::with_seed(6).shuffle(&mut handles);
    handles.truncate(1_000);
    // The slots freed last, at most a magazine of them, come back first and in reverse order.
    let recent: Vec<_> = (0..1_024).map(|i| pool.alloc(i)).collect();
    let others: Vec<_> = std::iter::from_fn(|| pool.try_alloc(0).ok()).collect();
    assert_eq!(handles.len() + recent.len() + others.len(), 10_000);
    assert!(others.len() > 7_000);
    assert!(others.windows(2).all(|pair| PoolBox::as_ptr(&pair[0]) < PoolBox::as_ptr(&pair[1])));
}

#[test]
#[cfg_attr(miri, ignore = "fills chunks")]
fn fresh_blocks_come_in_address_order() {
    let pool = MemoryPool::new(16, 40_000).unwrap();
    let blocks: Vec<_> = std::iter::from_fn(|| pool.allocate()).collect();
    assert_eq!(blocks.len(), 40_000);
    assert!(blocks.windows(2).all(|pair| pair[0] < pair[1]));
}
