// A handle of a `Pool` is not shared between threads.
use typed_pool::Pool;

fn share(_: &impl Sync) {}

fn main() {
    let pool = Pool::new();
    let handle = pool.alloc(7);
    share(&handle);
}
