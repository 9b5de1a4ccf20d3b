//! What `clang -cc1 -ast-dump` prints of typedefs and functions at file scope.
//!
//! ```text
//! |-TypedefDecl 0x1 <a.h:1:1, col:22> col:22 referenced word 'unsigned int'
//! |-FunctionDecl 0x2 prev 0x3 <line:3:1, col:25> col:3 used f 'word (int)' extern
//! | |-ParmVarDecl 0x4 <col:19> col:20 'int'
//! | `-NoThrowAttr 0x5 <line:2:57> Inherited
//! ```

use std::collections::{BTreeMap, BTreeSet};

/// The declarations of a source at file scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Declarations {
    /// The names of its typedefs.
    pub types: BTreeSet<String>,
    /// Its functions, by name.
    pub functions: BTreeMap<String, Function>,
}

/// A function of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Function {
    /// Its type as clang writes it, without attributes.
    pub kind: String,
    /// Its attributes, named after clang's classes in lower case (`nothrow`, `dllimport`,
    /// `noreturn`), and `asm(NAME)` for another symbol.
    pub attributes: BTreeSet<String>,
    /// Whether code in the source refers to it.
    pub is_used: bool,
    /// Whether the source has its body.
    pub is_defined: bool,
}

/// Returns the declarations; a function has the attributes of all of its declarations.
pub(crate) fn parse(text: &str) -> Declarations {
    let mut types = BTreeSet::new();
    let mut functions: BTreeMap<String, Function> = BTreeMap::new();
    // The function that the next lines belong to.
    let mut current = None;
    for line in text.lines() {
        if let Some(node) = below(line, 0) {
            current = None;
            if let Some(rest) = node.strip_prefix("TypedefDecl ") {
                types.extend(name_and_type(rest).map(|(name, _)| name.to_owned()));
            } else if let Some(rest) = node.strip_prefix("FunctionDecl ")
                && let Some((name, kind)) = name_and_type(rest)
            {
                let function = functions.entry(name.to_owned()).or_default();
                let marks = rest.split(" '").next().unwrap_or_default().split(' ');
                function.is_used |= marks.rev().skip(1).any(|word| word == "used");
                let bare = match kind.split_once(" __attribute__((") {
                    Some((bare, more)) => {
                        let names = more.split([',', '(', ')', ' ']);
                        let written = names.filter(|name| !name.is_empty());
                        let written = written.filter(|name| *name != "__attribute__");
                        function.attributes.extend(written.map(str::to_owned));
                        bare
                    }
                    None => kind,
                };
                bare.clone_into(&mut function.kind);
                current = Some(name);
            }
        } else if let Some(node) = below(line, 1)
            && let Some(function) = current.and_then(|name| functions.get_mut(name))
        {
            let mut words = node.split(' ');
            match words.next() {
                Some("CompoundStmt") => function.is_defined = true,
                Some("C11NoReturnAttr") => {
                    function.attributes.insert("noreturn".to_owned());
                }
                Some("AsmLabelAttr") => {
                    let label = node.split('"').nth(1).unwrap_or_default();
                    function.attributes.insert(format!("asm({label})"));
                }
                Some(word) => {
                    let name = word.strip_suffix("Attr").map(str::to_ascii_lowercase);
                    function.attributes.extend(name);
                }
                None => {}
            }
        }
    }
    Declarations { types, functions }
}

/// Returns the node of a line at this depth.
fn below(line: &str, depth: usize) -> Option<&str> {
    let mut rest = line;
    for _ in 0..depth {
        rest = rest
            .strip_prefix("| ")
            .or_else(|| rest.strip_prefix("  "))?;
    }
    rest.strip_prefix("|-").or_else(|| rest.strip_prefix("`-"))
}

/// Returns name and type of `... NAME 'TYPE'...`, or of `... NAME 'WRITTEN':'TYPE'...`, where what has no
/// effect on the target (a calling convention) is left out of the type.
fn name_and_type(text: &str) -> Option<(&str, &str)> {
    let (before, rest) = text.split_once(" '")?;
    let (written, rest) = rest.split_once('\'')?;
    let canonical = rest
        .strip_prefix(":'")
        .and_then(|rest| rest.split_once('\''));
    let kind = canonical.map_or(written, |(canonical, _)| canonical);
    Some((before.rsplit(' ').next()?, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typedefs_and_functions() {
        // Printed by clang 22.
        let text = "\
TranslationUnitDecl 0x1 <<invalid sloc>> <invalid sloc>
|-TypedefDecl 0x1 <<invalid sloc>> <invalid sloc> implicit size_t '__size_t':'unsigned long long'
| `-BuiltinType 0x1 'unsigned long long'
|-FunctionDecl 0x1 <line:2:1, col:79> col:10 used f 'u (const char *restrict, u, ...)' extern
| |-ParmVarDecl 0x1 <col:34> col:35 'u':'unsigned int'
| |-NoThrowAttr 0x1 <col:57>
| `-PureAttr 0x1 <col:70>
|-FunctionDecl 0x1 prev 0x2 <line:3:1, col:25> col:3 used f 'u (const char *restrict, u, ...)'
| `-ColdAttr 0x1 <col:34>
|-FunctionDecl 0x1 <line:4:1, col:22> col:16 g 'void (void)'
| `-C11NoReturnAttr 0x1 <col:1>
|-FunctionDecl 0x1 <line:5:1, col:57> col:6 h 'void (int) __attribute__((noreturn))'
| |-AsmLabelAttr 0x1 <col:51> \"_h$X\"
| `-ParmVarDecl 0x1 <col:8> col:11 'int'
|-FunctionDecl 0x1 <line:7:1, col:40> col:19 used j 'int (int)' static inline
| `-CompoundStmt 0x1 <col:28, col:40>
|   `-ReturnStmt 0x1 <col:30, col:37>
|-FunctionDecl 0x1 <a.h:8:1, col:9> col:3 k 'void (fp *) __attribute__((stdcall))':'void (int **)'
|-FunctionDecl 0x1 <a.h:8:1, col:9> col:3 l 'void (int) __attribute__((stdcall))'
`-TypedefDecl 0x1 <line:9:1, col:24> col:24 s 'struct s'
  `-RecordType 0x1 'struct s'
";
        let Declarations { types, functions } = parse(text);
        assert_eq!(types.iter().collect::<Vec<_>>(), ["s", "size_t"]);
        let all: Vec<(&str, &str, String, [bool; 2])> = functions
            .iter()
            .map(|(name, function)| {
                let attributes: Vec<&str> =
                    function.attributes.iter().map(String::as_str).collect();
                let kind = function.kind.as_str();
                let flags = [function.is_used, function.is_defined];
                (name.as_str(), kind, attributes.join(" "), flags)
            })
            .collect();
        let word = |text: &str| text.to_owned();
        let expected = [
            (
                "f",
                "u (const char *restrict, u, ...)",
                word("cold nothrow pure"),
                [true, false],
            ),
            ("g", "void (void)", word("noreturn"), [false, false]),
            (
                "h",
                "void (int)",
                word("asm(_h$X) noreturn"),
                [false, false],
            ),
            ("j", "int (int)", word(""), [true, true]),
            ("k", "void (int **)", word(""), [false, false]),
            ("l", "void (int)", word("stdcall"), [false, false]),
        ];
        assert_eq!(all, expected);
    }
}
