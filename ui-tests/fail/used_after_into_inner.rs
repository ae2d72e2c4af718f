// A handle is not used after `PoolBox::into_inner`.
use typed_pool::{Pool, PoolBox};

fn main() {
    let pool = Pool::new();
    let handle = pool.alloc(7);
    let value = PoolBox::into_inner(handle);
    assert_eq!(PoolBox::into_inner(handle), value);
}
