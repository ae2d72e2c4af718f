// A pool may be sent to another thread and be used there, and its values may come back.
use std::thread;

use typed_pool::{Pool, PoolBox};

fn main() {
    let pool = Pool::new();
    assert_eq!(*pool.alloc(6), 6);
    let (pool, value) = thread::spawn(move || {
        let value = PoolBox::into_inner(pool.alloc(7));
        (pool, value)
    })
    .join()
    .expect("the thread does not panic");
    assert_eq!((value, pool.len()), (7, 0));
}
