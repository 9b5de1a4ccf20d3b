//! What killed builds leave, and that the next one removes it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use crate::{
    batch,
    interrupt::{signal, start, wait_for},
    sandbox::{Run, Sandbox},
    tinyvm::case,
};

/// Writes a clang that hangs in batches, and writes its process ID and its directory to the file `marker`.
fn stuck(sandbox: &Sandbox) {
    let marker = sandbox.path("marker");
    sandbox.clang_with(&format!(
        "case \"$*\" in *-cc1*' -S '*)
            echo \"$$ $PWD\" > '{0}.new'; mv '{0}.new' '{0}'; exec sleep 60 ;;
        esac",
        marker.display()
    ));
}

fn build(sandbox: &Sandbox) -> Run<'_> {
    sandbox.build().with(&["--llvm-tools-install-dir", "llvm"])
}

/// Kills the tool that the marker is about, which goes on when jit-cli is killed. Returns its directory.
fn end_tool(sandbox: &Sandbox) -> PathBuf {
    let text = fs::read_to_string(sandbox.path("marker")).unwrap();
    let (process, directory) = text.trim().split_once(' ').unwrap();
    signal("KILL", process.parse().unwrap());
    PathBuf::from(directory)
}

/// The next build of any project removes the directory of a build that was killed, even if it has nothing to
/// compile. It does not remove the directory of a build that is still running.
#[test]
fn directories_of_killed_builds() {
    fixtures::needs!(clang_22, objdump_22);
    let [killed, running, other] = [(); 3].map(|()| batch::some());
    other.build().succeeds();
    let shared = killed.path("tmp");
    let started = [&killed, &running].map(|sandbox| {
        stuck(sandbox);
        let child = start(&build(sandbox).env("TMPDIR", &shared));
        wait_for("clang", || sandbox.path("marker").is_file());
        child
    });
    let directories = |sandbox: &Sandbox| {
        sandbox
            .files("tmp")
            .keys()
            .filter(|name| name.matches('/').count() == 1 && name.ends_with('/'))
            .count()
    };
    assert_eq!(directories(&killed), 2);
    let [mut first, second] = started;
    first.kill().unwrap();
    first.wait().unwrap();
    let left = end_tool(&killed);
    assert!(left.is_dir());
    let printed = other.build().env("TMPDIR", &shared).prints(0);
    assert!(printed.stdout.contains("up to date"), "{}", printed.stdout);
    assert!(!left.exists(), "{}", left.display());
    assert_eq!(directories(&killed), 1);
    signal("INT", second.id());
    assert_eq!(second.wait_with_output().unwrap().status.code(), Some(130));
    assert_eq!(killed.files("tmp").len(), 0);
}

/// The same in Linux's file system in memory, which is used unless `TMPDIR` is set.
#[test]
#[cfg(target_os = "linux")]
fn directories_in_memory() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    stuck(&sandbox);
    let mut command = build(&sandbox).command();
    command
        .env_remove("TMPDIR")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    wait_for("clang", || sandbox.path("marker").is_file());
    child.kill().unwrap();
    child.wait().unwrap();
    let left = end_tool(&sandbox);
    if !left.starts_with("/dev/shm") {
        eprintln!("/dev/shm is too small here");
    }
    // Another test's build may have removed it already.
    sandbox.build().succeeds();
    assert!(!left.exists(), "{}", left.display());
}

#[test]
fn files_in_the_output_directory() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm_of(&[case("_NOP_r00")]);
    sandbox.write("out/.jit-new-killed", "half of a");
    sandbox.write("out/.jit-new-locked", "half of a");
    sandbox.write("out/other.new", "somebody else's");
    let mut holder = Command::new("flock")
        .arg("--no-fork")
        .arg(sandbox.path("out/.jit-new-locked"))
        .args(["sh", "-c", "echo; exec sleep 60"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The line says that it has the lock.
    let mut line = [0];
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut line).unwrap();
    sandbox.build().succeeds();
    let left = || -> Vec<String> {
        let files = sandbox.files("out").into_keys();
        files.filter(|name| !name.starts_with("jit_")).collect()
    };
    assert_eq!(left(), [".jit-new-locked", "other.new"]);
    holder.kill().unwrap();
    holder.wait().unwrap();
    sandbox.build().succeeds();
    assert_eq!(left(), ["other.new"]);
}

/// Builds that are killed at any moment, cold and warm, leave nothing that the next build does not remove, and
/// no file that it takes for its own.
#[test]
fn killed_at_any_moment() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    let started = Instant::now();
    sandbox.build().succeeds();
    let whole = started.elapsed();
    let expected = sandbox.files("out");
    let cache = sandbox.path("cache");
    const KILLS: u32 = 16;
    for kill in 0..KILLS {
        if kill % 4 == 0 {
            let _ = fs::remove_dir_all(&cache);
        }
        fs::remove_dir_all(sandbox.path("out")).unwrap();
        let run = || {
            let run = sandbox.build().with(&["--force", "--cache-dir"]);
            run.with(&[&cache])
        };
        let mut child = start(&run());
        std::thread::sleep(whole * (kill * 7 % KILLS) / KILLS);
        child.kill().unwrap();
        child.wait().unwrap();
        run().succeeds();
        assert!(sandbox.files("out") == expected, "after kill {kill}");
        assert_eq!(temporary(&cache), [""; 0], "after kill {kill}");
    }
    assert_eq!(sandbox.files("tmp").len(), 0);
}

/// Returns the temporary files below a directory.
fn temporary(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(temporary(&entry.path()));
        }
        if name.starts_with('.') {
            found.push(name);
        }
    }
    found
}

/// A file system in memory that fills up during a build is replaced by a disk.
#[test]
#[cfg(target_os = "linux")]
fn memory_that_fills_up() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = batch::some();
    sandbox.build().succeeds();
    let expected = sandbox.files("out");
    fs::remove_dir_all(sandbox.path("out")).unwrap();
    sandbox.clang_with(
        "case \"$*\" in *-cc1*' -S '*) head -c 100m /dev/zero > /dev/shm/filler ;; esac 2> /dev/null",
    );
    let run = build(&sandbox).with(&["--jobs", "1", "--no-cache"]);
    let inner = run.command();
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c"])
        .arg("mount -t tmpfs -o size=40m tmpfs /dev/shm || exit 77; \"$@\"; status=$?; ls /dev/shm; exit $status")
        .arg("sh")
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(inner.get_current_dir().unwrap());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.env_remove("TMPDIR").output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) || text.starts_with("unshare:") {
        eprintln!("nothing can be mounted here: {text}");
        return;
    }
    assert!(output.status.success(), "{text}");
    assert!(text.contains("/dev/shm is full"), "{text}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.ends_with("filler\n"), "{stdout}");
    assert!(!stdout.contains("jit-stencils-"), "{stdout}");
    assert!(sandbox.files("out") == expected);
}
