//! A private PostgreSQL that a test can kill and restart.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::process::succeed;

/// Where Debian's packages install the server's programs, by version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The version of the server whose administrative database this is.
pub async fn version(admin: &str) -> String {
    let output = succeed(Command::new("psql").args([admin, "-qtAc", "SHOW server_version"])).await;
    // The distribution's own version follows.
    output.split_whitespace().next().unwrap_or_default().to_owned()
}

/// A private PostgreSQL on loopback.
pub struct PrivatePostgres {
    folder: TempDir,
    port: u16,
    server: Option<Child>,
}

impl PrivatePostgres {
    /// Starts one and waits until it accepts connections.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut postgres = Self { folder, port: crate::broker::free_port(), server: None };
        if is_root() {
            let (user, group) = (id_of_postgres("-u").await, id_of_postgres("-g").await);
            chown(postgres.folder.path(), Some(user), Some(group)).expect("a folder of the user postgres");
        }
        let mut prepare = postgres.program("initdb");
        succeed(prepare.args(["--username", "root", "--auth", "trust", "--no-sync", "--pgdata"]).arg(postgres.data()))
            .await;
        postgres.start_again().await;
        postgres
    }

    /// The URL of its administrative database.
    pub fn admin(&self) -> String {
        format!("postgres://root@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends it with SIGKILL: what was not on disk is lost.
    pub async fn kill(&mut self) {
        let mut server = self.server.take().expect("a database that runs");
        server.kill().await.expect("a process to kill");
    }

    /// Starts it on the same port with the same data.
    pub async fn start_again(&mut self) {
        let (port, data) = (self.port.to_string(), self.data());
        crate::eventually("a private PostgreSQL", || {
            // The server refuses to start while processes of the killed one still run.
            if self.server.as_mut().is_none_or(|server| !matches!(server.try_wait(), Ok(None))) {
                let mut command = self.program("postgres");
                command.args(["-p", &port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-D"]);
                self.server = Some(command.arg(&data).spawn().expect("a database"));
            }
            let query = Command::new("psql").args([self.admin().as_str(), "-qc", "SELECT 1"]).output();
            async { query.await.ok()?.status.success().then_some(()) }
        })
        .await;
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of the server's programs, which refuse to run as root.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(programs().join(name));
        let owner = std::fs::metadata(self.folder.path()).expect("its folder");
        command.uid(owner.uid()).gid(owner.gid()).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        let mut stop = self.program("pg_ctl");
        stop.args(["stop", "--mode", "immediate", "--pgdata"]).arg(self.data());
        drop(stop.as_std_mut().output());
    }
}

async fn id_of_postgres(flag: &str) -> u32 {
    let id = succeed(Command::new("id").args([flag, "postgres"])).await;
    id.trim().parse().expect("a number")
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The programs of the newest version that is installed.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let newest = versions.map(|version| version.path().join("bin")).filter(|bin| bin.exists()).max();
    newest.unwrap_or_else(|| panic!("nothing in {}: install postgresql", Path::new(VERSIONS).display()))
}
