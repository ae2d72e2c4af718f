// A pinned handle gives out no exclusive reference to a value that is not `Unpin`.
use std::marker::PhantomPinned;
use std::pin::Pin;

use typed_pool::PoolBox;

fn unpin<'a>(pinned: &'a mut Pin<PoolBox<'_, PhantomPinned>>) -> &'a mut PhantomPinned {
    &mut **pinned
}

fn main() {
    let _ = unpin;
}
