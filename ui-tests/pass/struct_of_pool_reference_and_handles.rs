// A struct may hold a reference to a pool beside handles of it.
use typed_pool::{Pool, PoolBox};

struct World<'p> {
    enemies: &'p Pool<u32>,
    alive: Vec<PoolBox<'p, u32>>,
}

impl<'p> World<'p> {
    fn new(enemies: &'p Pool<u32>) -> Self {
        Self { enemies, alive: Vec::new() }
    }

    fn spawn(&mut self, health: u32) -> &mut PoolBox<'p, u32> {
        self.alive.push(self.enemies.alloc(health));
        self.alive.last_mut().expect("an enemy was just added")
    }

    fn into_last(mut self) -> Option<PoolBox<'p, u32>> {
        self.alive.pop()
    }
}

fn main() {
    let enemies = Pool::new();
    let mut world = World::new(&enemies);
    world.spawn(1);
    **world.spawn(2) += 1;
    assert_eq!(enemies.len(), 2);

    let last = world.into_last();
    assert_eq!((last.as_deref(), enemies.len()), (Some(&3), 1));
}
