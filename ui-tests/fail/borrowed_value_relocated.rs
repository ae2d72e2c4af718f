// A value is not moved while it is borrowed.
use typed_pool::{Pool, PoolBox};

fn main() {
    let pool = Pool::new();
    let mut handle = pool.alloc(7);
    let borrowed = &*handle;
    PoolBox::relocate(&mut handle);
    assert_eq!(*borrowed, 7);
}
