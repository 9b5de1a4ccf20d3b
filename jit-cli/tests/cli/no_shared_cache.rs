//! Programs that were built without the feature `remote-cache`.

use crate::{batch::some, sandbox::complaints};

#[test]
fn settings_have_no_effect() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = some();
    let run = sandbox.build().env("JIT_CACHE_REDIS_ENDPOINT", "redis://a");
    let printed = run.succeeds();
    let warnings = complaints(&printed.stderr);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("--features remote-cache"),
        "{warnings:?}"
    );
    // The same settings are wrong in all programs.
    let run = sandbox.build().env("JIT_CACHE_REDIS_DB", "1");
    assert!(run.fails(2).contains("JIT_CACHE_REDIS_ENDPOINT is not"));
}
