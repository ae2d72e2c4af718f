//! The pool that the classic exercise asks for, to compare with: a block of slots, the vacant ones
//! linked through their own memory, what was freed last in front.

use crate::Value;

/// Slots by their numbers, as many as there ever are. In a vacant one the first word is the number
/// of the next.
pub(crate) struct Intrusive {
    slots: Vec<Value>,
    first: usize,
}

impl Intrusive {
    /// A pool of `capacity` slots, in a row.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { slots: (1..=capacity as u64).map(|next| [next; 8]).collect(), first: 0 }
    }

    /// Puts a value into the slot that was freed last.
    pub(crate) fn alloc(&mut self, value: Value) -> usize {
        let slot = self.first;
        self.first = self.slots[slot][0] as usize;
        self.slots[slot] = value;
        slot
    }

    /// Frees a slot.
    pub(crate) fn free(&mut self, slot: usize) {
        self.slots[slot][0] = self.first as u64;
        self.first = slot;
    }

    /// The value in a slot.
    pub(crate) fn get(&self, slot: usize) -> &Value {
        &self.slots[slot]
    }
}
