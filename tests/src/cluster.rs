//! A server of one's own.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, OnceLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

use postgres::{Client, Config, NoTls};

const SUPERUSER: &str = "postgres";
const PATIENCE: Duration = Duration::from_secs(60);

/// The login roles that every cluster has. None of them is privileged.
pub const OWNER: &str = "app_owner";
pub const OTHER_OWNER: &str = "other_owner";
pub const VISITOR: &str = "visitor";

pub struct Cluster {
    bin: PathBuf,
    home: PathBuf,
    port: u16,
    postmaster: Mutex<Child>,
    guardian: Child,
}

/// The cluster that the tests of one binary share; each test makes its own database in it.
pub fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(Cluster::start)
}

impl Cluster {
    pub fn start() -> Cluster {
        let bin = server_programs();
        let home = make_home();
        // The guardian is started first, so that a start that fails is cleaned up too.
        let guardian = spawn_guardian(&bin, &home);
        let data = home.join("data");
        finish(
            as_server_user(&bin.join("initdb"))
                .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C"])
                .args(["--username", SUPERUSER, "--pgdata"])
                .arg(&data),
        );
        let port = free_port();
        let settings = format!(
            "port = {port}\n\
             listen_addresses = '127.0.0.1'\n\
             unix_socket_directories = '{}'\n\
             fsync = off\n\
             autovacuum = off\n\
             jit = off\n\
             shared_buffers = '64MB'\n\
             max_prepared_transactions = 4\n\
             max_worker_processes = 16\n\
             max_parallel_workers = 16\n",
            home.display()
        );
        OpenOptions::new()
            .append(true)
            .open(data.join("postgresql.conf"))
            .and_then(|mut file| file.write_all(settings.as_bytes()))
            .expect("postgresql.conf can be written");
        let postmaster = Mutex::new(spawn_postmaster(&bin, &home));
        let cluster = Cluster { bin, home, port, postmaster, guardian };
        assert!(cluster.answers(), "the server did not start:\n{}", cluster.log());
        cluster.admin().batch_execute(&format!(
            "CREATE ROLE {OWNER} LOGIN; CREATE ROLE {OTHER_OWNER} LOGIN; CREATE ROLE {VISITOR} LOGIN;"
        ))
        .expect("the test roles can be created");
        cluster
    }

    /// A superuser's session in the database `postgres`.
    pub fn admin(&self) -> Client {
        self.config("postgres", SUPERUSER).connect(NoTls).expect("the superuser can connect")
    }

    pub fn config(&self, database: &str, role: &str) -> Config {
        let mut config = Config::new();
        config
            .host_path(&self.home)
            .port(self.port)
            .dbname(database)
            .user(role)
            .application_name("tenant_guard_tests");
        config
    }

    /// One of the server's own client programs, pointed at this cluster.
    pub fn tool(&self, program: &str, database: &str, role: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        clean_environment(&mut command);
        command
            .env("PGHOST", &self.home)
            .env("PGPORT", self.port.to_string())
            .env("PGDATABASE", database)
            .env("PGUSER", role)
            .current_dir("/");
        command
    }

    /// The folder of the cluster, which the server's user may write.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub fn major_version(&self) -> u32 {
        let number = crate::sql::text(&mut self.admin(), "SHOW server_version_num");
        number.expect("a version").parse::<u32>().expect("a number") / 10_000
    }

    /// `kill -9` of the postmaster alone: its backends notice by themselves, or finish first.
    pub fn kill_postmaster(&self) {
        signal("-9", self.postmaster_pid());
        self.reap();
    }

    /// Starts the server again after [`Cluster::kill_postmaster`], once the last orphaned backend let go.
    pub fn restart(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            *self.postmaster.lock().expect("no panic in the lock") =
                spawn_postmaster(&self.bin, &self.home);
            if self.answers() {
                return;
            }
            assert!(Instant::now() < deadline, "the server did not start again:\n{}", self.log());
            sleep(Duration::from_millis(100));
        }
    }

    fn postmaster_pid(&self) -> u32 {
        let file = fs::read_to_string(self.home.join("data/postmaster.pid"))
            .expect("a running server has a pid file");
        let line = file.lines().next().expect("the first line is the pid");
        line.trim().parse().expect("a pid is a number")
    }

    fn reap(&self) {
        let mut child = self.postmaster.lock().expect("no panic in the lock");
        child.wait().expect("the postmaster can be waited for");
    }

    /// Waits until the server accepts a session; false when it gave up instead.
    fn answers(&self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.config("postgres", SUPERUSER).connect(NoTls).is_ok() {
                return true;
            }
            let mut child = self.postmaster.lock().expect("no panic in the lock");
            if !matches!(child.try_wait(), Ok(None)) {
                return false;
            }
            drop(child);
            sleep(Duration::from_millis(20));
        }
        false
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The guardian acts when its standard input ends; waiting for it keeps the next test's machine quiet.
        drop(self.guardian.stdin.take());
        let _ = self.guardian.wait();
        if let Ok(mut child) = self.postmaster.lock() {
            let _ = child.wait();
        }
    }
}

/// Stops the server and removes its folder when this process ends, however it ends: a static is never
/// dropped, and a test run can be interrupted or killed.
fn spawn_guardian(bin: &Path, home: &Path) -> Child {
    let script = r#"trap '' INT TERM HUP
        cat > /dev/null
        "$1/pg_ctl" stop --pgdata "$2/data" --mode immediate --silent > /dev/null 2>&1
        rm -rf "$2""#;
    as_server_user(Path::new("sh"))
        .args(["-c", script, "guardian"])
        .args([bin, home])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the guardian can be started")
}

/// A child of this process, not of `pg_ctl`: a killed postmaster that nobody reaps keeps its pid, and the
/// next one would refuse to start.
fn spawn_postmaster(bin: &Path, home: &Path) -> Child {
    let log = OpenOptions::new().create(true).append(true).open(home.join("log"));
    let log: File = log.expect("the server's log can be written");
    as_server_user(&bin.join("postgres"))
        .arg("-D")
        .arg(home.join("data"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("the log can be shared"))
        .stderr(log)
        .spawn()
        .expect("the server can be started")
}

fn server_programs() -> PathBuf {
    if let Some(bin) = std::env::var_os("TENANT_GUARD_PG_BIN") {
        return PathBuf::from(bin);
    }
    PathBuf::from(finish(Command::new("pg_config").arg("--bindir")).trim())
}

/// PostgreSQL refuses to run as root, so root becomes `postgres`; anyone else stays who he is.
pub(crate) fn as_server_user(program: &Path) -> Command {
    let mut command = if !is_root() {
        Command::new(program)
    } else {
        let mut command = if Path::new("/usr/sbin/runuser").exists() {
            Command::new("/usr/sbin/runuser")
        } else {
            Command::new("sudo")
        };
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    };
    clean_environment(&mut command);
    command.current_dir("/");
    command
}

/// With RUST_BACKTRACE a server shows clients a backtrace; PG* variables would point elsewhere.
fn clean_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("PG") || name == "RUST_BACKTRACE" || name == "RUST_LIB_BACKTRACE" {
            command.env_remove(&*name);
        }
    }
    command.env("LC_ALL", "C");
}

fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| finish(Command::new("id").arg("-u")).trim() == "0")
}

fn make_home() -> PathBuf {
    let pattern = std::env::temp_dir().join("tenant_guard_test.XXXXXX");
    let mktemp =
        |pattern: &Path| as_server_user(Path::new("mktemp")).arg("-d").arg(pattern).output();
    let made = mktemp(&pattern).expect("mktemp can be run");
    // A TMPDIR of root's own is closed to the server's user.
    let made = if made.status.success() {
        made
    } else {
        mktemp(Path::new("/tmp/tenant_guard_test.XXXXXX")).expect("mktemp can be run")
    };
    PathBuf::from(success(made, "mktemp").trim())
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("a bound address").port()
}

fn signal(signal: &str, pid: u32) {
    finish(Command::new("kill").args([signal, &pid.to_string()]));
}

/// Runs a command to its end and returns what it printed; panics, with its errors, when it failed.
#[track_caller]
pub fn finish(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    success(output, &format!("{command:?}"))
}

#[track_caller]
pub fn success(output: Output, what: &str) -> String {
    assert!(
        output.status.success(),
        "{what}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("the output is UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{execute, number};

    #[test]
    fn a_killed_cluster_starts_again_with_what_was_committed_and_leaves_nothing_behind() {
        let cluster = Cluster::start();
        let mut admin = cluster.admin();
        execute(
            &mut admin,
            "CREATE TABLE kept AS SELECT 1 AS n; CREATE TABLE lost (n int); INSERT INTO lost VALUES (1)",
        );
        execute(&mut admin, "BEGIN; DROP TABLE lost; INSERT INTO kept VALUES (2)");
        let pid = cluster.postmaster_pid();
        cluster.kill_postmaster();
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
        cluster.restart();
        assert_ne!(cluster.postmaster_pid(), pid);
        let kept = "SELECT (SELECT count(*) FROM kept) + (SELECT count(*) FROM lost)";
        assert_eq!(number(&mut cluster.admin(), kept), 2);
        let home = cluster.home.clone();
        assert!(home.exists());
        drop(cluster);
        assert!(!home.exists());
    }
}
