//! The handle: one pointer that owns a value and the slot it lies in. The only code that touches
//! a `T`.

use core::borrow::{Borrow, BorrowMut};
use core::fmt;
use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop, MaybeUninit};
use core::ops::{Deref, DerefMut};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::pin::Pin;
use core::ptr::{self, NonNull};

use crate::guard::{self, Size};
use crate::memory::{Memory, Slot};
use crate::memory_pool::MemoryPool;

mod clone;
mod convert;
mod dynamic;
mod forward;
#[cfg(feature = "std")]
mod io;
mod relocate;
mod slice;
mod unsize;

pub use dynamic::CallOnce;
pub use unsize::Coercion;

/// A value in a slot of a pool: owned like a [`Box`](alloc::boxed::Box), one pointer wide.
///
/// Dropping it runs the destructor of the value and makes the slot vacant, whether or not the
/// destructor panics. It borrows the pool, and so cannot outlive it.
///
/// `M` is the memory that the slot belongs to; [`Pool`](crate::Pool) hands out handles of the
/// default, `SyncPool` those of `SyncMemoryPool`. What acts on a handle rather than on its value is
/// an associated function, as with `Box`, and never hides a method of `T`.
///
/// Values do not move by themselves: the address stays the same until the handle is taken apart,
/// also when the handle itself is moved, unless its owner asks for another, by
/// [`PoolBox::relocate`] or
/// [`Pool::compact`](crate::Pool::compact). A handle is as wide as a pointer, and so is an `Option`
/// of one. It stays on the thread of its pool, unless that is a `SyncPool`: then it may be sent
/// where `T: Send`, shared where `T: Sync`, and dropped by any thread.
///
/// # Which handle
///
/// | what is held | handle | words | made by |
/// |---|---|---|---|
/// | a value, beside a borrowed pool | `PoolBox<'p, T>` | 1 | `Pool::alloc` |
/// | a value that threads pass on | `PoolBox<'p, T, SyncMemoryPool>` | 1 | `SyncPool::alloc` |
/// | a value and its pool | `OwnedPoolBox<T>` | 1 | `Pool::alloc_owned` |
/// | both, passed on by threads | `SyncOwnedPoolBox<T>` | 1 | `SyncPool::alloc_owned` |
/// | values of several types | `PoolBox<'p, dyn Trait>` | 2 | [`PoolBox::unsize`] |
/// | several values in a row | `PoolBox<'p, [T]>` | 2 | `SizeClassPool::alloc_slice_copy` |
/// | text | `PoolBox<'p, str>` | 2 | `SizeClassPool::alloc_str` |
/// | a future, a value that stays | `Pin<PoolBox<'p, T>>` | 1 | `Pool::alloc_pin` |
/// | room for a value | `PoolBox<'p, MaybeUninit<T>>` | 1 | `Pool::alloc_uninit` |
/// | a value until the pool ends | `&'p mut T` | 1 | [`PoolBox::leak`] |
/// | a value in foreign hands | `NonNull<T>` | 1 | [`PoolBox::into_raw`] |
/// | the way to the pool | `PoolRef<'p, T>` | 1 | [`PoolBox::pool`] |
///
/// The first is the simplest and the cheapest; take another where it does not serve.
///
/// # Examples
///
/// ```
/// use typed_pool::{Pool, PoolBox};
///
/// let pool = Pool::new();
/// let mut name = pool.alloc(String::from("pool"));
/// name.push_str("ed");
/// assert_eq!(*name, "pooled");
/// assert_eq!(size_of_val(&name), size_of::<usize>());
///
/// let name: String = PoolBox::into_inner(name);
/// assert!(pool.is_empty());
/// # assert_eq!(name, "pooled");
/// ```
///
/// Nodes of one pool can own each other:
///
/// ```
/// use typed_pool::{Pool, PoolBox};
///
/// struct Node<'p> {
///     value: u32,
///     next: Option<PoolBox<'p, Node<'p>>>,
/// }
///
/// let pool = Pool::new();
/// let tail = pool.alloc(Node { value: 2, next: None });
/// let head = pool.alloc(Node { value: 1, next: Some(tail) });
/// assert_eq!(head.value + head.next.as_ref().unwrap().value, 3);
/// drop(head);
/// assert!(pool.is_empty());
/// ```
///
/// # Beside `Box`
///
/// It has the traits of `Box`, and forwards the methods that `Box` forwards, but for these:
///
/// - `Default`, `From<T>` (also of slices, text and `Vec`) and `FromIterator`: there is no pool to
///   take a slot of. `From` another handle is there.
/// - `Fn`, `FnMut` and `FnOnce`: stable Rust lets nobody implement them. A handle of a closure is
///   called as `handle(argument)` all the same, and by [`PoolBox::call_once`].
/// - `IntoIterator` by value and by exclusive reference for slices: the compiler cannot exclude
///   that slices are iterators some day. `iter_mut` of the slice is there.
/// - Coercion to `dyn Trait`: stable Rust lets nobody implement it. [`PoolBox::unsize`] is there.
/// - `Send` and `Sync`, where the pool is one for a single thread.
/// - `Iterator::last`, and methods of traits that are not stable, are those of any iterator, reader
///   or writer, not forwarded.
///
/// Beyond `Box` it has `Error` for `dyn Error`, and `fmt::Write`.
// # Invariants
//
// 1. `value` is the start of an occupied slot of a core behind an `M`, with the provenance of the
//    slot's chunk. That outlives `'p`, or, where `M` is `Owned`, the count that the handle holds.
// 2. The slot holds a valid `T`. Slot and value belong to this handle.
// 3. The slot is of the size and the alignment of a `T` at least, where `T` is sized, and so is
//    every one that `M` gives beside it.
pub struct PoolBox<'p, T: ?Sized, M: Memory = MemoryPool> {
    value: NonNull<T>,
    memory: PhantomData<&'p M>,
    owned: PhantomData<T>,
}

// SAFETY: sending the handle sends the `T` it owns, hence `T: Send`; its slot, and the count of the
// pool that may come with it, are then given back through the core on the other thread, as if by
// `&M`, hence `M: Sync`. A pool that ends with the count has no value of its own.
unsafe impl<T: ?Sized + Send, M: Memory + Sync> Send for PoolBox<'_, T, M> {}

// SAFETY: sharing the handle shares the `T`, hence `T: Sync`; a shared handle reaches the core
// when it is cloned, hence `M: Sync`.
unsafe impl<T: ?Sized + Sync, M: Memory + Sync> Sync for PoolBox<'_, T, M> {}

// Moving the handle does not move the value.
impl<T: ?Sized, M: Memory> Unpin for PoolBox<'_, T, M> {}

// As for `Box`: what a panic can leave behind is the value's affair; the pool is never half-done.
impl<T: ?Sized + UnwindSafe, M: Memory> UnwindSafe for PoolBox<'_, T, M> {}
impl<T: ?Sized + RefUnwindSafe, M: Memory> RefUnwindSafe for PoolBox<'_, T, M> {}

impl<'p, T, M: Memory> PoolBox<'p, T, M> {
    /// The handle of the value in a slot.
    ///
    /// # Safety
    ///
    /// 1. The slot, and every one that `M` gives beside it, has the size and the alignment of a `T`
    ///    at least.
    /// 2. The slot holds a valid `T`.
    #[inline]
    pub(crate) unsafe fn from_slot(slot: Slot<'p, M>) -> Self {
        // INVARIANT: 1. `Slot` invariant 1. 2. clause 2; `slot` gives the slot up. 3. clause 1.
        Self { value: slot.into_start().cast(), memory: PhantomData, owned: PhantomData }
    }

    /// Moves `value` into a slot.
    ///
    /// # Safety
    ///
    /// 1. The slot, and every one that `M` gives beside it, has the size and the alignment of a `T`
    ///    at least.
    #[inline]
    pub(crate) unsafe fn fill(slot: Slot<'p, M>, value: T) -> Self {
        // SAFETY: the slot has room for a `T` (clause 1) and belongs to `slot`, so nothing else
        // refers to it.
        unsafe { slot.start().cast::<T>().write(value) };
        // SAFETY: 1. clause 1. 2. by the line above.
        unsafe { Self::from_slot(slot) }
    }

    /// Builds a value in a slot; gives the slot back where `build` panics.
    ///
    /// # Safety
    ///
    /// 1. The slot, and every one that `M` gives beside it, has the size and the alignment of a `T`
    ///    at least.
    #[inline]
    pub(crate) unsafe fn fill_with(slot: Slot<'p, M>, build: impl FnOnce() -> T) -> Self {
        // Not by way of `fill`: one move fewer of what may be a large value.
        // SAFETY: the slot has room for a `T` (clause 1) and belongs to `slot`, so nothing else
        // refers to it, whatever `build` does.
        unsafe { slot.start().cast::<T>().write(build()) };
        // SAFETY: 1. clause 1. 2. by the line above.
        unsafe { Self::from_slot(slot) }
    }

    /// Moves the value out and makes the slot vacant.
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// let pool = Pool::new();
    /// let handle = pool.alloc(vec![1, 2, 3]);
    /// let value: Vec<i32> = PoolBox::into_inner(handle);
    /// assert_eq!((value.len(), pool.len()), (3, 0));
    /// ```
    #[inline]
    pub fn into_inner(this: Self) -> T {
        let this = ManuallyDrop::new(this);
        // SAFETY: 1. invariant 1. 2. invariant 2; `this` is not dropped.
        let _slot = unsafe { Slot::<M>::of_handle(Self::slot(&this), Self::size(&this)) };
        // SAFETY: the slot holds a `T` (invariant 2), which is not read again.
        unsafe { this.value.read() }
    }
}

impl<'p, T: ?Sized, M: Memory> PoolBox<'p, T, M> {
    /// The slot's address, with the provenance of its chunk; the slot stays with the handle.
    #[inline]
    pub(crate) fn slot(this: &Self) -> NonNull<u8> {
        this.value.cast()
    }

    /// What is known of the size of the slot.
    #[inline]
    pub(crate) fn size(this: &Self) -> Size {
        // SAFETY: 1. invariant 2, and the handle is borrowed.
        unsafe { Size::likely_of(this.value) }
    }

    /// Gives the value up for as long as the pool lives: its destructor never runs, and its slot
    /// stays occupied. Its memory goes back with the pool's. A handle that keeps its pool
    /// ([`OwnedPoolBox`](crate::OwnedPoolBox)) then keeps it for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// let pool = Pool::new();
    /// let number: &mut u32 = PoolBox::leak(pool.alloc(7));
    /// *number += 1;
    /// assert_eq!((*number, pool.len()), (8, 1));
    /// ```
    #[inline]
    pub fn leak(this: Self) -> &'p mut T {
        let mut value = Self::into_raw(this);
        // SAFETY: 1. invariant 1: an occupied slot's chunk has been entered. 2. invariant 2.
        unsafe { guard::keep(value.cast()) };
        // SAFETY: 1. invariant 1. 2. invariant 2; the handle is gone.
        unsafe { M::give_up(value.cast()) };
        // SAFETY: valid: the slot holds a `T` (invariant 2) and is never given back while its pool
        // lives, for `'p` at least, or for ever, where its count is never given back. Unaliased:
        // only the handle reached it.
        unsafe { value.as_mut() }
    }

    /// Takes the handle apart into the address of its value. The slot stays occupied until
    /// [`PoolBox::from_raw`] puts a handle together again. Until then the value may be read and
    /// written through the pointer, and the pool may be moved, but not dropped: it would keep the
    /// chunk of the value for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// let pool = Pool::new();
    /// let raw = PoolBox::into_raw(pool.alloc(7));
    /// // SAFETY: the address came from `into_raw`, the pool lives, and there is no other handle.
    /// let handle = unsafe { PoolBox::<u32>::from_raw(raw) };
    /// assert_eq!(*handle, 7);
    /// ```
    #[inline]
    #[must_use = "the slot stays occupied until `from_raw` gets this address"]
    pub fn into_raw(this: Self) -> NonNull<T> {
        let value = this.value;
        // SAFETY: 1. invariant 1: an occupied slot's chunk has been entered. 2. invariant 2.
        unsafe { guard::take_apart(value.cast(), M::MARK) };
        mem::forget(this);
        value
    }

    /// Puts a handle together again. The caller chooses its lifetime.
    ///
    /// The pointer may have been made to point to another type in between, as an unsizing coercion
    /// to `NonNull<dyn Trait>` does.
    ///
    /// # Safety
    ///
    /// 1. `raw` came from [`PoolBox::into_raw`] of a handle with the same `M`, and not from a
    ///    reference or from [`PoolBox::leak`].
    /// 2. No handle has been put together from it since.
    /// 3. The pool lives for `'p` and as long as the handle does, which a handle that keeps its
    ///    pool sees to itself, whatever the lifetime. Where it is for one thread, handle and pool
    ///    stay on one thread; where it is for many, it is not borrowed exclusively while the handle
    ///    lives.
    /// 4. The slot holds a valid `T`. Where `T` is sized, it has at most the size and the alignment
    ///    of the type the pool was made for; in a pool of size classes, of the value that the
    ///    handle was made for. Where the value is moved to another slot, by [`PoolBox::relocate`]
    ///    or [`Pool::compact`](crate::Pool::compact), no more bytes go with it than `T` has.
    ///
    /// # Examples
    ///
    /// ```
    /// use core::fmt::Display;
    /// use core::ptr::NonNull;
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// let pool = Pool::new();
    /// let raw: NonNull<u32> = PoolBox::into_raw(pool.alloc(7));
    /// let raw: NonNull<dyn Display> = raw;
    /// // SAFETY: 1. and 2. the address just came from `into_raw`. 3. The pool lives longer, on
    /// // this thread. 4. The slot holds a `u32`, which is `Display`.
    /// let shown = unsafe { PoolBox::<dyn Display>::from_raw(raw) };
    /// assert_eq!(shown.to_string(), "7");
    /// ```
    #[inline]
    #[track_caller]
    pub unsafe fn from_raw(raw: NonNull<T>) -> Self {
        // SAFETY: 1. clauses 1 and 2.
        unsafe { guard::put_together(raw.cast(), M::MARK) };
        // INVARIANT: 1. clauses 1 and 3. 2. clauses 2 and 4. 3. clause 4.
        Self { value: raw, memory: PhantomData, owned: PhantomData }
    }

    /// Pins the value: it stays where it is until it is dropped.
    ///
    /// This holds also for a handle that is forgotten: a pool that is dropped keeps the memory of
    /// such values.
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// let pool = Pool::new();
    /// let pinned = PoolBox::into_pin(pool.alloc(7));
    /// assert_eq!(*pinned, 7);
    /// ```
    #[inline]
    pub fn into_pin(this: Self) -> Pin<Self> {
        // SAFETY: the value does not move, and its memory is not used for anything else until it
        // has been dropped: `Deref`, `DerefMut` and `Drop` of a handle leave it where it is, what
        // takes a handle apart takes it out of no `Pin`, and a pool that is dropped under a
        // forgotten handle keeps the memory (`Leftovers::Keep`).
        unsafe { Pin::new_unchecked(this) }
    }

    /// The address of the value, to read from. It is valid while the handle lives and is not used
    /// to change the value.
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// let pool = Pool::new();
    /// let handle = pool.alloc(7);
    /// assert!(core::ptr::eq(PoolBox::as_ptr(&handle), &*handle));
    /// ```
    #[inline]
    pub fn as_ptr(this: &Self) -> *const T {
        this.value.as_ptr()
    }

    /// The address of the value. It is valid while the handle lives and is not used itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// let pool = Pool::new();
    /// let mut handle = pool.alloc(7);
    /// let address = PoolBox::as_mut_ptr(&mut handle);
    /// // SAFETY: the handle lives, and nothing else refers to its value.
    /// unsafe { address.write(8) };
    /// assert_eq!(*handle, 8);
    /// ```
    #[inline]
    pub fn as_mut_ptr(this: &mut Self) -> *mut T {
        this.value.as_ptr()
    }
}

impl<'p, T, M: Memory> PoolBox<'p, MaybeUninit<T>, M> {
    /// Writes the value and makes the handle one of it. (`handle.write(value)` is the method of
    /// [`MaybeUninit`]: the handle stays one of an uninitialised value, which is never dropped.)
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// let pool = Pool::new();
    /// let slot = pool.alloc_uninit();
    /// let handle: PoolBox<u32> = PoolBox::write(slot, 7);
    /// assert_eq!(*handle, 7);
    /// ```
    #[inline]
    pub fn write(mut this: Self, value: T) -> PoolBox<'p, T, M> {
        (*this).write(value);
        // SAFETY: 1. by the line above.
        unsafe { Self::assume_init(this) }
    }

    /// Makes the handle one of the value that has been written into the slot.
    ///
    /// # Safety
    ///
    /// 1. The slot holds a valid `T`.
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// let pool = Pool::<[u8; 4096]>::new();
    /// let mut slot = pool.alloc_uninit();
    /// // SAFETY: the address is that of 4096 bytes, which belong to the handle.
    /// unsafe { slot.as_mut_ptr().write_bytes(7, 1) };
    /// // SAFETY: all bytes were written.
    /// let bytes = unsafe { PoolBox::assume_init(slot) };
    /// assert_eq!(bytes[4095], 7);
    /// ```
    #[inline]
    pub unsafe fn assume_init(this: Self) -> PoolBox<'p, T, M> {
        let raw = PoolBox::into_raw(this).cast::<T>();
        // SAFETY: 1. by the line above. 2. the address goes nowhere else. 3. the lifetime and the
        // thread are the same. 4. clause 1, and a `MaybeUninit<T>` is laid out as a `T`.
        unsafe { PoolBox::from_raw(raw) }
    }
}

impl<T: ?Sized, M: Memory> Drop for PoolBox<'_, T, M> {
    #[inline]
    fn drop(&mut self) {
        let (start, size) = (Self::slot(self), Self::size(self));
        // Control leaves for the destructor below; the slot is given back when `_slot` is dropped
        // at the end of this function, also where the destructor panics.
        // SAFETY: 1. invariant 1. 2. invariant 2; the handle ends here.
        let _slot = unsafe { Slot::<M>::of_handle(start, size) };
        // SAFETY: the slot holds a valid `T`, which is this handle's (invariant 2) and ends here.
        unsafe { ptr::drop_in_place(self.value.as_ptr()) };
        if mem::needs_drop::<T>() {
            // It may have written past the end.
            // SAFETY: 1. invariant 1: an occupied slot's chunk has been entered.
            unsafe { guard::check_occupied(start, size) };
        }
    }
}

impl<T: ?Sized, M: Memory> Deref for PoolBox<'_, T, M> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: valid: the slot holds a `T` (invariant 2). Unaliased: only this handle reaches
        // it (invariant 2), and `&self` borrows the handle for as long as the result lives.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized, M: Memory> DerefMut for PoolBox<'_, T, M> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: valid: the slot holds a `T` (invariant 2). Unaliased: only this handle reaches
        // it (invariant 2), and `&mut self` borrows the handle for as long as the result lives.
        unsafe { self.value.as_mut() }
    }
}

impl<T: ?Sized, M: Memory> AsRef<T> for PoolBox<'_, T, M> {
    #[inline]
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: ?Sized, M: Memory> AsMut<T> for PoolBox<'_, T, M> {
    #[inline]
    fn as_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: ?Sized, M: Memory> Borrow<T> for PoolBox<'_, T, M> {
    #[inline]
    fn borrow(&self) -> &T {
        self
    }
}

impl<T: ?Sized, M: Memory> BorrowMut<T> for PoolBox<'_, T, M> {
    #[inline]
    fn borrow_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: ?Sized, M: Memory> fmt::Pointer for PoolBox<'_, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Pointer::fmt(&self.value, f)
    }
}
