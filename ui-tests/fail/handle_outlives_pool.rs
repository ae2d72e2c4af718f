// A handle does not outlive its pool.
use typed_pool::Pool;

fn main() {
    let handle = {
        let pool = Pool::new();
        pool.alloc(7)
    };
    assert_eq!(*handle, 7);
}
