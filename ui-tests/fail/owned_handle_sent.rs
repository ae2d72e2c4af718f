// A handle that keeps a pool for one thread stays on that thread.
use std::rc::Rc;

use typed_pool::Pool;

fn send(_: impl Send) {}

fn main() {
    let handle = Rc::new(Pool::new()).alloc_owned(7);
    send(handle);
}
