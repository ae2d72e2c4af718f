// The pool is not moved while a handle lives.
use typed_pool::Pool;

fn main() {
    let pool = Pool::new();
    let handle = pool.alloc(7);
    let _moved = pool;
    assert_eq!(*handle, 7);
}
