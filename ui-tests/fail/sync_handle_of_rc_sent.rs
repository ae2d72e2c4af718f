// A handle of a `SyncPool` is not sent to another thread where its value may not be.
use std::rc::Rc;

use typed_pool::SyncPool;

fn send(_: impl Send) {}

fn main() {
    let pool = SyncPool::new();
    let handle = pool.alloc(Rc::new(7));
    send(handle);
}
