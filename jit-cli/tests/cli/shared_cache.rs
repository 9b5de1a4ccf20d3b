//! The cache that machines share, with servers that the tests start.

mod faults;
mod proxy;
mod servers;

use std::{net::TcpListener, time::Instant};

use fixtures::needs;
use sha2::{Digest as _, Sha256};

use self::servers::{Server, redis};
use crate::{
    batch::some,
    cache::events,
    sandbox::{LINUX, Printed, Run, Sandbox, complaints},
};

impl Sandbox {
    /// Returns a build as on a machine with a local cache in this directory.
    fn build_on(&self, cache: &str) -> Run<'_> {
        self.build()
            .with(&["--force", "--cache-dir", cache])
            .with(&["--message-format", "json"])
    }

    /// Builds without any cache, and leaves the files in `plain`.
    fn build_plain(&self) {
        self.run(&["build", "--cpython", "vm", "-p", "vm", "-o", "plain", LINUX])
            .with(&["--llvm-version", "22", "--no-cache"])
            .succeeds();
    }

    #[track_caller]
    fn is_right(&self) {
        assert!(self.files("out") == self.files("plain"));
    }
}

/// Returns how many micro-ops there are, and how many of them a cache gave.
fn counts(printed: &Printed) -> (u64, u64) {
    let events = events(&printed.stdout);
    let target = events.iter().find(|event| event["reason"] == "target");
    let number = |name| target.unwrap()[name].as_u64().unwrap();
    (number("uops"), number("cached"))
}

/// Returns the warnings about the shared cache.
fn warnings(printed: &Printed) -> Vec<&str> {
    let lines = complaints(&printed.stderr).into_iter();
    let found: Vec<&str> = lines.filter(|line| line.contains("shared cache")).collect();
    // As the default hook of panics prints it.
    assert!(
        !printed.stderr.contains("stack backtrace") && !printed.stderr.contains("\nthread '"),
        "{}",
        printed.stderr
    );
    found
}

/// Checks that one machine takes what another has built, and that a third one which may not write does not write.
fn second_machine(server: &Server) {
    let sandbox = some();
    sandbox.build_plain();
    let run = |cache| server.named(sandbox.build_on(cache));
    let first = run("one").succeeds();
    assert_eq!(first.stderr, "");
    assert_eq!(counts(&first).1, 0);
    sandbox.is_right();
    for (read_only, cache) in [("false", "two"), ("true", "two-read-only")] {
        let second = run(cache).env("JIT_CACHE_REMOTE_READ_ONLY", read_only);
        let second = second.with(&["--verbose"]).succeeds();
        let (uops, cached) = counts(&second);
        assert_eq!(uops, cached, "{:?}", warnings(&second));
        // The shim, too.
        let given = second.stderr.matches("gave 1 of 1 entries").count();
        assert_eq!(given, 1, "{}", second.stderr);
        sandbox.is_right();
    }
    // What was taken is in the local cache.
    let third = sandbox.build_on("two-read-only").succeeds();
    assert_eq!(counts(&third).0, counts(&third).1);
    // Another prefix is another cache, and read-only is read-only.
    for cache in ["three", "four"] {
        let run = run(cache).env("JIT_CACHE_REMOTE_PREFIX", "another/one");
        let run = run.env("JIT_CACHE_REMOTE_READ_ONLY", "true").succeeds();
        assert_eq!(counts(&run).1, 0);
        assert_eq!(run.stderr, "");
    }
    // What the shared cache gives is what clang makes.
    let checked = run("five").with(&["--verify-cache"]).succeeds();
    assert_eq!(warnings(&checked), [""; 0]);
    assert!(
        checked.stdout.contains("\"verified\""),
        "{}",
        checked.stdout
    );
    sandbox.is_right();
}

#[test]
fn a_redis() {
    needs!(clang_22, objdump_22, redis_server);
    second_machine(&redis(&[]));
}

#[test]
fn an_s3_bucket() {
    needs!(clang_22, objdump_22, moto_server);
    second_machine(&servers::s3());
}

#[test]
fn a_webdav_server() {
    needs!(clang_22, objdump_22, nginx_with_webdav);
    second_machine(&servers::webdav());
}

#[test]
fn a_table_in_jit_toml() {
    needs!(clang_22, objdump_22, redis_server);
    let server = redis(&[]);
    let sandbox = some();
    let table = format!(
        "[cache]\nprefix = 'a/b'\nread-only = false\n[cache.redis]\nendpoint = 'redis://127.0.0.1:{}'\n",
        server.port
    );
    sandbox.write("jit.toml", table);
    for (cache, wanted) in [("one", false), ("two", true)] {
        let run = sandbox.build_on(cache).with(&["--config", "jit.toml"]);
        let run = run.succeeds();
        assert_eq!(run.stderr, "");
        let (uops, cached) = counts(&run);
        assert_eq!(cached == uops, wanted);
    }
    assert!(server.keys().iter().all(|key| key.starts_with("a/b/v2/")));
    // `explain` is about this machine.
    let arguments = ["explain", "--cpython", "vm", "-p", "vm", "-o", "out", LINUX];
    let explained = sandbox
        .run(&arguments)
        .with(&[
            "--llvm-version",
            "22",
            "--config",
            "jit.toml",
            "--cache-dir",
            "x",
        ])
        .succeeds();
    assert_eq!(explained.stderr, "");
    let names: Vec<String> = sandbox.files("x").into_keys().collect();
    let is_entry = |name: &&String| name.starts_with("v2/") && !name.contains("projects");
    let entries: Vec<&String> = names.iter().filter(is_entry).collect();
    assert!(
        entries
            .iter()
            .all(|name| *name == "v2/" || *name == "v2/new/"),
        "{entries:?}"
    );
}

/// Returns an entry with another body, whose checksum is right.
fn sealed(body: &[u8]) -> Vec<u8> {
    [&Sha256::digest(body), body].concat()
}

#[test]
fn entries_that_lie() {
    needs!(clang_22, objdump_22, redis_server);
    let server = redis(&[]);
    let sandbox = some();
    sandbox.build_plain();
    let run = |cache: &str| server.named(sandbox.build_on(cache)).succeeds();
    run("one");
    let keys = server.keys();
    let entries: Vec<Vec<u8>> = keys.iter().map(|key| server.get(key)).collect();
    // The shim's is the one without disassembly.
    let kind = 64;
    let shim = entries.iter().position(|entry| entry[kind] == 0).unwrap();
    let uops: Vec<usize> = (0..keys.len()).filter(|index| *index != shim).collect();
    let flipped = |place: usize| {
        let mut bytes = entries[uops[0]].clone();
        bytes[place] ^= 1;
        bytes
    };
    let other = entries[uops[1]].clone();
    // A sealed entry whose object is no object file.
    let mut body = entries[uops[0]][32..].to_vec();
    body[41..].fill(b'x');
    // A sealed entry whose object is longer than all of it.
    let mut long = entries[uops[0]][32..].to_vec();
    long[33..41].fill(0xff);
    let lies = [
        flipped(0),
        flipped(100),
        entries[uops[0]][..200].to_vec(),
        Vec::new(),
        other,
        sealed(&body),
        sealed(&long),
        vec![0; 9 << 20],
    ];
    for (index, lie) in lies.iter().enumerate() {
        server.set(&keys[uops[0]], lie);
        let second = run(&format!("lie-{index}"));
        let (all, cached) = counts(&second);
        assert_eq!(cached, all - 1, "{index}: {}", second.stderr);
        assert_eq!(
            complaints(&second.stderr).len(),
            1,
            "{index}: {}",
            second.stderr
        );
        sandbox.is_right();
        // It was replaced by one whose checksum and key are right.
        let replaced = server.get(&keys[uops[0]]);
        assert!(replaced == sealed(&replaced[32..]), "{index}");
        assert!(replaced[32..64] == entries[uops[0]][32..64], "{index}");
    }
    // A shim that is none.
    let mut body = entries[shim][32..].to_vec();
    body[41..].fill(b'x');
    server.set(&keys[shim], &sealed(&body));
    let second = run("shim");
    assert_eq!(complaints(&second.stderr).len(), 1, "{}", second.stderr);
    sandbox.is_right();
    // If all of them lie, there is still one warning.
    for key in &keys {
        server.set(key, b"hello");
    }
    let second = run("all");
    assert_eq!(counts(&second).1, 0);
    assert_eq!(complaints(&second.stderr).len(), 1, "{}", second.stderr);
    sandbox.is_right();
}

#[test]
fn a_store_that_is_full() {
    needs!(clang_22, objdump_22, redis_server);
    let server = redis(&["--maxmemory", "100kb"]);
    let sandbox = some();
    sandbox.build_plain();
    let run = server.named(sandbox.build_on("one")).succeeds();
    let warnings = warnings(&run);
    assert_eq!(warnings.len(), 1, "{}", run.stderr);
    assert!(warnings[0].contains("can't write to it"), "{warnings:?}");
    sandbox.is_right();
}

/// Stores that can't be used cost one warning and not much time.
#[test]
fn a_store_that_is_gone() {
    needs!(clang_22, objdump_22);
    let sandbox = some();
    sandbox.build_plain();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap();
    let closed = servers::free_port();
    for (name, value) in [
        ("REDIS_ENDPOINT", format!("redis://127.0.0.1:{closed}")),
        ("REDIS_ENDPOINT", format!("redis://{silent}")),
        ("REDIS_ENDPOINT", format!("rediss://{silent}")),
        ("REDIS_ENDPOINT", "redis://no-such-host.invalid".to_owned()),
        ("WEBDAV_ENDPOINT", format!("http://127.0.0.1:{closed}")),
        ("WEBDAV_ENDPOINT", format!("https://{silent}")),
        ("WEBDAV_ENDPOINT", "http://no-such-host.invalid".to_owned()),
        ("S3_BUCKET", "none".to_owned()),
    ] {
        let mut run = sandbox.build_on("empty-each-time");
        if name == "S3_BUCKET" {
            run = run.env("JIT_CACHE_S3_ENDPOINT", format!("http://{silent}"));
            run = run.env("AWS_ACCESS_KEY_ID", "a");
            run = run.env("AWS_SECRET_ACCESS_KEY", "b");
        }
        let started = Instant::now();
        let run = run.env(&format!("JIT_CACHE_{name}"), &value).succeeds();
        assert_eq!(warnings(&run).len(), 1, "{name} {value}: {}", run.stderr);
        assert_eq!(counts(&run).1, 0);
        // The bound is 3 seconds; the rest is for a machine that does other things as well.
        assert!(started.elapsed().as_secs() < 30, "{name} {value}");
        sandbox.is_right();
        std::fs::remove_dir_all(sandbox.path("empty-each-time")).unwrap();
    }
}

#[test]
fn nothing_is_sent_if_nothing_is_to_be_done() {
    needs!(clang_22, objdump_22);
    let sandbox = some();
    sandbox.build_on("one").succeeds();
    let closed = format!("redis://127.0.0.1:{}", servers::free_port());
    let run = sandbox
        .build_on("one")
        .env("JIT_CACHE_REDIS_ENDPOINT", closed);
    let run = run.succeeds();
    assert_eq!(run.stderr, "");
}

#[test]
fn wrong_settings() {
    let sandbox = some();
    let run = |name: &str, value: &str| sandbox.build_on("one").env(name, value);
    for (name, value, part) in [
        ("JIT_CACHE_REDIS_ENDPOITN", "redis://a", "is not known"),
        ("JIT_CACHE_REDIS_ENDPOINT", "ftp://a", "rediss://"),
        ("JIT_CACHE_REMOTE_READ_ONLY", "maybe", "true or false"),
    ] {
        let message = run(name, value).fails(2);
        assert!(message.contains(part), "{message}");
    }
    let both = run("JIT_CACHE_REDIS_ENDPOINT", "redis://a").env("JIT_CACHE_S3_BUCKET", "b");
    assert!(both.fails(2).contains("two stores"));
    for (table, part) in [
        (
            "[cache.redis]\nendpoint = 'redis://a'\n[cache.ghac]\n",
            "two stores",
        ),
        ("[cache.redis]\nendpoint = 'ftp://a'\n", "rediss://"),
        (
            "[cache.redis]\npassword = 'x'\n",
            "unknown field `password`",
        ),
        ("[cache]\nsize = 1\n", "unknown field `size`"),
    ] {
        sandbox.write("jit.toml", table);
        let message = sandbox.build_on("one").with(&["--config", "jit.toml"]);
        let message = message.fails(21);
        assert!(
            message.contains(part) && message.contains("jit.toml"),
            "{message}"
        );
    }
}

#[test]
fn outside_of_github_actions() {
    needs!(clang_22, objdump_22);
    let sandbox = some();
    sandbox.write("jit.toml", "[cache.ghac]\n");
    let run = |cache| sandbox.build_on(cache).with(&["--config", "jit.toml"]);
    assert_eq!(run("one").succeeds().stderr, "");
    let printed = run("two").env("GITHUB_ACTIONS", "true").succeeds();
    assert!(
        printed.stderr.contains("ACTIONS_RUNTIME_TOKEN"),
        "{}",
        printed.stderr
    );
}

/// A machine without the certificates of authorities, such as a small container.
#[test]
fn without_certificates() {
    needs!(clang_22, objdump_22, redis_server);
    let server = redis(&[]);
    let sandbox = some();
    let run = sandbox.build_on("one").env("SSL_CERT_FILE", "/nowhere");
    let run = server.named(run.env("SSL_CERT_DIR", "/nowhere")).succeeds();
    assert_eq!(complaints(&run.stderr).len(), 1, "{}", run.stderr);
    assert_eq!(warnings(&run).len(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("ca-certificates"), "{}", run.stderr);
}
