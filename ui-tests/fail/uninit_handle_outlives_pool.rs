// A handle whose value is written later does not outlive the pool, written or not.
use typed_pool::{Pool, PoolBox};

fn main() {
    let handle = {
        let pool = Pool::new();
        let slot = pool.alloc_uninit();
        PoolBox::write(slot, 7)
    };
    assert_eq!(*handle, 7);
}
