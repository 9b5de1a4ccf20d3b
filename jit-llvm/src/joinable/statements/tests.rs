use super::{super::words::words, *};

fn needs(statements: &str) -> Option<Needs> {
    let text = format!("T *_JIT_ENTRY(T *a, T (*b)(T)) {{ {statements} }}");
    read(&words(text.as_bytes())?, b"_JIT_ENTRY")
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn statements_that_declare_nothing_for_others() {
    // The statements, and which words must not be types, or types of functions.
    let list: [(&str, &[&str], &[&str]); 23] = [
        ("", &[], &[]),
        ("x = f(y) * h(x); x += y * h(x);", &["x"], &[]),
        ("T y = f(x), *z = &y, a[3] = {1, 2}; y++;", &["y"], &[]),
        (
            "T y, *z; unsigned long w[4][x * 2];",
            &[],
            &["T", "long", "unsigned"],
        ),
        ("struct S *p; const T *q = 0;", &[], &["S", "struct"]),
        ("if (x) { T y = 1; } else f(y);", &["f"], &[]),
        ("for (T i = 0; i < 3; i++) f(i); for (;;) ;", &["f"], &[]),
        ("do { x--; } while (x); while (x) x--;", &["x"], &[]),
        (
            "switch (x) { case A: case 3 ... 4: { break; } default: f(); }",
            &["f"],
            &[],
        ),
        ("out: again: f(); goto out;", &["f"], &[]),
        ("T y = ({ T z = f(); z; });", &["z"], &[]),
        ("f(({ g(); }));", &["f", "g"], &[]),
        ("T y = (T){.a = f(), .b = {1}};", &[], &[]),
        ("*p = 1; (void)f(x); -x; !x; &x; \"a\"; 1;", &[], &[]),
        (
            "__asm__ volatile (\"nop\" : : \"r\"(x)); asm(\"nop\");",
            &[],
            &[],
        ),
        ("__attribute__((musttail)) return f(x); return 1;", &[], &[]),
        ("extern void _JIT_A; T y = (T)(long)&_JIT_A;", &[], &[]),
        (
            "T *__attribute__((preserve_none)) _JIT_B(T, T *x); return _JIT_B(x);",
            &[],
            &[],
        ),
        ("extern __declspec(dllimport) void _JIT_A;", &[], &[]),
        ("extern T _JIT_A[]; T _JIT_B(void) ;", &[], &[]),
        ("_JIT_B(x);", &["_JIT_B"], &[]),
        ("_Static_assert(sizeof(T) == 8, \"\"); ;", &[], &[]),
        ("a->b(x); a.b = 1; a[1] = 2; a++, b(2);", &["a"], &[]),
    ];
    for (text, values, objects) in list {
        let needs = needs(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(needs.values, set(values), "{text}");
        assert_eq!(needs.objects, set(objects), "{text}");
    }
    let needs = needs("__builtin_abort(); _JIT_B(_JIT_ENTRY);").unwrap();
    assert_eq!(needs.builtins, set(&["abort"]));
}

/// Each declares `f`, or may declare it.
#[test]
fn declarations_for_others() {
    for text in [
        "extern T f;",
        "extern T f, _JIT_A;",
        "extern T _JIT_A, f;",
        "extern T f(T) __attribute__((cold));",
        "int f(T), _JIT_A;",
        "int f(T);",
        "T x, f(T);",
        "T x = 1, f(T);",
        "T x = {1}, f(T);",
        "T x = ({ 1; }), f(T);",
        "T x = ({ extern T f; 1; });",
        "T x[({ extern T f; 1; })];",
        "T x = sizeof(struct { T (*f)(T); });",
        "for (int f(T); ;) ;",
        "for (extern T f; ;) ;",
        "if (int f(T); x) ;",
        "struct { T x; } y;",
        "__declspec(dllimport) T f(T);",
        "extern __declspec(dllimport) T f;",
        "static T x;",
        "typedef T F(T);",
        "typeof(g) f;",
        "__attribute__((cold)) T f(T);",
        "unsigned f(T);",
        "const T *f(T);",
        "register T x asm(\"f\");",
        "[[gnu::cold]] T f(T);",
        "auto x = 1;",
        "a: extern T f;",
        "case 1: extern T f;",
        "case x ? 1 : 2: extern T f;",
        "extern T f; }",
        "} extern T f; T g(void) {",
        "^{ extern T f; }();",
        "g(^(T x){ extern T f; });",
        "{ extern T f; }",
        "#define X\n",
        "x += 1'0; extern T f; x += 2'0;",
        "< extern T f;",
        ": extern T f;",
        "%> x;",
        "if (x) <% extern T f; %>",
        "x = a<:1:>;",
        "__asm nop\n T f(T);",
        "__asm { nop }\n T f(T);",
        "asm volatile nop; T f(T);",
        "x = 1 extern T f;",
        "extern T _JIT_A __asm__(\"f\");",
        "extern T _JIT_A = 1;",
        "T _JIT_A(struct { T x; } *);",
    ] {
        assert_eq!(needs(text), None, "{text}");
    }
    // Each declares `f` if the first word is a type.
    for text in [
        "T f(T), _JIT_A;",
        "T f(T);",
        "T (f)(T);",
        "T *f(T);",
        "T (*f(T))(T);",
        "T __attribute__((cold)) f(T);",
    ] {
        assert!(needs(text).unwrap().values.contains("T"), "{text}");
    }
    for text in ["T f;", "T x = 1, f;", "const T f;", "T f, g;"] {
        assert!(needs(text).unwrap().objects.contains("T"), "{text}");
    }
}

#[test]
fn other_parts_of_a_source() {
    let read = |text: &str| read(&words(text.as_bytes())?, b"_JIT_ENTRY");
    assert!(read("T _JIT_A(T); extern T _JIT_B; T _JIT_ENTRY(T x) { return x; } ;").is_some());
    let needs = read("extern struct S *_JIT_A; T _JIT_ENTRY(enum E x) { struct L *y; return x; }");
    assert_eq!(needs.unwrap().tags, set(&["E", "S"]));
    for text in [
        "",
        "T _JIT_ENTRY(T x);",
        "T f(T); T _JIT_ENTRY(T x) { return x; }",
        "static T f(T x) { return x; } T _JIT_ENTRY(T x) { return x; }",
        "T _JIT_ENTRY(T x) { return x; } T f(void) { return 1; }",
        "T _JIT_ENTRY(x) T x; { return x; }",
        "static T _JIT_ENTRY(T x) { return x; }",
        "T _JIT_ENTRY(T x) { return x; } T x;",
        "T _JIT_ENTRY(T x) { return x;",
        "extern struct *_JIT_A; T _JIT_ENTRY(T x) { return x; }",
        "typedef long T; T _JIT_ENTRY(T x) { return x; }",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
    let deep = format!(
        "T _JIT_ENTRY(T x) {{ {}{} }}",
        "{".repeat(9999),
        "}".repeat(9999)
    );
    assert_eq!(read(&deep), None);
    let deep = format!(
        "T _JIT_ENTRY(T x) {{ x = {}1{}; }}",
        "(".repeat(9999),
        ")".repeat(9999)
    );
    assert_eq!(read(&deep), None);
}
