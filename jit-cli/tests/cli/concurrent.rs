//! Several builds that write to one directory at the same time.

use std::process::Stdio;

use fixtures::{
    generated::{Build, HEADER_LINES, shim_object, stencils_header, unwind_header},
    golden::Golden,
};

use crate::{
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
