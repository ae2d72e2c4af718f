// A handle of a trait object is sent only where the object says that it may be.
use std::fmt::Display;

use typed_pool::{PoolBox, SyncPool, coercion};

fn send(_: impl Send) {}

fn main() {
    let pool = SyncPool::new();
    let shown = PoolBox::unsize(pool.alloc(7), coercion!(dyn Display));
    send(shown);
}
