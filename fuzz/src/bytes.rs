//! Bytes that tell whose they are and where they belong.

/// How many bytes are written and looked at at once.
const WORD: usize = 8;

/// Word `index` of what is called `id`.
fn word(id: u64, index: usize) -> [u8; WORD] {
    (id ^ (index as u64) << 20).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()
}

/// Writes all bytes of what is called `id`.
pub fn fill(id: u64, bytes: &mut [u8]) {
    let (words, rest) = bytes.as_chunks_mut();
    let count = words.len();
    words.iter_mut().enumerate().for_each(|(index, place)| *place = word(id, index));
    rest.copy_from_slice(&word(id, count)[..rest.len()]);
}

/// Looks at the first bytes of what is called `id`, as many as are given.
///
/// # Panics
///
/// Where one is another than `fill` wrote.
#[track_caller]
pub fn check(id: u64, bytes: &[u8]) {
    let (words, rest) = bytes.as_chunks();
    for (index, found) in words.iter().enumerate() {
        let (at, length) = (index * WORD, bytes.len());
        assert_eq!(*found, word(id, index), "byte {at} or next of {length} of {id}");
    }
    assert_eq!(*rest, word(id, words.len())[..rest.len()], "the last bytes of {id}");
}
