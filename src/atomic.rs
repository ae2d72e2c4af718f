//! What threads meet on, in one place: the models of `sync` bring their own.
#![forbid(unsafe_code)]

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
