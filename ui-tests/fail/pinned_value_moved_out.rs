// `PoolBox::into_inner` does not take a pinned handle, so the value cannot be moved out by it.
use std::marker::PhantomPinned;

use typed_pool::{Pool, PoolBox};

fn main() {
    let pool = Pool::new();
    let pinned = PoolBox::into_pin(pool.alloc(PhantomPinned));
    PoolBox::into_inner(pinned);
}
