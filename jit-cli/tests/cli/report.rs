//! The page that `jit-cli report` writes, as text. `scripts/test-report` looks at it in a browser.

use std::{collections::BTreeMap, fs, path::Path};

use jit_stencils::{StencilSet, file};
use serde_json::Value;

use crate::sandbox::{LINUX, Sandbox};

/// Builds the example for two targets, as stencil files in a directory.
fn build(sandbox: &Sandbox, directory: &str, flags: &str) {
    sandbox
        .run(&["build", "--emit", "stencils", "-o", directory])
        .with(&["--target", LINUX, "--target", "aarch64-apple-darwin"])
        .with(&["--sysroot", "builtin", &format!("--cflags={flags}")])
        .succeeds();
}

fn stencils(sandbox: &Sandbox, directory: &str, triple: &str) -> StencilSet {
    let path = sandbox.path(&format!("{directory}/jit_stencils-{triple}.stencils"));
    file::decode(&fs::read(path).unwrap()).unwrap()
}

/// Returns the contents of the element that a tag begins.
fn element<'a>(page: &'a str, tag: &str, end: &str) -> &'a str {
    let mut parts = page.split(tag);
    let (_, rest) = (parts.next(), parts.next().expect(tag));
    assert_eq!(parts.next(), None, "{tag} is there twice");
    rest.split_once(end).unwrap().0
}

/// Returns the JSON in one of the elements.
fn json(page: &str, id: &str) -> Value {
    let tag = format!("<script type=\"application/json\" id=\"{id}\">");
    serde_json::from_str(element(page, &tag, "</script>")).unwrap()
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

/// Returns the code of each stencil of a build, from its lines. Lines that were removed do not count.
fn code(page: &str, build: usize) -> BTreeMap<String, String> {
    let (sizes, code) = (json(page, "sizes"), json(page, "code"));
    let rows = sizes["builds"][build]["rows"].as_array().unwrap();
    let codes = code["builds"][build].as_array().unwrap();
    assert_eq!(rows.len(), codes.len());
    let found = rows.iter().zip(codes).filter(|(row, _)| row[1] != 0);
    let found = found.map(|(row, stencil)| {
        let signs = stencil[3].as_str().unwrap_or_default();
        let lines = stencil[0].as_array().unwrap().iter().enumerate();
        let bytes = lines
            .filter(|(at, _)| signs.as_bytes().get(*at) != Some(&b'-'))
            .map(|(_, line)| code["lines"][number(line)][1].as_str().unwrap());
        let name = sizes["names"][number(&row[0])].as_str().unwrap();
        (name.to_owned(), bytes.collect())
    });
    found.collect()
}

fn expected_code(set: &StencilSet) -> BTreeMap<String, String> {
    let groups = set.groups.iter().map(|(name, group)| {
        let digits = group.code.body.iter().map(|byte| format!("{byte:02x}"));
        (name.clone(), digits.collect())
    });
    groups.collect()
}

#[test]
fn has_all_sizes_and_all_code() {
    fixtures::needs!(clang_22);
    let sandbox = Sandbox::new();
    build(&sandbox, "out", "");
    let printed = sandbox
        .run(&["report", "--from", "out", "-o", "pages/new"])
        .succeeds();
    assert!(
        printed
            .stdout
            .starts_with("wrote pages/new/index.html: 2 builds, "),
        "{}",
        printed.stdout
    );
    let page = sandbox.text("pages/new/index.html");
    let sizes = json(&page, "sizes");
    let columns = sizes["columns"].as_array().unwrap();
    let column = |name: &str| columns.iter().position(|one| one == name).unwrap();
    for (build, triple) in ["aarch64-apple-darwin", LINUX].into_iter().enumerate() {
        let set = stencils(&sandbox, "out", triple);
        assert_eq!(sizes["builds"][build]["title"], triple);
        assert_eq!(code(&page, build), expected_code(&set), "{triple}");
        let rows = sizes["builds"][build]["rows"].as_array().unwrap();
        for (row, (name, group)) in rows.iter().zip(&set.groups) {
            assert_eq!(sizes["names"][number(&row[0])], name.as_str());
            assert_eq!(number(&row[1][column("code")]), group.code.body.len());
            assert_eq!(number(&row[1][column("data")]), group.data.body.len());
        }
    }
    // The same stencils make the same page.
    let again = ["report", "--from", "out", "-o", "pages/again"];
    sandbox.run(&again).succeeds();
    assert_eq!(sandbox.text("pages/again/index.html"), page);
}

#[test]
fn shows_what_has_changed() {
    fixtures::needs!(clang_22);
    let sandbox = Sandbox::new();
    build(&sandbox, "new", "");
    build(&sandbox, "old", "-O1");
    sandbox
        .run(&["report", "--from", "new", "--before", "old", "-o", "page"])
        .with(&["--target", LINUX])
        .succeeds();
    let page = sandbox.text("page/index.html");
    let sizes = json(&page, "sizes");
    let [new, old] = ["new", "old"].map(|directory| stencils(&sandbox, directory, LINUX));
    assert_eq!(code(&page, 0), expected_code(&new));
    let rows = sizes["builds"][0]["rows"].as_array().unwrap();
    assert_eq!(sizes["builds"][0]["compared"], true);
    let (mut same, mut different) = (0, 0);
    for (row, (name, group)) in rows.iter().zip(&new.groups) {
        let before = old.group(name).unwrap();
        match group.code.body == before.code.body && group.data.body == before.data.body {
            true => same += 1,
            false => {
                different += 1;
                assert_eq!(number(&row[2][0]), before.code.body.len(), "{name}");
            }
        }
    }
    assert!(same > 0 && different > 0, "{same} {different}");
    let with_sizes_before = rows.iter().filter(|row| row.get(2).is_some()).count();
    assert!(with_sizes_before >= different);
}

/// Nothing in names is taken for HTML, and the page refers to nothing outside of itself.
#[test]
fn is_alone_and_has_no_element_but_its_own() {
    fixtures::needs!(clang_22);
    let sandbox = Sandbox::new();
    let hostile = "</script><script>alert(1)</script><!-- @CODE@ & \"'";
    build(&sandbox, &format!("{hostile}/out"), "");
    sandbox
        .run(&["report", "-o", "page", "--from", &format!("{hostile}/out")])
        .succeeds();
    let page = sandbox.text("page/index.html");
    let sizes = json(&page, "sizes");
    assert_eq!(sizes["place"], format!("{hostile}/out"));
    assert_eq!(page.matches("<script").count(), 3);
    assert_eq!(page.matches("</script>").count(), 3);
    assert!(!page.contains("<!--"));
    for outside in ["http:", "https:", "src=", "@import", "url(", "<link"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let policy = element(&page, "Content-Security-Policy\" content=\"", "\">");
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"));
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[test]
fn code_generations_are_beside_each_other() {
    fixtures::needs!(clang_22);
    let sandbox = Sandbox::new();
    let arguments = ["report", "-o", "page", "--codegen", "upstream,tuned"];
    let target = ["--target", LINUX, "--message-format", "json"];
    let printed = sandbox.run(&arguments).with(&target).succeeds();
    let last: Value = serde_json::from_str(printed.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["reason"], "report");
    assert_eq!(last["builds"], 2);
    let page = sandbox.text("page/index.html");
    assert_eq!(number(&last["bytes"]), page.len());
    let sizes = json(&page, "sizes");
    let titles: Vec<&Value> = (0..2).map(|at| &sizes["builds"][at]["title"]).collect();
    assert_eq!(
        titles,
        [&*format!("{LINUX}, upstream"), &*format!("{LINUX}, tuned")]
    );
    assert_ne!(code(&page, 0), code(&page, 1));
}

/// What can't be written is found out before anything is built: no clang is needed.
#[test]
fn a_directory_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "");
    let lines = |message: &str| message.lines().count();
    let report = |directory: &str| {
        let arguments = [
            "report",
            "-o",
            directory,
            "--llvm-tools-install-dir",
            "empty",
        ];
        sandbox.run(&arguments).fails(20)
    };
    let message = report("file/page");
    assert!(
        message.starts_with("error: can't create file/page: "),
        "{message}"
    );
    assert_eq!(lines(&message), 1, "{message}");
    fs::create_dir_all(sandbox.path("page/index.html")).unwrap();
    let message = report("page");
    let path = Path::new("page").join("index.html");
    let expected = format!("error: can't replace {}: ", path.display());
    assert!(message.starts_with(&expected), "{message}");
    assert_eq!(lines(&message), 1, "{message}");
}

#[test]
fn wrong_places() {
    fixtures::needs!(clang_22);
    let sandbox = Sandbox::new();
    build(&sandbox, "out", "");
    let report = |arguments: &[&str]| {
        let all = [&["report", "-o", "page", "--from", "out"], arguments].concat();
        sandbox.run(&all)
    };
    let message = report(&["--codegen", "upstream,tuned"]).fails(2);
    assert!(message.contains("out was built before"), "{message}");
    let message = report(&["--before", "empty"]).fails(26);
    assert!(
        message.contains("empty has no file with stencils"),
        "{message}"
    );
    let message = report(&["NO_SUCH_STENCIL"]).fails(2);
    assert!(
        message.contains("there is no stencil NO_SUCH_STENCIL"),
        "{message}"
    );
    let other = "jit_stencils-aarch64-apple-darwin.stencils";
    fs::create_dir(sandbox.path("other")).unwrap();
    fs::rename(
        sandbox.path(&format!("out/{other}")),
        sandbox.path(&format!("other/{other}")),
    )
    .unwrap();
    let message = report(&["--before", "other"]).fails(2);
    let expected = format!("other has nothing for {LINUX}; it has aarch64-apple-darwin");
    assert!(message.contains(&expected), "{message}");
    assert!(!sandbox.path("page/index.html").exists());
}
