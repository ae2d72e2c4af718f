// Pinned values are not moved by compaction.
use std::marker::PhantomPinned;
use std::pin::Pin;

use typed_pool::{Pool, PoolBox};

fn main() {
    let pool = Pool::new();
    let mut pinned: Vec<Pin<PoolBox<PhantomPinned>>> =
        vec![PoolBox::into_pin(pool.alloc(PhantomPinned))];
    pool.compact(&mut pinned);
}
