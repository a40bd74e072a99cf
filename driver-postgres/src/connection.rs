use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use postgres::{NoTls, Row};
use tokio::runtime::Builder;
use tokio_postgres::CancelToken;

use crate::client::{Client, outside_runtime};
use crate::failure::{Cause, Failure};
use crate::parameter::{Parameter, typed};
use crate::server::Server;

/// One connection to a server, which may be used wherever a program is.
#[derive(Debug)]
pub(crate) struct Connection {
    client: Client,
    /// When the server last answered.
    pub(crate) answered: Instant,
}

impl Connection {
    /// How long the server may take to hear that it need not go on.
    const CANCEL_MAX: Duration = Duration::from_secs(5);

    /// Connects to a server, within a time.
    pub(crate) fn open(server: &Server, timeout: Duration) -> Result<Connection, Failure> {
        let client = outside_runtime(|| server.connect(Instant::now() + timeout))?;
        Ok(Connection { client, answered: Instant::now() })
    }

    /// Does a job with the client, by the deadline. After that the job is given up: what becomes of it is
    /// unknown, and the connection is not used again.
    pub(crate) fn run<T: Send>(
        &mut self,
        deadline: Instant,
        job: impl FnOnce(&mut Client) -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        self.client.deadline = deadline;
        let answer = outside_runtime(|| job(&mut self.client));
        self.answered = Instant::now();
        if matches!(&answer, Err(Failure::Lost(cause)) if matches!(**cause, Cause::Deadline)) {
            give_up(self.client.cancel_token());
        }
        answer
    }

    /// Asks one question.
    pub(crate) fn query(
        &mut self,
        deadline: Instant,
        sql: &Arc<str>,
        parameters: &Arc<[Parameter]>,
    ) -> Result<Vec<Row>, Failure> {
        self.run(deadline, |client| client.query_typed(sql, &typed(parameters)))
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.client.is_lost()
    }
}

/// Asks the server to end what it is at.
fn give_up(cancel: CancelToken) {
    // Whether the server hears of it or not, nobody waits for that.
    let _ = thread::Builder::new().spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().ok()?;
        let asked = runtime.block_on(async {
            tokio::time::timeout(Connection::CANCEL_MAX, cancel.cancel_query(NoTls)).await
        });
        runtime.shutdown_background();
        asked.ok()?.ok()
    });
}
