//! A seeded shooter that plays itself: ships shoot rocks, rocks break and wreck ships.

use fastrand::Rng;
use typed_pool::{Pool, PoolBox};

use crate::field::{Grid, Vector};
use crate::ship::{Parts, Ship};
use crate::tally::Tally;

const SHIPS: usize = 6;
const SHIP_RADIUS: f32 = 6.0;
/// Rocks drift in as long as there are fewer than these.
const ROCKS: usize = 40;
const SPARKS: usize = 400;
const BULLET_FRAMES: u32 = 60;
const BULLET_SPEED: f32 = 4.0;
const BIGGEST_ROCK: u32 = 3;
const SPARKS_PER_CRASH: u32 = 6;
/// A ship that was lost is replaced after this many frames on average.
const SHIP_DELAY: u32 = 90;

/// Plays a game and returns its counts.
///
/// # Panics
///
/// Panics if an entity is still in its pool when the world is gone.
pub(crate) fn play(frames: u32, seed: u64) -> Tally {
    let parts = Parts::for_ships(SHIPS);
    let pools = Pools::new();
    let mut world = World::new(&pools, &parts, seed);
    for _ in 0..frames {
        world.step();
    }
    let tally = world.tally;
    drop(world);
    pools.assert_empty();
    parts.assert_empty();
    tally
}

struct Rock {
    at: Vector,
    velocity: Vector,
    size: u32,
    dead: bool,
}

impl Rock {
    fn radius(&self) -> f32 {
        4.0 * self.size as f32
    }
}

struct Bullet {
    at: Vector,
    velocity: Vector,
    frames_left: u32,
}

struct Spark {
    at: Vector,
    velocity: Vector,
    frames_left: u32,
}

/// One pool for each kind of entity, save for the parts of ships.
struct Pools<'p> {
    ships: Pool<Ship<'p>>,
    rocks: Pool<Rock>,
    bullets: Pool<Bullet>,
    sparks: Pool<Spark>,
}

impl Pools<'_> {
    fn new() -> Self {
        Self {
            ships: Pool::bounded(SHIPS),
            rocks: Pool::with_capacity(2 * ROCKS),
            bullets: Pool::new(),
            sparks: Pool::bounded(SPARKS),
        }
    }

    fn assert_empty(&self) {
        assert!(self.ships.is_empty(), "a ship outlives the world");
        assert!(self.rocks.is_empty(), "a rock outlives the world");
        assert!(self.bullets.is_empty(), "a bullet outlives the world");
        assert!(self.sparks.is_empty(), "a spark outlives the world");
    }
}

/// Everything alive, as boxes of `'w` pools; ships hold their parts as boxes of `'p` pools.
struct World<'w, 'p> {
    pools: &'w Pools<'p>,
    parts: &'p Parts,
    ships: Vec<PoolBox<'w, Ship<'p>>>,
    rocks: Vec<PoolBox<'w, Rock>>,
    bullets: Vec<PoolBox<'w, Bullet>>,
    sparks: Vec<PoolBox<'w, Spark>>,
    grid: Grid,
    rng: Rng,
    tally: Tally,
}

impl<'w, 'p> World<'w, 'p> {
    fn new(pools: &'w Pools<'p>, parts: &'p Parts, seed: u64) -> Self {
        Self {
            pools,
            parts,
            ships: Vec::new(),
            rocks: Vec::new(),
            bullets: Vec::new(),
            sparks: Vec::new(),
            grid: Grid::new(),
            rng: Rng::with_seed(seed),
            tally: Tally::default(),
        }
    }

    fn step(&mut self) {
        self.arrive();
        self.drift();
        self.fly_ships();
        self.collide();
        self.bury();
    }

    /// The number of entities in all pools.
    fn live(&self) -> usize {
        let pools = self.pools;
        let own = pools.ships.len() + pools.rocks.len() + pools.bullets.len() + pools.sparks.len();
        own + self.parts.len()
    }

    fn count_spawns(&mut self, count: u64) {
        self.tally.spawned(count, self.live());
    }

    /// Brings in what the field lacks: one rock a frame, a ship now and then.
    fn arrive(&mut self) {
        if self.rocks.len() < ROCKS {
            // A rock comes in over an edge, so that it does not appear on top of a ship.
            let at = Vector { x: 0.0, ..Vector::random(&mut self.rng) };
            self.add_rock(at, BIGGEST_ROCK);
        }
        if self.ships.len() < SHIPS && self.rng.u32(..SHIP_DELAY) == 0 {
            let at = Vector::random(&mut self.rng);
            let ship = self.pools.ships.alloc_with(|| Ship::new(self.parts, at));
            // The shield and the turrets are entities too.
            let born = 1 + ship.parts();
            self.ships.push(ship);
            self.count_spawns(born);
        }
    }

    fn add_rock(&mut self, at: Vector, size: u32) {
        let velocity = Vector::random_direction(&mut self.rng, 1.5 / size as f32);
        self.rocks.push(self.pools.rocks.alloc(Rock { at, velocity, size, dead: false }));
        self.count_spawns(1);
    }

    /// Throws sparks. Nobody misses one that finds no free slot in its bounded pool.
    fn add_sparks(&mut self, at: Vector) {
        for _ in 0..SPARKS_PER_CRASH {
            let velocity = Vector::random_direction(&mut self.rng, 1.0);
            let frames_left = self.rng.u32(10..40);
            let Ok(spark) = self.pools.sparks.try_alloc(Spark { at, velocity, frames_left }) else {
                return;
            };
            self.sparks.push(spark);
            self.count_spawns(1);
        }
    }

    fn drift(&mut self) {
        for rock in &mut self.rocks {
            rock.at = rock.at.moved(rock.velocity);
        }
        for bullet in &mut self.bullets {
            bullet.at = bullet.at.moved(bullet.velocity);
            bullet.frames_left -= 1;
        }
        for spark in &mut self.sparks {
            spark.at = spark.at.moved(spark.velocity);
            spark.velocity = spark.velocity.times(0.95);
            spark.frames_left -= 1;
        }
    }

    /// Ships mind the nearest rock and shoot at it.
    fn fly_ships(&mut self) {
        let mut shots = 0;
        for ship in &mut self.ships {
            let here = ship.at;
            let ways = self.rocks.iter().map(|rock| here.way_to(rock.at));
            let nearest = ways.min_by(|a, b| a.length_squared().total_cmp(&b.length_squared()));
            ship.fly(nearest);
            let Some(way) = nearest else {
                continue;
            };
            for _ in 0..ship.fire() {
                // No gunner is perfect.
                let error = Vector::random_direction(&mut self.rng, 0.4);
                let velocity = way.with_length(BULLET_SPEED).plus(error);
                let bullet = Bullet { at: ship.at, velocity, frames_left: BULLET_FRAMES };
                self.bullets.push(self.pools.bullets.alloc(bullet));
                shots += 1;
            }
        }
        self.count_spawns(shots);
    }

    /// Marks what dies: a rock breaks on the first bullet or ship that it meets.
    fn collide(&mut self) {
        self.grid.fill(self.rocks.iter().map(|rock| rock.at));
        for bullet in &mut self.bullets {
            if let Some(rock) = rock_at(&self.grid, &mut self.rocks, bullet.at, 0.0) {
                rock.dead = true;
                bullet.frames_left = 0;
            }
        }
        for ship in &mut self.ships {
            if let Some(rock) = rock_at(&self.grid, &mut self.rocks, ship.at, SHIP_RADIUS) {
                rock.dead = true;
                self.tally.deaths += ship.hit();
            }
        }
    }

    /// Drops the boxes of what is dead. A rock leaves smaller ones, and those live on.
    fn bury(&mut self) {
        let mut index = 0;
        while index < self.rocks.len() {
            if self.rocks[index].dead {
                let rock = PoolBox::into_inner(self.rocks.swap_remove(index));
                self.tally.deaths += 1;
                self.add_sparks(rock.at);
                let pieces = if rock.size > 1 { 2 } else { 0 };
                for _ in 0..pieces {
                    self.add_rock(rock.at, rock.size - 1);
                }
            } else {
                index += 1;
            }
        }
        // A dead ship has no parts left that would have to be counted.
        self.tally.deaths += drop_if(&mut self.ships, |ship| ship.dead)
            + drop_if(&mut self.bullets, |bullet| bullet.frames_left == 0)
            + drop_if(&mut self.sparks, |spark| spark.frames_left == 0);
    }
}

/// The first live rock that touches a disc.
fn rock_at<'r>(
    grid: &Grid,
    rocks: &'r mut [PoolBox<'_, Rock>],
    at: Vector,
    radius: f32,
) -> Option<&'r mut Rock> {
    let touches = |rock: &Rock| {
        let reach = rock.radius() + radius;
        !rock.dead && at.way_to(rock.at).length_squared() < reach * reach
    };
    let index = grid.near(at).find(|index| touches(&rocks[*index]))?;
    Some(&mut rocks[index])
}

/// Drops the boxes of the dead and returns how many there were. The order of the living is free
/// to change, so the last box fills each gap.
fn drop_if<T>(boxes: &mut Vec<PoolBox<'_, T>>, is_dead: impl Fn(&T) -> bool) -> u64 {
    let mut dead = 0;
    let mut index = 0;
    while index < boxes.len() {
        if is_dead(&boxes[index]) {
            drop(boxes.swap_remove(index));
            dead += 1;
        } else {
            index += 1;
        }
    }
    dead
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a game and lets `check` look at the world after every frame.
    fn watch(frames: u32, seed: u64, mut check: impl FnMut(u32, &World<'_, '_>)) {
        let parts = Parts::for_ships(SHIPS);
        let pools = Pools::new();
        let mut world = World::new(&pools, &parts, seed);
        for frame in 0..frames {
            world.step();
            check(frame, &world);
        }
    }

    #[test]
    fn a_seed_decides_the_game() {
        assert_eq!(play(2_000, 7), play(2_000, 7));
        assert_ne!(play(2_000, 7), play(2_000, 8));
    }

    #[test]
    fn no_frames_are_no_entities() {
        assert_eq!(play(0, 1), Tally::default());
    }

    #[test]
    fn the_population_is_steady() {
        for seed in 0..4 {
            let mut ships_seen = 0;
            watch(10_000, seed, |frame, world| {
                ships_seen += world.ships.len();
                if frame >= 500 {
                    let live = world.live();
                    assert!((50..700).contains(&live), "{live} at {frame} of seed {seed}");
                    assert!((20..=4 * ROCKS).contains(&world.rocks.len()));
                }
            });
            assert!(ships_seen > 10_000, "less than one ship on average with seed {seed}");
        }
    }

    #[test]
    fn births_less_deaths_is_what_the_pools_hold() {
        watch(3_000, 5, |_, world| {
            let tally = world.tally;
            assert_eq!(tally.spawns - tally.deaths, world.live() as u64);
            assert!(tally.peak_live >= world.live());
            assert_eq!(world.pools.ships.len(), world.ships.len());
            assert_eq!(world.pools.rocks.len(), world.rocks.len());
            assert_eq!(world.pools.bullets.len(), world.bullets.len());
            assert_eq!(world.pools.sparks.len(), world.sparks.len());
        });
    }

    #[test]
    fn ships_die_now_and_then() {
        let (mut deaths, mut before) = (0, 0);
        watch(10_000, 1, |_, world| {
            deaths += usize::from(world.ships.len() < before);
            before = world.ships.len();
        });
        assert!(deaths > 5, "{deaths} deaths");
    }

    #[test]
    fn dropping_the_dead_spares_the_living() {
        let pool = Pool::new();
        let mut boxes: Vec<_> = (0..10).map(|number| pool.alloc(number)).collect();
        assert_eq!(drop_if(&mut boxes, |number| number % 3 == 0), 4);
        let mut left: Vec<_> = boxes.iter().map(|number| **number).collect();
        left.sort_unstable();
        assert_eq!(left, [1, 2, 4, 5, 7, 8]);
        assert_eq!(pool.len(), 6);
    }
}
