use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use postgres::Row;
use r2d2::{ManageConnection, NopErrorHandler, PooledConnection};

use crate::connection::Connection;
use crate::failure::{Cause, Failure};
use crate::parameter::Parameter;
use crate::server::Server;

/// Connections to a server, a bounded number of them, which are made when they are needed.
#[derive(Clone)]
pub(crate) struct Pool {
    connections: r2d2::Pool<Manager>,
    /// How long a call may take.
    pub(crate) timeout: Duration,
    /// How long a connection may take until it is usable.
    connect_timeout: Duration,
    last_failure: Arc<Mutex<Option<Failure>>>,
}

impl Pool {
    /// Connects once, without trying again, so that it is told at once if that cannot be done.
    pub(crate) fn open(
        server: Arc<Server>,
        connections_max: u32,
        timeout: Duration,
    ) -> Result<Pool, Failure> {
        let connect_timeout = server.connect_timeout.min(timeout);
        let first = Mutex::new(Some(Connection::open(&server, connect_timeout)?));
        let last_failure = Arc::new(Mutex::new(None));
        let manager = Manager { server, connect_timeout, first, last_failure: Arc::clone(&last_failure) };
        let connections = r2d2::Pool::builder()
            .max_size(connections_max)
            .min_idle(Some(0))
            .connection_timeout(connect_timeout)
            .error_handler(Box::new(NopErrorHandler))
            .build_unchecked(manager);
        Ok(Pool { connections, timeout, connect_timeout, last_failure })
    }

    /// Returns when a call that begins now has to have ended.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    /// Returns a connection that nobody else has. Where none can be made it is tried until the deadline, unless
    /// the server is there and refuses.
    pub(crate) fn get(&self, deadline: Instant) -> Result<PooledConnection<Manager>, Failure> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if let Ok(connection) = self.connections.get_timeout(left.min(self.connect_timeout)) {
                return Ok(connection);
            }
            let why = self.failure().take().unwrap_or_else(|| Failure::lost(Cause::None));
            if left <= self.connect_timeout || !matches!(why, Failure::Lost(_)) {
                return Err(why);
            }
        }
    }

    /// Asks a question that changes nothing, and so may be asked again if the connection is lost.
    pub(crate) fn read(&self, sql: &Arc<str>, parameters: Vec<Parameter>) -> Result<Vec<Row>, Failure> {
        let parameters: Arc<[Parameter]> = parameters.into();
        self.insist(|connection, deadline| connection.query(deadline, sql, &parameters))
    }

    /// Runs a statement that writes, and that finds out by itself whether it was done before.
    ///
    /// Where that could not be asked after a connection was lost, the failure is
    /// [`Failure::Unknown`].
    pub(crate) fn write(&self, sql: &Arc<str>, parameters: Vec<Parameter>) -> Result<Vec<Row>, Failure> {
        let parameters: Arc<[Parameter]> = parameters.into();
        self.insist_on_writing(|connection, deadline| connection.query(deadline, sql, &parameters))
    }

    pub(crate) fn insist_on_writing<T>(
        &self,
        mut attempt: impl FnMut(&mut Connection, Instant) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut lost = None;
        let answer = self.insist(|connection, deadline| {
            let answer = attempt(connection, deadline);
            if let Err(Failure::Lost(cause)) = &answer {
                lost = Some(Arc::clone(cause));
            }
            answer
        });
        match (answer, lost) {
            (Err(_), Some(cause)) => Err(Failure::Unknown(cause)),
            (answer, _) => answer,
        }
    }

    /// Does what may be done twice, until it is done or the deadline has come.
    pub(crate) fn insist<T>(
        &self,
        mut attempt: impl FnMut(&mut Connection, Instant) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let deadline = self.deadline();
        let mut pause = Duration::from_millis(1);
        loop {
            // The pool has tried again and again, where it has none to give.
            let mut connection = self.get(deadline)?;
            let answer = attempt(&mut connection, deadline);
            drop(connection);
            match answer {
                Err(Failure::Lost(_) | Failure::Undone(_)) if Instant::now() + pause < deadline => {
                    std::thread::sleep(pause);
                    pause = (2 * pause).min(Duration::from_millis(250));
                }
                answer => return answer,
            }
        }
    }

    fn failure(&self) -> std::sync::MutexGuard<'_, Option<Failure>> {
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("connections", &self.connections.state()).finish_non_exhaustive()
    }
}

/// How the pool makes and judges connections.
pub(crate) struct Manager {
    server: Arc<Server>,
    connect_timeout: Duration,
    /// The connection that was made before there was a pool.
    first: Mutex<Option<Connection>>,
    /// Why no connection could be made, for those who waited for one in vain.
    last_failure: Arc<Mutex<Option<Failure>>>,
}

impl Manager {
    /// A connection that answered so short a time ago is taken to be well: what is lost in between is
    /// noticed by its next user, who asks again.
    const TRUSTED: Duration = Duration::from_secs(1);
    /// How long a connection may take to show that it is well.
    const SHOW_MAX: Duration = Duration::from_secs(5);
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = Silent;

    fn connect(&self) -> Result<Connection, Silent> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let opened = first.map_or_else(|| Connection::open(&self.server, self.connect_timeout), Ok);
        let mut last = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner);
        *last = opened.as_ref().err().cloned();
        opened.map_err(|_| Silent)
    }

    fn is_valid(&self, connection: &mut Connection) -> Result<(), Silent> {
        if connection.answered.elapsed() < Self::TRUSTED {
            return Ok(());
        }
        let deadline = Instant::now() + Self::SHOW_MAX;
        let shown = connection.run(deadline, |client| client.batch_execute(""));
        shown.map_err(|_| Silent)
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.is_broken()
    }
}

/// An error that says nothing: the pool only counts them.
#[derive(Debug)]
pub(crate) struct Silent;

impl fmt::Display for Silent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no connection")
    }
}

impl std::error::Error for Silent {}
