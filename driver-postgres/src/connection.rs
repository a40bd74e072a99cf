use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Instant;

use postgres::{CancelToken, Client, NoTls, Row};

use crate::failure::{Cause, Failure};
use crate::parameter::{Parameter, typed};
use crate::server::Server;

type Job = Box<dyn FnOnce(&mut Client) + Send>;

/// One connection to a server, with a thread of its own that speaks to it.
///
/// The client blocks for as long as the server likes, and may neither be used nor dropped inside an
/// asynchronous runtime. With a thread between, a caller waits until its deadline and no longer,
/// wherever it is.
pub(crate) struct Connection {
    jobs: Sender<Job>,
    cancel: CancelToken,
    is_broken: Arc<AtomicBool>,
    /// When the server last answered.
    pub(crate) answered: Instant,
}

impl Connection {
    /// Connects to a server, within its time.
    pub(crate) fn open(server: &Arc<Server>) -> Result<Connection, Failure> {
        let (jobs, given) = mpsc::channel::<Job>();
        let (report, opened) = mpsc::channel();
        let is_broken = Arc::new(AtomicBool::new(false));
        let (server, broken) = (Arc::clone(server), Arc::clone(&is_broken));
        let deadline = server.connect_timeout;
        let work = move || match server.connect() {
            Err(failure) => drop(report.send(Err(failure))),
            Ok(mut client) => {
                let is_wanted = report.send(Ok(client.cancel_token())).is_ok();
                while let Some(job) = given.recv().ok().filter(|_| is_wanted) {
                    job(&mut client);
                    broken.fetch_or(client.is_closed(), Ordering::Release);
                }
            }
        };
        let no_thread = |_| Failure::lost(Cause::None);
        thread::Builder::new().name("annals-postgres".into()).spawn(work).map_err(no_thread)?;
        let cancel = opened.recv_timeout(deadline).map_err(|_| Failure::lost(Cause::Deadline))??;
        Ok(Connection { jobs, cancel, is_broken, answered: Instant::now() })
    }

    /// Does a job with the client, by the deadline. After that the job is given up: what becomes of it is
    /// unknown, and the connection is not used again.
    pub(crate) fn run<T: Send + 'static>(
        &mut self,
        deadline: Instant,
        job: impl FnOnce(&mut Client) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answers) = mpsc::channel();
        let job: Job = Box::new(move |client| drop(answer.send(job(client))));
        let gone = || Failure::lost(Cause::None);
        if self.jobs.send(job).is_err() {
            self.is_broken.store(true, Ordering::Release);
            return Err(gone());
        }
        let answer = answers.recv_timeout(deadline.saturating_duration_since(Instant::now()));
        self.answered = Instant::now();
        match answer {
            Ok(answer) => answer.inspect_err(|failure| self.note(failure)),
            Err(RecvTimeoutError::Timeout) => Err(self.give_up()),
            Err(RecvTimeoutError::Disconnected) => {
                self.is_broken.store(true, Ordering::Release);
                Err(gone())
            }
        }
    }

    /// Asks one question.
    pub(crate) fn query(
        &mut self,
        deadline: Instant,
        sql: &Arc<str>,
        parameters: &Arc<[Parameter]>,
    ) -> Result<Vec<Row>, Failure> {
        let (sql, parameters) = (Arc::clone(sql), Arc::clone(parameters));
        self.run(deadline, move |client| Ok(client.query_typed(&sql, &typed(&parameters))?))
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Acquire)
    }

    fn note(&self, failure: &Failure) {
        if matches!(failure, Failure::Lost(_)) {
            self.is_broken.store(true, Ordering::Release);
        }
    }

    /// Leaves the thread to itself, and asks the server to end what it is at.
    fn give_up(&self) -> Failure {
        self.is_broken.store(true, Ordering::Release);
        let cancel = self.cancel.clone();
        // Whether the server hears of it or not, nobody waits for that.
        let _ = thread::Builder::new().spawn(move || drop(cancel.cancel_query(NoTls)));
        Failure::lost(Cause::Deadline)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("is_broken", &self.is_broken()).finish_non_exhaustive()
    }
}
