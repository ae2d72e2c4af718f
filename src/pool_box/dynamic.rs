//! What becomes of handles of `dyn Any`, and of closures that are called once.

use core::any::Any;
use core::mem::ManuallyDrop;
use core::ptr;

use crate::memory::{Memory, Slot};
use crate::pool_box::PoolBox;

/// `dyn Any`, with auto traits or without.
///
/// # Safety
///
/// 1. [`AnyValue::holds`] tells the truth.
pub unsafe trait AnyValue {
    /// Whether the value is a `T`.
    fn holds<T: Any>(&self) -> bool;
}

/// Lets types be those that handles can be cast down from.
macro_rules! any_values {
    ($($type:ty),*) => {
        $(
            // SAFETY: 1. `Any` does, whose `type_id` only the standard library implements.
            unsafe impl AnyValue for $type {
                #[inline]
                fn holds<T: Any>(&self) -> bool {
                    self.is::<T>()
                }
            }
        )*
    };
}

any_values!(dyn Any, dyn Any + Send, dyn Any + Send + Sync);

impl<'p, A: ?Sized + AnyValue, M: Memory> PoolBox<'p, A, M> {
    /// Makes a handle of `dyn Any` (or `dyn Any + Send`, or `dyn Any + Send + Sync`) one of the
    /// value's own type.
    ///
    /// # Errors
    ///
    /// The handle, where the value is not a `T`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::any::Any;
    /// use typed_pool::{Pool, PoolBox, coercion};
    ///
    /// let pool = Pool::new();
    /// let any: PoolBox<dyn Any> = PoolBox::unsize(pool.alloc(7_u32), coercion!(dyn Any));
    /// let any = PoolBox::downcast::<String>(any).unwrap_err();
    /// assert_eq!(*PoolBox::downcast::<u32>(any).unwrap(), 7);
    /// ```
    #[inline]
    pub fn downcast<T: Any>(this: Self) -> Result<PoolBox<'p, T, M>, Self> {
        if !this.holds::<T>() {
            return Err(this);
        }
        let value = Self::into_raw(this).cast::<T>();
        // SAFETY: 1. and 2. the address just came from `into_raw`, and goes nowhere else. 3. The
        // lifetime and the thread are the same. 4. The value is a `T` (clause 1 of `AnyValue`),
        // which the slot was taken for, or, where it was cloned, one like it.
        Ok(unsafe { PoolBox::from_raw(value) })
    }
}

/// A closure that can be called once: what [`PoolBox::call_once`] calls where it is behind a
/// handle of `dyn CallOnce`. (`Box<dyn FnOnce()>` is called by means that only `Box` has.)
///
/// Each closure that is `FnOnce` has it; `A` is a tuple of its arguments, up to four.
///
/// # Examples
///
/// ```
/// use typed_pool::{CallOnce, Pool, PoolBox, coercion};
///
/// let pool = Pool::new();
/// let name = String::from("name");
/// let rename: PoolBox<dyn CallOnce<(u32,), Output = String>> = PoolBox::unsize(
///     pool.alloc(move |number| format!("{name}-{number}")),
///     coercion!(dyn CallOnce<(u32,), Output = String>),
/// );
/// assert_eq!(PoolBox::call_once(rename, (7,)), "name-7");
/// assert!(pool.is_empty());
/// ```
pub trait CallOnce<A> {
    /// What the closure returns.
    type Output;

    /// Moves the closure out and calls it.
    ///
    /// # Safety
    ///
    /// 1. The closure is not used again, not even dropped.
    unsafe fn move_and_call(&mut self, arguments: A) -> Self::Output;
}

/// Has closures called once, those with as many arguments as there are names.
macro_rules! call_once {
    ($($name:ident $type:ident),*) => {
        impl<F, R, $($type),*> CallOnce<($($type,)*)> for F
        where
            F: FnOnce($($type),*) -> R,
        {
            type Output = R;

            #[inline]
            unsafe fn move_and_call(&mut self, ($($name,)*): ($($type,)*)) -> R {
                // SAFETY: it is valid, being borrowed, and not used again (clause 1).
                let closure = unsafe { ptr::read(self) };
                closure($($name),*)
            }
        }
    };
}

call_once!();
call_once!(first A);
call_once!(first A, second B);
call_once!(first A, second B, third C);
call_once!(first A, second B, third C, fourth D);

impl<F: ?Sized, M: Memory> PoolBox<'_, F, M> {
    /// Calls a closure with a tuple of its arguments, and ends it. Its slot goes back when it has
    /// returned, or panicked.
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// let pool = Pool::new();
    /// let moved = String::from("moved");
    /// let take = pool.alloc(move || moved);
    /// assert_eq!(PoolBox::call_once(take, ()), "moved");
    /// ```
    #[inline]
    pub fn call_once<A>(this: Self, arguments: A) -> F::Output
    where
        F: CallOnce<A>,
    {
        let mut this = ManuallyDrop::new(this);
        // Control leaves for the closure below; the slot is given back at the end of this function,
        // also where it panics.
        // SAFETY: 1. invariant 1. 2. invariant 2; `this` is not dropped.
        let _slot = unsafe { Slot::<M>::of_handle(Self::slot(&this), Self::size(&this)) };
        // SAFETY: 1. `this` is not used again.
        unsafe { this.move_and_call(arguments) }
    }
}
