// A value that borrows is not seen as one that does not.
use std::fmt::Display;
use std::rc::Rc;

use typed_pool::{OwnedPoolBox, Pool, PoolBox, coercion};

fn keep(_: OwnedPoolBox<dyn Display + 'static>) {}

fn main() {
    let text = String::from("text");
    let handle = Rc::new(Pool::new()).alloc_owned(text.as_str());
    keep(PoolBox::unsize(handle, coercion!(dyn Display)));
}
