// A coercion that does anything else cannot be made without unsafe code.
use std::fmt::Display;

use typed_pool::{Coercion, Pool, PoolBox};

fn main() {
    let pool = Pool::new();
    let lie: Coercion<u8, dyn Display> = Coercion::new(|value| value.cast::<u64>());
    let handle: PoolBox<dyn Display> = PoolBox::unsize(pool.alloc(7), lie);
    println!("{handle}");
}
