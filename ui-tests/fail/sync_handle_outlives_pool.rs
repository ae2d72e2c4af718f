// A handle of a `SyncPool` does not go to a thread that may outlive the pool.
use typed_pool::SyncPool;

/// As `std::thread::spawn`.
fn spawn(_: impl FnOnce() + Send + 'static) {}

fn main() {
    let pool = SyncPool::new();
    let handle = pool.alloc(7);
    spawn(move || assert_eq!(*handle, 7));
}
