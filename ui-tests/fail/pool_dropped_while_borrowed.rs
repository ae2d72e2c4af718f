// The pool is not dropped while a handle lives: the end of the handle is a use of the pool.
use typed_pool::Pool;

fn main() {
    let pool = Pool::new();
    let _handle = pool.alloc(7);
    drop(pool);
}
