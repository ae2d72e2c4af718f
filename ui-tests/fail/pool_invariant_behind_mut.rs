// Behind `&mut`, a handle of one pool is not made one of a pool that ends sooner.
use typed_pool::PoolBox;

fn shorten<'a, 'p, 's>(handle: &'a mut PoolBox<'p, u32>) -> &'a mut PoolBox<'s, u32>
where
    'p: 's,
{
    handle
}

fn main() {
    let _ = shorten;
}
