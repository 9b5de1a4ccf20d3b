//! The text of a split module, which is the key of the cache, depends on nothing but the function and what it reaches.

use jit_llvm::modules::{Extracted, Module, Roles, Wanted};

use crate::sources::Clang;

fn split(clang: &Clang, name: &str, text: &str, function: &str) -> Extracted {
    let directory = tempfile::tempdir().unwrap();
    let ir = clang.ir_of((name, text), &["-Os"], directory.path());
    let roles = Roles::new();
    Module::parse(&ir)
        .unwrap()
        .extract(&Wanted::new(function, &roles))
        .unwrap()
}

const START: &str = "extern int host(const char *, int);\n";
const OTHERS: &str = r#"
struct other { short a[3]; struct { int x; } inner; };
static const char *const texts[] = {"one", "two"};
typedef union { int a; float b; } anonymous;
__attribute__((noinline, cold)) int unrelated(struct other *o, anonymous *u) { u->b = 2; return host(texts[o->a[1]], o->inner.x); }
"#;
const WANTED: &str = r#"
typedef struct { int a; struct { long b; } inner; } pair;
static const int table[] = {1, 2, 3};
static int helper(pair *p, int n) { for (int i = 0; i < n; i++) p->a += table[i]; return host("text", p->inner.b); }
int op(pair *p, int n) { return helper(p, n) + host("more", table[n]); }
"#;

#[test]
fn the_rest_of_the_file_does_not_matter() {
    for clang in Clang::all() {
        let alone = split(&clang, "a.c", &format!("{START}{WANTED}"), "op");
        for text in [
            format!("{START}{OTHERS}{WANTED}"),
            format!("{START}{WANTED}{OTHERS}"),
            format!(
                "// A comment\n\n{START}int other;\n{OTHERS}\n{WANTED}int last(void) {{ return table[1]; }}\n"
            ),
        ] {
            assert_eq!(split(&clang, "b.c", &text, "op"), alone);
        }
        let names = |name: &str| WANTED.replace("helper", name).replace("table", "cells");
        let renamed = split(
            &clang,
            "c.c",
            &format!("{START}{}", names("other_name")),
            "op",
        );
        assert_eq!(renamed, alone);
        // What it reaches does matter.
        for (old, new) in [
            ("p->a +=", "p->a -="),
            ("2, 3", "2, 4"),
            ("\"text\"", "\"texts\""),
            ("long b", "int b"),
        ] {
            let changed = split(
                &clang,
                "a.c",
                &format!("{START}{}", WANTED.replace(old, new)),
                "op",
            );
            assert_ne!(changed.text, alone.text, "{new}");
        }
        assert_eq!(alone.host.iter().collect::<Vec<_>>(), ["host"]);
    }
}

#[test]
fn debug_information_does_not_matter() {
    let Some(path) = fixtures::needs::clang_22() else {
        return;
    };
    let clang = Clang { path };
    let directory = tempfile::tempdir().unwrap();
    let source = ("ops.c", include_str!("ops.c"));
    let texts = ["-g0", "-gline-tables-only", "-g"]
        .map(|debug| clang.ir_of(source, &["-Os", debug], directory.path()));
    let modules = texts.each_ref().map(|text| Module::parse(text).unwrap());
    let roles = Roles::new();
    for name in modules[0]
        .functions()
        .filter(|name| name.starts_with("op_"))
    {
        let [none, lines, all] = modules
            .each_ref()
            .map(|module| module.extract(&Wanted::new(&name, &roles)).unwrap());
        assert_eq!(lines.text, none.text, "{name}");
        assert_eq!(all.text, none.text, "{name}");
        let place = modules[1].place(&name).unwrap();
        assert!(place.file.ends_with("ops.c"), "{place:?}");
        let line = include_str!("ops.c").lines().nth(place.line - 1).unwrap();
        assert!(line.contains(&format!(" {name}(")), "{line}");
        assert_eq!(modules[0].place(&name), None);
    }
}
