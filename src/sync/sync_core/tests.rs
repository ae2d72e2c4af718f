use std::panic::{AssertUnwindSafe, catch_unwind};
use std::vec::Vec;

use super::*;
use crate::bit_tree::{WORD_BITS, mask_of};
use crate::block_pool::BlockPool;

#[test]
fn a_bit_that_no_hint_leads_to_is_noticed() {
    let pool = BlockPool::<SyncCore>::new(8, 5 * WORD_BITS).unwrap();
    let core = pool.core();
    let is_noticed = || {
        core.check(false);
        catch_unwind(AssertUnwindSafe(|| core.check(true))).is_err()
    };
    let block = pool.allocate().unwrap();
    assert!(!is_noticed());
    let chunk = core.table.get(0).unwrap();
    let bits = SharedBits::of(&chunk);

    let last = chunk.slots() / WORD_BITS - 1;
    let mask = bits.claim_word(last, WORD_BITS, || {});
    assert!(bits.give_unhinted(last, mask));
    assert!(is_noticed(), "the hint to a word lacks");
    bits.hint(0, mask_of(last), || {});
    assert!(!is_noticed());

    core.table.unhint(0, || false);
    assert!(is_noticed(), "the hint to a chunk lacks");
    core.table.hint(0);

    let blocks: Vec<_> = (1..pool.capacity()).map(|_| pool.allocate().unwrap()).collect();
    assert!(!is_noticed());
    core.caches.with_own(|cache| core.spill_from(cache, usize::MAX));
    assert!(!is_noticed());
    for block in blocks.into_iter().chain([block]) {
        // SAFETY: it came from this pool, and is not used any more.
        unsafe { pool.deallocate(block) };
    }
    assert!(!is_noticed());
}
