// A pinned value is not moved to a denser place.
use std::marker::PhantomPinned;

use typed_pool::{Pool, PoolBox};

fn main() {
    let pool = Pool::new();
    let mut pinned = PoolBox::into_pin(pool.alloc(PhantomPinned));
    PoolBox::relocate(&mut pinned);
}
