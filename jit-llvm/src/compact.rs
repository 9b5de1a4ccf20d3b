//! Shortens snapshots.
//!
//! `clang -frewrite-includes` keeps each directive that it has processed in the text, but disabled, and adds a
//! line marker after it. A real header has thousands of these, which clang would read for every micro-op.

use memchr::{memchr_iter, memchr3, memmem, memrchr};

/// The end of the lines that clang adds around a directive that it has processed.
const DISABLED: &[u8] = b"disabled by -frewrite-includes */";
/// The end of the lines that clang adds around an include directive and the text of the header.
const EXPANDED: &[u8] = b"expanded by -frewrite-includes */";

/// Returns the text without disabled directives, and without line markers that change nothing. The meaning of the
/// text stays the same, and each line keeps its file and line number. Returns `None` if the text does not have the
/// form that clang writes.
pub(crate) fn compact(text: &[u8]) -> Option<Vec<u8>> {
    let mut compacted = Compacted {
        text: Vec::with_capacity(text.len()),
        place: None,
    };
    // clang also counts lines that end with a carriage return alone.
    let mut returns = memchr_iter(b'\r', text);
    if returns.any(|at| text.get(at + 1) != Some(&b'\n')) {
        return None;
    }
    let mut open = Open::default();
    let mut headers = 0;
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    while let Some(line) = lines.next() {
        let within = open;
        open = open.after(line);
        // Lines in comments and literals may look like added lines.
        if within != Open::Nothing {
            compacted.push(line);
        } else if is_around(line, b"#if 0", DISABLED) {
            compacted.remove_indentation();
            skip_to(&mut lines, &[b"#endif"], DISABLED)?;
        } else if is_around(line, b"#if ", EXPANDED) {
            compacted.remove_indentation();
            let end = skip_to(&mut lines, &[b"#else", b"#endif"], EXPANDED)?;
            if end.starts_with(b"#else") {
                headers += 1;
            }
        } else if is_around(line, b"#endif", EXPANDED) {
            // The text of a header has ended.
            headers = usize::checked_sub(headers, 1)?;
        } else if let Some(marker) = Marker::parse(line) {
            compacted.mark(marker, line);
        } else {
            compacted.push(line);
        }
    }
    (open == Open::Nothing && headers == 0).then_some(compacted.text)
}

/// Returns whether a line starts and ends like a line that clang adds.
fn is_around(line: &[u8], start: &[u8], end: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(start) && line.trim_ascii_end().ends_with(end)
}

/// Skips a disabled directive, and returns the line that clang has added after it.
fn skip_to<'a>(
    lines: &mut impl Iterator<Item = &'a [u8]>,
    starts: &[&[u8]],
    end: &[u8],
) -> Option<&'a [u8]> {
    lines.find(|line| starts.iter().any(|start| is_around(line, start, end)))
}

/// The text so far.
struct Compacted {
    text: Vec<u8>,
    /// The place that clang assigns to the next line, if it is known.
    place: Option<Marker>,
}

impl Compacted {
    fn push(&mut self, line: &[u8]) {
        self.text.extend_from_slice(line);
        if let Some(place) = &mut self.place {
            place.line += 1;
        }
        if sets_place(line) {
            self.place = None;
        }
    }

    /// Removes the last line if it contains only the indentation of a directive.
    fn remove_indentation(&mut self) {
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let before = match self.text.strip_suffix(b"\n") {
            Some(rest) => memrchr(b'\n', rest).map_or(0, |at| at + 1),
            None => return,
        };
        let Some((text, line)) = self.text.split_at_checked(before) else {
            return;
        };
        let is_continued =
            text.trim_ascii_end().ends_with(b"\\") || text.trim_ascii_end().ends_with(b"??/");
        if line.iter().all(is_space)
            && !is_continued
            && let Some(place) = &mut self.place
        {
            place.line -= 1;
            self.text.truncate(before);
        }
    }

    /// Adds a marker, or empty lines up to the line that it names. In a condition that is false, clang ignores
    /// markers but counts lines, so empty lines are right in any case.
    fn mark(&mut self, marker: Marker, line: &[u8]) {
        let place = self.place.as_ref();
        match place.filter(|place| place.file == marker.file && place.line <= marker.line) {
            Some(place) if !marker.moves => {
                let missing = (place.line..marker.line).map(|_| b'\n');
                self.text.extend(missing);
                self.place = Some(marker);
            }
            _ => {
                self.text.extend_from_slice(line);
                // No file is entered or left within such a condition.
                self.place = Some(marker).filter(|marker| marker.moves);
            }
        }
    }
}

/// A marker of the place of the next line: `# LINE "FILE" FLAGS`.
struct Marker {
    line: u64,
    /// The name of the file, and the flags that say what kind of file it is.
    file: Vec<u8>,
    /// Whether a file is entered or returned to here.
    moves: bool,
}

impl Marker {
    fn parse(line: &[u8]) -> Option<Marker> {
        let rest = line.trim_ascii_end().strip_prefix(b"# ")?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, file) = rest.split_at_checked(digits)?;
        let end = file.iter().rposition(|byte| *byte == b'"')? + 1;
        let (name, flags) = file.split_at_checked(end)?;
        let kind = [" 1", " 2"].map(|flag| flags.strip_prefix(flag.as_bytes()));
        let kind = kind.into_iter().flatten().next();
        Some(Marker {
            line: str::from_utf8(number).ok()?.parse().ok()?,
            file: [name, kind.unwrap_or(flags)].concat(),
            moves: kind.is_some(),
        })
    }
}

/// Returns whether a line is a directive that sets the place of the next one.
fn sets_place(line: &[u8]) -> bool {
    let words = line.trim_ascii_start().strip_prefix(b"#");
    let words = words.map(<[u8]>::trim_ascii_start).unwrap_or_default();
    words.starts_with(b"line") || words.first().is_some_and(u8::is_ascii_digit)
}

/// The comment or literal that a line starts in.
#[derive(Default, PartialEq, Eq, Clone, Copy)]
enum Open {
    #[default]
    Nothing,
    /// `/* ... */`.
    Comment,
    /// `// ...`.
    LineComment,
    /// A string or a character.
    Literal(u8),
}

impl Open {
    /// Scans a line, and returns what the next one starts in.
    fn after(self, line: &[u8]) -> Open {
        let goes_on = line.trim_ascii_end().ends_with(b"\\");
        let (mut open, mut rest) = (self, line);
        loop {
            let (next, after) = match open {
                Open::Nothing => match memchr3(b'/', b'"', b'\'', rest) {
                    Some(at) => Open::at(rest.get(at..).unwrap_or_default()),
                    None => return Open::Nothing,
                },
                Open::Comment => match memmem::find(rest, b"*/") {
                    Some(at) => (Open::Nothing, rest.get(at + 2..).unwrap_or_default()),
                    None => return Open::Comment,
                },
                Open::Literal(quote) => match after_literal(quote, rest) {
                    Some(after) => (Open::Nothing, after),
                    // An apostrophe without a partner, as in the text of an `#error`, ends with its line.
                    None if goes_on => return open,
                    None => return Open::Nothing,
                },
                Open::LineComment if goes_on => return open,
                Open::LineComment => return Open::Nothing,
            };
            (open, rest) = (next, after);
        }
    }

    /// Returns what starts at a slash or a quote, and what follows that.
    fn at(text: &[u8]) -> (Open, &[u8]) {
        match text {
            [b'/', b'/', rest @ ..] => (Open::LineComment, rest),
            [b'/', b'*', rest @ ..] => (Open::Comment, rest),
            [quote @ (b'"' | b'\''), rest @ ..] => (Open::Literal(*quote), rest),
            _ => (Open::Nothing, text.get(1..).unwrap_or_default()),
        }
    }
}

/// Returns the text after the end of a literal, or `None` if the literal does not end.
fn after_literal(quote: u8, mut text: &[u8]) -> Option<&[u8]> {
    loop {
        text = match text {
            [b'\\', _, rest @ ..] => rest,
            [byte, rest @ ..] if *byte == quote => return Some(rest),
            [_, rest @ ..] => rest,
            [] => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, process::Command};

    use super::*;

    /// Returns each token of a file with its place, and what clang complains about.
    fn tokens(clang: &Path, directory: &Path, action: &str, input: &str) -> String {
        let done = Command::new(clang)
            .args([
                "-cc1", action, "-std=c11", "-Wall", "-Wextra", "-x", "c", input,
            ])
            .current_dir(directory)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{errors}");
        let text = String::from_utf8(done.stderr).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        // The end is no token, and may be in the lines that clang has added.
        lines.retain(|line| !line.is_empty() && !line.starts_with("eof "));
        lines.join("\n")
    }

    fn rewritten(clang: &Path, directory: &Path, input: &str) -> Vec<u8> {
        let done = Command::new(clang)
            .args([
                "-cc1",
                "-E",
                "-std=c11",
                "-frewrite-includes",
                "-isystem",
                "sys",
            ])
            .args(["-x", "c", input])
            .current_dir(directory)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{errors}");
        done.stdout
    }

    const MAIN: &str = r##"#include "a.h" // why
#include <s.h>
int before = __LINE__;
/* A comment with
# 1 "main.c"
# 7 "main.c" 2
in it */ int in_comment = __LINE__;
const char *text = "one \
# 3 \"main.c\" /* \
"; int behind_text = __LINE__;
// A line that goes on \
# 2 "main.c" "
#if 0
#error don't /* care
*/
#endif
#if defined(A) && \
    defined(B) /* of two
                  lines */
#error never
#elif A_H > 1
int second = __LINE__;
#else /* A */
int other = __LINE__;
#endif
#line 1000
int moved = __LINE__;
#if 1
int moved_too = __LINE__;
#endif
#line 2000 "other.c"
#ifdef A_H
int other_file = __LINE__; const char *file = __FILE__;
#endif
# 30 "main.c"
#if 1

int back = __LINE__;
#endif
#define TWO(x) \
    x + \
    __LINE__
int two = TWO(
#if 1
1
#else
2
#endif
);
%: if 1
??=if 1
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-value"
static void unused(void) { 1; }
#pragma GCC diagnostic pop
static void warned(int a) { 1; }
#if 0






static int left_out;




#endif
int end = __LINE__;
%: endif
#endif
"##;

    fn write_headers(directory: &Path, end: &str) {
        let write = |name: &str, text: &str| {
            let text = text.replace('\n', end);
            fs::write(directory.join(name), text).unwrap();
        };
        fs::create_dir_all(directory.join("sys")).unwrap();
        write(
            "main.c",
            MAIN.replace(
                "#error don't /* care\n",
                "#if 0\n#error don't /* care\n*/\n#endif\n",
            )
            .as_str(),
        );
        write(
            "a.h",
            "#pragma once\n#include \"b.h\"\n#define A_H 2\n#include \"b.h\"\n#include \"a.h\"\nint a = __LINE__;\n",
        );
        write("b.h", "#ifndef B_H\n#define B_H\nstatic int b;\n#endif\n");
        write(
            "sys/s.h",
            "#if __has_include(<t.h>)\n#include <t.h>\n#endif\nstatic int s(void) { 1; }\n",
        );
        write(
            "sys/t.h",
            "#pragma GCC system_header\nstatic int t(void) { 1; }\n",
        );
    }

    #[test]
    fn each_token_keeps_its_place() {
        let Some(clang) = fixtures::needs::clang_22() else {
            return;
        };
        for end in ["\n", "\r\n"] {
            let directory = tempfile::tempdir().unwrap();
            write_headers(directory.path(), end);
            let text = rewritten(&clang, directory.path(), "main.c");
            let short = compact(&text).unwrap();
            let count = |text: &[u8], part: &str| memmem::find_iter(text, part).count();
            assert!(count(&text, "frewrite-includes") > 20);
            assert_eq!(
                count(&short, "frewrite-includes"),
                count(&short, "evaluated by")
            );
            assert!(count(&short, "\n# ") < count(&text, "\n# "));
            for action in ["-dump-tokens", "-fsyntax-only"] {
                let [before, after] = [&text, &short].map(|text| {
                    fs::write(directory.path().join("text.c"), text).unwrap();
                    tokens(&clang, directory.path(), action, "text.c")
                });
                assert!(before.lines().count() > 10, "{before}");
                assert_same_lines(&before, &after);
            }
        }
    }

    fn assert_same_lines(before: &str, after: &str) {
        for (before, after) in before.lines().zip(after.lines()) {
            assert_eq!(before, after);
        }
        assert_eq!(before.lines().count(), after.lines().count());
    }

    #[test]
    fn what_clang_does_not_write_stays() {
        for text in [
            "#if 0 /* disabled by -frewrite-includes */\n#if 1\n",
            "#if 1 /* a.h expanded by -frewrite-includes */\n#include \"a.h\"\n",
            "int a;\rint b;\n",
            "/* without an end\n",
        ] {
            assert_eq!(compact(text.as_bytes()), None, "{text}");
        }
    }
}
