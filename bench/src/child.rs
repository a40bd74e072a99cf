//! Work done in a new process: how long it takes from the start of the process to its end, and how
//! much memory it has at its peak.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::parts::task;

/// The first argument of a process that does a task.
pub(crate) const FLAG: &str = "--task";

/// What a process that has ended answered and took.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) answer: String,
    pub(crate) elapsed: Duration,
    pub(crate) peak_mib: f64,
}

/// A process that does a task.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    started: Instant,
}

/// Starts a process that does the task of this name, with at most `data_mib_max` of writable memory.
pub(crate) fn start(task: &str, data_mib_max: u64, arguments: &[&str]) -> Running {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([FLAG, task, &data_mib_max.to_string()]).args(arguments).stdout(Stdio::piped());
    // A panic for lack of memory must not ask for more: the backtrace would wait for itself for ever.
    command.env("RUST_BACKTRACE", "0");
    let started = Instant::now();
    Running { child: command.spawn().unwrap(), started }
}

impl Running {
    /// Waits for the process to end.
    pub(crate) fn done(self) -> Done {
        let output = self.child.wait_with_output().unwrap();
        let elapsed = self.started.elapsed();
        assert!(output.status.success(), "a task has failed");
        let text = String::from_utf8(output.stdout).unwrap();
        let (answer, peak_kib) = text.trim_end().rsplit_once('\n').unwrap();
        Done { answer: answer.to_owned(), elapsed, peak_mib: peak_kib.parse::<f64>().unwrap() / 1024.0 }
    }
}

/// Does the task that the arguments name, and prints the answer and the peak.
pub(crate) fn main(arguments: &[String]) {
    let [_, name, data_mib_max, arguments @ ..] = arguments else { panic!("a task has a name and a limit") };
    let bytes = data_mib_max.parse::<u64>().unwrap() << 20;
    setrlimit(Resource::Data, Rlimit { current: Some(bytes), maximum: Some(bytes) }).unwrap();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    println!("{}\n{}", task(name)(&arguments), kib("VmHWM:"));
}

/// Returns what the kernel tells of this process's memory under a name.
pub(crate) fn kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
