// A coercion is for one type of values.
use std::fmt::Display;

use typed_pool::{Coercion, Pool, PoolBox, coercion};

fn main() {
    let of_numbers: Coercion<u32, dyn Display> = coercion!(dyn Display);
    let pool = Pool::new();
    let word: PoolBox<dyn Display> = PoolBox::unsize(pool.alloc(String::new()), of_numbers);
    println!("{word}");
}
