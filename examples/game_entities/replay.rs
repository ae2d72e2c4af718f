//! Replays a trace: every world in turn, each with its own map from handles to entities.

use std::collections::HashMap;

use crate::entity::{Entity, Pools};
use crate::tally::Tally;
use crate::trace::{Action, Birth, Event, Handle, Place, Trace};

/// Plays all worlds of the trace, each to its end before the next begins.
///
/// # Panics
///
/// Panics if a world leaves an entity behind in one of the pools.
pub(crate) fn replay(trace: &Trace, pools: &Pools) -> Tally {
    let mut total = Tally::default();
    for level in &trace.levels {
        let mut world = World::new(pools);
        for event in &level.events {
            world.apply(event);
        }
        total.add(world.tally);
        drop(world);
        pools.assert_empty();
    }
    total
}

struct World<'p> {
    pools: &'p Pools,
    /// The boxes own the entities: to remove one is to give its slot back.
    live: HashMap<Handle, Entity<'p>>,
    tally: Tally,
}

impl<'p> World<'p> {
    fn new(pools: &'p Pools) -> Self {
        Self { pools, live: HashMap::new(), tally: Tally::default() }
    }

    fn apply(&mut self, event: &Event) {
        let handle = event.handle;
        let known = match &event.action {
            Action::Spawn(birth) => {
                self.spawn(handle, birth);
                true
            }
            Action::Die { at, killer } => self.die(handle, *at, *killer),
            Action::Retype(label) => match self.live.remove(&handle) {
                Some(entity) => {
                    self.live.insert(handle, self.pools.retype(entity, label));
                    true
                }
                None => false,
            },
            Action::Finish => self.with(handle, |entity| entity.body_mut().ready = true),
            Action::Reown(owner) => self.with(handle, |entity| entity.body_mut().owner = *owner),
            Action::Aim(target) => {
                // What aims may be gone already: the count of stale handles leaves aiming out.
                self.with(handle, |entity| entity.body_mut().target = *target);
                true
            }
        };
        if !known {
            self.tally.stale_handles += 1;
        }
    }

    /// Adds an entity. One that still lives under the same handle makes room for it: its slot goes
    /// back, but as nothing says that it died it does not count as a death.
    fn spawn(&mut self, handle: Handle, birth: &Birth) {
        if let Some(parent) = birth.parent {
            self.with(parent, |entity| entity.body_mut().children += 1);
        }
        self.live.insert(handle, self.pools.spawn(birth));
        self.tally.spawned(1, self.live.len());
    }

    /// Removes an entity and credits its killer, if that one still lives.
    fn die(&mut self, handle: Handle, at: Option<Place>, killer: Option<Handle>) -> bool {
        let Some(dead) = self.live.remove(&handle) else {
            return false;
        };
        self.tally.deaths += 1;
        if let Some(killer) = killer {
            let at = at.unwrap_or(dead.body().at);
            self.with(killer, |entity| entity.credit(at));
        }
        true
    }

    /// Lets `change` work on a live entity. Returns false if the handle leads to none.
    fn with(&mut self, handle: Handle, change: impl FnOnce(&mut Entity<'p>)) -> bool {
        self.live.get_mut(&handle).map(change).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Kind;

    const HEADER: &str = "frame,op,slot,gen,type,owner,x,y,killer_slot,killer_gen\n";

    fn trace(text: &str) -> Trace {
        Trace::parse(text.as_bytes(), None).unwrap()
    }

    fn tally(text: &str) -> Tally {
        replay(&trace(text), &Pools::new())
    }

    /// Plays the only world of a StarCraft II trace and lets `check` look at it before its end.
    fn at_the_end(rows: &str, check: impl FnOnce(&World<'_>)) {
        let pools = Pools::new();
        let mut world = World::new(&pools);
        trace(&format!("{HEADER}{rows}")).levels[0].events.iter().for_each(|e| world.apply(e));
        check(&world);
        drop(world);
        pools.assert_empty();
    }

    fn body_of<'w>(world: &'w World<'_>, slot: u32) -> &'w crate::entity::Body {
        world.live[&Handle { slot, generation: 1 }].body()
    }

    #[test]
    fn an_old_generation_is_stale() {
        let rows = "0,B,5,1,Probe,1,2,3,,\n1,X,5,1,,,,,,\n2,B,5,2,Probe,1,2,3,,\n\
            3,X,5,1,,,,,,\n3,T,5,1,Egg,,,,,\n3,D,5,1,,,,,,\n3,O,5,1,,1,,,,\n3,D,5,2,,,,,,\n";
        let counted = tally(&format!("{HEADER}{rows}"));
        assert_eq!(counted, Tally { spawns: 2, deaths: 1, peak_live: 1, stale_handles: 4 });
    }

    #[test]
    fn a_change_of_kind_moves_between_pools_and_keeps_the_body() {
        let rows = "0,I,5,1,Barracks,1,2,3,,\n0,B,6,1,SCV,2,2,7,,\n1,X,6,1,,,2,7,5,1\n\
            1,D,5,1,,,,,,\n1,O,5,1,,2,,,,\n";
        at_the_end(rows, |world| {
            assert_eq!(world.pools.len(), [0, 1, 0, 0]);
            assert_eq!(body_of(world, 5).owner, 2);
        });
        at_the_end(&format!("{rows}2,T,5,1,BarracksFlying,,,,,\n"), |world| {
            assert_eq!(world.pools.len(), [1, 0, 0, 0]);
            let body = body_of(world, 5);
            assert_eq!((&*body.name, body.owner, body.kills), ("BarracksFlying", 2, 1));
            assert!(body.ready);
        });
    }

    #[test]
    fn a_killer_is_credited_with_its_victim_and_the_distance() {
        let rows = "0,B,1,1,Marine,1,0,0,,\n0,B,2,1,Zergling,2,9,9,,\n1,X,2,1,,,3,4,1,1\n\
            1,B,3,1,Zergling,2,1,0,,\n2,X,3,1,,,,,1,1\n2,B,4,1,Marine,1,1,0,,\n3,X,4,1,,,,,9,9\n";
        at_the_end(rows, |world| {
            let Entity::Unit(marine) = &world.live[&Handle { slot: 1, generation: 1 }] else {
                panic!("a marine is a unit");
            };
            assert_eq!((marine.body.kills, marine.reach), (2, 5.0));
            assert_eq!(world.tally.stale_handles, 0);
        });
    }

    #[test]
    fn a_spawn_on_a_live_handle_replaces_without_a_death() {
        let rows = "0,B,1,1,Marine,1,0,0,,\n1,B,1,1,MineralField,0,0,0,,\n";
        at_the_end(rows, |world| {
            assert_eq!(world.pools.len(), [0, 0, 1, 0]);
            assert_eq!(world.live.values().next().unwrap().kind(), Kind::Prop);
            let expected = Tally { spawns: 2, deaths: 0, peak_live: 1, stale_handles: 0 };
            assert_eq!(world.tally, expected);
        });
    }

    #[test]
    fn a_level_ends_without_deaths_and_its_ids_are_forgotten() {
        let counted = tally(
            "L 0 w d m\nS 0 0 MT_TROOP 0 0 0\nS 1 1 MT_PUFF 0 0 0\nG 1 0 1\nX 2 1\nG 2 0 -1\n\
             G 2 9 0\nL 3 w d m\nX 3 0\nS 3 0 MT_CLIP 0 0 0\n",
        );
        assert_eq!(counted, Tally { spawns: 3, deaths: 1, peak_live: 2, stale_handles: 1 });
    }

    #[test]
    fn a_bullet_counts_for_its_parent() {
        let text = "L 0 0 a\nS 0 0 -1 E 1 2\nS 1 1 0 S 1 2\nS 1 2 0 A 1 2\nS 1 3 99 S 1 2\n";
        let pools = Pools::new();
        let mut world = World::new(&pools);
        trace(text).levels[0].events.iter().for_each(|event| world.apply(event));
        assert_eq!(world.live[&Handle::plain(0)].body().children, 2);
        assert_eq!(pools.len(), [1, 0, 0, 3]);
        assert_eq!(world.tally.stale_handles, 0);
    }
}
