// A `Pool` is not sent to another thread where its values may not be.
use std::rc::Rc;

use typed_pool::Pool;

fn send(_: impl Send) {}

fn main() {
    let pool = Pool::<Rc<u32>>::new();
    send(pool);
}
