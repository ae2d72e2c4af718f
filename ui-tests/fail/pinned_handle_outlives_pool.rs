// A pinned handle does not outlive its pool.
use typed_pool::{Pool, PoolBox};

fn main() {
    let pinned = {
        let pool = Pool::new();
        let handle = pool.alloc(7);
        PoolBox::into_pin(handle)
    };
    assert_eq!(*pinned, 7);
}
