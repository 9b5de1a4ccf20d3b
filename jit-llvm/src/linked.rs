//! What the preamble declares, from clang's syntax tree of it (`-ast-dump`).
//!
//! clang has one declaration with attributes for each symbol of a module. It makes them of the C declaration that the
//! first use refers to, and which use is the first one depends on what else is in the file. So it has to be known which
//! symbols all uses agree on.

mod tree;

use std::collections::{HashMap, HashSet};

use memchr::memmem;

use self::tree::{Declaration, Node, Open};
use crate::{context::Context, error::LlvmError, files, lexical, plan::Plan, snapshot::Snapshot};

/// What the preamble declares.
#[derive(Debug, Default)]
pub(crate) struct Linked {
    /// The functions and variables by the names of their symbols. `None` stands for those that uses may not agree on.
    symbols: HashMap<String, Option<Declaration>>,
    /// The names of types, and whether each may be the type of a function.
    types: HashMap<String, bool>,
    /// The names of functions and variables in C.
    names: HashSet<String>,
    /// The names of structures, unions and enumerations outside of functions.
    tags: HashSet<String>,
}

/// What the name of a function starts with that clang knows without a declaration. The rest is the name of its symbol.
const BUILTIN: &str = "__builtin_";

/// Reads the syntax tree of a preamble. Returns `None` if clang does not accept it. `plan` is closed.
pub(crate) fn read(
    context: &Context<'_>,
    plan: &Plan,
    snapshot: &Snapshot,
) -> Result<Option<Linked>, LlvmError> {
    let Some(mut plan) = plan.with_action("-ast-dump") else {
        return Ok(None);
    };
    let Ok(text) = std::str::from_utf8(&snapshot.text) else {
        return Ok(None);
    };
    let text = lexical::joined(text);
    if !names_no_files(&text) {
        tracing::info!("headers name files in directives, so their syntax tree is not used");
        return Ok(None);
    }
    // Places have no names of files then, which may have any characters.
    let input = context.work.directory("tree")?.join("tree.c");
    files::write(&input, without_markers(&text).as_bytes())?;
    let more = ["-w".into(), "tree.c".into()];
    plan.arguments.extend(more);
    let directory = input.parent().unwrap_or(context.work.path());
    let done = context.run_in(directory, &plan.program, &plan.arguments)?;
    files::remove(&input)?;
    let has_read = done.status.success() && done.stderr.is_empty();
    let tree = String::from_utf8_lossy(&done.stdout);
    Ok(has_read.then(|| Linked::of(&tree)).flatten())
}

/// Returns whether a text has no names of files in directives other than [markers](is_marker): clang prints names of files as
/// they are, and those may have any characters. No line of the text goes on in the next one.
fn names_no_files(text: &str) -> bool {
    text.lines().all(|line| {
        let names_file = |start: &&str| {
            let mut places = memmem::find_iter(line.as_bytes(), *start);
            places.any(|at| {
                let before = line.get(..at).unwrap_or_default().trim_end();
                let after = line.get(at + start.len()..).unwrap_or_default();
                (before.is_empty() || before.ends_with("*/")) && is_place(after)
            })
        };
        !["#", "%:", "??="].iter().any(names_file) || is_marker(line)
    })
}

/// Returns whether what follows `#` may be `line 1 "x.h"` or `1 "x.h"`.
fn is_place(mut text: &str) -> bool {
    while let Some(comment) = text.trim_start().strip_prefix("/*") {
        let Some((_, after)) = comment.split_once("*/") else {
            return false;
        };
        text = after;
    }
    let text = text.trim_start();
    (text.starts_with("line") || text.starts_with(|c: char| c.is_ascii_digit()))
        && text.contains('"')
}

/// Returns a text without the lines that say which file the next ones are from.
fn without_markers(text: &str) -> String {
    let lines = text.split_inclusive('\n');
    lines.filter(|line| !is_marker(line)).collect()
}

/// Returns whether a line is `# 1 "x.h" 3` or `#line 1 "x.h"`, and nothing else.
fn is_marker(line: &str) -> bool {
    let number = line
        .strip_prefix("# ")
        .or_else(|| line.strip_prefix("#line "));
    let parts = number.and_then(|text| {
        let (number, rest) = text.split_once(" \"")?;
        Some((number, rest.rsplit_once('"')?))
    });
    parts.is_some_and(|(number, (file, flags))| {
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        is_number(number) && !file.contains('"') && flags.split_ascii_whitespace().all(is_number)
    })
}

impl Linked {
    /// Reads a syntax tree as clang prints it. Returns `None` if it is not one node in each line.
    pub(crate) fn of(tree: &str) -> Option<Linked> {
        let mut linked = Linked::default();
        let mut open: Vec<Open> = Vec::new();
        // The addresses of declarations. An implicit one of a function that is called without any is not in the tree.
        let mut known: HashSet<&str> = HashSet::new();
        let mut of_type: Option<(usize, String)> = None;
        for (index, line) in tree.lines().enumerate() {
            let Some(node) = Node::of(line) else {
                continue;
            };
            // clang prints strings as they are. One with a line break in it looks like other nodes.
            let is_root = node.depth == 0;
            let is_divided = (node.kind.ends_with("Attr") || node.kind.starts_with("Pragma"))
                && line.matches('"').count() % 2 == 1;
            if is_root != (index == 0) || is_divided {
                return None;
            }
            while open.last().is_some_and(|last| last.depth >= node.depth) {
                linked.add(open.pop());
            }
            if let Some(last) = open.last_mut() {
                last.note(&node);
            }
            if let Some((_, name)) = of_type.take_if(|(depth, _)| *depth >= node.depth) {
                // Its type was not understood.
                linked.types.insert(name, true);
            }
            if matches!(node.kind, "FunctionDecl" | "VarDecl") {
                known.insert(node.address);
            }
            let is_known = node.previous.is_none_or(|address| known.contains(address));
            match node.kind {
                "FunctionDecl" => open.extend(node.declaration(is_known)),
                "VarDecl" if node.depth == 1 || node.is_extern() => {
                    open.extend(node.declaration(is_known));
                }
                "RecordDecl" | "EnumDecl" if node.depth == 1 => {
                    linked.tags.extend(node.tag().map(str::to_owned));
                }
                "TypedefDecl" => of_type = node.name().map(|name| (node.depth, name.to_owned())),
                kind => {
                    if let Some(is_function) = is_function(kind)
                        && let Some((_, name)) = of_type.take()
                    {
                        // A name within a function of a header may have another type than the same one elsewhere.
                        *linked.types.entry(name).or_default() |= is_function;
                    }
                }
            }
            // A use of a function that has no declaration.
            for at in memmem::find_iter(line.as_bytes(), BUILTIN) {
                let name = line.get(at + BUILTIN.len()..).unwrap_or_default();
                let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_'));
                linked.add_builtin(name.get(..end.unwrap_or(name.len())).unwrap_or_default());
            }
        }
        while let Some(last) = open.pop() {
            linked.add(Some(last));
        }
        if let Some((_, name)) = of_type {
            linked.types.insert(name, true);
        }
        Some(linked)
    }

    fn add(&mut self, open: Option<Open>) {
        let Some(Open {
            mut declaration,
            symbols,
            is_clear,
            ..
        }) = open
        else {
            return;
        };
        declaration.details.sort_unstable();
        declaration.details.dedup();
        self.names.insert(declaration.name.clone());
        for symbol in symbols {
            match self.symbols.get_mut(&symbol) {
                None => {
                    let known = is_clear.then(|| declaration.clone());
                    self.symbols.insert(symbol, known);
                }
                Some(known) => {
                    if !is_clear || known.as_ref() != Some(&declaration) {
                        *known = None;
                    }
                }
            }
        }
    }

    /// Notes that a function may be called by its name and by the one that clang knows.
    fn add_builtin(&mut self, name: &str) {
        self.symbols
            .insert(symbol_of_builtin(name).to_owned(), None);
    }

    /// Returns whether all uses of a symbol agree on its declaration.
    pub(crate) fn is_clear(&self, symbol: &str) -> bool {
        let name = symbol.strip_prefix('"').unwrap_or(symbol);
        let name = name.strip_suffix('"').unwrap_or(name);
        let name = name.strip_prefix("\\01").unwrap_or(name);
        // clang itself calls some functions whose names start like this.
        !name.starts_with("__") && matches!(self.symbols.get(name), Some(Some(_)))
    }

    /// Returns whether a name may be that of a type.
    pub(crate) fn is_type(&self, name: &str) -> bool {
        self.types.contains_key(name)
    }

    /// Returns whether a name may be that of the type of a function.
    pub(crate) fn is_type_of_function(&self, name: &str) -> bool {
        self.types.get(name) == Some(&true)
    }

    /// Returns whether a name is that of a structure, union or enumeration.
    pub(crate) fn has_tag(&self, name: &str) -> bool {
        self.tags.contains(name)
    }

    /// Returns whether a name is that of a function or variable.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }
}

/// Returns the name of the function that clang calls for `__builtin_NAME`, if it calls one.
pub(crate) fn symbol_of_builtin(name: &str) -> &str {
    // This is `memchr` with another type.
    name.strip_prefix("char_").unwrap_or(name)
}

/// Returns whether something is the type of a function, from the kind of a node, or `None` if that is for the next one to
/// say.
fn is_function(kind: &str) -> Option<bool> {
    const OBJECTS: [&str; 15] = [
        "BuiltinType",
        "PointerType",
        "BlockPointerType",
        "RecordType",
        "EnumType",
        "ConstantArrayType",
        "IncompleteArrayType",
        "VectorType",
        "ExtVectorType",
        "ComplexType",
        "AtomicType",
        "BitIntType",
        "RecordDecl",
        "EnumDecl",
        "ObjCObjectType",
    ];
    const SUGAR: [&str; 9] = [
        "PredefinedSugarType",
        "Typedef",
        "TypedefType",
        "ElaboratedType",
        "ParenType",
        "AttributedType",
        "MacroQualifiedType",
        "QualType",
        "Record",
    ];
    match () {
        () if OBJECTS.contains(&kind) => Some(false),
        () if SUGAR.contains(&kind) => None,
        () => Some(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = r#"TranslationUnitDecl 0x1 <<invalid sloc>> <invalid sloc>
|-TypedefDecl 0x2 <<invalid sloc>> <invalid sloc> implicit __int128_t '__int128'
| `-BuiltinType 0x3 '__int128'
|-TypedefDecl 0x4 <tree.c:1:1, col:9> col:9 referenced F 'int (int)'
| `-FunctionProtoType 0x5 'int (int)' cdecl
|-TypedefDecl 0x4 <tree.c:1:1, col:9> col:9 G 'F':'int (int)'
| `-TypedefType 0x5 'F' sugar
|   |-Typedef 0x4 'F'
|   `-FunctionProtoType 0x5 'int (int)' cdecl
|-TypedefDecl 0x4 <tree.c:1:1, col:9> col:9 P 'int (*)(int)'
| `-PointerType 0x6 'int (*)(int)'
|   `-ParenType 0x7 'int (int)' sugar
|     `-FunctionProtoType 0x5 'int (int)' cdecl
|-FunctionDecl 0x8 <line:2:1, col:5> col:5 once 'int (int)' extern
| |-ParmVarDecl 0x9 <col:6, col:7> col:7 x 'int'
| `-NoThrowAttr 0xa <col:9>
|-FunctionDecl 0x8 <<scratch space>:2:1, line:3:5> col:5 used twice 'int (int)' extern
| |-ParmVarDecl 0x9 <col:6, col:7> col:7 x 'int'
| `-NoThrowAttr 0xa <col:9>
|-FunctionDecl 0x8 prev 0x8 <line:3:1, col:5> col:5 twice 'int (int)' extern
| |-ParmVarDecl 0x9 <col:6> col:7 'int'
| `-NoThrowAttr 0xa <col:9> Inherited
|-FunctionDecl 0x8 <line:3:1, col:5> col:5 cold 'int (int)' extern
|-FunctionDecl 0xb <line:3:1, col:5> line:3:9 needed 'int (int)' static
|-FunctionDecl 0xb <line:3:1, col:5> line:3:9 user 'int (int)' static inline
| `-CompoundStmt 0xc <col:6>
|   |-DeclStmt 0xd <col:8>
|   | `-FunctionDecl 0x8 parent 0x1 prev 0x8 <line:3:1, col:5> col:5 cold 'int (int)' extern
|   |   `-ColdAttr 0xd <col:8>
|   |-DeclStmt 0xd <col:8>
|   | `-VarDecl 0x8 <line:3:1, col:5> col:5 local 'int' cinit
|   `-DeclRefExpr 0xe <col:6> 'void (void) __attribute__((noreturn))' Function 0xf '__builtin_abort' 'void (void)'
|-FunctionDecl 0xf <col:6> col:6 implicit used __builtin_abort 'void (void)' extern
|-FunctionDecl 0xf <col:6> col:6 abort 'void (void)' extern
|-FunctionDecl 0xf <col:6> col:6 memchr 'void (void)' extern
|-FunctionDecl 0xf <col:6> col:6 implicit used __builtin_char_memchr 'void (void)' extern
|-FunctionDecl 0xf <col:6> col:6 implicit used called 'int ()' extern
|-FunctionDecl 0xf prev 0xf <col:6> col:6 called 'int ()' extern
|-FunctionDecl 0x21 prev 0x20 <col:6> col:6 uncalled 'int ()' extern
|-FunctionDecl 0xf <col:6> col:6 implicit printf 'int ()' extern
|-FunctionDecl 0xf prev 0xf <col:6> col:6 printf 'int ()' extern
|-FunctionDecl 0xf <col:6> col:6 labelled 'void (void)' extern
| `-AsmLabelAttr 0xd <col:8> "label" IsLiteralLabel
|-FunctionDecl 0xf <col:6> col:6 label 'void (void)' extern
|-RecordDecl 0x11 <col:1, col:9> col:5 struct frame definition
| `-FieldDecl 0x12 <col:9> col:9 sp 'int'
|-RecordDecl 0x11 <line:1:1, line:2:1> line:1:1 struct definition
|-RecordDecl 0x11 prev 0x11 <col:1, col:9> col:5 referenced union known
|-EnumDecl 0x13 <col:1> col:1 kind
| `-EnumConstantDecl 0x14 <col:1> col:1 A 'int'
`-VarDecl 0x10 <col:6> col:6 variable 'int' extern
"#;

    #[test]
    fn declarations_of_a_tree() {
        let linked = Linked::of(TREE).unwrap();
        for name in [
            "once",
            "twice",
            "user",
            "variable",
            "\"\\01once\"",
            "labelled",
        ] {
            assert!(linked.is_clear(name), "{name}");
        }
        for name in [
            "cold",
            "abort",
            "label",
            "needed",
            "local",
            "__builtin_abort",
            "unknown",
        ] {
            assert!(!linked.is_clear(name), "{name}");
        }
        let types = ["__int128_t", "F", "G", "P"].map(|name| linked.is_type_of_function(name));
        assert_eq!(types, [false, true, true, false]);
        assert!(linked.is_type("P") && !linked.is_type("user"));
        assert!(linked.has("user") && !linked.has("local"));
        assert!(
            ["frame", "known", "kind"]
                .iter()
                .all(|tag| linked.has_tag(tag))
        );
        assert!(!linked.has_tag("A") && !linked.has_tag("sp"));
    }

    #[test]
    fn trees_with_line_breaks_in_strings() {
        let tree = |attribute: &str| {
            format!(
                "TranslationUnitDecl 0x1\n|-FunctionDecl 0x2 <col:1> col:1 f 'int (int)' extern\n| `-{attribute}\n\
                 `-VarDecl 0x3 <col:1> col:1 x 'int' extern\n"
            )
        };
        assert!(Linked::of(&tree("DeprecatedAttr 0x4 <col:1> \"a b\" \"\"")).is_some());
        assert!(Linked::of(&tree("DeprecatedAttr 0x4 <col:1> \"a\nb\" \"\"")).is_none());
        assert!(Linked::of(&tree("DeprecatedAttr 0x4 <col:1> \"a\n|-b\" \"\"")).is_none());
    }

    #[test]
    fn names_of_files_in_directives() {
        for text in [
            "",
            "# 1 \"x.h\" 3\nint x;\n#line 2 \"x\"\n",
            "#define A(x) #x \"1\"\n#if 1\n",
        ] {
            assert!(names_no_files(&lexical::joined(text)), "{text}");
        }
        for text in [
            "#\\\n line 1 \"a\"",
            "#  line 3 \"b\\n\"",
            "/* a\n*/ # /* b */ 1 \"a\"",
            "%:line 1 \"a\"",
            "??=line 1 \"a\"",
            "# 1 \"a\\\"b\"",
        ] {
            assert!(!names_no_files(&lexical::joined(text)), "{text}");
        }
    }

    #[test]
    fn attributes_that_depend_on_arguments() {
        let tree = |attribute: &str| {
            format!(
                "TranslationUnitDecl 0x1\n`-FunctionDecl 0x2 <col:1> col:1 f 'int (int)' extern\n  `-{attribute} 0x4 <col:1>\n"
            )
        };
        let is_clear = |attribute: &str| Linked::of(&tree(attribute)).unwrap().is_clear("f");
        assert!(is_clear("ColdAttr") && is_clear("NonNullAttr"));
        assert!(
            !is_clear("DiagnoseIfAttr") && !is_clear("EnableIfAttr") && !is_clear("FutureAttr")
        );
    }

    #[test]
    fn markers_are_left_out() {
        let text = "# 1 \"a>b'c.h\" 3\nint x;\n#line 2 \"x\"\n  # define line 1\n#linear\n# 1 */ int y;\n# 1 \"x\" */\n";
        let expected = "int x;\n  # define line 1\n#linear\n# 1 */ int y;\n# 1 \"x\" */\n";
        assert_eq!(without_markers(text), expected);
    }
}
