// A thread that may outlive a `SyncPool` cannot use it.
use std::thread;

use typed_pool::SyncPool;

fn main() {
    let pool = SyncPool::new();
    let thread = thread::spawn(|| *pool.alloc(7));
    thread.join().unwrap();
}
