// A handle is not used after it was dropped, be it to drop it again.
use typed_pool::Pool;

fn main() {
    let pool = Pool::new();
    let handle = pool.alloc(7);
    drop(handle);
    drop(handle);
}
