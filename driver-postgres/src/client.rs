use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Instant;
use std::{fmt, panic, thread};

use postgres::types::{ToSql, Type};
use postgres::{Row, Socket};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, CancelToken, Config, Error, Notification};

use crate::copy;
use crate::failure::{Cause, Failure};

/// A connection to a server, which the calling thread itself drives while it waits for an answer, by the
/// deadline and no longer.
///
/// It may only be used by threads that no asynchronous runtime runs on, see [`outside_runtime`].
pub(crate) struct Client {
    inner: tokio_postgres::Client,
    driven: Driven,
    /// When every answer has to be there.
    pub(crate) deadline: Instant,
    /// Whether nobody knows what the connection is at.
    is_lost: bool,
}

/// The end of the connection that has the socket: what comes in besides answers, until it has ended.
type Connection = Box<dyn FnMut(&mut Context<'_>) -> Poll<Option<Result<AsyncMessage, Error>>> + Send>;

/// What moves the bytes.
struct Driven {
    /// `None` once this is dropped.
    runtime: Option<Runtime>,
    /// `None` once it has ended.
    connection: Option<Connection>,
    /// What was announced and not asked for yet.
    heard: VecDeque<Notification>,
}

impl Client {
    /// Connects to a server.
    pub(crate) fn connect<T>(config: &Config, tls: T, deadline: Instant) -> Result<Client, Failure>
    where
        T: MakeTlsConnect<Socket> + Send,
        T::Stream: Send + 'static,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = Some(runtime.map_err(|_| Failure::lost(Cause::None))?);
        let mut driven = Driven { runtime, connection: None, heard: VecDeque::new() };
        let (inner, mut connection) = driven.wait(deadline, config.connect(tls))?;
        driven.connection = Some(Box::new(move |context| connection.poll_message(context)));
        Ok(Client { inner, driven, deadline, is_lost: false })
    }

    pub(crate) fn cancel_token(&self) -> CancelToken {
        self.inner.cancel_token()
    }

    /// Returns whether the connection is of no use any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost || self.inner.is_closed()
    }

    /// Asks one question.
    pub(crate) fn query_typed(
        &mut self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Failure> {
        let answer = self.driven.wait(self.deadline, self.inner.query_typed(sql, parameters));
        self.noting(answer)
    }

    /// Does what takes more than one question.
    pub(crate) fn converse<T>(
        &mut self,
        ask: impl AsyncFnOnce(&tokio_postgres::Client) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let answer = self.driven.wait(self.deadline, ask(&self.inner));
        self.noting(answer)
    }

    /// Runs statements.
    pub(crate) fn batch_execute(&mut self, sql: &str) -> Result<(), Failure> {
        let answer = self.driven.wait(self.deadline, self.inner.batch_execute(sql));
        self.noting(answer)
    }

    /// Sends rows to a table. Whatever fails in it, the connection is not used again: the client's part of
    /// the protocol does not get over everything that can happen then.
    fn copy_in<R: copy::Row<CELLS>, const CELLS: usize>(
        &mut self,
        sql: &str,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<(), Failure> {
        let copied = self.driven.wait(self.deadline, async {
            let sink = self.inner.copy_in(sql).await?;
            let mut writer = pin!(BinaryCopyInWriter::new(sink, &R::TYPES));
            for row in rows {
                writer.as_mut().write(&row.cells()).await?;
            }
            writer.finish().await
        });
        self.is_lost |= copied.is_err();
        copied.map(drop)
    }

    /// Begins a transaction. Dropped without a commit it leaves nothing behind.
    pub(crate) fn transaction(&mut self) -> Result<Transaction<'_>, Failure> {
        self.batch_execute("BEGIN")?;
        Ok(Transaction { client: self, is_open: true })
    }

    /// Returns what is announced next, `None` if that is nothing by the deadline.
    pub(crate) fn notification(&mut self, deadline: Instant) -> Result<Option<Notification>, Failure> {
        let heard = self.driven.wait_until(deadline, |driven, _| match driven.heard.pop_front() {
            Some(notification) => Poll::Ready(Ok(Some(notification))),
            None if driven.connection.is_none() => Poll::Ready(Ok(None)),
            None => Poll::Pending,
        })?;
        Ok(heard.transpose()?.flatten())
    }

    fn noting<T>(&mut self, answer: Result<T, Failure>) -> Result<T, Failure> {
        self.is_lost |= matches!(answer, Err(Failure::Lost(_)));
        answer
    }
}

impl Driven {
    /// Waits for what comes by way of the connection.
    fn wait<T>(
        &mut self,
        deadline: Instant,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Failure> {
        let mut answer = pin!(answer);
        let answer = self.wait_until(deadline, |_, context| answer.as_mut().poll(context))?;
        Ok(answer.ok_or_else(|| Failure::lost(Cause::Deadline))??)
    }

    /// Moves bytes until `poll` is ready; `None` if it is not by the deadline.
    fn wait_until<T>(
        &mut self,
        deadline: Instant,
        mut poll: impl FnMut(&mut Driven, &mut Context<'_>) -> Poll<Result<T, Error>>,
    ) -> Result<Option<Result<T, Error>>, Failure> {
        let runtime = self.runtime.take().ok_or_else(|| Failure::lost(Cause::None))?;
        let ready = poll_fn(|context| match self.move_bytes(context) {
            Ok(()) => poll(self, context),
            Err(error) => Poll::Ready(Err(error)),
        });
        let answer = runtime.block_on(async { tokio::time::timeout_at(deadline.into(), ready).await });
        self.runtime = Some(runtime);
        Ok(answer.ok())
    }

    /// Sends and receives what can be at once.
    fn move_bytes(&mut self, context: &mut Context<'_>) -> Result<(), Error> {
        while let Some(connection) = &mut self.connection {
            match connection(context) {
                Poll::Pending => break,
                Poll::Ready(Some(Ok(AsyncMessage::Notification(notification)))) => {
                    self.heard.push_back(notification);
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => {
                    self.connection = None;
                    return Err(error);
                }
                Poll::Ready(None) => self.connection = None,
            }
        }
        Ok(())
    }
}

impl Drop for Driven {
    /// Leaves behind what still looks for the address of a server: nobody knows how long that takes. And
    /// other ways to drop a runtime are not allowed inside another one.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("is_lost", &self.is_lost()).finish_non_exhaustive()
    }
}

/// A transaction that was begun on a connection.
pub(crate) struct Transaction<'c> {
    client: &'c mut Client,
    is_open: bool,
}

impl Transaction<'_> {
    /// Asks one question.
    pub(crate) fn query_typed(
        &mut self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Failure> {
        self.client.query_typed(sql, parameters)
    }

    /// Runs statements.
    pub(crate) fn batch_execute(&mut self, sql: &str) -> Result<(), Failure> {
        self.client.batch_execute(sql)
    }

    /// Sends rows to a table. If that fails the connection is not used again.
    pub(crate) fn copy_in<R: copy::Row<CELLS>, const CELLS: usize>(
        &mut self,
        sql: &str,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<(), Failure> {
        self.client.copy_in(sql, rows)
    }

    pub(crate) fn commit(mut self) -> Result<(), Failure> {
        self.is_open = false;
        self.client.batch_execute("COMMIT")
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.is_open && !self.client.is_lost() {
            // The connection is not handed on with a transaction.
            self.client.is_lost |= self.client.batch_execute("ROLLBACK").is_err();
        }
    }
}

/// Runs `task` where a thread may block: on this one, unless an asynchronous runtime runs on it.
pub(crate) fn outside_runtime<T: Send>(
    task: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    if Handle::try_current().is_err() {
        return task();
    }
    thread::scope(|scope| {
        let spawned = thread::Builder::new().name("annals-postgres".into()).spawn_scoped(scope, task);
        let spawned = spawned.map_err(|_| Failure::lost(Cause::None))?;
        spawned.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked))
    })
}
