// A `SyncPool` is not shared between threads where its values may not be sent.
use std::rc::Rc;

use typed_pool::SyncPool;

fn share(_: &impl Sync) {}

fn main() {
    let pool = SyncPool::<Rc<u32>>::new();
    share(&pool);
}
