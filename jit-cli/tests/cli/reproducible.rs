//! The same input gives the same bytes, wherever and however it is built.

use fixtures::TRIPLES;

use crate::{goldens, sandbox::Sandbox};

#[test]
fn another_folder_and_number_of_jobs() {
    let (first, first_folder) = goldens::release();
    let sandbox = Sandbox::new();
    let inner = "a/longer/path than that of the first build/with, what is more, odd characters in it's name";
    for (path, contents) in fixtures::tinyvm::FILES {
        sandbox.write(&format!("{inner}/vm/{path}"), contents);
    }
    let temporary = sandbox.path("another-folder-for-temporary-files");
    std::fs::create_dir(&temporary).unwrap();
    let machine = format!("{inner}/vm");
    sandbox
        .run(&["build", "--cpython", &machine, "-p", &machine, "-o", "out"])
        .with(&["--llvm-version", "22", "-j1"])
        .with(&TRIPLES)
        .env("TMPDIR", &temporary)
        .succeeds();
    let second = sandbox.files("out");
    let names: Vec<&String> = second.keys().collect();
    assert_eq!(names, first.keys().collect::<Vec<_>>());
    for (name, contents) in &second {
        // Lines tell more than a thousand numbers.
        let lines = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        for (ours, theirs) in lines(contents).iter().zip(lines(&first[name])) {
            assert_eq!(*ours, theirs, "{name}");
        }
        assert!(*contents == first[name], "{name}");
        let second_folder = sandbox.path("").to_string_lossy().into_owned();
        for folder in [first_folder, &second_folder] {
            assert!(!contains(contents, folder.as_bytes()), "{name}: {folder}");
        }
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}
