use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use super::Context;

thread_local! {
    /// The contexts in force on this thread, the innermost last.
    static IN_FORCE: RefCell<Vec<Context>> = const { RefCell::new(Vec::new()) };
}

impl Context {
    /// Runs `body` with this context in force: commits that stores make meanwhile on this thread
    /// carry it where they say nothing themselves.
    ///
    /// What counts is, in this order: the context given to the commit, that of the record's handle, that
    /// of the store's, those in force from the innermost outwards. Tags are merged by name. A commit's
    /// location stays the line of code that made it, unless one was given anywhere. A
    /// [`Log`](crate::Log) takes batches as they are.
    ///
    /// However `body` ends, a panic included, what was in force before is so again. To enter and to
    /// leave costs the same however many are in force. Other threads are not concerned: carry
    /// the context over with [`Context::current`]. While `body` runs the context may be
    /// [added to](Context::set_in_force) and [taken from](crate::ContextPart::unset).
    ///
    /// ```
    /// use annals_core::{Context, Store};
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let record = store.record("game/player1")?;
    /// let receipt = Context::new().actor("alice").in_scope(|| {
    ///     Context::new().reason("settle round 2").in_scope(|| record.set("score", &40))
    /// })?;
    /// let context = &receipt.commit.context;
    /// assert_eq!(context.actor.as_deref(), Some("alice"));
    /// assert_eq!(context.reason.as_deref(), Some("settle round 2"));
    /// assert_eq!(Context::current(), Context::new());
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    pub fn in_scope<R>(self, body: impl FnOnce() -> R) -> R {
        self.in_scope_and_back(body).0
    }

    /// As [`Context::in_scope`]; returns the context as well, as `body` left it.
    pub(crate) fn in_scope_and_back<R>(self, body: impl FnOnce() -> R) -> (R, Context) {
        let mut context = Some(self);
        let entered = Entered::new(&mut context);
        let answer = body();
        drop(entered);
        (answer, context.unwrap_or_default())
    }

    /// Returns `future` with this context in force whenever it is polled, and while it is dropped.
    ///
    /// As [`Context::in_scope`] around each poll: what is in force where it is polled stays around
    /// it, and tasks that take turns on a thread do not see one another's. A task that is spawned
    /// begins with nothing but its own; give it what is in force here by
    /// `Context::current().instrument(task)`. Works with every executor.
    ///
    /// ```
    /// use std::future::Future;
    /// use std::pin::pin;
    /// use std::task::{self, Poll, Waker};
    ///
    /// use annals_core::{Context, Store};
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let record = store.record("game/player1")?;
    /// let task = Context::new().actor("alice").instrument(async move { record.set("score", &40) });
    ///
    /// let polled = pin!(task).poll(&mut task::Context::from_waker(Waker::noop()));
    /// let Poll::Ready(receipt) = polled else { unreachable!("it waits for nothing") };
    /// assert_eq!(receipt?.commit.context.actor.as_deref(), Some("alice"));
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    pub fn instrument<F: Future>(self, future: F) -> Instrumented<F> {
        Instrumented { future: Some(future), context: Some(self) }
    }

    /// Returns what is in force on this thread, all of it taken together; it says nothing where
    /// nothing is.
    ///
    /// It can be sent along with a job, also as JSON or MessagePack, and put in force where the job
    /// is done.
    ///
    /// ```
    /// use annals_core::Context;
    ///
    /// let queued = Context::new().actor("alice").tag("ticket", 412).in_scope(Context::current);
    /// let job = annals_core::codec::encode(&queued).unwrap();
    ///
    /// let worker = std::thread::spawn(move || {
    ///     let context: Context = annals_core::codec::decode(&job).unwrap();
    ///     context.in_scope(|| assert_eq!(Context::current().actor.as_deref(), Some("alice")));
    /// });
    /// worker.join().unwrap();
    /// ```
    #[must_use]
    pub fn current() -> Context {
        Context::new().or_in_force()
    }

    /// Fills in what is left open from the contexts in force on this thread.
    #[must_use]
    pub fn or_in_force(mut self) -> Context {
        with_in_force(|in_force| in_force.iter().rev().for_each(|outer| self.fill_in(outer)));
        self
    }
}

/// Answers what `look` says of the contexts in force on this thread, the innermost last.
pub(super) fn with_in_force<R>(mut look: impl FnMut(&mut [Context]) -> R) -> R {
    let here = IN_FORCE.try_with(|in_force| look(&mut in_force.borrow_mut()));
    // A thread that is ending has lost what was in force, but may still commit.
    here.unwrap_or_else(|_| look(&mut []))
}

/// Keeps a context in force on this thread until it is dropped, and gives it back then.
struct Entered<'a> {
    context: &'a mut Option<Context>,
}

impl Entered<'_> {
    fn new(context: &mut Option<Context>) -> Entered<'_> {
        // Where the thread is ending there is nothing to enter.
        let _ = IN_FORCE.try_with(|in_force| in_force.borrow_mut().extend(context.take()));
        Entered { context }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if self.context.is_none() {
            *self.context = IN_FORCE.try_with(|in_force| in_force.borrow_mut().pop()).ok().flatten();
        }
    }
}

pin_project! {
    /// A future with a context of its own; see [`Context::instrument`].
    #[must_use = "futures do nothing unless they are polled"]
    pub struct Instrumented<F> {
        // Gone only while this is dropped.
        #[pin]
        future: Option<F>,
        // Elsewhere only while it is in force.
        context: Option<Context>,
    }

    impl<F> PinnedDrop for Instrumented<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = Entered::new(this.context);
            this.future.set(None);
        }
    }
}

impl<F: Future> Future for Instrumented<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, waking: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = Entered::new(this.context);
        this.future.as_pin_mut().map_or(Poll::Pending, |future| future.poll(waking))
    }
}

impl<F> fmt::Debug for Instrumented<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instrumented").field("context", &self.context).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Waker;

    use super::*;

    /// Where the text of the innermost actor stands in memory.
    fn innermost() -> *const u8 {
        with_in_force(|in_force| in_force.last().unwrap().actor.as_ref().unwrap().as_ptr())
    }

    #[test]
    fn to_enter_and_to_leave_copies_nothing() {
        let context = Context::new().actor("alice");
        let alice = context.actor.as_ref().unwrap().as_ptr();
        let (entered, back) = context.in_scope_and_back(innermost);
        assert_eq!([entered, back.actor.as_ref().unwrap().as_ptr()], [alice; 2]);

        let mut task = pin!(back.instrument(async {
            assert_eq!(innermost(), alice);
            std::future::pending::<()>().await;
        }));
        let mut waking = task::Context::from_waker(Waker::noop());
        for _ in 0..2 {
            assert!(task.as_mut().poll(&mut waking).is_pending());
            assert_eq!(task.context.as_ref().unwrap().actor.as_ref().unwrap().as_ptr(), alice);
        }
    }
}
