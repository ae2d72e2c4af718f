//! Moving a value to another slot, under its handle.

use core::ptr::{self, NonNull};

use super::PoolBox;
use crate::compaction::Movable;
use crate::guard;
use crate::memory::Memory;

impl<T: ?Sized, M: Memory> PoolBox<'_, T, M> {
    /// Moves the value to a denser place, where there is one; returns whether it was moved.
    ///
    /// Pools pack values into the chunks in front, those that they have had longest: a denser place
    /// is a vacant slot in a chunk in front of that of the value. When all values of a chunk have
    /// gone to such places, [`Pool::trim`](crate::Pool::trim) gives the chunk back;
    /// [`Pool::compact`](crate::Pool::compact) does this for many handles at once, and moves fewer
    /// values.
    ///
    /// The value has another address afterwards: what was noted of the old one, by
    /// [`PoolBox::as_ptr`] or as a raw pointer in the value itself, is no longer valid. That no
    /// reference to the value is left, the exclusive borrow of the handle proves; of a pinned value
    /// there is no such borrow.
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// let pool = Pool::new();
    /// let mut values: Vec<_> = (0..10_000).map(|number| pool.alloc(number)).collect();
    /// let mut last = values.pop().unwrap();
    /// assert!(!PoolBox::relocate(&mut last), "every slot in front is occupied");
    /// values.truncate(5);
    /// assert!(PoolBox::relocate(&mut last));
    /// assert_eq!(*last, 9999);
    /// assert!(pool.trim() > 0);
    /// ```
    pub fn relocate(this: &mut Self) -> bool {
        let slot = this.slot();
        let move_to = |target| {
            // SAFETY: 1. clause 2 of `Slots`. 2. It is given to this closure.
            unsafe { this.move_to(target) };
        };
        // SAFETY: 1. invariant 1. 2. When the value has moved, nothing refers to its slot. 3.
        // Moving copies bytes.
        let moved = unsafe { M::relocate(slot, move_to) };
        if !moved {
            // Otherwise it was looked at on the way.
            // SAFETY: 1. invariant 1: an occupied slot's chunk has been entered.
            unsafe { guard::check_occupied(slot, Self::size(this)) };
        }
        moved
    }
}

// SAFETY: 1. invariants 1 and 2 of the handle. 2. They copy bytes.
unsafe impl<T: ?Sized, M: Memory> Movable for PoolBox<'_, T, M> {
    fn slot(&self) -> NonNull<u8> {
        self.value.cast()
    }

    unsafe fn move_to(&mut self, slot: NonNull<u8>) {
        let (from, size, bytes) = (Movable::slot(self), Self::size(self), size_of_val(&**self));
        // SAFETY: 1. invariant 1: an occupied slot's chunk has been entered.
        unsafe { guard::check_occupied(from, size) };
        // SAFETY: 1. clause 1. 2. clause 2: it was vacant until now.
        unsafe { guard::hand_out(slot, size) };
        // SAFETY: valid: a `T` of so many bytes lies in the handle's slot (invariant 2), and the
        // other has room for as many, aligned alike (clause 1). Two slots do not overlap.
        unsafe { ptr::copy_nonoverlapping(from.as_ptr(), slot.as_ptr(), bytes) };
        // SAFETY: 1. as above. 2. The value has left it.
        unsafe { guard::take_back(from, size) };
        // INVARIANT: 1. clause 1. 2. the value was copied, and nothing refers to what is left of
        // it, since the handle is borrowed exclusively. 3. clause 1.
        self.value = with_address(self.value, slot);
    }
}

// SAFETY: 1. and 2. as the handle does.
unsafe impl<H: Movable> Movable for &mut H {
    fn slot(&self) -> NonNull<u8> {
        (**self).slot()
    }

    unsafe fn move_to(&mut self, slot: NonNull<u8>) {
        // SAFETY: 1. clause 1. 2. clause 2.
        unsafe { (**self).move_to(slot) };
    }
}

/// A pointer to `address`, with the length or the table of methods of `pointer`, if it has one.
///
/// # Panics
///
/// Panics where pointers do not begin with the address: with no compiler that there is.
fn with_address<T: ?Sized>(pointer: NonNull<T>, address: NonNull<u8>) -> NonNull<T> {
    let mut moved = pointer;
    let first = NonNull::from(&mut moved).cast::<NonNull<u8>>();
    // SAFETY: any pointer is as large as one without more at least, and aligned alike; its first
    // part is the address, or a number or an address of something else, none of which is read as
    // more than it is.
    let begins_with = unsafe { first.read() };
    assert_eq!(begins_with, pointer.cast(), "a pointer begins with the address");
    // SAFETY: by the line above that part is the address of what `moved` points to.
    unsafe { first.write(address) };
    moved
}
