//! Advice for when clang does not find a header or a declaration: the headers of another system are not
//! installed, or the built-in ones do not have it.

use std::{collections::BTreeSet, path::Path};

use jit_llvm::{Diagnostic, LlvmError, Severity};
use jit_schema::Target;

use crate::{
    error::{Error, Headers},
    sysroot::headers::{self, CHECKED},
};

/// What clang does not find.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Missing<'a> {
    Header(&'a str),
    /// A function, a type or a constant.
    Name(&'a str),
    /// The members of a structure.
    Layout(&'a str),
}

/// What is missing, and the file and the line that need it.
type Asked<'a> = (Missing<'a>, &'a str, u32);

/// The largest number of names in the advice.
const SHOWN: usize = 5;

/// Returns advice if a target's build failed because of missing headers.
pub(crate) fn advice(
    error: &Error,
    target: &Target,
    headers: &Headers,
    root: &Path,
) -> Option<String> {
    let mut diagnostics = Vec::new();
    collect(error, &mut diagnostics);
    let all: Vec<_> = diagnostics.iter().copied().filter_map(asked).collect();
    match headers {
        Headers::Builtin(_) if has_others_pyconfig(&diagnostics) => Some(format!(
            "name the directory with the pyconfig.h of {target}, or leave out --pyconfig-dir (in jit.toml: pyconfig-dir): \
             --sysroot builtin brings one"
        )),
        Headers::Builtin(directory) => builtin(&all, root, directory),
        Headers::Directory(directory) => absent(&all, root, target, Some(directory)),
        Headers::Installed => absent(&all, root, target, None),
    }
}

fn collect<'a>(error: &'a Error, found: &mut Vec<&'a Diagnostic>) {
    match error {
        Error::Llvm(LlvmError::Rejected { diagnostics, .. }) => found.extend(&diagnostics.list),
        Error::Uop { error, .. } => collect(error, found),
        Error::Several(all) => all.iter().for_each(|error| collect(error, found)),
        _ => {}
    }
}

/// Returns whether a check of the built-in headers has found the pyconfig.h of another system.
fn has_others_pyconfig(diagnostics: &[&Diagnostic]) -> bool {
    let says = "sysroot: pyconfig.h is another system's";
    diagnostics.iter().any(|one| one.message.contains(says))
}

/// Returns what is missing according to an error of clang, with the file and the line that need it.
fn asked(diagnostic: &Diagnostic) -> Option<Asked<'_>> {
    if diagnostic.severity != Severity::Error {
        return None;
    }
    let missing = missing(&diagnostic.message)?;
    Some((missing, &diagnostic.file, diagnostic.line))
}

fn missing(message: &str) -> Option<Missing<'_>> {
    if let Some((name, _)) = message
        .strip_prefix('\'')
        .and_then(|rest| rest.split_once("' file not found"))
    {
        return Some(Missing::Header(name));
    }
    let quoted = |rest: &'_ str| -> Option<usize> { rest.find('\'') };
    for start in [
        "call to undeclared function '",
        "call to undeclared library function '",
        "use of undeclared identifier '",
        "unknown type name '",
    ] {
        if let Some(rest) = message.strip_prefix(start) {
            return Some(Missing::Name(rest.get(..quoted(rest)?)?));
        }
    }
    // Such as "incomplete definition of type" and "variable has incomplete type".
    let (before, rest) = message.split_once("type '")?;
    let name = rest.get(..quoted(rest)?)?;
    before
        .contains("incomplete")
        .then_some(Missing::Layout(name))
}

/// Returns advice for a build with the built-in headers.
fn builtin(all: &[Asked<'_>], root: &Path, own: &Path) -> Option<String> {
    let mut lines = BTreeSet::new();
    // What the built-in headers themselves need is missing in a pyconfig.h.
    let others = all
        .iter()
        .filter(|(_, file, _)| !Path::new(file).starts_with(own));
    for (missing, file, line) in others {
        let what = match missing {
            // As those of C++ are named.
            Missing::Header(name) if !name.contains('.') => format!(
                "the built-in sysroot has no {name}, as its headers are those of C, such as stdint.h"
            ),
            Missing::Header(name) => format!("the built-in sysroot has no {name}"),
            Missing::Name(name) => match (headers::mentioned(name), home(name)) {
                (Some(header), _) => format!(
                    "the built-in sysroot's {header} has {name}, but not for this target, or it is \
                     not included"
                ),
                (None, Some(header)) if headers::has(header) => {
                    format!("the built-in sysroot's {header} does not declare {name}")
                }
                (None, Some(header)) => {
                    format!("the built-in sysroot has no {header}, which declares {name}")
                }
                (None, None) => format!("no header of the built-in sysroot declares {name}"),
            },
            Missing::Layout(name) => {
                let tag = name.rsplit(' ').next().unwrap_or(name);
                // A type that no built-in header mentions is the project's.
                let Some(header) = headers::mentioned(tag) else {
                    continue;
                };
                format!("the built-in sysroot's {header} does not say what is in {name}")
            }
        };
        lines.insert(format!("{what} ({}:{line} asks for it)", shown(file, root)));
    }
    if lines.is_empty() {
        return None;
    }
    let more = lines.len().saturating_sub(SHOWN);
    let mut lines: Vec<String> = lines.into_iter().take(SHOWN).collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.push(format!(
        "The built-in sysroot has what CPython up to {CHECKED} needs. What is the system's is in its real \
         headers: --sysroot DIR (docs/sysroot.md says where to get them)"
    ));
    Some(lines.join("\n"))
}

/// Returns advice for a build with real headers, which were not found.
fn absent(
    all: &[Asked<'_>],
    root: &Path,
    target: &Target,
    directory: Option<&Path>,
) -> Option<String> {
    // A header that the project's files include may be the project's.
    let (name, file, line) = all.iter().find_map(|(missing, file, line)| match missing {
        Missing::Header(name) if headers::has(name) => Some((name, file, line)),
        Missing::Header(name) if is_outside(file, root) => Some((name, file, line)),
        _ => None,
    })?;
    let place = match directory {
        Some(directory) => format!("--sysroot {} has none", directory.display()),
        None => "clang finds none".to_owned(),
    };
    Some(format!(
        "{name} ({}:{line} asks for it) is one of the system's headers, and {place} for {target}: \
         --sysroot builtin has what CPython needs, and --sysroot DIR takes real ones (docs/sysroot.md \
         says where to get them)",
        shown(file, root)
    ))
}

/// Returns whether a file is outside of the project. The file of a micro-op, in the work directory, has a short
/// name; all other paths are absolute.
fn is_outside(file: &str, root: &Path) -> bool {
    let file = Path::new(file);
    file.is_absolute() && !file.starts_with(root)
}

fn shown(file: &str, root: &Path) -> String {
    let path = Path::new(file);
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// Returns the header that declares a function of the C library.
fn home(name: &str) -> Option<&'static str> {
    let mut all = HOMES.iter();
    let found = all.find(|(_, names)| names.split_whitespace().any(|known| known == name));
    found.map(|(header, _)| *header)
}

/// The functions that C11 or POSIX declare in each header.
#[rustfmt::skip]
const HOMES: [(&str, &str); 24] = [
    ("ctype.h", "isalnum isalpha isdigit islower isprint ispunct isspace isupper isxdigit tolower toupper"),
    ("dlfcn.h", "dladdr dlclose dlerror dlopen dlsym"),
    ("fcntl.h", "creat fcntl open openat posix_fadvise"),
    ("inttypes.h", "imaxabs strtoimax strtoumax"),
    ("locale.h", "localeconv newlocale setlocale uselocale"),
    ("math.h", "acos asin atan atan2 cbrt ceil copysign cos cosh erf exp exp2 expm1 fabs floor fma fmod frexp \
                hypot ldexp lgamma log log10 log1p log2 modf nextafter pow round sin sinh sqrt tan tanh trunc"),
    ("poll.h", "poll"),
    ("pthread.h", "pthread_attr_destroy pthread_attr_init pthread_attr_setstacksize pthread_cond_broadcast \
                   pthread_cond_destroy pthread_cond_init pthread_cond_signal pthread_cond_timedwait \
                   pthread_cond_wait pthread_condattr_init pthread_create pthread_detach pthread_equal \
                   pthread_exit pthread_getspecific pthread_join pthread_key_create pthread_key_delete \
                   pthread_mutex_destroy pthread_mutex_init pthread_mutex_lock pthread_mutex_trylock \
                   pthread_mutex_unlock pthread_once pthread_rwlock_rdlock pthread_rwlock_unlock \
                   pthread_rwlock_wrlock pthread_self pthread_setspecific"),
    ("sched.h", "sched_getaffinity sched_setaffinity sched_yield"),
    ("semaphore.h", "sem_clockwait sem_destroy sem_init sem_post sem_timedwait sem_trywait sem_wait"),
    ("setjmp.h", "longjmp siglongjmp"),
    ("signal.h", "kill pthread_kill pthread_sigmask raise sigaction sigaddset sigaltstack sigemptyset \
                  sigfillset signal sigprocmask"),
    ("stdio.h", "clearerr fclose fdopen feof ferror fflush fgetc fgets fileno fopen fprintf fputc fputs fread \
                 freopen fscanf fseek ftell fwrite getc getchar perror printf putc putchar puts remove rename \
                 rewind scanf setvbuf snprintf sprintf sscanf tmpfile ungetc vfprintf vprintf vsnprintf"),
    ("stdlib.h", "abort abs aligned_alloc atexit atof atoi atol bsearch calloc div exit free getenv labs malloc \
                  mbstowcs posix_memalign qsort rand random realloc setenv srand strtod strtol strtoll strtoul \
                  strtoull system unsetenv wcstombs"),
    ("string.h", "memchr memcmp memcpy memmove memset strcat strchr strcmp strcoll strcpy strcspn strdup \
                  strerror strlen strncat strncmp strncpy strndup strnlen strpbrk strrchr strspn strstr strtok"),
    ("sys/mman.h", "madvise mlock mmap mprotect msync munmap"),
    ("sys/resource.h", "getrlimit getrusage setrlimit"),
    ("sys/select.h", "pselect select"),
    ("sys/stat.h", "chmod fstat lstat mkdir stat umask"),
    ("sys/time.h", "gettimeofday setitimer utimes"),
    ("sys/wait.h", "wait waitpid"),
    ("time.h", "asctime clock clock_getres clock_gettime clock_nanosleep clock_settime ctime difftime gmtime \
                gmtime_r localtime localtime_r mktime nanosleep strftime time tzset"),
    ("unistd.h", "_exit access chdir close dup dup2 execve fork fsync ftruncate getcwd getegid geteuid getgid \
                  getpagesize getpid getppid getuid isatty lseek pipe pread pwrite read readlink rmdir sleep \
                  sysconf unlink usleep write"),
    ("wchar.h", "btowc mbrtowc wcrtomb wcscat wcschr wcscmp wcscpy wcslen wcsncmp wcsncpy wcsrchr wcsstr \
                 wcstok wcstol wmemchr wmemcmp wmemcpy wmemmove wmemset"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages as clang 22 prints them.
    #[test]
    fn what_clang_says() {
        let text = "In file included from a.c:2:\n\
                    ./b.h:1:10: fatal error: 'sys/mman.h' file not found\n    1 | #include <sys/mman.h>\n\
                    a.c:3:22: error: call to undeclared function 'nofun'; ISO C99 and later do not support \
                    implicit function declarations [-Wimplicit-function-declaration]\n\
                    a.c:3:33: error: use of undeclared identifier 'NOCONST'; did you mean 'CONST'?\n\
                    a.c:4:1: error: unknown type name 'notype'\n\
                    a.c:6:14: warning: declaration of 'struct stat' will not be visible outside\n\
                    a.c:6:32: error: invalid application of 'sizeof' to an incomplete type 'struct tm'\n\
                    a.c:6:53: error: incomplete definition of type 'struct stat'\n\
                    C:\\x\\a.c:7:3: error: expected ';' after expression\n\
                    C:\\x\\a.c:8:3: error: variable has incomplete type 'FILE' (aka 'struct f')\n\
                    2 warnings and 6 errors generated.\n";
        let diagnostics = jit_llvm::Diagnostics::parse(text);
        let found: Vec<_> = diagnostics.list.iter().filter_map(asked).collect();
        let expected = [
            (Missing::Header("sys/mman.h"), "./b.h", 1),
            (Missing::Name("nofun"), "a.c", 3),
            (Missing::Name("NOCONST"), "a.c", 3),
            (Missing::Name("notype"), "a.c", 4),
            (Missing::Layout("struct tm"), "a.c", 6),
            (Missing::Layout("struct stat"), "a.c", 6),
            (Missing::Layout("FILE"), "C:\\x\\a.c", 8),
        ];
        assert_eq!(found, expected);
    }

    /// This machine's headers declare every function where the table says.
    #[test]
    #[cfg(target_os = "linux")]
    fn functions_are_where_the_system_has_them() {
        fixtures::needs!(clang_22);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("all.c");
        for (header, names) in HOMES {
            let uses = names
                .split_whitespace()
                .map(|name| format!("(void *){name},\n"));
            let uses: String = uses.collect();
            let text =
                format!("#define _GNU_SOURCE\n#include <{header}>\nvoid *all[] = {{\n{uses}}};\n");
            std::fs::write(&path, text).unwrap();
            let mut clang = std::process::Command::new("clang-22");
            clang.args(["-fsyntax-only", "-fno-builtin"]).arg(&path);
            let output = clang.output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{header}\n{stderr}");
        }
    }
}
