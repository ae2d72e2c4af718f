//! A queue that grows to a hundred times its length and shrinks again.

use std::collections::VecDeque;

use typed_pool::Pool;

use crate::{Value, keeps};

const STEADY: u64 = 30_000;

/// Prints what `trim` leaves after a spike by what there was before; returns whether that is no
/// more than 1.3 times as much.
pub(crate) fn measure() -> bool {
    let pool = Pool::<Value>::new();
    let mut queue: VecDeque<_> = (0..STEADY).map(|number| pool.alloc([number; 8])).collect();
    for number in 0..10 * STEADY {
        drop(queue.pop_front());
        queue.push_back(pool.alloc([number; 8]));
    }
    let before = pool.stats().bytes_reserved;
    queue.extend((0..100 * STEADY).map(|number| pool.alloc([number; 8])));
    queue.drain(..100 * STEADY as usize);
    pool.trim();
    keeps("trim after a spike, by before it", pool.stats().bytes_reserved, before, 1.3)
}
