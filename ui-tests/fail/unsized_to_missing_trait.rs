// A handle becomes one of a trait only where its value has the trait.
use std::fmt::Display;

use typed_pool::{Pool, PoolBox, coercion};

struct Silent;

fn main() {
    let pool = Pool::new();
    let handle: PoolBox<dyn Display> = PoolBox::unsize(pool.alloc(Silent), coercion!(dyn Display));
    println!("{handle}");
}
