//! The kinds of entities of a replay, a pool for each, and the handle that holds any of them.

use std::rc::Rc;

use typed_pool::{Pool, PoolBox};

use crate::trace::{Birth, Handle, Kind, Label, Place};

/// What all kinds have in common.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) name: Rc<str>,
    pub(crate) owner: u32,
    pub(crate) at: Place,
    /// False while it is being built.
    pub(crate) ready: bool,
    pub(crate) kills: u64,
    pub(crate) children: u64,
    /// The recorded engine's handle and no reference: the target may die at any time.
    pub(crate) target: Option<Handle>,
}

#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) body: Body,
    /// How far away its farthest victim was.
    pub(crate) reach: f32,
}

#[derive(Debug)]
pub(crate) struct Building {
    pub(crate) body: Body,
}

#[derive(Debug)]
pub(crate) struct Prop {
    pub(crate) body: Body,
}

#[derive(Debug)]
pub(crate) struct Shot {
    pub(crate) body: Body,
}

/// One pool for each kind. The pools outlive the worlds, so a world's slots serve the next one.
pub(crate) struct Pools {
    units: Pool<Unit>,
    buildings: Pool<Building>,
    props: Pool<Prop>,
    shots: Pool<Shot>,
}

impl Pools {
    pub(crate) fn new() -> Self {
        Self { units: Pool::new(), buildings: Pool::new(), props: Pool::new(), shots: Pool::new() }
    }

    /// The number of entities that live in each pool.
    #[cfg(test)]
    pub(crate) fn len(&self) -> [usize; 4] {
        [self.units.len(), self.buildings.len(), self.props.len(), self.shots.len()]
    }

    /// Panics unless every slot has come back.
    pub(crate) fn assert_empty(&self) {
        assert!(self.units.is_empty(), "a unit outlives its world");
        assert!(self.buildings.is_empty(), "a building outlives its world");
        assert!(self.props.is_empty(), "a prop outlives its world");
        assert!(self.shots.is_empty(), "a shot outlives its world");
    }

    pub(crate) fn spawn(&self, birth: &Birth) -> Entity<'_> {
        let body = Body {
            name: Rc::clone(&birth.label.name),
            owner: birth.owner,
            at: birth.at,
            ready: birth.ready,
            kills: 0,
            children: 0,
            target: None,
        };
        self.place(birth.label.kind, body)
    }

    /// Gives the entity another type. One that changes its kind moves into the other pool.
    pub(crate) fn retype<'p>(&'p self, mut entity: Entity<'p>, label: &Label) -> Entity<'p> {
        entity.body_mut().name = Rc::clone(&label.name);
        if entity.kind() == label.kind {
            return entity;
        }
        self.place(label.kind, entity.into_body())
    }

    fn place(&self, kind: Kind, body: Body) -> Entity<'_> {
        match kind {
            Kind::Unit => Entity::Unit(self.units.alloc(Unit { body, reach: 0.0 })),
            Kind::Building => Entity::Building(self.buildings.alloc(Building { body })),
            Kind::Prop => Entity::Prop(self.props.alloc(Prop { body })),
            Kind::Shot => Entity::Shot(self.shots.alloc(Shot { body })),
        }
    }
}

/// Owns an entity of any kind. Its slot goes back to its pool on drop.
pub(crate) enum Entity<'p> {
    Unit(PoolBox<'p, Unit>),
    Building(PoolBox<'p, Building>),
    Prop(PoolBox<'p, Prop>),
    Shot(PoolBox<'p, Shot>),
}

impl Entity<'_> {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Unit(_) => Kind::Unit,
            Self::Building(_) => Kind::Building,
            Self::Prop(_) => Kind::Prop,
            Self::Shot(_) => Kind::Shot,
        }
    }

    pub(crate) fn body(&self) -> &Body {
        match self {
            Self::Unit(unit) => &unit.body,
            Self::Building(building) => &building.body,
            Self::Prop(prop) => &prop.body,
            Self::Shot(shot) => &shot.body,
        }
    }

    pub(crate) fn body_mut(&mut self) -> &mut Body {
        match self {
            Self::Unit(unit) => &mut unit.body,
            Self::Building(building) => &mut building.body,
            Self::Prop(prop) => &mut prop.body,
            Self::Shot(shot) => &mut shot.body,
        }
    }

    /// Credits the entity with a victim that died at the given place.
    pub(crate) fn credit(&mut self, victim_at: Place) {
        self.body_mut().kills += 1;
        if let Self::Unit(unit) = self {
            let squares = unit.body.at.iter().zip(victim_at).map(|(a, b)| (a - b) * (a - b));
            unit.reach = unit.reach.max(squares.sum::<f32>().sqrt());
        }
    }

    /// Takes the body out; the slot goes back to its pool.
    fn into_body(self) -> Body {
        match self {
            Self::Unit(unit) => PoolBox::into_inner(unit).body,
            Self::Building(building) => PoolBox::into_inner(building).body,
            Self::Prop(prop) => PoolBox::into_inner(prop).body,
            Self::Shot(shot) => PoolBox::into_inner(shot).body,
        }
    }
}
