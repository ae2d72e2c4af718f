// A handle that keeps a pool for many threads goes to a thread that lives on, and is shared there.
use std::sync::Arc;
use std::thread;

use typed_pool::SyncPool;

fn main() {
    let handle = Arc::new(SyncPool::new()).alloc_owned(7);
    let sum = thread::spawn(move || {
        thread::scope(|scope| {
            let other = scope.spawn(|| *handle.clone());
            *handle + other.join().unwrap()
        })
    });
    assert_eq!(sum.join().unwrap(), 14);
}
