//! Geometries of all kinds of layouts.

use std::vec::Vec;

use super::*;
use crate::bit_tree::WORD_BITS;

fn geometry(size: usize, align: usize) -> Geometry {
    Geometry::new(Layout::from_size_align(size, align).unwrap()).unwrap()
}

/// Sizes over which the tests go: every small one, then steps and the ends of the range.
fn sizes() -> impl Iterator<Item = usize> {
    let top = CHUNK_ALIGN;
    (0..=2048).chain((2048..2 * top).step_by(4099)).chain([
        top - 1,
        top,
        top + 1,
        1 << 20,
        isize::MAX as usize / 4,
    ])
}

#[test]
fn index_of_divides_exactly() {
    for stride in sizes().skip(1) {
        let divides = Stride::new(stride);
        for index in 0..CHUNK_ALIGN.div_ceil(stride) {
            let start = index * stride;
            assert_eq!(divides.index_of(start), index, "stride {stride}");
            let end = (start + stride - 1).min(CHUNK_ALIGN - 1);
            assert_eq!(divides.index_of(end), index, "stride {stride}");
        }
    }
    assert_eq!(Stride::TRACT, Stride::new(CHUNK_ALIGN));
}

#[test]
fn a_full_chunk_holds_as_many_slots_as_fit() {
    for size in sizes() {
        for align in [1, 2, 4, 8, 16, 64, 512, 4096] {
            let g = geometry(size, align);
            let stride = g.stride.bytes;
            let needed = (size + CANARY).max(1);
            // Hardened slots are kept from cache lines' ends, and else as close as can be.
            let apart = if CANARY != 0 && size >= STORE { align.max(STORE) } else { align };
            assert!(stride >= needed && stride < needed + apart);
            assert_eq!(stride % apart, 0);
            let bytes = g.chunk_bytes(g.chunk_slots);
            // What is left up to the next chunk is for the notes of an allocator.
            let fits = bytes + 4 * size_of::<usize>() <= CHUNK_ALIGN;
            assert!(fits || g.chunk_slots == 1, "size {size} align {align}");
            assert!(g.chunk_bytes(g.chunk_slots + 1) > CHUNK_BYTES);
            assert!(g.pitch() % CHUNK_ALIGN == 0 && g.pitch() >= bytes);
            assert_eq!((g.object_size(), g.chunks(3 * g.chunk_slots())), (size, 3));
            let first = g.first_slot(g.chunk_slots);
            let behind = HEADER_AREA + words_for(g.chunk_slots) * size_of::<AtomicUsize>();
            // No more than the value's alignment, or the rest of a cache line, is left out.
            let padding = align.max(CACHE_LINE);
            assert!(first % padding == 0 && (behind..behind + padding).contains(&first));
            assert!(first < CHUNK_ALIGN);
        }
    }
}

#[test]
fn slots_within_is_the_largest_fit() {
    for size in sizes() {
        for align in [1, 16, 4096] {
            let g = geometry(size, align);
            for bytes in [2048, 4096, 8192, 4 * 4096, CHUNK_ALIGN] {
                let slots = g.slots_within(bytes);
                assert!(slots == 0 || g.chunk_bytes(slots) <= bytes);
                assert!(g.chunk_bytes(slots + 1) > bytes);
            }
        }
    }
}

#[test]
fn slots_lie_in_as_few_cache_lines_as_their_distance_allows() {
    for size in (8..=1024).step_by(8) {
        let g = geometry(size, 8);
        let stride = g.stride.bytes;
        for layout in [Some(g), g.small()].into_iter().flatten() {
            let first = layout.first_slot(layout.chunk_slots);
            let lines_from = |first: usize| -> usize {
                let slots = (0..CACHE_LINE / 8).map(|index| first + index * stride);
                slots.map(|slot| (slot + stride).div_ceil(CACHE_LINE) - slot / CACHE_LINE).sum()
            };
            let fewest = (0..CACHE_LINE).step_by(8).map(lines_from).min();
            assert_eq!(Some(lines_from(first)), fewest, "stride {stride}");
        }
    }
}

#[test]
fn slots_of_two_words_have_no_cache_line_in_common() {
    // With words of 32 bits it is every second word that begins with a line.
    const APART: usize = if WORD_BITS < CACHE_LINE { CACHE_LINE } else { WORD_BITS };
    for size in sizes() {
        let g = geometry(size, 1);
        for slots in [1, APART + 1, g.chunk_slots] {
            let slots = slots.min(g.chunk_slots);
            let first = g.first_slot(slots);
            let behind = HEADER_AREA + words_for(slots) * size_of::<AtomicUsize>();
            assert!((behind - 1) / CACHE_LINE < first / CACHE_LINE, "size {size}");
            let words = (0..slots).step_by(APART);
            let mut starts = words.map(|index| first + index * g.stride.bytes);
            assert!(starts.all(|start| start % CACHE_LINE == 0), "size {size}");
        }
    }
}

#[test]
fn headers_and_bitmaps_cost_little() {
    for size in 32..=1024 {
        let g = geometry(size, 1);
        let stride = g.stride.bytes;
        let bytes = g.reservation(1_000_000).unwrap().size() as f64;
        let limit = if cfg!(target_pointer_width = "64") { 1.02 } else { 1.1 };
        assert!(bytes <= limit * 1_000_000.0 * stride as f64, "stride {stride}");
    }
}

#[test]
fn header_offsets_stay_in_their_area_and_differ_between_neighbours() {
    for chunk in 0..64_usize {
        let offset = header_offset(chunk * CHUNK_ALIGN);
        assert!(offset + COLOUR_STEP <= HEADER_AREA && offset % COLOUR_STEP == 0);
        assert_eq!(offset, header_offset(chunk * CHUNK_ALIGN + CHUNK_ALIGN - 1));
        assert_ne!(offset, header_offset((chunk + 1) * CHUNK_ALIGN));
    }
    // So do those of geometries, but for small chunks, whose headers come first.
    let large = geometry(8, 8);
    let small = large.small().unwrap();
    for granule in 0..64 * GRANULES {
        let base = granule * GRANULE;
        assert_eq!(
            (large.header_offset(base), small.header_offset(base)),
            (header_offset(base), 0)
        );
    }
}

#[test]
fn the_header_of_a_tract_lies_in_the_granules_that_it_has() {
    let bytes = HEADER_AREA + size_of::<AtomicUsize>() + GRANULES;
    let granules = TRACT_HEADER_GRANULES * GRANULE;
    assert!(bytes <= granules && granules < bytes + GRANULE);
}

#[test]
fn growth_doubles_up_to_a_chunk() {
    let g = geometry(64, 8);
    let bytes: Vec<_> = (0..12).map(|n| g.reservation(g.growth_slots(n)).unwrap().size()).collect();
    let stride = g.stride.bytes;
    assert!(bytes[0] <= 4096 && bytes[0] > 4096 - stride);
    assert!(bytes.windows(2).all(|pair| pair[1] > pair[0] || pair[1] > CHUNK_BYTES - stride));
    assert_eq!(geometry(1 << 20, 8).growth_slots(0), 1);
}

#[test]
fn small_growth_is_an_eighth_up_to_a_chunk() {
    let g = geometry(64, 8);
    for bytes in (0..16 * CHUNK_ALIGN).step_by(1001) {
        let grown = g.reservation(g.small_growth_slots(bytes)).unwrap().size();
        let wished = (bytes / 8).clamp(FIRST_RESERVATION, CHUNK_BYTES);
        assert!(grown > wished - g.stride.bytes && grown < wished + FIRST_RESERVATION);
    }
    assert_eq!(geometry(1 << 20, 8).small_growth_slots(0), 1);
}

#[test]
fn a_magazine_spans_few_bytes() {
    for geometry in sizes().skip(1).map(|size| geometry(size, 1)) {
        let (stride, most) = (geometry.stride.bytes, geometry.magazine_slots(usize::MAX));
        assert!((8..=MAGAZINE_SLOTS).contains(&most));
        assert!(most == 8 || most * stride <= MAGAZINE_BYTES, "stride {stride}");
        assert!(most == MAGAZINE_SLOTS || stride > MAGAZINE_BYTES / (most + 1));
        for capacity in [0, 1, 7, 100, 2000] {
            let slots = geometry.magazine_slots(capacity);
            assert_eq!(slots, most.min(capacity));
        }
    }
}

#[test]
fn small_chunks_hold_as_many_slots_as_fit() {
    for size in (1..=1024).chain((1024..SHARED_GRANULES * GRANULE).step_by(509)) {
        for align in [1, 16, GRANULE] {
            let g = geometry(size, align);
            let Some(small) = g.small() else {
                assert!(size + COLOUR_STEP + 2 * align > SHARED_GRANULES * GRANULE);
                continue;
            };
            for granules in 1..=SHARED_GRANULES {
                let bytes = granules * GRANULE;
                let slots = small.slots_within(bytes);
                assert!(slots == 0 || small.chunk_bytes(slots) <= bytes);
                assert!(small.chunk_bytes(slots + 1) > bytes);
                assert!(slots <= small.chunk_slots());
            }
        }
    }
    if GRANULE < MAX_ALIGN {
        assert!(geometry(1, 2 * GRANULE).small().is_none());
    }
    assert!(geometry(CHUNK_ALIGN, 1).small().is_none());
}

#[test]
fn pieces_grow_by_half_up_to_a_tract() {
    let in_front = COLOUR_STEP + size_of::<AtomicUsize>();
    let first = in_front.next_multiple_of(if CANARY != 0 { STORE } else { 1 });
    let largest = SHARED_GRANULES * GRANULE - first - CANARY;
    for size in [1, 8, 100, 1024, 3 * GRANULE, largest] {
        let small = geometry(size, 1).small().unwrap();
        for held in (0..=CHUNK_ALIGN + 1).step_by(97).chain([CHUNK_ALIGN, CHUNK_ALIGN + 1]) {
            let Piece::Granules(granules) = small.next_piece(held) else {
                panic!("a tract where {held} bytes are held");
            };
            assert!((1..=SHARED_GRANULES).contains(&granules));
            // No fewer than are needed, and no more.
            let needed = (held / 2).max(small.chunk_bytes(1));
            assert!((granules - 1) * GRANULE < needed && needed <= granules * GRANULE);
        }
        assert_eq!(small.next_piece(CHUNK_ALIGN + 2), Piece::Tract);
    }
}

#[test]
fn impossible_sizes_are_errors() {
    let large = Layout::from_size_align(isize::MAX as usize, 1).unwrap();
    let error = Geometry::new(large).unwrap_err();
    let object_size = isize::MAX as usize;
    assert_eq!(error, PoolError::TooLarge { object_size, pool_size: 1 });
    let error = geometry(1024, 16).reservation(usize::MAX).unwrap_err();
    assert_eq!(error, PoolError::TooLarge { object_size: 1024, pool_size: usize::MAX });
    let wide = Layout::from_size_align(1, 8192).unwrap();
    assert_eq!(Geometry::new(wide).unwrap_err(), PoolError::AlignTooLarge { align: 8192 });
}
