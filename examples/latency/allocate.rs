//! What the contenders have in common: they make records and drop them.

use std::ops::DerefMut;

use typed_pool::{Pool, PoolBox};

use crate::mimalloc::MiBox;
use crate::record::Record;

/// A place for records to live in.
pub(crate) trait Allocate: 'static {
    /// Owns one record and gives its memory back on drop.
    type Handle<'a>: DerefMut<Target = Record>;

    fn allocate(&self, record: Record) -> Self::Handle<'_>;
}

impl Allocate for Pool<Record> {
    type Handle<'a> = PoolBox<'a, Record>;

    #[inline]
    fn allocate(&self, record: Record) -> PoolBox<'_, Record> {
        self.alloc(record)
    }
}

/// The global allocator, which is the system's.
#[derive(Debug)]
pub(crate) struct System;

impl Allocate for System {
    type Handle<'a> = Box<Record>;

    #[inline]
    fn allocate(&self, record: Record) -> Box<Record> {
        Box::new(record)
    }
}

#[derive(Debug)]
pub(crate) struct Mimalloc;

impl Allocate for Mimalloc {
    type Handle<'a> = MiBox<Record>;

    #[inline]
    fn allocate(&self, record: Record) -> MiBox<Record> {
        MiBox::new(record)
    }
}
