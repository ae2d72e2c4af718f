// A handle of a `SyncPool` is not shared between threads where its value may not be.
use std::cell::Cell;

use typed_pool::SyncPool;

fn share(_: &impl Sync) {}

fn main() {
    let pool = SyncPool::new();
    let handle = pool.alloc(Cell::new(7));
    share(&handle);
}
