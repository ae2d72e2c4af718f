// A handle of a pool that ends sooner does not take the place of one of a pool that ends later.
use typed_pool::PoolBox;

fn assign<'p, 's>(late: &mut PoolBox<'p, u32>, soon: PoolBox<'s, u32>)
where
    'p: 's,
{
    *late = soon;
}

fn main() {
    let _ = assign;
}
