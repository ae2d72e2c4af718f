// A pinned value stays pinned when its handle becomes one of a trait.
use std::future::Future;

use typed_pool::{Pool, PoolBox, coercion};

fn main() {
    let pool = Pool::new();
    let future = pool.alloc_pin(async {});
    let future = PoolBox::unsize_pin(future, coercion!(dyn Future<Output = ()>));
    let _exposed: &mut dyn Future<Output = ()> = &mut *future;
}
