//! A way to the server that can be cut.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use postgres::Config;
use postgres::config::Host;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It does not reach the server: the connection is cut before.
    BeforeRequest,
    /// It reaches the server, and nobody waits for the answer.
    AfterRequest,
    /// It is answered, but the answer is cut off.
    BeforeAnswer,
    /// It does not reach the server, and the connection stays as it is.
    Stall,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToServer,
    ToClient,
}

/// What is still to happen.
#[derive(Default)]
struct Armed {
    /// Each to the next request that holds a word.
    faults: Vec<(Fault, &'static [u8])>,
    /// After so many bytes more, this way.
    cut: Option<(Way, usize)>,
    /// How many bytes went to the server, and how many to clients.
    passed: [usize; 2],
}

impl Armed {
    fn next_fault(&mut self, bytes: &[u8]) -> Option<Fault> {
        let (_, word) = *self.faults.first()?;
        bytes.windows(word.len()).any(|part| part == word).then(|| self.faults.remove(0).0)
    }

    /// Returns how many of so many bytes go through before the connection is cut, if it is.
    fn pass(&mut self, way: Way, bytes: usize) -> Option<usize> {
        self.passed[way as usize] += bytes;
        let (_, left) = self.cut.as_mut().filter(|(cut, _)| *cut == way)?;
        match left.checked_sub(bytes) {
            Some(rest @ 1..) => *left = rest,
            _ => return self.cut.take().map(|(_, left)| left),
        }
        None
    }
}

/// Forwards connections to the server that the tests are given, until it is told to fail.
pub(crate) struct Proxy {
    address: SocketAddr,
    armed: Arc<Mutex<Armed>>,
}

impl Proxy {
    pub(crate) fn start(url: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let armed = Arc::<Mutex<Armed>>::default();
        let (upstream, faults) = (url.parse::<Config>().unwrap(), Arc::clone(&armed));
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), Upstream::connect(&upstream));
                forward(client, server, &faults);
            }
        });
        Proxy { address, armed }
    }

    /// Lets the next request that holds `word` fail; several faults happen one after the other.
    pub(crate) fn arm(&self, fault: Fault, word: &'static str) {
        self.armed.lock().unwrap().faults.push((fault, word.as_bytes()));
    }

    /// Lets a connection be cut once so many bytes more have gone this way.
    pub(crate) fn cut_after(&self, way: Way, bytes: usize) {
        self.armed.lock().unwrap().cut = Some((way, bytes));
    }

    /// Returns whether a fault is still to happen.
    pub(crate) fn is_armed(&self) -> bool {
        let armed = self.armed.lock().unwrap();
        !armed.faults.is_empty() || armed.cut.is_some()
    }

    /// Returns how many bytes went this way.
    pub(crate) fn passed(&self, way: Way) -> usize {
        self.armed.lock().unwrap().passed[way as usize]
    }

    /// Returns the URL of the server by way of this proxy.
    pub(crate) fn url(&self, url: &str) -> String {
        let config: Config = url.parse().unwrap();
        let (user, database) = (config.get_user().unwrap(), config.get_dbname().unwrap());
        format!("postgres://{user}@{}/{database}?sslmode=disable", self.address)
    }
}

/// One direction at a time, in threads that end with the connection.
fn forward(client: TcpStream, server: Upstream, armed: &Arc<Mutex<Armed>>) {
    let is_mute = Arc::new(AtomicBool::new(false));
    let (mute, faults) = (Arc::clone(&is_mute), Arc::clone(armed));
    let (mut from, mut to) = (client.try_clone().unwrap(), server.clone());
    thread::spawn(move || {
        copy(&mut from, |bytes| {
            let passing = faults.lock().unwrap().pass(Way::ToServer, bytes.len());
            if let Some(passing) = passing {
                return to.write_all(&bytes[..passing]).and(Err(cut()));
            }
            let fault = faults.lock().unwrap().next_fault(bytes);
            mute.fetch_or(fault == Some(Fault::BeforeAnswer), Ordering::SeqCst);
            match fault {
                None | Some(Fault::BeforeAnswer) => to.write_all(bytes),
                Some(Fault::AfterRequest) => to.write_all(bytes).and(Err(cut())),
                Some(Fault::BeforeRequest) => Err(cut()),
                Some(Fault::Stall) => loop {
                    thread::park();
                },
            }
        });
        to.shutdown();
        from.shutdown(Shutdown::Both).ok();
    });
    let (mut from, mut to, faults) = (server, client, Arc::clone(armed));
    thread::spawn(move || {
        copy(&mut from, |bytes| {
            let passing = faults.lock().unwrap().pass(Way::ToClient, bytes.len());
            match passing {
                _ if is_mute.load(Ordering::SeqCst) => Err(cut()),
                Some(passing) => to.write_all(&bytes[..passing]).and(Err(cut())),
                None => to.write_all(bytes),
            }
        });
        from.shutdown();
        to.shutdown(Shutdown::Both).ok();
    });
}

fn copy(from: &mut impl Read, mut write: impl FnMut(&[u8]) -> io::Result<()>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if write(&buffer[..count]).is_err() {
            return;
        }
    }
}

fn cut() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

/// A connection to the server itself.
enum Upstream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Upstream {
    fn connect(config: &Config) -> Upstream {
        let port = config.get_ports().first().copied().unwrap_or(5432);
        match config.get_hosts().first().unwrap() {
            Host::Tcp(host) => Upstream::Tcp(TcpStream::connect((host.as_str(), port)).unwrap()),
            Host::Unix(folder) => {
                Upstream::Unix(UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).unwrap())
            }
        }
    }

    fn shutdown(&self) {
        // It may be gone already.
        let _ = match self {
            Upstream::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Upstream::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Upstream::Tcp(stream) => stream.write_all(bytes),
            Upstream::Unix(stream) => stream.write_all(bytes),
        }
    }
}

impl Clone for Upstream {
    fn clone(&self) -> Upstream {
        match self {
            Upstream::Tcp(stream) => Upstream::Tcp(stream.try_clone().unwrap()),
            Upstream::Unix(stream) => Upstream::Unix(stream.try_clone().unwrap()),
        }
    }
}

impl Read for Upstream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Upstream::Tcp(stream) => stream.read(buffer),
            Upstream::Unix(stream) => stream.read(buffer),
        }
    }
}
