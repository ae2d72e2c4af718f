// The reference that `PoolBox::leak` gives does not outlive the pool.
use typed_pool::{Pool, PoolBox};

fn main() {
    let leaked = {
        let pool = Pool::new();
        let handle = pool.alloc(7);
        PoolBox::leak(handle)
    };
    assert_eq!(*leaked, 7);
}
