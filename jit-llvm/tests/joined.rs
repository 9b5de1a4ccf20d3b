//! Sources that are translated as one file become the same assembly and objects as each on its own, or they are not translated so.

use std::collections::BTreeSet;

use fixtures::needs;
use jit_llvm::{CompileOptions, Compiler, Interrupt, Ir, Output, Search, Source, Toolchain};
use jit_schema::Target;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget, SymbolKind};

/// What all sources start with.
const PREAMBLE: &str = r#"
typedef __INTPTR_TYPE__ word;
struct frame { word *sp; word tag; struct { int a, b; } pair; };
typedef word call(word);
#define NULL ((void *)0)
#define FIRST(x) x[0]
#define ASSERT(x) ((x) ? (void)0 : fail(#x, __FILE__, __LINE__, __func__))
#define QUIET(x) _Pragma("clang diagnostic push") x _Pragma("clang diagnostic pop")
#define EXTERN(x) extern word x(word) __attribute__((cold));
extern word host(word);
extern word other(word);
extern word variable;
extern void fail(const char *, const char *, int, const char *);
static const word table[4] = {3, 1, 4, 1};
static const struct frame nothing = {NULL};
static inline const char *name_of(word x) { return x ? "one" : "none"; }
static inline word twice(struct frame *f) { f->tag++; return host(f->tag) + host(f->sp[0]); }
static inline word deep(struct frame *f, word x) { fail(NULL, "deep", 1, "deep"); return twice(f) + x; }
inline word public(word x) { return x * 3 + host(x); }
static inline __attribute__((noinline)) word slower(word x, word y) { return host(x) * other(y); }
static inline __attribute__((noinline)) word slowest(word x) { return host(x) - other(x + 1); }
static inline word slow(word x) { word y = 0; for (word i = 0; i < x; i++) { y += host(i) ^ table[i & 3]; } return y; }
"#;

/// Returns a source with these statements in its function.
fn source(name: &str, statements: &str) -> Source {
    let body = format!(
        "#undef HERE\n#define HERE 1\nextern word _JIT_CONTINUE(struct frame *, word);\n\
         word _JIT_ENTRY(struct frame *f, word x) {{\n    int op = _JIT_OPCODE;\n    switch (op) {{ case {name}: {{\n\
         {statements}\n    }} }}\n    return _JIT_CONTINUE(f, x);\n}}\n"
    );
    Source {
        name: name.to_owned(),
        body,
    }
}

/// Sources that can be joined.
const JOINED: [(&str, &str); 15] = [
    ("_PLAIN", "x += host(x) + other(x) + variable;"),
    ("_TWICE", "x += twice(f) + other(x) + variable;"),
    (
        "_STRING",
        "x = deep(f, x); fail(\"deep\", NULL, 2, \"deep\");",
    ),
    ("_SLOW", "x = slow(x) + slow(3);"),
    ("_SLOWER", "x = slow(x + 1);"),
    ("_SLOWEST", "x = slower(slow(x), slower(x, 3));"),
    // clang meets the function that is called before those in its arguments, which the module does not show.
    ("_ORDER", "x = slower(slowest(x), 2);"),
    ("_PUBLIC", "x = public(x);"),
    (
        "_PLACE",
        "fail(__FILE__, NULL, __LINE__, NULL);\n\n x += __LINE__;",
    ),
    ("_NAME", "fail(NULL, NULL, 0, __func__); x += 2;"),
    (
        "_ARRAY",
        "word a[] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2}; x += a[x & 7] + host((word)a);",
    ),
    (
        "_LOOP",
        "for (word i = 0; i < x; i++) { if (host(i)) { goto out; } x--; } out: x += variable;",
    ),
    ("_HERE", "x += HERE;"),
    ("_CONDITION", "\n#ifdef _JIT_ENTRY\n x += 1;\n#endif\n"),
    (
        "_LOCAL",
        "call *one = x ? host : other; word y = one(x), *p = &y; x = y * host(*p); *f = nothing;",
    ),
];

/// Sources that could be joined, but are not: those that have several strings, whose order the common module does not show,
/// and those with rare declarations.
const ORDERED: [(&str, &str); 5] = [
    (
        "_STRUCT",
        "struct { word a; char b[9]; } s = {x, \"abcdefgh\"}; x = host((word)&s); *f = nothing;",
    ),
    (
        "_POINTER_TO_FUNCTION",
        "word (*one)(word) = x ? host : other; x = one(x);",
    ),
    (
        "_STRINGS",
        "fail(\"b\", \"a\", 2, \"deep\"); fail(name_of(x), \"b\", 3, \"none\"); x = deep(f, x);",
    ),
    ("_NESTED", "fail(\"later\", name_of(x), 1, name_of(x + 1));"),
    ("_ASSERT", "ASSERT(x > 2); x = host(x); ASSERT(x < 1000);"),
];

/// Sources that would mean something else in one file with the others, or change what these mean.
const ALONE: [(&str, &str); 21] = [
    (
        "_COLD",
        "extern word host(word) __attribute__((cold)); x = host(x);",
    ),
    ("_MACRO_COLD", "EXTERN(host) x = host(x);"),
    (
        "_PROTOTYPE",
        "word other(word) __attribute__((pure)); x = other(x) + other(x);",
    ),
    (
        "_PARENTHESES",
        "word (other)(word) __attribute__((pure)); x = other(x) + other(x);",
    ),
    ("_BARE_PARENTHESES", "word (other)(word); x = other(x);"),
    (
        "_TYPE",
        "typedef word F(word) __attribute__((noreturn)); F host; x = host(x);",
    ),
    (
        "_VARIABLE",
        "extern word variable __attribute__((aligned(64))); x = variable;",
    ),
    ("_STATIC", "static word count; x += count++;"),
    ("_DEFINE", "\n#define HERE 2\n x += HERE + __COUNTER__;"),
    (
        "_PRAGMA",
        "\n#pragma clang loop unroll(full)\n for (word i = 0; i < 4; i++) x += host(i);",
    ),
    (
        "_PRAGMA_WORD",
        "_Pragma(\"clang fp contract(off)\") x += 1;",
    ),
    ("_DIAGNOSTICS", "QUIET(x += 1;)"),
    ("_COUNTER", "x += __COUNTER__;"),
    ("_CHARACTER", "x += __func__[5];"),
    ("_MACRO_CHARACTER", "x += FIRST(__func__);"),
    ("_POINTER", "x += *__func__;"),
    ("_PARENTHESIZED", "x += (__func__)[6];"),
    ("_COMPARED", "x += __builtin_strcmp(__func__, \"_JITE\");"),
    ("_BUILTIN_NAME", "x += *__builtin_FUNCTION();"),
    ("_NAME_IN_LITERAL", "x += sizeof \"_JIT_ENTRY\";"),
    (
        "_PASTED",
        "\n#define P(a, b) P_(a, b)\n#define P_(a, b) a##b\nextern word P(_JIT_ENTRY, _2); x += _JIT_ENTRY_2;",
    ),
];

fn toolchain() -> Option<Toolchain> {
    needs::clang_22()?;
    Some(Toolchain::discover(&Search::default(), &Interrupt::default()).unwrap())
}

/// Returns what becomes object code of assembly: lines without comments, and without the name of the source.
fn significant(assembly: &str) -> Vec<&str> {
    let lines = assembly.lines().filter(|line| !line.starts_with("\t.file"));
    let code = lines.map(|line| {
        let starts = ["# ", "## ", "; ", "// "].map(|start| line.find(start));
        let comment = starts.into_iter().flatten().min();
        // There are strings with these characters, but none with comments after it.
        let comment = comment.filter(|_| !line.contains('"'));
        line.get(..comment.unwrap_or(line.len()))
            .unwrap_or(line)
            .trim_end()
    });
    code.filter(|line| !line.is_empty()).collect()
}

/// Returns what is in an object: sections, relocations and symbols, without the name of the source.
fn in_object(bytes: &[u8]) -> Vec<String> {
    let object = object::File::parse(bytes).unwrap();
    let name_of = |index| {
        let symbol = object.symbol_by_index(index).unwrap();
        (symbol.name().unwrap().to_owned(), symbol.address())
    };
    let is_table = |name: &str| ["", ".strtab", ".symtab"].contains(&name);
    let sections = object
        .sections()
        .filter(|section| !is_table(section.name().unwrap()));
    let sections = sections.map(|section| {
        let relocations = section.relocations().map(|(offset, relocation)| {
            let target = match relocation.target() {
                RelocationTarget::Symbol(index) => format!("{:?}", name_of(index)),
                other => format!("{other:?}"),
            };
            (
                offset,
                format!("{:?}", relocation.flags()),
                target,
                relocation.addend(),
            )
        });
        let relocations: Vec<_> = relocations.collect();
        let name = section.name().unwrap();
        // Relocations and lists of addresses refer to the symbol table, whose order the names of files change.
        let data = match name.starts_with(".rel") || name == ".llvm_addrsig" {
            true => &[],
            false => section.data().unwrap(),
        };
        format!("{name} {} {data:02x?} {relocations:x?}", section.align())
    });
    let symbols = object
        .symbols()
        .filter(|symbol| symbol.kind() != SymbolKind::File);
    let symbols = symbols.map(|symbol| {
        let (name, address) = (symbol.name().unwrap(), symbol.address());
        format!(
            "{name} {address:x} {:x} {:?}",
            symbol.size(),
            symbol.section()
        )
    });
    sections.chain(symbols).collect()
}

/// Compiles sources and returns what becomes stencils of each: from IR if there is some.
fn compiled(
    compiler: &Compiler<'_>,
    sources: &[Source],
    irs: Option<&[Option<&Ir>]>,
) -> Vec<Vec<String>> {
    match (compiler.options().output, irs) {
        (Output::Assembly, irs) => {
            let made: Vec<_> = match irs {
                Some(irs) => compiler
                    .compile_from(sources, irs)
                    .unwrap()
                    .into_iter()
                    .map(|(made, _)| made)
                    .collect(),
                None => compiler.compile(sources).unwrap(),
            };
            let assembly = made.into_iter().map(|made| made.unwrap().value);
            assembly
                .map(|text| significant(&text).into_iter().map(str::to_owned).collect())
                .collect()
        }
        (Output::Object, irs) => {
            let made: Vec<_> = match irs {
                Some(irs) => compiler
                    .compile_to_objects_from(sources, irs)
                    .unwrap()
                    .into_iter()
                    .map(|(made, _)| made)
                    .collect(),
                None => compiler.compile_to_objects(sources).unwrap(),
            };
            made.into_iter()
                .map(|made| in_object(&made.unwrap().value))
                .collect()
        }
    }
}

/// Compiles sources as one file and each on its own, compares them, and returns the names of those that were joined.
#[track_caller]
fn joined(triple: &str, preamble: &str, sources: &[Source]) -> BTreeSet<String> {
    let [assembly, objects] = [Output::Assembly, Output::Object]
        .map(|output| joined_to(output, triple, preamble, sources));
    assert_eq!(assembly, objects);
    assembly
}

#[track_caller]
fn joined_to(output: Output, triple: &str, preamble: &str, sources: &[Source]) -> BTreeSet<String> {
    let Some(toolchain) = toolchain() else {
        return BTreeSet::new();
    };
    let target = Target::from_triple(triple).unwrap();
    let work = tempfile::tempdir().unwrap();
    let mut options = CompileOptions::new(target, work.path());
    options.cflags.push("-Wno-unused".to_owned());
    options.output = output;
    let build = |name: &str| {
        let directory = work.path().join(name);
        std::fs::create_dir(&directory).unwrap();
        // The names of opcodes.
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        let preamble = format!("enum {{ {} }};\n{preamble}", names.join(", "));
        Compiler::builder(&toolchain, options.clone(), directory)
            .preamble(preamble)
            .build()
            .unwrap()
    };
    let compiler = build("joined");
    let expansion = compiler.expand(sources).unwrap().unwrap();
    let irs = compiler
        .translate_joined(sources, &expansion.joinable)
        .unwrap();
    let with_ir: Vec<_> = irs.iter().map(Option::as_ref).collect();
    let from_joined = compiled(&compiler, sources, Some(&with_ir));
    // The compiler of the others has never seen them in one file.
    let alone = compiled(&build("alone"), sources, None);
    let mut names = BTreeSet::new();
    for (((source, ir), made), alone) in sources.iter().zip(&irs).zip(from_joined).zip(alone) {
        let first = made.iter().zip(&alone).find(|(made, alone)| made != alone);
        assert!(
            made == alone,
            "{triple} {}: {first:?}\n{}",
            source.name,
            made.join("\n")
        );
        if ir.is_some() {
            names.insert(source.name.clone());
        }
    }
    names
}

fn sources(list: &[(&str, &str)]) -> Vec<Source> {
    list.iter().map(|(name, text)| source(name, text)).collect()
}

fn names(list: &[(&str, &str)]) -> BTreeSet<String> {
    list.iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// The targets to compare for: without `JIT_TEST_THOROUGH=1`, one of each object format, and of each processor.
fn targets() -> Vec<&'static str> {
    match fixtures::is_thorough() {
        true => fixtures::TRIPLES.to_vec(),
        false => vec![
            "aarch64-apple-darwin",
            "i686-pc-windows-msvc",
            "x86_64-unknown-linux-gnu",
        ],
    }
}

#[test]
fn what_can_be_joined_is_the_same() {
    fixtures::needs!(clang_22);
    for triple in targets() {
        let list = [&JOINED[..], &ORDERED].concat();
        let mut expected = names(&JOINED);
        if triple.contains("windows") {
            // The name of a literal depends on its text, which is the function's name.
            expected.remove("_NAME");
        }
        assert_eq!(
            joined(triple, PREAMBLE, &sources(&list)),
            expected,
            "{triple}"
        );
    }
}

#[test]
fn what_would_change_others_is_not_joined() {
    fixtures::needs!(clang_22);
    let others = [&JOINED[..], &ORDERED].concat();
    // Their place decides which ones they change.
    for list in [
        [&ALONE[..], &others].concat(),
        [&others[..], &ALONE].concat(),
    ] {
        let found = joined("x86_64-unknown-linux-gnu", PREAMBLE, &sources(&list));
        assert_eq!(found, names(&JOINED));
    }
}

/// Declarations of headers on which not all uses agree, and two sources that use them in different ways.
const UNCLEAR: [(&str, [&str; 2]); 11] = [
    (
        "extern word leaf(word); static inline word call_leaf(word x) { return leaf(x); }
         extern word leaf(word) __attribute__((cold, noreturn));",
        ["x = call_leaf(x);", "x = leaf(x);"],
    ),
    (
        "extern word leaf(word); static inline word call_leaf(word x) { return leaf(x) + leaf(x); }
         static inline word call_pure(word x) { extern word leaf(word) __attribute__((pure)); return leaf(x) + leaf(x); }",
        ["x = call_leaf(x);", "x = call_pure(x);"],
    ),
    (
        "extern void abort(void); static inline word stop(word x) { __builtin_abort(); return x; }",
        ["x = stop(x);", "abort();"],
    ),
    ("extern void abort(void);", ["__builtin_abort();", "abort();"]),
    (
        "extern word one(word) __asm__(\"shared\"); extern word two(word) __asm__(\"shared\") __attribute__((cold));",
        ["x = one(x);", "x = two(x);"],
    ),
    (
        "extern word shared(word); extern word two(word) __asm__(\"shared\") __attribute__((cold));",
        ["x = shared(x);", "x = two(x);"],
    ),
    (
        "extern word shared(word); static __typeof__(shared) two __attribute__((weakref(\"shared\")));",
        ["x = shared(x);", "x = two(x);"],
    ),
    (
        "extern word number; static inline word read_number(void) { return number; }
         extern word number __attribute__((aligned(64)));",
        ["x = read_number();", "x = number;"],
    ),
    (
        "extern word leaf(); static inline word call_leaf(word x) { return leaf(x); } extern word leaf(word);",
        ["x = call_leaf(x);", "x = leaf(x);"],
    ),
    // A source that does not use it has a warning.
    (
        "static word not_inline(word x) { return host(x); }",
        ["x = not_inline(x);", "x = not_inline(x) + 1;"],
    ),
    (
        "static word lset_a(word x) __asm__(\".LBB0_1\"); static __attribute__((noinline)) word lset_a(word x) { return x * x; }",
        ["x = lset_a(x);", "x = lset_a(x + 1);"],
    ),
];

#[test]
fn what_headers_do_not_declare_in_one_way_is_not_joined() {
    fixtures::needs!(clang_22);
    for (number, (declarations, [first, second])) in UNCLEAR.into_iter().enumerate() {
        for (first, second) in [(first, second), (second, first)] {
            let list = [("_FIRST", first), ("_SECOND", second)];
            // Others, which are joined all the same: a few of them, not the same for each of the declarations.
            let others = fixtures::some_of(JOINED.to_vec(), number, 5);
            let list = [&list[..], &others].concat();
            let preamble = format!("{PREAMBLE}{declarations}\n");
            let found = joined("x86_64-unknown-linux-gnu", &preamble, &sources(&list));
            assert_eq!(found, names(&others), "{declarations}");
        }
    }
}
