//! Tests of the book, every one on the pool, so that an order that leaks its slot shows.

use super::*;

/// Runs `steps` on a book in a fresh pool, then checks that the pool got every slot back.
fn with_book(steps: impl FnOnce(&mut Book<'_, Pool<Order>>)) {
    let pool = Pool::new();
    let mut book = Book::new(&pool);
    steps(&mut book);
    assert_eq!(pool.len(), book.live());
    let ended = book.tally.cancelled + book.tally.filled;
    assert_eq!(book.tally.adds, ended + book.live() as u64);
    drop(book);
    assert!(pool.is_empty());
}

fn add(book: &mut Book<'_, Pool<Order>>, id: u64, side: Side, price: i64, size: u64) {
    assert_eq!(book.apply(Event::Add { id, side, price, size }), Ok(Outcome::Changed));
}

fn market(book: &mut Book<'_, Pool<Order>>, side: Side, size: u64) -> Outcome {
    book.apply(Event::Market { side, size }).unwrap()
}

fn size_of(book: &Book<'_, Pool<Order>>, id: u64) -> Option<u64> {
    book.order(id).map(|(_, _, size)| size)
}

#[test]
fn a_better_price_is_matched_before_an_older_order() {
    with_book(|book| {
        add(book, 1, Side::Ask, 101, 10);
        add(book, 2, Side::Ask, 100, 10);
        market(book, Side::Bid, 10);
        assert_eq!((size_of(book, 1), size_of(book, 2)), (Some(10), None));
        add(book, 3, Side::Bid, 98, 10);
        add(book, 4, Side::Bid, 99, 10);
        market(book, Side::Ask, 4);
        assert_eq!((size_of(book, 3), size_of(book, 4)), (Some(10), Some(6)));
        assert_eq!(book.tally.filled, 1);
    });
}

#[test]
fn at_one_price_the_older_order_is_matched_first() {
    with_book(|book| {
        for id in 1..=3 {
            add(book, id, Side::Bid, 100, 10);
        }
        market(book, Side::Ask, 15);
        assert_eq!([1, 2, 3].map(|id| size_of(book, id)), [None, Some(5), Some(10)]);
        assert_eq!(book.side(Side::Bid).best(), Some((100, 15)));
    });
}

#[test]
fn a_market_order_walks_the_levels_and_its_rest_lapses() {
    with_book(|book| {
        add(book, 1, Side::Ask, 100, 10);
        add(book, 2, Side::Ask, 101, 10);
        add(book, 3, Side::Ask, 102, 10);
        assert_eq!(market(book, Side::Bid, 25), Outcome::Changed);
        assert_eq!(book.side(Side::Ask).best(), Some((102, 5)));
        market(book, Side::Bid, 1_000);
        assert_eq!(book.live(), 0);
        assert_eq!(market(book, Side::Bid, 1), Outcome::Untouched);
    });
}

#[test]
fn a_partial_cancel_keeps_the_place_in_time() {
    with_book(|book| {
        add(book, 1, Side::Bid, 100, 10);
        add(book, 2, Side::Bid, 100, 10);
        book.apply(Event::Reduce { id: 1, by: 4, end: End::Cancelled }).unwrap();
        assert_eq!(book.side(Side::Bid).best(), Some((100, 16)));
        market(book, Side::Ask, 7);
        assert_eq!((size_of(book, 1), size_of(book, 2)), (None, Some(9)));
        assert_eq!((book.tally.cancelled, book.tally.filled), (0, 1));
    });
}

#[test]
fn a_reduction_that_leaves_nothing_ends_the_order_the_way_it_says() {
    with_book(|book| {
        for (id, by, end) in
            [(1, 10, End::Cancelled), (2, 10, End::Filled), (3, u64::MAX, End::Filled)]
        {
            add(book, id, Side::Ask, 100, 10);
            book.apply(Event::Reduce { id, by, end }).unwrap();
            assert_eq!((book.live(), book.side(Side::Ask).best()), (0, None));
        }
        assert_eq!((book.tally.cancelled, book.tally.filled), (1, 2));
    });
}

#[test]
fn a_replace_keeps_its_place_only_at_the_same_price_and_no_larger() {
    for (price, size, first) in [(100, 8, 1), (100, 10, 1), (100, 11, 2), (99, 10, 2)] {
        with_book(|book| {
            add(book, 1, Side::Bid, 100, 10);
            add(book, 2, Side::Bid, 100, 10);
            book.apply(Event::Replace { id: 1, side: Side::Bid, price, size }).unwrap();
            assert_eq!(book.order(1), Some((Side::Bid, price, size)));
            assert_eq!(book.side(Side::Bid).front(), Some(first));
            let total: u64 = book.side(Side::Bid).top(5).iter().map(|level| level.1).sum();
            assert_eq!(total, size + 10);
            assert_eq!(book.tally.modified, 1);
        });
    }
}

#[test]
fn an_id_that_does_not_rest_is_counted_and_changes_nothing() {
    with_book(|book| {
        add(book, 1, Side::Bid, 100, 10);
        for event in [
            Event::Reduce { id: 9, by: 1, end: End::Filled },
            Event::Remove { id: 9, end: End::Cancelled },
            Event::Replace { id: 9, side: Side::Bid, price: 1, size: 1 },
        ] {
            assert_eq!(book.apply(event), Ok(Outcome::Unknown));
        }
        assert_eq!((book.tally.unknown, book.live()), (3, 1));
    });
}

#[test]
fn an_event_that_contradicts_the_book_is_refused_and_changes_nothing() {
    with_book(|book| {
        let size = u64::MAX - 1;
        add(book, 1, Side::Bid, 100, size);
        add(book, 2, Side::Bid, 99, 10);
        let events = [
            (
                Event::Add { id: 2, side: Side::Ask, price: 101, size: 1 },
                Refused::Resting { id: 2 },
            ),
            (
                Event::Replace { id: 2, side: Side::Ask, price: 101, size: 1 },
                Refused::OtherSide { id: 2, rests: Side::Bid },
            ),
            (
                Event::Add { id: 3, side: Side::Bid, price: 100, size: 2 },
                Refused::TooLarge { size: 2 },
            ),
            (
                Event::Replace { id: 2, side: Side::Bid, price: 100, size: 2 },
                Refused::TooLarge { size: 2 },
            ),
        ];
        for (event, refused) in events {
            assert_eq!(book.apply(event), Err(refused));
            assert_eq!(book.side(Side::Bid).top(5), [(100, size), (99, 10)]);
            assert_eq!(book.side(Side::Ask).best(), None);
        }
        assert_eq!(book.live(), 2);
    });
}

#[test]
fn a_clear_ends_every_order_and_the_book_goes_on() {
    with_book(|book| {
        add(book, 1, Side::Bid, 100, 10);
        add(book, 2, Side::Ask, 101, 10);
        book.apply(Event::Clear).unwrap();
        assert_eq!((book.live(), book.tally.cancelled), (0, 2));
        assert_eq!((book.side(Side::Bid).best(), book.side(Side::Ask).best()), (None, None));
        add(book, 1, Side::Bid, 100, 10);
        assert_eq!(book.tally.peak_live, 2);
    });
}

/// Orders in a plain list in the order of their places in time, searched from end to end.
#[derive(Default)]
struct List {
    orders: Vec<(u64, Side, i64, u64)>,
}

impl List {
    fn apply(&mut self, event: Event) {
        match event {
            Event::Add { id, side, price, size } => self.orders.push((id, side, price, size)),
            Event::Reduce { id, by, .. } => self.take(id, by),
            Event::Remove { id, .. } => self.take(id, u64::MAX),
            Event::Replace { id, side, price, size } => {
                let Some(at) = self.orders.iter().position(|order| order.0 == id) else {
                    return;
                };
                if price == self.orders[at].2 && size <= self.orders[at].3 {
                    self.orders[at].3 = size;
                } else {
                    self.orders.remove(at);
                    self.orders.push((id, side, price, size));
                }
            }
            Event::Market { side, mut size } => {
                while let Some((id, has)) = self.first_against(side).filter(|_| size > 0) {
                    self.take(id, size);
                    size = size.saturating_sub(has);
                }
            }
            Event::Clear => self.orders.clear(),
            Event::Other => {}
        }
    }

    fn take(&mut self, id: u64, by: u64) {
        for order in self.orders.iter_mut().filter(|order| order.0 == id) {
            order.3 = order.3.saturating_sub(by);
        }
        self.orders.retain(|order| order.3 > 0);
    }

    /// `min_by_key` returns the first of equals, which is the oldest.
    fn first_against(&self, side: Side) -> Option<(u64, u64)> {
        let sign = if side == Side::Bid { 1 } else { -1 };
        let others = self.orders.iter().filter(|order| order.1 != side);
        others.min_by_key(|order| sign * order.2).map(|order| (order.0, order.3))
    }
}

#[test]
fn the_book_does_what_a_plain_list_of_orders_does() {
    let mut rng = fastrand::Rng::with_seed(4);
    for _ in 0..50 {
        with_book(|book| {
            let mut list = List::default();
            for _ in 0..2_000 {
                let (id, price, size) = (rng.u64(..60), rng.i64(-3..3), rng.u64(1..9));
                let (side, end) = (if id % 2 == 0 { Side::Bid } else { Side::Ask }, End::Filled);
                let event = match rng.u32(..40) {
                    0..20 if book.order(id).is_none() => Event::Add { id, side, price, size },
                    0..5 => Event::Remove { id, end },
                    5..20 => Event::Reduce { id, by: size, end },
                    20..34 => Event::Replace { id, side, price, size },
                    34..39 => Event::Market { side, size: 3 * size },
                    _ if rng.u32(..20) == 0 => Event::Clear,
                    _ => Event::Other,
                };
                book.apply(event).unwrap();
                list.apply(event);
                assert_eq!(book.live(), list.orders.len());
                for side in [Side::Bid, Side::Ask] {
                    let mut totals = std::collections::BTreeMap::new();
                    for &(id, of, price, size) in &list.orders {
                        assert_eq!(book.order(id), Some((of, price, size)));
                        if of == side {
                            *totals.entry(price).or_insert(0) += size;
                        }
                    }
                    let mut levels = book.side(side).top(usize::MAX);
                    levels.sort_unstable();
                    assert_eq!(levels, Vec::from_iter(totals));
                }
            }
        });
    }
}
