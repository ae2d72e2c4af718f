// A handle that keeps a pool for many threads is sent only where its value may be.
use std::rc::Rc;
use std::sync::Arc;

use typed_pool::SyncPool;

fn send(_: impl Send) {}

fn main() {
    let handle = Arc::new(SyncPool::new()).alloc_owned(Rc::new(7));
    send(handle);
}
