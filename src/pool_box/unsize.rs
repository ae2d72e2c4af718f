//! Handles of a type that become handles of what it can be seen as: `dyn Trait` of a trait that it
//! has, a slice of an array.

use core::fmt;
use core::pin::Pin;
use core::ptr::NonNull;

use crate::memory::Memory;
use crate::pool_box::PoolBox;

/// How the address of a `T` becomes that of the same value as a `U`: what
/// [`coercion!`](crate::coercion) makes, and [`PoolBox::unsize`] takes.
///
/// # Examples
///
/// ```
/// use std::fmt::Display;
/// use typed_pool::{Coercion, Pool, PoolBox, coercion};
///
/// fn shown<'p>(pool: &'p Pool<u32>, by: Coercion<u32, dyn Display>) -> PoolBox<'p, dyn Display> {
///     PoolBox::unsize(pool.alloc(7), by)
/// }
///
/// assert_eq!(shown(&Pool::new(), coercion!(dyn Display)).to_string(), "7");
/// ```
// # Invariants
//
// 1. `coerce` is an unsizing coercion, or changes nothing: what it returns is the address that it
//    is given, with the same provenance, and, where a valid `T` lies there, leads to that as a
//    valid `U`.
pub struct Coercion<T: ?Sized, U: ?Sized> {
    coerce: fn(NonNull<T>) -> NonNull<U>,
}

impl<T: ?Sized, U: ?Sized> Coercion<T, U> {
    /// The coercion that `coerce` is. [`coercion!`](crate::coercion) makes one without unsafe code.
    ///
    /// # Safety
    ///
    /// 1. All that `coerce` does is to return what it is given, by an implicit coercion.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::fmt::Display;
    /// use typed_pool::Coercion;
    ///
    /// // SAFETY: 1. it does.
    /// let coercion: Coercion<u32, dyn Display> = unsafe { Coercion::new(|value| value) };
    /// # let _ = coercion;
    /// ```
    #[inline]
    #[must_use]
    pub const unsafe fn new(coerce: fn(NonNull<T>) -> NonNull<U>) -> Self {
        // INVARIANT: 1. clause 1: such coercions of a `NonNull` are those that unsize, and that to
        // a subtype's supertype.
        Self { coerce }
    }
}

impl<T: ?Sized, U: ?Sized> Clone for Coercion<T, U> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized, U: ?Sized> Copy for Coercion<T, U> {}

impl<T: ?Sized, U: ?Sized> fmt::Debug for Coercion<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coercion").finish_non_exhaustive()
    }
}

/// The [`Coercion`] to a type that a value can be seen as: `dyn Trait` of a trait that it has, or a
/// slice of an array.
///
/// It takes the type alone, so there is nothing in it to get wrong, and can be used where unsafe
/// code is forbidden.
///
/// # Examples
///
/// ```
/// #![forbid(unsafe_code)]
/// use std::fmt::Debug;
/// use typed_pool::{Pool, PoolBox, coercion};
///
/// let (numbers, words) = (Pool::new(), Pool::new());
/// let mixed: [PoolBox<dyn Debug>; 2] = [
///     PoolBox::unsize(numbers.alloc(7), coercion!(dyn Debug)),
///     PoolBox::unsize(words.alloc("seven"), coercion!(dyn Debug)),
/// ];
/// assert_eq!(format!("{mixed:?}"), r#"[7, "seven"]"#);
///
/// let arrays = Pool::new();
/// let slice: PoolBox<[u8]> = PoolBox::unsize(arrays.alloc([1, 2, 3]), coercion!([u8]));
/// assert_eq!(slice.len(), 3);
/// ```
#[macro_export]
macro_rules! coercion {
    ($target:ty) => {
        // SAFETY: 1. it does.
        unsafe {
            $crate::Coercion::new(
                |value: $crate::__private::NonNull<_>| -> $crate::__private::NonNull<$target> {
                    value
                },
            )
        }
    };
}

pub(super) use coercion;

impl<'p, T: ?Sized, M: Memory> PoolBox<'p, T, M> {
    /// Makes the handle one of the same value as another type: `dyn Trait` of a trait that it has,
    /// or a slice, where it is an array. [`coercion!`](crate::coercion) says which.
    ///
    /// The slot goes back when the handle is dropped, as before: what is dropped is the whole
    /// value.
    ///
    /// | trait object | what becomes of it |
    /// |---|---|
    /// | `dyn Any`, also with `Send`, or with `Send + Sync` | [`PoolBox::downcast`] |
    /// | `dyn Fn(A) -> R`, `dyn FnMut(A) -> R` | `handle(argument)` |
    /// | `dyn CallOnce<(A,), Output = R>`, for `FnOnce` | [`PoolBox::call_once`] |
    /// | `dyn Future<Output = R>`, pinned | [`PoolBox::unsize_pin`], then `.await` |
    /// | `dyn Error`, by `into` or `?` too | `?`, as [`OwnedPoolBox`](crate::OwnedPoolBox) |
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox, coercion};
    ///
    /// trait Shape {
    ///     fn area(&self) -> f64;
    /// }
    ///
    /// struct Square(f64);
    ///
    /// impl Shape for Square {
    ///     fn area(&self) -> f64 {
    ///         self.0 * self.0
    ///     }
    /// }
    ///
    /// let squares = Pool::new();
    /// let shape: PoolBox<dyn Shape> =
    ///     PoolBox::unsize(squares.alloc(Square(2.0)), coercion!(dyn Shape));
    /// assert_eq!((shape.area(), squares.len()), (4.0, 1));
    /// drop(shape);
    /// assert!(squares.is_empty());
    /// ```
    #[inline]
    pub fn unsize<U: ?Sized>(this: Self, coercion: Coercion<T, U>) -> PoolBox<'p, U, M> {
        let value = (coercion.coerce)(Self::into_raw(this));
        // SAFETY: 1. the address just came from `into_raw`, and is the same (`Coercion` invariant
        // 1). 2. It goes nowhere else. 3. The lifetime and the thread are the same. 4. The slot
        // holds a valid `T`, hence a valid `U` (`Coercion` invariant 1); where that is sized, it is
        // the same type.
        unsafe { PoolBox::from_raw(value) }
    }

    /// As [`PoolBox::unsize`], for a value that is pinned, and stays so.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::pin::Pin;
    /// use typed_pool::{Pool, PoolBox, coercion};
    ///
    /// let pool = Pool::new();
    /// let task = pool.alloc_pin(async { 7 });
    /// let task: Pin<PoolBox<dyn Future<Output = i32>>> =
    ///     PoolBox::unsize_pin(task, coercion!(dyn Future<Output = i32>));
    /// # let mut task = task;
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # assert_eq!(task.as_mut().poll(&mut context), std::task::Poll::Ready(7));
    /// ```
    #[inline]
    pub fn unsize_pin<U: ?Sized>(
        this: Pin<Self>,
        coercion: Coercion<T, U>,
    ) -> Pin<PoolBox<'p, U, M>> {
        // SAFETY: the value is pinned again by the next line, and stays where it is until then.
        let handle = unsafe { Pin::into_inner_unchecked(this) };
        PoolBox::into_pin(PoolBox::unsize(handle, coercion))
    }
}
