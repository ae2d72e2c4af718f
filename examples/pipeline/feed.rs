//! The first thread: reads events and stores each as a message.

use crate::book::Event;
use crate::lines::BadLine;
use crate::pipe::{Closed, Outbox};
use crate::source::Source;
use crate::store::Store;

/// What the feed sends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    /// The line that it stands in.
    pub(crate) line: usize,
    pub(crate) event: Event,
}

/// What came of the feed.
#[derive(Debug)]
pub(crate) struct Fed {
    /// How often it had to wait for room.
    pub(crate) waits: u64,
    /// The line that it ended at, where it could not read one.
    pub(crate) bad: Option<BadLine>,
}

/// Sends messages until the source ends, has a bad line, or nobody receives them any more. All that
/// stands before a bad line is sent.
pub(crate) fn run<S: Store<Message>>(source: &Source, mut outbox: Outbox<'_, Message, S>) -> Fed {
    let bad = send(source, &mut outbox).err();
    // Where the other end has gone, it says why.
    let _ = outbox.flush();
    Fed { waits: outbox.waits(), bad }
}

fn send<S: Store<Message>>(
    source: &Source,
    outbox: &mut Outbox<'_, Message, S>,
) -> Result<(), BadLine> {
    for (event, line) in source.events()?.zip(source.first_line()..) {
        if let Err(Closed) = outbox.push(Message { line, event: event? }) {
            break;
        }
    }
    Ok(())
}
