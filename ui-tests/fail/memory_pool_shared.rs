// A `MemoryPool` is not shared between threads.
use typed_pool::MemoryPool;

fn share(_: &impl Sync) {}

fn main() {
    let pool = MemoryPool::new(8, 1).unwrap();
    share(&pool);
}
