// Values of a `SyncPool` may own handles of it and borrow it, and be sent to other threads.
use std::thread;

use typed_pool::{PoolBox, SyncMemoryPool, SyncPool};

struct Node<'p> {
    pool: &'p SyncPool<Node<'p>>,
    next: Option<PoolBox<'p, Node<'p>, SyncMemoryPool>>,
}

fn main() {
    let pool = SyncPool::new();
    let tail = pool.alloc(Node { pool: &pool, next: None });
    let head = pool.alloc(Node { pool: &pool, next: Some(tail) });
    thread::scope(|scope| {
        scope.spawn(move || {
            let pool = head.pool;
            assert!(head.next.is_some() && pool.len() == 2);
            let more = pool.alloc(Node { pool, next: Some(head) });
            drop(more);
            assert!(pool.is_empty());
        });
    });
}
