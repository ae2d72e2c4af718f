// The clone of a handle does not outlive the pool either.
use typed_pool::Pool;

fn main() {
    let clone = {
        let pool = Pool::new();
        let handle = pool.alloc(7);
        handle.clone()
    };
    assert_eq!(*clone, 7);
}
