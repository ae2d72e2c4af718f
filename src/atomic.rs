//! What threads meet on, in one place: the models of `sync` bring their own.
#![forbid(unsafe_code)]

#[cfg(feature = "std")]
use core::ptr;

#[cfg(not(all(test, loom)))]
pub(crate) use core::sync::atomic::AtomicUsize;
#[cfg(all(feature = "std", not(all(test, loom))))]
pub(crate) use {
    core::sync::atomic::AtomicPtr,
    std::sync::{Mutex, MutexGuard},
};

#[cfg(all(test, loom))]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicPtr, AtomicUsize},
};

/// Pointers to nothing: a constant, which is copied at once where nothing is optimised, but for
/// loom, whose pointers are made one by one.
#[cfg(feature = "std")]
pub(crate) fn null_pointers<T, const N: usize>() -> [AtomicPtr<T>; N] {
    #[cfg(not(all(test, loom)))]
    return [const { AtomicPtr::new(ptr::null_mut()) }; N];
    #[cfg(all(test, loom))]
    return core::array::from_fn(|_| AtomicPtr::new(ptr::null_mut()));
}
