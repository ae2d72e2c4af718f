// Handles become those of trait objects and slices where unsafe code is forbidden.
#[forbid(unsafe_code)]
mod program {
    use std::any::Any;
    use std::error::Error;
    use std::fmt::{self, Debug, Display};
    use std::future::Future;
    use std::pin::Pin;
    use std::rc::Rc;
    use std::task::{Context, Poll, Waker};

    use typed_pool::{CallOnce, Memory, OwnedPoolBox, Pool, PoolBox, coercion};

    fn shown<'p, T: Display + 'p, M: Memory>(
        handle: PoolBox<'p, T, M>,
    ) -> PoolBox<'p, dyn Display + 'p, M> {
        PoolBox::unsize(handle, coercion!(dyn Display + 'p))
    }

    fn boxed(failed: OwnedPoolBox<fmt::Error>) -> Box<dyn Error> {
        Box::new(failed)
    }

    pub(super) fn run() {
        let text = String::from("text");
        let texts = Pool::new();
        let borrowed = shown(texts.alloc(text.as_str()));
        let inferred: PoolBox<dyn Display + '_> =
            PoolBox::unsize(texts.alloc(text.as_str()), coercion!(dyn Display));
        assert_eq!(format!("{borrowed} {inferred}"), "text text");
        let words = Pool::new();
        let less: PoolBox<dyn Debug> = PoolBox::unsize(
            PoolBox::unsize(words.alloc(7), coercion!(dyn Debug + Send + Sync)),
            coercion!(dyn Debug),
        );
        assert_eq!(format!("{less:?}"), "7");

        let numbers = Rc::new(Pool::new());
        let any = PoolBox::unsize(numbers.alloc_owned(7), coercion!(dyn Any + Send));
        assert_eq!(*PoolBox::downcast::<i32>(any).unwrap(), 7);

        let closures = Pool::new();
        let add = closures.alloc(|left: i32, right: i32| left + right);
        let twice: PoolBox<dyn Fn(i32, i32) -> i32> =
            PoolBox::unsize(add.clone(), coercion!(dyn Fn(i32, i32) -> i32));
        assert_eq!(twice(1, twice(2, 3)), 6);
        let once = PoolBox::unsize(add, coercion!(dyn CallOnce<(i32, i32), Output = i32>));
        assert_eq!(PoolBox::call_once(once, (1, 2)), 3);

        let tasks = Pool::new();
        let task: Pin<PoolBox<dyn Future<Output = i32>>> =
            PoolBox::unsize_pin(tasks.alloc_pin(async { 7 }), coercion!(dyn Future<Output = i32>));
        let mut task = task;
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(task.as_mut().poll(&mut context), Poll::Ready(7));

        let errors = Rc::new(Pool::new());
        assert_eq!(boxed(errors.alloc_owned(fmt::Error)).to_string(), fmt::Error.to_string());

        let rows = Pool::new();
        let row: PoolBox<[u8]> = PoolBox::unsize(rows.alloc([1, 2]), coercion!([u8]));
        assert_eq!(*row, [1, 2]);
    }
}

fn main() {
    program::run();
}
