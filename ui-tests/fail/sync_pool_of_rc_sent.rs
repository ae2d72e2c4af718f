// A `SyncPool` is not sent to another thread where its values may not be.
use std::rc::Rc;

use typed_pool::SyncPool;

fn send(_: impl Send) {}

fn main() {
    let pool = SyncPool::<Rc<u32>>::new();
    send(pool);
}
