// Behind `&mut`, a handle on a long-lived reference is not made one on a shorter-lived one.
use typed_pool::PoolBox;

fn shorten<'a, 'p, 's>(handle: &'a mut PoolBox<'p, &'static str>) -> &'a mut PoolBox<'p, &'s str> {
    handle
}

fn main() {
    let _ = shorten;
}
