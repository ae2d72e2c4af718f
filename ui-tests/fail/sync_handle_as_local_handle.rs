// A handle of a `SyncPool` is not one of a `Pool`.
use typed_pool::{PoolBox, SyncPool};

fn main() {
    let pool = SyncPool::new();
    let _handle: PoolBox<'_, u32> = pool.alloc(7);
}
