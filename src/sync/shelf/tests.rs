use std::collections::BTreeSet;
use std::vec::Vec;

use super::*;

/// A number that is cut where an interpreter runs the tests.
const fn size(usual: usize, interpreted: usize) -> usize {
    if cfg!(miri) { interpreted } else { usual }
}

/// A pointer that is never used as one.
fn slot(number: usize) -> NonNull<u8> {
    NonNull::new(ptr::without_provenance_mut(number + 1)).unwrap()
}

#[test]
fn what_was_put_on_is_taken_once_the_last_first() {
    let mut rng = fastrand::Rng::with_seed(1);
    for room in [1, 2, 7, 512, MAGAZINE_SLOTS] {
        if cfg!(miri) && room > 7 {
            break;
        }
        let shelf = Shelf::new(room).unwrap();
        let mut model = [const { Vec::new() }; BATCHES];
        for number in 0..size(2000, 30) {
            match rng.bool() {
                true => {
                    let slots: Vec<_> =
                        (0..rng.usize(1..=room)).map(|at| slot(number * room + at)).collect();
                    let empty = model.iter().position(Vec::is_empty);
                    assert_eq!(shelf.put(|| slots.iter().copied()), empty.is_some());
                    if let Some(index) = empty {
                        model[index] = slots;
                    }
                }
                false => {
                    let most = rng.usize(..=room + 1);
                    let taken: Vec<_> = shelf.take(most).into_iter().flatten().collect();
                    let batch = model.iter_mut().rev().find(|batch| !batch.is_empty());
                    let left = batch.filter(|_| most != 0).into_iter().flat_map(|batch| {
                        batch.split_off(batch.len().saturating_sub(most)).into_iter().rev()
                    });
                    assert!(left.eq(taken));
                }
            }
            assert!(shelf.iter().eq(model.iter().flatten().copied()));
        }
    }
}

#[test]
fn a_batch_that_is_read_takes_no_slots() {
    let shelf = Shelf::new(1).unwrap();
    let put_on =
        |from: usize| (from..).take_while(|&number| shelf.put(|| [slot(number)].into_iter()));
    assert_eq!(put_on(0).count(), BATCHES);
    let mut held: Vec<_> = (0..BATCHES).map(|_| shelf.take(1).unwrap()).collect();
    assert!(shelf.take(1).is_none() && shelf.iter().next().is_none());
    assert_eq!(put_on(100).count(), 0);
    let read: BTreeSet<_> = held.drain(..2).flatten().collect();
    assert_eq!(read, [slot(BATCHES - 2), slot(BATCHES - 1)].into());
    assert_eq!(put_on(200).count(), 2);
    let rest: BTreeSet<_> = held.into_iter().flatten().collect();
    assert!((0..BATCHES - 2).map(slot).eq(rest));
}
