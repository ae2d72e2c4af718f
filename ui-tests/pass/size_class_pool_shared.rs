// A pool of size classes is shared by threads, and values in it own others of it.
use std::thread;

use typed_pool::{PoolBox, SyncMemoryPool, SyncSizeClassPool};

struct List<'p> {
    name: PoolBox<'p, str, SyncMemoryPool>,
    next: Option<PoolBox<'p, List<'p>, SyncMemoryPool>>,
}

fn main() {
    let pool = SyncSizeClassPool::new();
    let tail = pool.alloc(List { name: pool.alloc_str("tail"), next: None });
    let list = thread::scope(|scope| {
        let thread = scope.spawn(|| List { name: pool.alloc_str("head"), next: Some(tail) });
        thread.join().unwrap()
    });
    assert_eq!((&*list.name, &*list.next.as_ref().unwrap().name), ("head", "tail"));
    drop(list);
    assert!(pool.is_empty());
}
