// A trait object that borrows cannot be coerced to one that lives longer.
use std::fmt::Display;

use typed_pool::{OwnedPoolBox, PoolBox, coercion};

fn stretch<'a>(handle: OwnedPoolBox<dyn Display + 'a>) -> OwnedPoolBox<dyn Display + 'static> {
    PoolBox::unsize(handle, coercion!(dyn Display + 'static))
}

fn main() {
    let _ = stretch;
}
