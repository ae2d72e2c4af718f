// A `SyncPool` is not trimmed while a handle lives, whose thread may be using the pool.
use typed_pool::SyncPool;

fn main() {
    let mut pool = SyncPool::new();
    let handle = pool.alloc(7);
    pool.trim();
    drop(handle);
}
