// A `SyncPool` is used by several threads at once, and its handles may end on any of them.
use std::thread;

use typed_pool::SyncPool;

static POOL: std::sync::LazyLock<SyncPool<u32>> = std::sync::LazyLock::new(SyncPool::new);

fn main() {
    let pool = SyncPool::new();
    let handle = pool.alloc(String::from("elsewhere"));
    thread::scope(|scope| {
        let made = scope.spawn(|| pool.alloc(String::from("here")));
        scope.spawn(move || assert_eq!(*handle, "elsewhere"));
        assert_eq!(*made.join().unwrap(), "here");
    });
    assert!(pool.is_empty());

    let handle = POOL.alloc(7);
    let value = thread::spawn(move || *handle).join().unwrap();
    assert_eq!((value, POOL.len()), (7, 0));
}
