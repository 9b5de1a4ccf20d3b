//! `--sysroot`.

use fixtures::TRIPLES;

use crate::{
    sandbox::{LINUX, Sandbox},
    tinyvm,
};

/// A project whose template asks for a system's headers, behind other lines.
fn project(first: &str) -> Sandbox {
    let sandbox = Sandbox::new().tinyvm();
    let template = tinyvm::file("Tools/jit/template.c");
    let includes = "#include <errno.h>\n#include <pthread.h>\n#include <signal.h>\n#include <stdio.h>\n\
                    #include <stdlib.h>\n#include <string.h>\n#include <time.h>\n\n";
    let windows = includes.replace("<pthread.h>", "<windows.h>");
    let text = format!("#include \"system.h\"\n\n{template}");
    sandbox.write(
        "vm/Include/system.h",
        format!("{first}#ifdef _WIN32\n{windows}#else\n{includes}#endif\n"),
    );
    sandbox.write("vm/Tools/jit/template.c", text);
    sandbox
}

#[test]
fn builtin_headers_for_all_targets() {
    // With no header of this machine in reach. The assertions hold, release and debug.
    let sandbox = project("");
    for more in [&[][..], &["--debug"]] {
        sandbox
            .build_for(&TRIPLES)
            .with(&["--sysroot", "builtin"])
            .with(more)
            .succeeds();
    }
    assert_eq!(sandbox.files("out").len(), 7 * 3 + 2);
}

#[test]
fn a_wrong_size_is_caught() {
    // What a pyconfig.h of another system would say.
    let sandbox = project("#include \"pyconfig.h\"\n");
    let old = tinyvm::file("pyconfig.h");
    let new = old.replace("__SIZEOF_POINTER__", "16");
    assert_ne!(old, new);
    sandbox.write("vm/pyconfig.h", new);
    let stderr = sandbox
        .build_for(&[LINUX])
        .with(&["--sysroot", "builtin"])
        .fails(12);
    assert!(stderr.contains("SIZEOF_VOID_P in pyconfig.h"), "{stderr}");
}

#[test]
fn a_folder_with_headers() {
    let sandbox = project("");
    sandbox.write("empty/readme", "");
    let stderr = sandbox
        .build_for(&[LINUX])
        .with(&["--sysroot", "empty"])
        .fails(12);
    assert!(stderr.contains("errno.h"), "{stderr}");
    let stderr = sandbox
        .build_for(&[LINUX])
        .with(&["--sysroot", "nowhere"])
        .fails(20);
    assert!(
        stderr.contains("sysroot") && stderr.contains("nowhere"),
        "{stderr}"
    );
}
