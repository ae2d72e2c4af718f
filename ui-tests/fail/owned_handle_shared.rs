// A handle that keeps a pool for one thread is not shared between threads.
use std::rc::Rc;

use typed_pool::Pool;

fn share(_: impl Sync) {}

fn main() {
    let handle = Rc::new(Pool::new()).alloc_owned(7);
    share(handle);
}
