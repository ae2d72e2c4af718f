// A closure that is called once is gone then.
use typed_pool::{CallOnce, Pool, PoolBox, coercion};

fn main() {
    let pool = Pool::new();
    let handle: PoolBox<dyn CallOnce<(), Output = ()>> =
        PoolBox::unsize(pool.alloc(|| ()), coercion!(dyn CallOnce<(), Output = ()>));
    PoolBox::call_once(handle, ());
    PoolBox::call_once(handle, ());
}
