// A `SyncPool` does not shrink while a handle lives, whose thread may be using the pool.
use typed_pool::SyncPool;

fn main() {
    let mut pool = SyncPool::new();
    let handle = pool.alloc(7);
    pool.shrink_to_fit();
    drop(handle);
}
