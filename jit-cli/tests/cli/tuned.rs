//! `--codegen tuned` and `--codegen small`. Execution tests run its stencils (docs/codegen.md).

use fixtures::{TRIPLES, generated::HEADER_LINES, golden};
use jit_stencils::{StencilSet, file};

use crate::{
    goldens,
    sandbox::{LINUX, Sandbox},
    tinyvm::text,
};

const TUNED: [&str; 2] = ["--codegen", "tuned"];
const SMALL: [&str; 2] = ["--codegen", "small"];

/// Returns the bytes of code and data.
fn size(set: &StencilSet) -> usize {
    let groups = set.groups.iter();
    groups
        .map(|(_, group)| group.code.body.len() + group.data.body.len())
        .sum()
}

#[test]
fn literals_have_the_right_addresses() {
    fixtures::needs!(clang_22, objdump_22);
    let triple = "x86_64-apple-darwin";
    let sandbox = Sandbox::new().tinyvm();
    let printed = sandbox.build_for(&[triple]).with(&TUNED).succeeds();
    assert!(!printed.stderr.contains("literals"), "{}", printed.stderr);
    // The literal is at the start of the micro-op's data, and the distance counts from the end of the field.
    let files = sandbox.files("out");
    let header = text(&files, &format!("jit_stencils-{triple}.h"));
    let (_, stencil) = header.split_once("emit__CHECK_STACK_r00(").unwrap();
    let (stencil, _) = stencil.split_once("\n}\n").unwrap();
    let patches = stencil
        .lines()
        .filter(|line| line.contains("(uintptr_t)data + "));
    let addends: Vec<&str> = patches
        .filter_map(|line| line.rsplit(" + ").next())
        .collect();
    assert_eq!(addends, ["-0x4);"], "{stencil}");
}

/// Returns the lines after those with the digest and the versions.
fn stencils(header: &str) -> Vec<&str> {
    header.lines().skip(HEADER_LINES).collect()
}

#[test]
fn smaller_on_every_target() {
    fixtures::needs!(clang_22, objdump_22);
    let (upstream, _) = goldens::release();
    let sandbox = Sandbox::new().tinyvm();
    let build = |codegen: &[&str]| {
        let build = sandbox.build_for(&TRIPLES).with(codegen);
        build.with(&["--emit", "header,stencils"]).succeeds();
        sandbox.files("out")
    };
    let (tuned, small) = (build(&TUNED), build(&SMALL));
    for triple in TRIPLES {
        let name = format!("jit_stencils-{triple}.stencils");
        let [set, smallest] = [&tuned, &small].map(|files| file::decode(&files[&name]).unwrap());
        let before = file::decode(fixtures::stencils::file(triple)).unwrap();
        assert!(size(&smallest) < size(&set), "{triple}");
        assert!(size(&set) <= size(&before), "{triple}");
        // The micro-ops and the shim are the same.
        let names = |set: &StencilSet| -> Vec<String> {
            set.groups.iter().map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(names(&set), names(&before));
        let shim = format!("jit_shim-{triple}.o");
        assert!(tuned[&shim] == upstream[&shim], "{shim}");
        // An upstream build does not take the files as current.
        let name = format!("jit_stencils-{triple}.h");
        let first = |files| text(files, &name).lines().next().unwrap().to_owned();
        assert_ne!(first(&tuned), first(upstream));
        assert_ne!(first(&tuned), first(&small));
    }
    // Only on this target, clang's labels for the linker keep upstream's optimizer from making constants
    // immediate. Elsewhere, both make the same number of constants immediate.
    let immediate = |files, triple: &str| {
        let header = text(files, &format!("jit_stencils-{triple}.h"));
        ["patch_aarch64_16a(", "patch_aarch64_16b("].map(|patch| header.matches(patch).count())
    };
    // Small values are immediate, so none of them has a GOT slot.
    for triple in TRIPLES.iter().filter(|triple| triple.starts_with("x86_64")) {
        let header = text(&tuned, &format!("jit_stencils-{triple}.h"));
        assert!(
            header.contains("patch_32(code + 0x1, instruction->oparg);"),
            "{triple}"
        );
        assert!(
            !header.contains("patch_64(code + 0x2, instruction->oparg);"),
            "{triple}"
        );
    }
    let darwin = immediate(&tuned, "aarch64-apple-darwin");
    assert!(darwin > immediate(upstream, "aarch64-apple-darwin"));
    assert_eq!(darwin, immediate(&tuned, "aarch64-pc-windows-msvc"));
}

/// Builds with and without it can share a cache and an output directory.
#[test]
fn one_after_the_other() {
    fixtures::needs!(clang_22, objdump_22);
    let name = format!("jit_stencils-{LINUX}.h");
    let (upstream, _) = goldens::release();
    let sandbox = Sandbox::new().tinyvm();
    let build = |more: &[&str]| {
        let run = sandbox.build().with(&["--cache-dir", "cache"]);
        run.with(more).succeeds();
        sandbox.text(&format!("out/{name}"))
    };
    build(&[]);
    let found = sandbox.explain(&TUNED);
    assert_eq!(found["current"], false);
    assert_eq!(
        found["compiled"].as_array().unwrap().len() as u64,
        found["uops"]
    );
    let tuned = build(&TUNED);
    assert_ne!(stencils(&tuned), stencils(text(upstream, &name)));
    assert_eq!(sandbox.explain(&TUNED)["current"], true);
    let again = build(&["--codegen", "upstream"]);
    assert_eq!(stencils(&again), stencils(text(upstream, &name)));
    // The results from the cache are the same.
    let small = build(&SMALL);
    assert_ne!(stencils(&small), stencils(&tuned));
    assert_eq!(build(&TUNED), tuned);
    assert_eq!(build(&SMALL), small);
    assert_eq!(sandbox.explain(&TUNED)["current"], false);
    let fresh = sandbox.build().with(&TUNED);
    fresh.with(&["--no-cache", "--force"]).succeeds();
    assert_eq!(sandbox.text(&format!("out/{name}")), tuned);
}

#[test]
fn in_a_configuration() {
    fixtures::needs!(clang_22, objdump_22);
    let sandbox = Sandbox::new().tinyvm();
    let plain = golden::read_text(&sandbox.path("vm/jit.toml"));
    let name = format!("vm/build/jit_stencils-{LINUX}.h");
    let build = |config: &str, more: &[&str]| {
        sandbox.write("vm/jit.toml", config);
        let run = sandbox.run(&["build", "--llvm-version", "22", "--no-cache", "-t", LINUX]);
        run.within("vm").with(more).succeeds();
        sandbox.text(&name)
    };
    let upstream = build(&plain, &[]);
    let asked = build(&plain, &TUNED);
    let config = format!("codegen = \"tuned\"\n{plain}");
    let configured = build(&config, &[]);
    assert_eq!(stencils(&configured), stencils(&asked));
    assert_ne!(stencils(&configured), stencils(&upstream));
    // The command line takes precedence.
    let overruled = build(&config, &["--codegen", "upstream"]);
    assert_eq!(stencils(&overruled), stencils(&upstream));
    assert_ne!(overruled.lines().next(), configured.lines().next());

    sandbox.write("vm/jit.toml", format!("codegen = \"fast\"\n{plain}"));
    let run = sandbox.run(&["build", "-t", LINUX]).within("vm");
    let message = run.fails(21);
    assert!(
        ["fast", "tuned", "small"]
            .iter()
            .all(|name| message.contains(name)),
        "{message}"
    );
}
