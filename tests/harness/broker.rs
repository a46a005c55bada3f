//! A private RabbitMQ that a test can kill and restart.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use lapin::{Connection, ConnectionProperties};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// The server's own script, which unlike the packaged wrapper does not change the user.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
/// The control tool of the same package.
const CONTROL: &str = "/usr/lib/rabbitmq/bin/rabbitmqctl";
/// How long Erlang may take to start on a busy machine.
const START: Duration = Duration::from_mins(1);

/// The version of private brokers.
pub async fn version() -> String {
    crate::process::succeed(Command::new(CONTROL).arg("version")).await.trim().to_owned()
}

/// A private broker on loopback.
pub struct PrivateBroker {
    folder: TempDir,
    port: u16,
    name: String,
    server: Option<Child>,
}

impl PrivateBroker {
    /// Starts one and waits until it accepts connections.
    pub async fn start() -> Self {
        assert!(Path::new(SERVER).exists(), "{SERVER} is missing: install rabbitmq-server");
        let name = format!("t{}@localhost", uuid::Uuid::new_v4().simple());
        let folder = tempfile::tempdir().expect("a folder");
        let mut broker = Self { folder, port: free_port(), name, server: None };
        broker.start_again().await;
        broker
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}", self.port)
    }

    /// Runs its control tool, which must succeed.
    pub async fn control(&self, arguments: &[&str]) {
        let mut command = Command::new(CONTROL);
        command.env("RABBITMQ_NODENAME", &self.name).env("HOME", self.folder.path()).args(arguments);
        crate::process::succeed(&mut command).await;
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        let files = std::fs::read_dir(self.folder.path().join("log")).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect()
    }

    /// Ends it with SIGKILL: what was not on disk is lost.
    pub async fn kill(&mut self) {
        let mut server = self.server.take().expect("a broker that runs");
        let pid = std::fs::read_to_string(self.folder.path().join("pid")).expect("its process id");
        crate::process::signal(pid.trim().parse().expect("a number"), "KILL").await;
        drop(server.wait().await);
    }

    /// Starts it on the same port with the same data.
    pub async fn start_again(&mut self) {
        let path = |name: &str| self.folder.path().join(name);
        std::fs::write(path("plugins"), "[].\n").expect("a file");
        let log = std::fs::File::create(path("start.log")).expect("a log file");
        let server = Command::new(SERVER)
            .env("RABBITMQ_NODENAME", &self.name)
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_DIST_PORT", free_port().to_string())
            .env("RABBITMQ_MNESIA_BASE", path("data"))
            .env("RABBITMQ_LOG_BASE", path("log"))
            .env("RABBITMQ_PID_FILE", path("pid"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", path("plugins"))
            .env("RABBITMQ_CONFIG_FILE", path("none"))
            .env("HOME", self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the same file"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("a broker");
        self.server = Some(server);
        let started = tokio::time::Instant::now();
        while Connection::connect(&self.url(), ConnectionProperties::default()).await.is_err() {
            let log = std::fs::read_to_string(path("start.log")).unwrap_or_default();
            assert!(started.elapsed() < START, "the private broker does not start\n{log}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Drop for PrivateBroker {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(self.folder.path().join("pid")) {
            drop(std::process::Command::new("kill").args(["-KILL", pid.trim()]).output());
        }
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port on loopback");
    listener.local_addr().expect("its address").port()
}
