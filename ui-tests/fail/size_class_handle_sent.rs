// A handle of a pool of size classes stays on its thread.
use typed_pool::SizeClassPool;

fn send<T: Send>(_: T) {}

fn main() {
    let pool = SizeClassPool::new();
    send(pool.alloc_slice_copy(&[1, 2, 3]));
}
