//! Fake tools.

use crate::{sandbox::Sandbox, tools};

impl Sandbox {
    /// Writes a clang that prints a version and does nothing else.
    pub(crate) fn clang_that_says(&self, relative: &str, text: &str) {
        self.script(relative, &format!("/bin/cat <<'END'\n{text}\nEND\n"));
    }

    /// Writes a wrapper around clang 22 to `llvm/bin`, for `--llvm-tools-install-dir llvm`. `body` is shell code in
    /// which `$real` is the clang to run with `"$@"`. The commands of batches also run the wrapper, since it is
    /// the program that its `-###` prints.
    pub(crate) fn clang_with(&self, before: &str) {
        let real = tools::clang_22().display();
        let script = format!(
            r#"real='{real}'
case "$1" in
'-###')
    "$real" "$@" 2>&1 | sed "s|\"[^\"]*\" \"-cc1\"|\"$0\" \"-cc1\"|" >&2
    exit
    ;;
--version) exec "$real" --version ;;
esac
{before}
exec "$real" "$@"
"#
        );
        self.script("llvm/bin/clang", &script);
    }
}
