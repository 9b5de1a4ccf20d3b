//! Several builds that write to one directory at the same time.

use std::process::Stdio;

use fixtures::{
    generated::{Build, HEADER_LINES, shim_object, stencils_header, unwind_header},
    golden::Golden,
};

use crate::{
    batch,
    interrupt::{signal, slow_clang, start, wait_for},
    sandbox::{LINUX, Sandbox, complaints},
    tinyvm::text,
};

#[test]
fn all_of_them_succeed() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    let run = sandbox.build();
    let start = || {
        let mut command = run.command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let children: Vec<_> = (0..4).map(|_| start()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        assert_eq!(complaints(&text), [""; 0]);
    }
    let files = sandbox.files("out");
    let expected = [
        format!("jit_shim-{LINUX}.o"),
        format!("jit_stencils-{LINUX}.h"),
        "jit_stencils.h".to_owned(),
        format!("jit_unwind_info-{LINUX}.h"),
        "jit_unwind_info.h".to_owned(),
    ];
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        expected.iter().collect::<Vec<_>>()
    );
    for (path, name) in [
        (stencils_header(Build::Release, LINUX), &expected[1]),
        (unwind_header(Build::Release, LINUX), &expected[3]),
    ] {
        Golden::new(path)
            .skip_lines(HEADER_LINES)
            .made_by_upstream()
            .check_text(text(&files, name));
    }
    Golden::new(shim_object(Build::Release, LINUX))
        .made_by_upstream()
        .check_bytes(&files[&expected[0]]);
    assert_eq!(sandbox.files("tmp").len(), 0);
}

/// No number of jobs stops the machine.
#[test]
#[cfg(target_os = "linux")]
fn more_jobs_than_the_machine_can_have() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    slow_clang(&sandbox, "*-cc1*' -S '*");
    let run = sandbox
        .build()
        .with(&["--llvm-tools-install-dir", "llvm", "-j", "100000"]);
    let child = start(&run);
    wait_for("clang", || sandbox.path("marker").is_file());
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    signal("INT", child.id());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    let line = status.lines().find(|line| line.starts_with("Threads:"));
    let threads: usize = line.unwrap()[8..].trim().parse().unwrap();
    let cores = std::thread::available_parallelism().unwrap().get();
    // A few are for pipes and signals.
    assert!(threads <= 8 * cores + 16, "{threads} threads");
}
