//! What values are put into: one trait for pools, allocators, arenas and keyed containers.

/// A value of `WORDS` words that has nothing to do when it is dropped, so that a row measures the
/// memory behind handles and not a destructor.
#[expect(
    unreachable_pub,
    reason = "the pools of `heapless` are public, and so has to be what is in them"
)]
#[derive(Debug)]
pub struct Value<const WORDS: usize>(pub(crate) [u64; WORDS]);

impl<const WORDS: usize> Value<WORDS> {
    /// A value whose every word is `seed`: all of its bytes are written, from one register.
    #[inline]
    pub(crate) fn new(seed: u64) -> Self {
        Self([seed; WORDS])
    }

    /// Whether all words are the same, as they were when the value was new.
    #[inline]
    pub(crate) fn is_whole(&self) -> bool {
        self.0.iter().all(|word| *word == self.0[0])
    }
}

/// Something that values are put into, one at a time.
///
/// Each implementation takes the fastest documented way of its crate, and every method is inlined,
/// so that the rows compare heaps and not this trait.
pub(crate) trait Heap<const WORDS: usize>: Sized + 'static {
    /// What `put` gives to reach the value with. It may be dropped without `free`, which leaks the
    /// value at most.
    type Handle<'h>;

    /// Makes a heap that holds `count` values without asking for more memory, where that can be
    /// said.
    fn with_room(count: usize) -> Self;

    /// Puts `Value::new(seed)` in, built in place where the heap has a way to.
    fn put(&self, seed: u64) -> Self::Handle<'_>;

    /// The first word of a value.
    ///
    /// # Safety
    ///
    /// 1. `put` of this very heap made `handle`.
    unsafe fn read(&self, handle: &Self::Handle<'_>) -> u64;

    /// Overwrites the first word of a value.
    ///
    /// # Safety
    ///
    /// 1. `put` of this very heap made `handle`.
    unsafe fn write(&self, handle: &mut Self::Handle<'_>, word: u64);

    /// Shows a value to `black_box`, so that all of it has to be written.
    ///
    /// # Safety
    ///
    /// 1. `put` of this very heap made `handle`.
    unsafe fn show(&self, handle: &Self::Handle<'_>);

    /// Ends a value. Only heaps that are [`Frees`] use its room again.
    ///
    /// # Safety
    ///
    /// 1. `put` of this very heap made `handle`.
    unsafe fn free(&self, handle: Self::Handle<'_>);

    /// A heap with room for `count` values, given one whose values have all ended: itself where
    /// their room is used again, otherwise its successor.
    fn emptied(self, count: usize) -> Self;
}

/// A heap that makes room again when a value is freed. Workloads that free ask for this, which
/// keeps arenas out of them.
pub(crate) trait Frees<const WORDS: usize>: Heap<WORDS> {}

/// A heap that threads share: any of them puts values in, and any frees them.
pub(crate) trait Shared<const WORDS: usize>:
    Frees<WORDS> + Sync + for<'h> Heap<WORDS, Handle<'h>: Send>
{
    /// Whether putting a value in takes time in proportion to how many there are.
    const SEARCHES: bool = false;

    /// Whether all words of a value are the same, as `put` wrote them.
    ///
    /// # Safety
    ///
    /// 1. `put` of this very heap made `handle`.
    unsafe fn is_whole(&self, handle: &Self::Handle<'_>) -> bool;
}

/// The methods of a [`Heap`] that use a value, where handles are references to it.
macro_rules! reached_by_deref {
    () => {
        #[inline]
        unsafe fn read(&self, handle: &Self::Handle<'_>) -> u64 {
            handle.0[0]
        }

        #[inline]
        unsafe fn write(&self, handle: &mut Self::Handle<'_>, word: u64) {
            handle.0[0] = word;
        }

        #[inline]
        unsafe fn show(&self, handle: &Self::Handle<'_>) {
            std::hint::black_box::<&Value<WORDS>>(handle);
        }
    };
}
pub(crate) use reached_by_deref;

/// The methods of a [`Heap`] that end values, where dropping a handle does.
macro_rules! freed_by_drop {
    () => {
        #[inline]
        unsafe fn free(&self, handle: Self::Handle<'_>) {
            drop(handle);
        }

        #[inline]
        fn emptied(self, _count: usize) -> Self {
            self
        }
    };
}
pub(crate) use freed_by_drop;

/// The method of a [`Shared`] heap that looks at a value, where handles are references to it.
macro_rules! looked_at_by_deref {
    () => {
        #[inline]
        unsafe fn is_whole(&self, handle: &Self::Handle<'_>) -> bool {
            handle.is_whole()
        }
    };
}
pub(crate) use looked_at_by_deref;
