//! What a history does.

use proptest::prelude::*;

/// The forms of allocation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Alloc,
    TryAlloc,
    With,
    TryWith,
    Default,
    Uninit,
    TryUninit,
}

/// What can be done to a pool and to the handles held of it. Numbers pick handles modulo how many
/// indices there are.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Allocate(Form),
    UninitDropped,
    ConstructorPanics,
    DestructorPanics,
    Clone(usize),
    ClonePanics(usize),
    CloneFrom(usize, usize),
    CloneFromPanics(usize, usize),
    Drop(usize),
    IntoInner(usize),
    Pin(usize),
    Replace(usize),
    RawRoundTrip(usize),
    Leak(usize),
    Forget(usize),
    Fill(usize),
    DropEvery(usize),
    DropFrom(usize),
    Reserve(usize),
    TryReserve(usize),
    Trim,
    ShrinkTo(usize),
    Relocate(usize),
    RelocateAll,
    Compact(usize),
}

fn form() -> impl Strategy<Value = Form> {
    use Form::*;
    prop_oneof![
        4 => Just(Alloc),
        2 => Just(TryAlloc),
        2 => Just(With),
        1 => Just(TryWith),
        1 => Just(Default),
        1 => Just(Uninit),
        1 => Just(TryUninit),
    ]
}

pub(super) fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let pick = any::<usize>();
    let pair = || (any::<usize>(), any::<usize>());
    prop_oneof![
        12 => form().prop_map(Allocate),
        1 => Just(UninitDropped),
        1 => Just(ConstructorPanics),
        1 => Just(DestructorPanics),
        2 => pick.prop_map(Clone),
        1 => pick.prop_map(ClonePanics),
        1 => pair().prop_map(|(to, from)| CloneFrom(to, from)),
        1 => pair().prop_map(|(to, from)| CloneFromPanics(to, from)),
        6 => pick.prop_map(Drop),
        2 => pick.prop_map(IntoInner),
        1 => pick.prop_map(Pin),
        1 => pick.prop_map(Replace),
        1 => pick.prop_map(RawRoundTrip),
        1 => pick.prop_map(Leak),
        1 => pick.prop_map(Forget),
        3 => (1..3000_usize).prop_map(Fill),
        2 => (2..5_usize).prop_map(DropEvery),
        2 => pick.prop_map(DropFrom),
        1 => (0..3000_usize).prop_map(Reserve),
        1 => (0..3000_usize).prop_map(TryReserve),
        2 => Just(Trim),
        1 => (0..6000_usize).prop_map(ShrinkTo),
        2 => pick.prop_map(Relocate),
        1 => Just(RelocateAll),
        2 => (1..4_usize).prop_map(Compact),
    ]
}
