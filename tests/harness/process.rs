//! Programs as processes: started with their output in a file, ended by the signal a test chooses.

use std::path::PathBuf;
use std::process::{Output, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::PATIENCE;

/// A program in the background that ends with its test.
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts it; standard output and error go to `log`.
    pub fn start(command: &mut Command, log: PathBuf) -> Self {
        let file = std::fs::File::create(&log).expect("a log file");
        let copy = file.try_clone().expect("the same file");
        let child = command.stdin(Stdio::null()).stdout(file).stderr(copy).kill_on_drop(true).spawn();
        Self { child: child.unwrap_or_else(|e| panic!("{command:?}: {e}")), log }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("a process that runs")
    }

    /// Its output so far.
    pub fn output(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The address it listens on, as it printed it.
    pub async fn address(&self) -> String {
        crate::eventually("an address", || async {
            self.output().lines().find_map(|line| line.strip_prefix("listening on http://").map(ToOwned::to_owned))
        })
        .await
    }

    /// Its metrics, as Prometheus reads them.
    pub async fn metrics(&self) -> String {
        get(&self.address().await, "/metrics").await
    }

    /// Ends it with SIGKILL.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("a process to kill");
    }

    /// Sends SIGTERM and waits; returns the exit code.
    pub async fn terminate(mut self) -> Option<i32> {
        signal(self.pid(), "TERM").await;
        self.child.wait().await.expect("its end").code()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it ends by itself; returns the exit code, `None` for a signal.
    pub async fn ended(&mut self) -> Option<i32> {
        self.child.wait().await.expect("its end").code()
    }
}

/// The sum of the samples whose line begins with this name and labels; 0 where there is none.
pub fn metric(metrics: &str, name: &str) -> f64 {
    let lines = metrics.lines().filter(|line| line.starts_with(name));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// The response to a GET, head and body.
pub async fn get(address: &str, path: &str) -> String {
    let mut socket = tokio::net::TcpStream::connect(address).await.expect("the interface");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.expect("a request");
    let mut response = String::new();
    socket.read_to_string(&mut response).await.expect("a response");
    response
}

/// Host and port of a URL.
pub fn authority(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_owned()
}

/// Sends a signal by its name.
pub async fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().await.expect("kill");
    assert!(sent.success(), "process {pid} could not be sent {name}");
}

/// Runs a command to its end.
pub async fn run(command: &mut Command) -> Output {
    run_with(command, Stdio::null()).await
}

async fn run_with(command: &mut Command, input: Stdio) -> Output {
    let ended = timeout(PATIENCE * 2, command.stdin(input).kill_on_drop(true).output()).await;
    ended.unwrap_or_else(|_| panic!("{command:?} does not end")).unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

/// Runs a command that must succeed; returns its standard output.
pub async fn succeed(command: &mut Command) -> String {
    succeed_with(command, Stdio::null()).await
}

/// The same with something on its standard input.
pub async fn succeed_with(command: &mut Command, input: impl Into<Stdio>) -> String {
    let output = run_with(command, input.into()).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{text}\n{errors}", output.status);
    text
}
