// Putting a handle together from an address is unsafe.
use typed_pool::{Pool, PoolBox};

fn main() {
    let pool = Pool::new();
    let raw = PoolBox::into_raw(pool.alloc(7));
    let handle = PoolBox::<u32>::from_raw(raw);
    assert_eq!(*handle, 7);
}
