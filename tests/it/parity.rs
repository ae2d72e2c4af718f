//! The traits of `PoolBox` beside those of `Box`:
//!
//! - Each row of a table is a trait and a type of values; whether `Box` and `PoolBox` have it is
//!   what the compiler says. The differences are those named here, and the documentation of
//!   `PoolBox` gives the reason for each.
//! - What is forwarded is the value's own method, where `Box` forwards it.

use std::borrow::{Borrow, BorrowMut};
use std::cell::RefCell;
use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::fmt::{self, Debug, Display, Pointer};
use std::future::Ready;
use std::hash::{Hash, Hasher};
use std::iter::FusedIterator;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut, Range};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::ptr::NonNull;

use typed_pool::{MemoryPool, OwnedPoolBox, Pool, PoolBox, PoolRef, SizeClassPool};

use crate::implements::implements;

/// A trait and a type of values, and whether a `Box` and a `PoolBox` of it have the trait.
struct Row {
    says: &'static str,
    boxed: bool,
    pooled: bool,
}

/// Makes rows: `Value: Trait`, or `From -> To` for conversions, of which one side is a handle. The
/// handle is named `Handle`, of each kind in turn.
macro_rules! rows {
    ($($value:ty: [$($trait:path),* $(,)?],)*) => {
        vec![$($(
            Row {
                says: concat!("<", stringify!($value), ">: ", stringify!($trait)),
                boxed: implements!(Box<$value>: $trait),
                pooled: implements!(PoolBox<'static, $value>: $trait),
            },
        )*)*]
    };
}

/// Makes rows of traits that name the handle, or that are those of another type.
macro_rules! rows_about {
    ($($says:literal: $boxed:ty as $boxed_trait:path, $pooled:ty as $pooled_trait:path;)*) => {
        vec![$(
            Row {
                says: $says,
                boxed: implements!($boxed: $boxed_trait),
                pooled: implements!($pooled: $pooled_trait),
            },
        )*]
    };
}

type Handle<T> = PoolBox<'static, T, MemoryPool>;

fn table() -> Vec<Row> {
    let mut rows = rows! {
        u32: [
            Deref<Target = u32>, DerefMut, AsRef<u32>, AsMut<u32>, Borrow<u32>, BorrowMut<u32>,
            Debug, Display, Pointer, PartialEq, Eq, PartialOrd, Ord, Hash, Clone, ToString, Unpin,
            UnwindSafe, RefUnwindSafe, Default, From<u32>, Send, Sync,
        ],
        DefaultHasher: [Hasher],
        Range<u32>: [Iterator, DoubleEndedIterator, ExactSizeIterator, FusedIterator],
        Ready<u32>: [Future<Output = u32>, Unpin],
        fmt::Error: [Error],
        fn(u32) -> u32: [Fn(u32) -> u32, FnMut(u32) -> u32, FnOnce(u32) -> u32],
        [u32]: [
            Clone, Debug, PartialEq, Ord, Hash, AsRef<[u32]>, Deref<Target = [u32]>, IntoIterator,
            Default, FromIterator<u32>, From<[u32; 3]>, From<Vec<u32>>,
        ],
        str: [
            Clone, Debug, Display, PartialEq, Ord, Hash, AsRef<str>, Default, From<&'static str>,
            From<String>, FromIterator<char>,
        ],
        dyn Debug: [Debug, Unpin],
        dyn Iterator<Item = u32>: [Iterator],
        dyn DoubleEndedIterator<Item = u32>: [DoubleEndedIterator],
        dyn ExactSizeIterator<Item = u32>: [ExactSizeIterator],
        dyn Hasher: [Hasher],
        dyn Future<Output = u32> + Unpin: [Future<Output = u32>],
        dyn Error: [Debug, Display, Error],
        String: [fmt::Write],
        dyn fmt::Write: [fmt::Write],
    };
    #[cfg(feature = "std")]
    rows.extend({
        use std::io::{BufRead, Cursor, Read, Seek, Write};
        rows! {
            Cursor<Vec<u8>>: [Read, Write, BufRead, Seek],
            dyn Read: [Read],
            dyn Write: [Write],
            dyn BufRead: [BufRead],
            dyn Seek: [Seek],
        }
    });
    #[cfg(all(feature = "std", unix))]
    rows.extend({
        use std::os::fd::{AsFd, AsRawFd};
        rows! { std::fs::File: [AsFd, AsRawFd], dyn AsFd: [AsFd], }
    });
    rows.extend(rows_about! {
        "a Pin, from a handle":
            Pin<Box<u32>> as From<Box<u32>>, Pin<Handle<u32>> as From<Handle<u32>>;
        "a Pin<_<dyn Future>>: Future":
            Pin<Box<dyn Future<Output = u32>>> as Future<Output = u32>,
            Pin<Handle<dyn Future<Output = u32>>> as Future<Output = u32>;
        "bytes, from text": Box<[u8]> as From<Box<str>>, Handle<[u8]> as From<Handle<str>>;
        "an array, from a slice":
            Box<[u8; 3]> as TryFrom<Box<[u8]>>, Handle<[u8; 3]> as TryFrom<Handle<[u8]>>;
        "a slice, from an array":
            Box<[u8]> as From<Box<[u8; 3]>>, Handle<[u8]> as From<Handle<[u8; 3]>>;
        "a reference to <[u32]>: IntoIterator":
            &'static Box<[u32]> as IntoIterator, &'static Handle<[u32]> as IntoIterator;
        "an exclusive reference to <[u32]>: IntoIterator":
            &'static mut Box<[u32]> as IntoIterator, &'static mut Handle<[u32]> as IntoIterator;
        "String: Extend<_<str>>": String as Extend<Box<str>>, String as Extend<Handle<str>>;
        "String: FromIterator<_<str>>":
            String as FromIterator<Box<str>>, String as FromIterator<Handle<str>>;
        "a Box<dyn Error>, from an error":
            Box<dyn Error> as From<Box<fmt::Error>>, Box<dyn Error> as From<Handle<fmt::Error>>;
    });
    rows
}

/// What `PoolBox` lacks, and the word by which its documentation gives the reason.
const LACKS: &[(&str, &str)] = &[
    ("<u32>: Default", "`Default`"),
    ("<u32>: From<u32>", "`From<T>`"),
    ("<u32>: Send", "`Send`"),
    ("<u32>: Sync", "`Sync`"),
    ("<fn(u32) -> u32>: Fn(u32) -> u32", "`Fn`"),
    ("<fn(u32) -> u32>: FnMut(u32) -> u32", "`FnMut`"),
    ("<fn(u32) -> u32>: FnOnce(u32) -> u32", "`FnOnce`"),
    ("<[u32]>: IntoIterator", "`IntoIterator`"),
    ("<[u32]>: Default", "`Default`"),
    ("<[u32]>: FromIterator<u32>", "`FromIterator`"),
    ("<[u32]>: From<[u32; 3]>", "`From<T>`"),
    ("<[u32]>: From<Vec<u32>>", "`From<T>`"),
    ("<str>: Default", "`Default`"),
    ("<str>: From<&'static str>", "`From<T>`"),
    ("<str>: From<String>", "`From<T>`"),
    ("<str>: FromIterator<char>", "`FromIterator`"),
    ("an exclusive reference to <[u32]>: IntoIterator", "`IntoIterator`"),
];

/// What it has beyond.
const HAS_BEYOND: &[&str] = &[
    "<dyn Error>: Error",
    "<String>: fmt::Write",
    "<dyn fmt::Write>: fmt::Write",
    "a slice, from an array",
];

#[test]
fn the_differences_from_box_are_those_that_are_documented() {
    let rows = table();
    let both = rows.iter().filter(|row| row.boxed && row.pooled).count();
    let lacks: Vec<_> = rows.iter().filter(|row| row.boxed && !row.pooled).collect();
    let beyond: Vec<_> = rows.iter().filter(|row| !row.boxed && row.pooled).collect();
    println!("of {} rows, {both} are the same", rows.len());
    lacks.iter().for_each(|row| println!("PoolBox lacks  {}", row.says));
    beyond.iter().for_each(|row| println!("Box lacks      {}", row.says));
    let says = |rows: &[&Row]| rows.iter().map(|row| row.says).collect::<Vec<_>>();
    assert_eq!(says(&lacks), LACKS.iter().map(|(says, _)| *says).collect::<Vec<_>>());
    // A later `Box` may have more of them.
    assert!(says(&beyond).iter().all(|row| HAS_BEYOND.contains(row)), "{:?}", says(&beyond));
    let documentation = include_str!("../../src/pool_box.rs");
    let (_, list) = documentation.split_once("/// # Beside `Box`").expect("the list is there");
    for (row, word) in LACKS {
        assert!(list.contains(word), "the documentation gives no reason for {row}");
    }
}

#[test]
fn the_sizes_of_handles_are_those_that_are_documented() {
    let words = |bytes: usize| bytes / size_of::<usize>();
    let documentation = include_str!("../../src/pool_box.rs");
    let mut rows = 0;
    for (name, size) in [
        ("PoolBox<'p, T>", size_of::<Handle<[u64; 9]>>()),
        ("OwnedPoolBox<T>", size_of::<OwnedPoolBox<[u64; 9]>>()),
        #[cfg(feature = "std")]
        ("PoolBox<'p, T, SyncMemoryPool>", {
            size_of::<PoolBox<'static, [u64; 9], typed_pool::SyncMemoryPool>>()
        }),
        #[cfg(feature = "std")]
        ("SyncOwnedPoolBox<T>", size_of::<typed_pool::SyncOwnedPoolBox<[u64; 9]>>()),
        ("PoolBox<'p, dyn Trait>", size_of::<Handle<dyn Debug>>()),
        ("PoolBox<'p, [T]>", size_of::<Handle<[u64]>>()),
        ("PoolBox<'p, str>", size_of::<Handle<str>>()),
        ("Pin<PoolBox<'p, T>>", size_of::<Pin<Handle<[u64; 9]>>>()),
        ("PoolBox<'p, MaybeUninit<T>>", size_of::<Handle<MaybeUninit<[u64; 9]>>>()),
        ("&'p mut T", size_of::<&'static mut [u64; 9]>()),
        ("NonNull<T>", size_of::<NonNull<[u64; 9]>>()),
        ("PoolRef<'p, T>", size_of::<PoolRef<'static, [u64; 9]>>()),
    ] {
        let row = format!("| `{name}` | {} |", words(size));
        assert!(documentation.contains(&row), "the documentation has no row with {row}");
        rows += 1;
    }
    let documented = documentation.lines().filter(|line| {
        line.starts_with("/// | ") && line.rsplit(" | ").next().is_some_and(|end| end.contains('`'))
    });
    assert!(cfg!(not(feature = "std")) || documented.count() == rows, "a row is not held");
}

/// A value that notes which of its methods are called.
#[derive(Default)]
struct Probe {
    calls: RefCell<Vec<&'static str>>,
}

impl Probe {
    fn note(&self, call: &'static str) {
        self.calls.borrow_mut().push(call);
    }
}

/// Implements a trait by methods that note that they are called and return a value.
macro_rules! noting {
    (
        $trait:path {
            $(@type $name:ident = $type:ty;)?
            $($method:ident($($receiver:tt)+) -> $result:ty = $value:expr;)*
        }
    ) => {
        impl $trait for Probe {
            $(type $name = $type;)?
            $(noting! { @ $method, $result, $value, $($receiver)+ })*
        }
    };
    (@ $method:ident, $result:ty, $value:expr, ref $($argument:ty),*) => {
        noting! { @@ $method, $result, $value, (&self), $($argument),* }
    };
    (@ $method:ident, $result:ty, $value:expr, mut $($argument:ty),*) => {
        noting! { @@ $method, $result, $value, (&mut self), $($argument),* }
    };
    (@@ $method:ident, $result:ty, $value:expr, (&self), ) => {
        fn $method(&self) -> $result { self.note(stringify!($method)); $value }
    };
    (@@ $method:ident, $result:ty, $value:expr, (&self), $one:ty) => {
        fn $method(&self, _: $one) -> $result { self.note(stringify!($method)); $value }
    };
    (@@ $method:ident, $result:ty, $value:expr, (&mut self), ) => {
        fn $method(&mut self) -> $result { self.note(stringify!($method)); $value }
    };
    (@@ $method:ident, $result:ty, $value:expr, (&mut self), $one:ty) => {
        fn $method(&mut self, _: $one) -> $result { self.note(stringify!($method)); $value }
    };
    (@@ $method:ident, $result:ty, $value:expr, (&mut self), $one:ty, $two:ty) => {
        fn $method(&mut self, _: $one, _: $two) -> $result {
            self.note(stringify!($method));
            $value
        }
    };
}

noting! { Iterator {
    @type Item = u8;
    next(mut) -> Option<u8> = None;
    size_hint(ref) -> (usize, Option<usize>) = (0, Some(0));
    nth(mut usize) -> Option<u8> = None;
} }
noting! { DoubleEndedIterator {
    next_back(mut) -> Option<u8> = None;
    nth_back(mut usize) -> Option<u8> = None;
} }
noting! { ExactSizeIterator {
    len(ref) -> usize = 0;
} }
noting! { Hasher {
    finish(ref) -> u64 = 0;
    write(mut &[u8]) -> () = ();
    write_u8(mut u8) -> () = ();
    write_u128(mut u128) -> () = ();
    write_isize(mut isize) -> () = ();
} }

impl PartialEq for Probe {
    fn eq(&self, _: &Self) -> bool {
        self.note("eq");
        true
    }

    #[expect(clippy::partialeq_ne_impl, reason = "whether it is called is what is held")]
    fn ne(&self, _: &Self) -> bool {
        self.note("ne");
        false
    }
}

noting! { PartialOrd {
    partial_cmp(ref &Probe) -> Option<std::cmp::Ordering> = None;
    lt(ref &Probe) -> bool = true;
    le(ref &Probe) -> bool = true;
    gt(ref &Probe) -> bool = true;
    ge(ref &Probe) -> bool = true;
} }

/// Calls what has a default in the traits of `core`; returns which methods of the value that led
/// to.
fn calls_of<B>(mut it: B, other: &B) -> Vec<&'static str>
where
    B: DerefMut<Target = Probe> + DoubleEndedIterator + ExactSizeIterator + Hasher + PartialOrd,
{
    let _ = (it.next(), it.size_hint(), it.nth(1), it.next_back(), it.nth_back(1), it.len());
    it.write(&[1]);
    it.write_u8(1);
    it.write_u128(1);
    it.write_isize(1);
    let _ = it.finish();
    let _ = (it == *other, it != *other, PartialOrd::partial_cmp(&it, other));
    let _ = (it < *other, it <= *other, it > *other, it >= *other);
    it.calls.take()
}

#[test]
fn methods_are_forwarded_where_box_forwards_them() {
    let pool = Pool::new();
    let pooled = calls_of(pool.alloc(Probe::default()), &pool.alloc(Probe::default()));
    assert_eq!(pooled, calls_of(Box::<Probe>::default(), &Box::default()));
    assert!(pooled.contains(&"nth_back") && pooled.contains(&"ne") && pooled.contains(&"ge"));
}

#[test]
#[expect(deprecated, reason = "old errors are asked by what is deprecated")]
fn an_error_says_where_it_comes_from() {
    #[derive(Debug)]
    struct Failed(fmt::Error);

    impl Display for Failed {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("failed")
        }
    }

    impl Error for Failed {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }

        fn description(&self) -> &str {
            "failed in an old way"
        }

        fn cause(&self) -> Option<&dyn Error> {
            Some(self)
        }
    }

    let pool = Pool::new();
    let error: &dyn Error = &pool.alloc(Failed(fmt::Error));
    assert!(error.source().is_some_and(|source| source.is::<fmt::Error>()));
    assert_eq!(error.description(), "failed in an old way");
    assert_eq!(error.cause().map(ToString::to_string).as_deref(), Some("failed"));
}

#[cfg(feature = "std")]
mod io {
    use std::collections::BTreeSet;
    use std::io::{self, BufRead, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};

    use super::*;

    noting! { Read {
        read(mut &mut [u8]) -> io::Result<usize> = Ok(0);
        read_vectored(mut &mut [IoSliceMut<'_>]) -> io::Result<usize> = Ok(0);
        read_to_end(mut &mut Vec<u8>) -> io::Result<usize> = Ok(0);
        read_to_string(mut &mut String) -> io::Result<usize> = Ok(0);
        read_exact(mut &mut [u8]) -> io::Result<()> = Ok(());
    } }
    noting! { Write {
        write(mut &[u8]) -> io::Result<usize> = Ok(0);
        write_vectored(mut &[IoSlice<'_>]) -> io::Result<usize> = Ok(0);
        flush(mut) -> io::Result<()> = Ok(());
        write_all(mut &[u8]) -> io::Result<()> = Ok(());
        write_fmt(mut fmt::Arguments<'_>) -> io::Result<()> = Ok(());
    } }
    noting! { BufRead {
        fill_buf(mut) -> io::Result<&[u8]> = Ok(&[]);
        consume(mut usize) -> () = ();
        read_until(mut u8, &mut Vec<u8>) -> io::Result<usize> = Ok(0);
        skip_until(mut u8) -> io::Result<usize> = Ok(0);
        read_line(mut &mut String) -> io::Result<usize> = Ok(0);
    } }
    noting! { Seek {
        seek(mut SeekFrom) -> io::Result<u64> = Ok(0);
        rewind(mut) -> io::Result<()> = Ok(());
        seek_relative(mut i64) -> io::Result<()> = Ok(());
        stream_position(mut) -> io::Result<u64> = Ok(0);
    } }

    /// As [`calls_of`], for the traits of `std::io`.
    fn calls_of<B>(mut it: B) -> io::Result<Vec<&'static str>>
    where
        B: DerefMut<Target = Probe> + BufRead + Write + Seek,
    {
        let _ = it.read(&mut [0])?;
        let _ = it.read_vectored(&mut [])?;
        it.read_to_end(&mut Vec::new())?;
        it.read_to_string(&mut String::new())?;
        it.read_exact(&mut [0])?;
        let _ = it.write(&[0])?;
        let _ = it.write_vectored(&[])?;
        Write::flush(&mut it)?;
        it.write_all(&[0])?;
        it.write_fmt(format_args!("7"))?;
        it.fill_buf()?;
        it.consume(0);
        it.read_until(0, &mut Vec::new())?;
        it.skip_until(0)?;
        it.read_line(&mut String::new())?;
        it.seek(SeekFrom::Start(0))?;
        it.rewind()?;
        it.seek_relative(1)?;
        it.stream_position()?;
        Ok(it.calls.take())
    }

    #[test]
    fn methods_are_forwarded_where_box_forwards_them() {
        let pool = Pool::new();
        let pooled = calls_of(pool.alloc(Probe::default())).unwrap();
        // Each is called once, and none by way of another, as an older `Box` has some.
        assert_eq!(pooled.len(), 19);
        assert_eq!(pooled.iter().collect::<BTreeSet<_>>().len(), 19);
        let boxed = calls_of(Box::<Probe>::default()).unwrap();
        assert!(boxed.iter().all(|call| pooled.contains(call)));
    }
}

#[test]
fn slices_and_text_are_cloned_and_converted() {
    let pool = SizeClassPool::new();
    let mut words = pool.alloc_slice_fill_with(3, |number| number.to_string());
    let copy = words.clone();
    assert_eq!((&*words, pool.len()), (&*copy, 2));
    words[0].push('!');
    let place = PoolBox::as_ptr(&words);
    words.clone_from(&copy);
    assert_eq!((words[0].as_str(), pool.len()), ("0", 2));
    assert!(std::ptr::eq(PoolBox::as_ptr(&words), place), "as many are cloned over those there");
    words.clone_from(&pool.alloc_slice_fill_with(2, |number| number.to_string()));
    assert!(words.len() == 2 && !std::ptr::eq(PoolBox::as_ptr(&words), place));
    assert_eq!((&words).into_iter().map(String::len).sum::<usize>(), 2);

    let text = pool.alloc_str("text");
    let mut again = PoolBox::try_clone(&text).unwrap();
    again.make_ascii_uppercase();
    let joined: String = [text.clone(), again].into_iter().collect();
    assert_eq!((&*text, joined.as_str()), ("text", "textTEXT"));
    let mut longer = pool.alloc_str("one that is longer");
    longer.clone_from(&text);
    assert_eq!((&*longer, &*text), ("text", "text"));
    let forever: &'static SizeClassPool = Box::leak(Box::default());
    let bytes: Handle<[u8]> = forever.alloc_str("abc").into();
    let bytes = <Handle<[u8; 4]>>::try_from(bytes).unwrap_err();
    let array: Handle<[u8; 3]> = bytes.try_into().unwrap();
    let clone = array.clone();
    let slice: Handle<[u8]> = clone.into();
    assert_eq!((*array, &*slice), (*b"abc", &b"abc"[..]));
    drop((array, slice));
    assert!(forever.is_empty());
}

#[test]
fn a_clone_of_a_slice_that_panics_leaves_nothing() {
    struct Third(Result<u32, ()>);
    impl Clone for Third {
        fn clone(&self) -> Self {
            Self(Ok(self.0.expect("no third")))
        }
    }
    let pool = SizeClassPool::new();
    let mut row = pool.alloc_slice_fill_with(3, |index| Third((index < 2).then_some(1).ok_or(())));
    crate::support::panic_message(|| row.clone());
    crate::support::panic_message(|| PoolBox::try_clone(&row).is_ok());
    assert_eq!(pool.len(), 1);
    row[2] = Third(Ok(3));
    assert_eq!(row.clone()[2].0, Ok(3));
}
