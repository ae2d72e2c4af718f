//! `sharded-slab`: a container with keys that threads share.

use std::hint::black_box;

use sharded_slab::{Entry, Slab};

use crate::heap::{Frees, Heap, Shared, Value};

/// A slab, which has no way to be made with room.
pub(crate) type ShardedSlab<const WORDS: usize> = Slab<Value<WORDS>>;

/// The value of a key that is in use.
#[inline]
fn entry<const WORDS: usize>(slab: &ShardedSlab<WORDS>, key: usize) -> Entry<'_, Value<WORDS>> {
    slab.get(key).expect("the key is in use until it is freed")
}

impl<const WORDS: usize> Heap<WORDS> for ShardedSlab<WORDS> {
    type Handle<'h> = usize;

    fn with_room(_count: usize) -> Self {
        Self::new()
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        self.insert(Value::new(seed)).expect("it has room for more than any workload needs")
    }

    #[inline]
    unsafe fn read(&self, handle: &Self::Handle<'_>) -> u64 {
        entry(self, *handle).0[0]
    }

    /// Values in the slab cannot be changed, so another one takes the place of this.
    #[inline]
    unsafe fn write(&self, handle: &mut Self::Handle<'_>, word: u64) {
        let mut value = self.take(*handle).expect("the key is in use until it is freed");
        value.0[0] = word;
        *handle = self.insert(value).expect("there is room for one that was just taken");
    }

    #[inline]
    unsafe fn show(&self, handle: &Self::Handle<'_>) {
        black_box::<&Value<WORDS>>(&entry(self, *handle));
    }

    #[inline]
    unsafe fn free(&self, handle: Self::Handle<'_>) {
        self.remove(handle);
    }

    #[inline]
    fn emptied(self, _count: usize) -> Self {
        self
    }
}

impl<const WORDS: usize> Frees<WORDS> for ShardedSlab<WORDS> {}

impl<const WORDS: usize> Shared<WORDS> for ShardedSlab<WORDS> {
    #[inline]
    unsafe fn is_whole(&self, handle: &Self::Handle<'_>) -> bool {
        entry(self, *handle).is_whole()
    }
}
