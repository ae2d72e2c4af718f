// What leads to a pool for one thread stays on that thread.
use typed_pool::{Pool, PoolBox};

fn send(_: impl Send) {}

fn main() {
    let pool = Pool::new();
    let handle = pool.alloc(7);
    send(PoolBox::pool(&handle));
}
