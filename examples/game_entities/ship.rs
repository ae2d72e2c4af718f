//! Ships: entities that own other entities. A ship holds its shield and its turrets as pool boxes
//! of their own pools, so that they are gone when it is.

use typed_pool::{Pool, PoolBox};

use crate::field::Vector;

pub(crate) const TURRETS: usize = 3;
const SHIELD_STRENGTH: u32 = 3;
const RELOAD_FRAMES: u32 = 20;
const TOP_SPEED: f32 = 2.0;
/// A ship turns away from a rock that is this near.
const FEAR: f32 = 40.0;

pub(crate) struct Shield {
    strength: u32,
}

pub(crate) struct Turret {
    reload: u32,
}

/// The pools of what ships own. They are made before the pool of the ships, as values in that one
/// hold on to slots in these.
pub(crate) struct Parts {
    shields: Pool<Shield>,
    turrets: Pool<Turret>,
}

impl Parts {
    /// Makes room for the given number of ships, and for no more than that.
    pub(crate) fn for_ships(ships: usize) -> Self {
        Self { shields: Pool::bounded(ships), turrets: Pool::bounded(ships * TURRETS) }
    }

    pub(crate) fn len(&self) -> usize {
        self.shields.len() + self.turrets.len()
    }

    /// Panics unless every slot has come back.
    pub(crate) fn assert_empty(&self) {
        assert!(self.shields.is_empty(), "a shield outlives its ship");
        assert!(self.turrets.is_empty(), "a turret outlives its ship");
    }
}

pub(crate) struct Ship<'p> {
    pub(crate) at: Vector,
    velocity: Vector,
    shield: Option<PoolBox<'p, Shield>>,
    turrets: Vec<PoolBox<'p, Turret>>,
    pub(crate) dead: bool,
}

impl<'p> Ship<'p> {
    pub(crate) fn new(parts: &'p Parts, at: Vector) -> Self {
        // The turrets take turns with their shots.
        let turret = |nth| {
            let reload = RELOAD_FRAMES * nth / TURRETS as u32;
            parts.turrets.alloc(Turret { reload })
        };
        Self {
            at,
            velocity: Vector { x: 0.0, y: 0.0 },
            shield: Some(parts.shields.alloc(Shield { strength: SHIELD_STRENGTH })),
            turrets: (0..TURRETS as u32).map(turret).collect(),
            dead: false,
        }
    }

    /// The number of parts that are left.
    pub(crate) fn parts(&self) -> u64 {
        u64::from(self.shield.is_some()) + self.turrets.len() as u64
    }

    /// Flies one frame: away from a near rock, towards a far one.
    pub(crate) fn fly(&mut self, way_to_rock: Option<Vector>) {
        if let Some(way) = way_to_rock {
            let towards = if way.length_squared() < FEAR * FEAR { -0.1 } else { 0.05 };
            self.velocity = self.velocity.plus(way.with_length(towards));
        }
        if self.velocity.length_squared() > TOP_SPEED * TOP_SPEED {
            self.velocity = self.velocity.with_length(TOP_SPEED);
        }
        self.at = self.at.moved(self.velocity);
    }

    /// Lets the turrets reload for one frame. Returns how many of them fire.
    pub(crate) fn fire(&mut self) -> usize {
        let mut shots = 0;
        for turret in &mut self.turrets {
            if turret.reload == 0 {
                turret.reload = RELOAD_FRAMES;
                shots += 1;
            } else {
                turret.reload -= 1;
            }
        }
        shots
    }

    /// Takes a hit: the shield holds off some, then each costs a turret, and the next one is the
    /// end. Returns how many parts were lost.
    pub(crate) fn hit(&mut self) -> u64 {
        if let Some(shield) = &mut self.shield {
            shield.strength -= 1;
            if shield.strength > 0 {
                return 0;
            }
            self.shield = None;
            return 1;
        }
        match self.turrets.pop() {
            Some(turret) => {
                drop(turret);
                1
            }
            None => {
                self.dead = true;
                0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Vector = Vector { x: 1.0, y: 1.0 };

    #[test]
    fn a_ship_takes_its_parts_with_it() {
        let parts = Parts::for_ships(2);
        let ships = Pool::new();
        let first = ships.alloc(Ship::new(&parts, HERE));
        let second = ships.alloc(Ship::new(&parts, HERE));
        assert_eq!(parts.len(), 2 * (1 + TURRETS));
        drop(first);
        assert_eq!(parts.len(), 1 + TURRETS);
        drop(second);
        parts.assert_empty();
    }

    #[test]
    fn hits_cost_the_shield_then_the_turrets_then_the_ship() {
        let parts = Parts::for_ships(1);
        let mut ship = Ship::new(&parts, HERE);
        let lost: Vec<_> = (0..7).map(|_| ship.hit()).collect();
        assert_eq!(lost, [0, 0, 1, 1, 1, 1, 0]);
        assert!(ship.dead);
        assert_eq!(ship.parts(), 0);
        parts.assert_empty();
    }

    #[test]
    fn turrets_take_turns() {
        let parts = Parts::for_ships(1);
        let mut ship = Ship::new(&parts, HERE);
        let shots: Vec<_> = (0..=RELOAD_FRAMES).map(|_| ship.fire()).collect();
        assert_eq!(shots.iter().sum::<usize>(), TURRETS);
        assert!(shots.iter().all(|shots| *shots <= 1));
    }
}
