//! The committed objects, and what llvm-readobj says of them.

use std::path::PathBuf;

use jit_schema::ObjectFormat;

/// An object file and llvm-readobj's output for it.
#[derive(Debug)]
pub(crate) struct Fixture {
    pub(crate) name: String,
    #[allow(dead_code, reason = "not every test crate reads objects")]
    pub(crate) bytes: Vec<u8>,
    pub(crate) json: String,
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// The one of that name.
pub(crate) fn fixture(name: &str) -> Fixture {
    let read = |extension: &str| {
        let path = directory().join(name).with_extension(extension);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    Fixture {
        name: name.to_owned(),
        bytes: read("o"),
        json: String::from_utf8(read("json")).unwrap(),
    }
}

/// The assembly that the one of that name was made from.
#[allow(dead_code, reason = "not every test crate reads sources")]
pub(crate) fn source(name: &str) -> String {
    let path = directory().join(name).with_extension("s");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All of them, sorted by name.
#[allow(dead_code, reason = "not every test crate wants all of them")]
pub(crate) fn fixtures() -> Vec<Fixture> {
    let mut names: Vec<String> = std::fs::read_dir(directory())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            Some(name.strip_suffix(".o")?.to_owned())
        })
        .collect();
    names.sort();
    assert!(names.len() >= 7, "no fixtures in {}", directory().display());
    names.iter().map(|name| fixture(name)).collect()
}

impl Fixture {
    /// By llvm-readobj's own account.
    #[allow(dead_code, reason = "not every test crate reads JSON")]
    pub(crate) fn format(&self) -> ObjectFormat {
        if self.json.contains("\"Format\":\"COFF-") {
            ObjectFormat::Coff
        } else if self.json.contains("\"Format\":\"Mach-O ") {
            ObjectFormat::MachO
        } else {
            assert!(self.json.contains("\"Format\":\"elf64-"), "{}", self.name);
            ObjectFormat::Elf
        }
    }
}
