//! A PgBouncer of one's own, which hands connections on from transaction to transaction.

use std::io::Write;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use postgres::{Config, NoTls};

use crate::cluster::{as_server_user, finish, free_port, Cluster};

pub struct Pooler {
    port: u16,
    guardian: Child,
}

impl Pooler {
    /// So many server connections for each database and role. The roles need no password.
    pub fn start(cluster: &Cluster, roles: &[&str], servers: usize) -> Pooler {
        let there = as_server_user("sh".as_ref())
            .args(["-c", "PATH=$PATH:/usr/sbin command -v pgbouncer"])
            .output()
            .expect("a shell can be run");
        assert!(
            there.status.success(),
            "there is no PgBouncer: install the Debian package pgbouncer"
        );
        let port = free_port();
        let folder = cluster.home().join(format!("pooler_{port}"));
        finish(as_server_user("mkdir".as_ref()).arg(&folder));
        let users: String = roles.iter().map(|role| format!("\"{role}\" \"\"\n")).collect();
        write(&folder.join("users"), &users);
        let settings = format!(
            "[databases]\n\
             * = host={home} port={server}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = trust\n\
             auth_file = {folder}/users\n\
             pool_mode = transaction\n\
             default_pool_size = {servers}\n\
             max_client_conn = 500\n\
             logfile = {folder}/log\n",
            home = cluster.home().display(),
            server = cluster.port(),
            folder = folder.display(),
        );
        let ini = folder.join("ini");
        write(&ini, &settings);
        // Stops it when this process ends, however it ends.
        let script = r#"trap '' INT TERM HUP
            PATH=$PATH:/usr/sbin pgbouncer -q "$1" > /dev/null 2>&1 &
            cat > /dev/null
            kill $!; wait $!"#;
        let guardian = as_server_user("sh".as_ref())
            .args(["-c", script, "guardian"])
            .arg(&ini)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("PgBouncer can be started");
        Pooler { port, guardian }
    }

    pub fn config(&self, database: &str, role: &str) -> Config {
        let mut config = Config::new();
        config.host("127.0.0.1").port(self.port).dbname(database).user(role);
        config
    }

    /// Waits until it takes clients.
    #[track_caller]
    pub fn answers(&self, database: &str, role: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while let Err(error) = self.config(database, role).connect(NoTls) {
            assert!(Instant::now() < deadline, "PgBouncer did not start: {error}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        let _ = self.guardian.wait();
    }
}

/// As the server's user, for its folder may be closed to us.
fn write(path: &std::path::Path, text: &str) {
    let mut tee = as_server_user("tee".as_ref())
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("tee can be run");
    let mut stdin = tee.stdin.take().expect("a pipe");
    stdin.write_all(text.as_bytes()).expect("the file can be written");
    drop(stdin);
    assert!(tee.wait().expect("tee ends").success());
}
