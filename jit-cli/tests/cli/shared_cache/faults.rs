//! Builds with a store that fails at random.

use std::{fs, time::Instant};

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

#[test]
fn some_builds_with_a_redis() {
    needs!(clang_22, objdump_22, redis_server);
    builds(&redis(&[]), 12);
}

#[test]
fn some_builds_with_a_webdav_server() {
    needs!(clang_22, objdump_22, nginx_with_webdav);
    builds(&servers::webdav(), 12);
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
