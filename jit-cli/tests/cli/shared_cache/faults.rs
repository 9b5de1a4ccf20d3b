//! Builds with a store that fails at random.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    thread,
    time::Instant,
};

use fixtures::needs;

use super::{
    counts,
    proxy::Proxy,
    servers::{self, Server, redis},
    warnings,
};
use crate::batch::some;

/// Builds many times, each time with an empty local cache, while the connections to the server fail.
fn builds(server: &Server, builds: u64) {
    let proxy = Proxy::start(server.port);
    let sandbox = some();
    sandbox.build_plain();
    let (mut given, mut warned) = (0, 0);
    for seed in 0..builds {
        proxy.seed(seed);
        let started = Instant::now();
        let run = server.named_at(sandbox.build_on("local"), proxy.port);
        let run = run.succeeds();
        assert!(
            sandbox.files("out") == sandbox.files("plain"),
            "seed {seed}"
        );
        assert!(started.elapsed().as_secs() < 60, "seed {seed}");
        let found = warnings(&run).len();
        assert!(found <= 1, "seed {seed}: {}", run.stderr);
        warned += found;
        given += counts(&run).1;
        // Nothing wrong came into the local cache either.
        let plain = sandbox.build_on("local").succeeds();
        assert!(
            sandbox.files("out") == sandbox.files("plain"),
            "seed {seed}"
        );
        assert_eq!(plain.stderr, "", "seed {seed}");
        fs::remove_dir_all(sandbox.path("local")).unwrap();
        if (seed + 1) % 50 == 0 || seed + 1 == builds {
            let done = seed + 1;
            eprintln!("{done} builds: {given} micro-ops given, {warned} builds with a warning");
        }
    }
    assert!(given > 0 && warned > 0);
}

/// `opendal` panics about a status that is not a number. That is a failed request like others.
#[test]
fn an_answer_that_makes_the_client_panic() {
    needs!(clang_22, objdump_22);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut request = [0; 1 << 16];
                while stream.read(&mut request).is_ok_and(|length| length > 0) {
                    // Nothing is there to be read.
                    if request.starts_with(b"GET") {
                        let _ = stream
                            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
                        continue;
                    }
                    let body = "<?xml version=\"1.0\"?><D:multistatus xmlns:D=\"DAV:\"><D:response><D:href>/dav/x</D:href>\
                                <D:propstat><D:prop><D:getlastmodified>Fri, 27 Nov 2026 00:00:00 GMT</D:getlastmodified>\
                                <D:getcontentlength>1</D:getcontentlength><D:resourcetype/></D:prop>\
                                <D:status>HTTP/1.1 2x0 OK</D:status></D:propstat></D:response></D:multistatus>";
                    let answer = format!(
                        "HTTP/1.1 207 Multi-Status\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    let _ = stream.write_all(answer.as_bytes());
                }
            });
        }
    });
    let sandbox = some();
    sandbox.build_plain();
    let endpoint = format!("http://127.0.0.1:{port}/dav");
    let run = sandbox
        .build_on("local")
        .env("JIT_CACHE_WEBDAV_ENDPOINT", endpoint);
    let printed = run.succeeds();
    let [warning] = warnings(&printed)[..] else {
        panic!("{}", printed.stderr);
    };
    assert!(warning.contains("panicked"), "{warning}");
    assert!(sandbox.files("out") == sandbox.files("plain"));
}

/// As many builds as it takes for both, an answer and a warning, to be among them.
fn some_builds() -> u64 {
    if fixtures::is_thorough() { 12 } else { 5 }
}

#[test]
fn some_builds_with_a_redis() {
    needs!(clang_22, objdump_22, redis_server);
    builds(&redis(&[]), some_builds());
}

#[test]
fn some_builds_with_a_webdav_server() {
    needs!(clang_22, objdump_22, nginx_with_webdav);
    builds(&servers::webdav(), some_builds());
}

/// `cargo test -p jit-cli --features remote-cache --test cli -- --ignored --nocapture hundred`
#[test]
#[ignore = "takes a quarter of an hour"]
fn five_hundred_builds_with_a_redis() {
    needs!(clang_22, objdump_22, redis_server);
    builds(&redis(&[]), 500);
}

#[test]
#[ignore = "takes a quarter of an hour"]
fn five_hundred_builds_with_a_webdav_server() {
    needs!(clang_22, objdump_22, nginx_with_webdav);
    builds(&servers::webdav(), 500);
}
