//! The nodes of a syntax tree, as clang prints it: one in each line.

/// A declaration with the attributes that count where a use refers to it: its own and those of the declarations before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declaration {
    /// The name in C.
    pub(super) name: String,
    /// The type, and how it is stored.
    pub(super) kind: String,
    /// The attributes and the parameters, sorted.
    pub(super) details: Vec<String>,
}

/// A line of a syntax tree: a node.
pub(super) struct Node<'t> {
    pub(super) depth: usize,
    pub(super) kind: &'t str,
    /// What tells the node from others.
    pub(super) address: &'t str,
    /// The address of the declaration before this one of the same thing.
    pub(super) previous: Option<&'t str>,
    /// What follows the place of the node.
    pub(super) rest: &'t str,
}

impl<'t> Node<'t> {
    pub(super) fn of(line: &'t str) -> Option<Node<'t>> {
        let start = line.find(|c: char| c.is_ascii_alphabetic())?;
        let text = line.get(start..)?;
        let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut words = rest.split(' ');
        let address = words.next().unwrap_or_default();
        let mut links = words.take_while(|word| {
            matches!(*word, "parent" | "prev" | "first") || word.starts_with("0x")
        });
        let previous = links
            .find(|word| matches!(*word, "prev" | "first"))
            .and_then(|_| links.next());
        Some(Node {
            depth: start / 2,
            kind,
            address,
            previous,
            rest: after_place(rest),
        })
    }

    /// Returns the word before the type, which is in quotes.
    pub(super) fn name(&self) -> Option<&'t str> {
        let (before, _) = self.rest.split_once(" '")?;
        let name = before.rsplit(' ').next()?;
        (!name.is_empty()).then_some(name)
    }

    /// Returns the type and what follows it.
    pub(super) fn kind_of_value(&self) -> Option<&'t str> {
        match self.rest.starts_with('\'') {
            true => Some(self.rest),
            false => self.rest.get(self.rest.find(" '")? + 1..),
        }
    }

    pub(super) fn is_extern(&self) -> bool {
        self.has_specifier("extern")
    }

    /// Returns whether a word follows the type.
    fn has_specifier(&self, specifier: &str) -> bool {
        let (_, after) = self.rest.rsplit_once('\'').unwrap_or_default();
        after.split(' ').any(|word| word == specifier)
    }

    /// Returns the name of a structure, union or enumeration.
    pub(super) fn tag(&self) -> Option<&'t str> {
        let words = self.rest.split(' ');
        let mut words = words.filter(|word| !matches!(*word, "referenced" | "struct" | "union"));
        // One without a name is a `struct definition`.
        words
            .next()
            .filter(|name| !matches!(*name, "" | "definition"))
    }

    /// Returns the declaration that starts with this node. `is_known` says whether the one before it is in the tree.
    pub(super) fn declaration(&self, is_known: bool) -> Option<Open> {
        let name = self.name()?;
        let (before, _) = self.rest.split_once(" '")?;
        let has = |wanted: &[&str]| before.split(' ').any(|word| wanted.contains(&word));
        let is_implicit = has(&["implicit"]);
        // clang has declared it, because there is a function of this name in C's library. Without a declaration in the text
        // before it, a use refers to that.
        if is_implicit && !has(&["used", "referenced"]) {
            return None;
        }
        // clang warns about a static function that a file does not use, unless it is inline.
        let is_needed = self.kind == "FunctionDecl"
            && self.has_specifier("static")
            && !self.has_specifier("inline");
        let declaration = Declaration {
            name: name.to_owned(),
            kind: self.kind_of_value()?.to_owned(),
            details: Vec::new(),
        };
        Some(Open {
            depth: self.depth,
            declaration,
            symbols: vec![name.to_owned()],
            is_clear: is_known && !is_implicit && !is_needed,
            detail: None,
        })
    }
}

/// Returns what follows the address and the place of a node: `0x1234 parent 0x12 prev 0x12 <line:1:2, col:3> col:3 used x 'int'`.
fn after_place(mut rest: &str) -> &str {
    loop {
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        let is_place = word.starts_with("0x")
            || matches!(word, "parent" | "prev" | "first") && after.starts_with("0x")
            || ["line:", "col:", "tree.c:"]
                .iter()
                .any(|start| word.starts_with(start));
        if rest.starts_with('<') {
            let mut depth = 0_usize;
            let end = rest.find(|c: char| {
                match c {
                    '<' => depth += 1,
                    '>' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth == 0
            });
            let Some(end) = end else {
                return rest;
            };
            let after = rest.get(end + 1..).unwrap_or_default();
            // Numbers follow the name of what is no file.
            let after = after.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit());
            rest = after.strip_prefix(' ').unwrap_or(after);
        } else if is_place {
            rest = after;
        } else {
            return rest;
        }
    }
}

/// The attributes that say something about the function or variable alone, and not about calls.
const ATTRIBUTES: [&str; 46] = [
    "AliasAttr",
    "AlignedAttr",
    "AllocAlignAttr",
    "AllocSizeAttr",
    "AlwaysInlineAttr",
    "AsmLabelAttr",
    "AvailabilityAttr",
    "AvailableOnlyInDefaultEvalMethodAttr",
    "BuiltinAttr",
    "C11NoReturnAttr",
    "ColdAttr",
    "ConstAttr",
    "DLLExportAttr",
    "DLLImportAttr",
    "DeprecatedAttr",
    "FlattenAttr",
    "FormatArgAttr",
    "FormatAttr",
    "GNUInlineAttr",
    "HotAttr",
    "LeafAttr",
    "MSAllocatorAttr",
    "MayAliasAttr",
    "MinSizeAttr",
    "MinVectorWidthAttr",
    "ModeAttr",
    "NoAliasAttr",
    "NoDebugAttr",
    "NoInlineAttr",
    "NoReturnAttr",
    "NoThrowAttr",
    "NonNullAttr",
    "NonStringAttr",
    "PackedAttr",
    "PureAttr",
    "RestrictAttr",
    "ReturnsNonNullAttr",
    "ReturnsTwiceAttr",
    "SectionAttr",
    "SelectAnyAttr",
    "SentinelAttr",
    "TargetAttr",
    "UnusedAttr",
    "VisibilityAttr",
    "WarnUnusedResultAttr",
    "WeakAttr",
];

/// A declaration whose nodes are being read.
pub(super) struct Open {
    pub(super) depth: usize,
    pub(super) declaration: Declaration,
    /// The names of the symbols that it may have.
    pub(super) symbols: Vec<String>,
    /// Whether its symbol is its own.
    pub(super) is_clear: bool,
    /// The depth of the attribute or parameter that is being read.
    pub(super) detail: Option<usize>,
}

impl Open {
    /// Notes what a node says about the declaration.
    pub(super) fn note(&mut self, node: &Node<'_>) {
        let is_part = self.detail.is_some_and(|depth| node.depth > depth);
        if !is_part {
            self.detail = None;
            let is_detail = node.kind.ends_with("Attr") || node.kind == "ParmVarDecl";
            if node.depth != self.depth + 1 || !is_detail {
                return;
            }
            self.detail = Some(node.depth);
        }
        let words = node.rest.split(' ');
        let words = words.filter(|word| !matches!(*word, "Inherited" | "Implicit"));
        let text = match node.kind {
            // Its name has no effect.
            "ParmVarDecl" => node.kind_of_value().unwrap_or_default().to_owned(),
            _ => words.collect::<Vec<&str>>().join(" "),
        };
        match node.kind {
            "AsmLabelAttr" | "AliasAttr" | "WeakRefAttr" | "IFuncAttr" => {
                let quoted = text.split('"').skip(1).step_by(2);
                self.symbols.extend(quoted.map(str::to_owned));
                // What is defined here must have a name that only it can have.
                let is_elsewhere = self.declaration.kind.ends_with("extern");
                self.is_clear &= node.kind == "AsmLabelAttr" && is_elsewhere;
            }
            // Some depend on the arguments of calls, such as `diagnose_if` and `enable_if`.
            kind if kind.ends_with("Attr") => self.is_clear &= ATTRIBUTES.contains(&kind),
            _ => {}
        }
        self.declaration
            .details
            .push(format!("{} {text}", node.kind));
    }
}
