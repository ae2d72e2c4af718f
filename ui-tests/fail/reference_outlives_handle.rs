// A reference to the value does not outlive the handle.
use typed_pool::Pool;

fn main() {
    let pool = Pool::new();
    let handle = pool.alloc(7);
    let value: &u32 = &handle;
    drop(handle);
    assert_eq!(*value, 7);
}
