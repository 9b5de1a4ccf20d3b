//! Servers for a test, each on a port of its own, with nothing in it.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use fixtures::needs;
use tempfile::TempDir;

use crate::sandbox::Run;

/// A server, which ends with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    kind: Kind,
    _directory: TempDir,
}

#[derive(Clone, Copy)]
enum Kind {
    Redis,
    S3,
    Webdav,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a port at which nothing listens.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Server {
    /// Starts a server, and waits until it listens.
    fn start(kind: Kind, make: impl FnOnce(u16, &TempDir) -> Command) -> Server {
        let directory = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = make(port, &directory);
        let log = fs::File::create(directory.path().join("log")).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let mut server = Server {
            child: command.spawn().unwrap(),
            port,
            kind,
            _directory: directory,
        };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = || fs::read_to_string(server._directory.path().join("log")).unwrap();
            assert!(server.child.try_wait().unwrap().is_none(), "{}", log());
            assert!(started.elapsed() < Duration::from_secs(60), "{}", log());
            thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// Returns the run with this server as the shared cache.
    pub(crate) fn named<'a>(&self, run: Run<'a>) -> Run<'a> {
        self.named_at(run, self.port)
    }

    /// Returns the run with this server as the shared cache, at another port.
    pub(crate) fn named_at<'a>(&self, run: Run<'a>, port: u16) -> Run<'a> {
        match self.kind {
            Kind::Redis => run.env(
                "JIT_CACHE_REDIS_ENDPOINT",
                format!("redis://127.0.0.1:{port}"),
            ),
            Kind::S3 => run
                .env("JIT_CACHE_S3_BUCKET", "stencils")
                .env("JIT_CACHE_S3_ENDPOINT", format!("http://127.0.0.1:{port}"))
                .env("AWS_ACCESS_KEY_ID", "test")
                .env("AWS_SECRET_ACCESS_KEY", "test"),
            Kind::Webdav => run.env(
                "JIT_CACHE_WEBDAV_ENDPOINT",
                format!("http://127.0.0.1:{port}/dav"),
            ),
        }
    }

    fn redis_cli(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut child = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        output.stdout
    }

    /// Returns the keys in a Redis, in their order.
    pub(crate) fn keys(&self) -> Vec<String> {
        let text = String::from_utf8(self.redis_cli(&["--scan"], b"")).unwrap();
        let mut keys: Vec<String> = text.lines().map(str::to_owned).collect();
        keys.sort();
        assert!(!keys.is_empty());
        keys
    }

    pub(crate) fn get(&self, key: &str) -> Vec<u8> {
        let mut bytes = self.redis_cli(&["get", key], b"");
        assert_eq!(bytes.pop(), Some(b'\n'));
        bytes
    }

    pub(crate) fn set(&self, key: &str, value: &[u8]) {
        let said = self.redis_cli(&["-x", "set", key], value);
        assert_eq!(said, b"OK\n");
    }
}

/// Starts a Redis with more options.
pub(crate) fn redis(options: &[&str]) -> Server {
    Server::start(Kind::Redis, |port, directory| {
        let mut command = Command::new(needs::redis_server().unwrap());
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no"]);
        command.args(options).current_dir(directory);
        command
    })
}

/// Starts moto's server, which speaks S3, and makes a bucket.
pub(crate) fn s3() -> Server {
    let server = Server::start(Kind::S3, |port, directory| {
        let mut command = Command::new(needs::moto_server().unwrap());
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        command.current_dir(directory);
        command
    });
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let request = "PUT /stencils HTTP/1.1\r\nHost: s3.amazonaws.com\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server
}

/// Starts an nginx with WebDAV.
pub(crate) fn webdav() -> Server {
    Server::start(Kind::Webdav, |port, directory| {
        let (nginx, module) = needs::nginx_with_webdav().unwrap();
        let root = directory.path();
        fs::create_dir_all(root.join("files/dav")).unwrap();
        let here = root.display();
        let module = module.display();
        let places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let places = places.map(|name| format!("{name}_temp_path {here}/{name};\n"));
        let text = format!(
            "load_module {module};\ndaemon off;\nmaster_process off;\npid {here}/pid;\nerror_log stderr;\n\
             events {{}}\n\
             http {{\naccess_log off;\nclient_max_body_size 64m;\n{}\
             server {{\nlisten 127.0.0.1:{port};\nlocation /dav {{\nroot {here}/files;\n\
             dav_methods PUT DELETE MKCOL COPY MOVE;\ndav_ext_methods PROPFIND OPTIONS;\ndav_access user:rw;\n\
             }}\n}}\n}}\n",
            places.concat()
        );
        let path = root.join("nginx.conf");
        fs::write(&path, text).unwrap();
        let mut command = Command::new(nginx);
        command.arg("-p").arg(root).arg("-c").arg(path);
        command
    })
}
