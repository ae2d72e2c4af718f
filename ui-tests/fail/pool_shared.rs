// A `Pool` is not shared between threads.
use typed_pool::Pool;

fn share(_: &impl Sync) {}

fn main() {
    let pool = Pool::<u32>::new();
    share(&pool);
}
