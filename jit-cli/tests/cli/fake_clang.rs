//! Tools that are not what they should be.

use crate::{sandbox::Sandbox, tools};

impl Sandbox {
    /// A clang that prints a version and does nothing else.
    pub(crate) fn clang_that_says(&self, relative: &str, text: &str) {
        self.script(relative, &format!("/bin/cat <<'END'\n{text}\nEND\n"));
    }

    /// clang 22 in `llvm/bin`, for `--llvm-tools-install-dir llvm`, with something to do before it
    /// runs: lines of shell, where `$real` is the clang that is to be run with `"$@"`. The commands
    /// of batches go through it, too, since it is the program that its `-###` prints.
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
