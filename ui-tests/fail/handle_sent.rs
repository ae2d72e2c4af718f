// A handle of a `Pool` is not sent to another thread.
use typed_pool::Pool;

fn send(_: impl Send) {}

fn main() {
    let pool = Pool::new();
    let handle = pool.alloc(7);
    send(handle);
}
