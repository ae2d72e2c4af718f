// The pool is not moved while a reference from `PoolBox::leak` is used.
use typed_pool::{Pool, PoolBox};

fn main() {
    let pool = Pool::new();
    let leaked = PoolBox::leak(pool.alloc(7));
    let _moved = pool;
    assert_eq!(*leaked, 7);
}
