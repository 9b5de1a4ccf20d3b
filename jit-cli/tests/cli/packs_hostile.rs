//! Packs that are damaged, or made to do damage.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::symlink,
    path::PathBuf,
    process::Command,
};

use crate::{
    packs::{packed, without_tools},
    sandbox::{LINUX, Sandbox},
};

/// Returns the tar file in a pack.
fn unpacked(pack: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    lzma_rust2::XzReader::new(pack, false)
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

/// Returns a pack of a tar file.
fn compressed(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(0);
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// A pack that was taken apart, to `x`.
struct Parts {
    sandbox: Sandbox,
    whole: Vec<u8>,
    manifest: String,
}

const MANIFEST: &str = "manifest.json";

fn shim() -> String {
    format!("release/jit_shim-{LINUX}.o")
}

impl Parts {
    fn new() -> Parts {
        let sandbox = packed();
        let whole = fs::read(sandbox.path("p.pack")).unwrap();
        sandbox.write("x/pack.tar", unpacked(&whole));
        let parts = Parts {
            manifest: String::new(),
            sandbox,
            whole,
        };
        parts.tar(&["-xf", "pack.tar"]);
        Parts {
            manifest: parts.sandbox.text("x/manifest.json"),
            ..parts
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.sandbox.path("x").join(name)
    }

    /// Runs the system's tar.
    fn tar(&self, words: &[&str]) -> Vec<u8> {
        let mut tar = Command::new("tar");
        let done = tar.args(words).current_dir(self.path("")).output().unwrap();
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{errors}");
        done.stdout
    }

    /// Returns a pack with these members.
    fn with(&self, names: &[&str]) -> Vec<u8> {
        let options = [
            "-cf",
            "-",
            "--format=ustar",
            "--no-recursion",
            "--hard-dereference",
        ];
        compressed(&self.tar(&[&options, names].concat()))
    }

    /// Checks that a pack is refused for this reason.
    #[track_caller]
    fn refuses(&self, bytes: &[u8], reason: &str) {
        self.sandbox.write("p.pack", bytes);
        for command in ["use", "verify"] {
            let text = without_tools(&self.sandbox, &[command, "p.pack"]).fails(26);
            assert!(text.contains(reason), "{text}");
        }
        assert!(self.sandbox.files("out").is_empty());
    }
}

#[test]
fn damage() {
    fixtures::needs!(clang_22, objdump_22);
    let parts = Parts::new();
    let whole = &parts.whole;
    for length in [0, 1, 11, whole.len() / 2, whole.len() - 1] {
        parts.refuses(&whole[..length], "p.pack: it ");
    }
    for at in [0, 8, whole.len() / 3, whole.len() - 5] {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        parts.refuses(&bytes, "p.pack: it ");
    }
    parts.refuses(b"not a pack", "it is damaged or not a pack");
    parts.refuses(
        &[&whole[..], b"more"].concat(),
        "something after its last file",
    );
    // What follows the last file.
    let mut more = unpacked(whole);
    more.extend(vec![0; 1 << 20]);
    parts.refuses(&compressed(&more), "something after its last file");
}

#[test]
fn manifests() {
    fixtures::needs!(clang_22, objdump_22);
    let parts = Parts::new();
    let own_header = "\"Include/tinyvm.h\"";
    for (from, to, reason) in [
        (
            "\"format\": 1",
            "\"format\": 2",
            "it has format 2, but this version of jit-cli reads format 1",
        ),
        (
            "\"format\": 1",
            "\"format\": 1, \"new\": 1",
            "unknown field",
        ),
        (
            "jit_shim-",
            "../jit_shim-",
            "has a file with the name \"../jit_shim-",
        ),
        (
            own_header,
            "\"../../etc/passwd\"",
            "lists the input \"../../etc/passwd\"",
        ),
        (
            own_header,
            "\"/etc/passwd\"",
            "lists the input \"/etc/passwd\"",
        ),
        (
            own_header,
            "\"a\\n#include b\"",
            "lists the input \"a\\n#include b\"",
        ),
        (LINUX, "sparc-sun-solaris", "unknown target"),
        ("\"inputs\": 0", "\"inputs\": 7", "does not say what"),
        (
            "\"debug\": false",
            "\"debug\": true",
            "its manifest does not list",
        ),
    ] {
        assert!(parts.manifest.contains(from), "{from}");
        let changed = parts.manifest.replacen(from, to, 1);
        fs::write(parts.path(MANIFEST), changed).unwrap();
        parts.refuses(&parts.with(&[MANIFEST, &shim()]), reason);
    }
}

#[test]
fn members() {
    fixtures::needs!(clang_22, objdump_22);
    let parts = Parts::new();
    let shim = shim();
    let path = parts.path(&shim);
    parts.refuses(&parts.with(&[MANIFEST, "release"]), "is not a regular file");
    parts.refuses(
        &parts.with(&["pack.tar", MANIFEST]),
        "instead of a manifest",
    );
    parts.refuses(&parts.with(&[&shim, MANIFEST]), "instead of a manifest");
    parts.refuses(&parts.with(&[MANIFEST, &shim]), "it lacks \"");
    parts.refuses(
        &parts.with(&[MANIFEST, &shim, &shim]),
        "it has \"release/jit_shim-",
    );
    let object = fs::read(&path).unwrap();
    fs::write(&path, [&object[..], b"x"].concat()).unwrap();
    parts.refuses(
        &parts.with(&[MANIFEST, &shim]),
        "is damaged: its hash is not the one in the manifest",
    );
    fs::remove_file(&path).unwrap();
    symlink("/etc/passwd", &path).unwrap();
    parts.refuses(&parts.with(&[MANIFEST, &shim]), "is not a regular file");
    // A name that is too long for a header of its own kind.
    let long = "n".repeat(200);
    fs::write(parts.path(&long), "").unwrap();
    let gnu = parts.tar(&["-cf", "-", "--format=gnu", MANIFEST, &long]);
    parts.refuses(&compressed(&gnu), "is not a regular file");
    // It is much longer when it is unpacked.
    fs::remove_file(&path).unwrap();
    fs::File::create(&path).unwrap().set_len(65 << 20).unwrap();
    parts.refuses(&parts.with(&[MANIFEST, &shim]), "is too large");
}
