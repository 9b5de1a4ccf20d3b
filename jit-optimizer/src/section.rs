//! Which section each line of assembly is in.

use jit_schema::{ObjectFormat, SectionKind};

use crate::scan;

/// A section, as the assembly names it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Section<'a> {
    pub(crate) kind: SectionKind,
    /// The line that switches to it.
    pub(crate) directive: &'a str,
}

impl Section<'_> {
    /// The section that assembly starts in, and that all code of a stencil goes to.
    pub(crate) const TEXT: Section<'static> = Section {
        kind: SectionKind::Code,
        directive: "\t.text",
    };

    /// Returns whether the assembler appends to the same section. There is one section of code.
    pub(crate) fn is(&self, other: &Section<'_>) -> bool {
        self.kind == other.kind
            && (self.kind == SectionKind::Code || self.directive == other.directive)
    }
}

/// Follows the directives that switch between sections.
#[derive(Debug)]
pub(crate) struct Sections<'a> {
    format: ObjectFormat,
    current: Section<'a>,
    /// What `.previous` returns to.
    previous: Section<'a>,
    /// What `.popsection` returns to, with what `.previous` returns to then.
    pushed: Vec<(Section<'a>, Section<'a>)>,
}

impl<'a> Sections<'a> {
    pub(crate) fn new(format: ObjectFormat) -> Sections<'a> {
        Sections {
            format,
            current: Section::TEXT,
            previous: Section::TEXT,
            pushed: Vec::new(),
        }
    }

    /// Returns the section that the next line is in.
    pub(crate) fn current(&self) -> Section<'a> {
        self.current
    }

    /// Reads a directive, and returns whether it is one that switches to another section.
    pub(crate) fn read(&mut self, line: &'a str) -> bool {
        let text = scan::skip_space(line);
        let (directive, rest) = scan::split_run(text, |c| !scan::is_space(c));
        let kind = match directive {
            ".section" | ".pushsection" => self.kind(scan::skip_space(rest)),
            ".text" => SectionKind::Code,
            ".data" | ".bss" | ".rdata" | ".const" | ".const_data" | ".static_const"
            | ".static_data" | ".cstring" | ".literal4" | ".literal8" | ".literal16" | ".tdata"
            | ".tbss" => SectionKind::Data,
            ".previous" => {
                std::mem::swap(&mut self.current, &mut self.previous);
                return true;
            }
            ".popsection" => {
                if let Some(pushed) = self.pushed.pop() {
                    (self.current, self.previous) = pushed;
                }
                return true;
            }
            _ => return false,
        };
        if directive == ".pushsection" {
            self.pushed.push((self.current, self.previous));
        }
        self.previous = self.current;
        self.current = Section {
            kind,
            directive: line,
        };
        true
    }

    /// Returns what to write for a directive that has been read. All code goes to one section, because a
    /// stencil is one piece of code, and so that branches in it need no relocations.
    pub(crate) fn for_output(&self, line: &'a str) -> &'a str {
        let text = scan::skip_space(line);
        let (directive, rest) = scan::split_run(text, |c| !scan::is_space(c));
        if directive != ".section" || self.current.kind != SectionKind::Code {
            return line;
        }
        let mut operands = rest.split(',').map(str::trim);
        let main = match self.format {
            ObjectFormat::MachO => {
                operands.next() == Some("__TEXT") && operands.next() == Some("__text")
            }
            // What comes after the flags says how linkers treat the section.
            ObjectFormat::Coff => operands.next() == Some(".text") && operands.count() < 2,
            ObjectFormat::Elf => operands.next() == Some(".text"),
        };
        if main { line } else { Section::TEXT.directive }
    }

    /// Returns what a section holds, from the operands of `.section`.
    fn kind(&self, operands: &str) -> SectionKind {
        let mut parts = operands
            .split(',')
            .map(|part| part.trim().trim_matches('"'));
        let name = parts.next().unwrap_or_default();
        let second = parts.next().unwrap_or_default();
        match self.format {
            ObjectFormat::MachO => match (name, second) {
                ("__DWARF" | "__LD" | "__LLVM", _) => SectionKind::Metadata,
                (_, section) if section.starts_with("__text") => SectionKind::Code,
                _ if operands.contains("pure_instructions") => SectionKind::Code,
                _ => SectionKind::Data,
            },
            ObjectFormat::Coff | ObjectFormat::Elf => {
                let metadata = [
                    ".debug",
                    ".note",
                    ".comment",
                    ".drectve",
                    ".llvm",
                    ".gnu",
                    ".eh_frame",
                    ".ARM",
                ];
                if metadata.iter().any(|prefix| name.starts_with(prefix)) {
                    SectionKind::Metadata
                } else if second.contains('x') || name == ".text" || name.starts_with(".text.") {
                    SectionKind::Code
                } else {
                    SectionKind::Data
                }
            }
        }
    }
}

/// Returns whether a directive adds bytes to its section.
pub(crate) fn emits(line: &str) -> bool {
    let text = scan::skip_space(line);
    let (directive, _) = scan::split_run(text, |c| !scan::is_space(c));
    matches!(
        directive,
        ".byte"
            | ".short"
            | ".hword"
            | ".half"
            | ".2byte"
            | ".value"
            | ".word"
            | ".long"
            | ".int"
            | ".4byte"
            | ".quad"
            | ".xword"
            | ".dword"
            | ".8byte"
            | ".octa"
            | ".ascii"
            | ".asciz"
            | ".string"
            | ".zero"
            | ".space"
            | ".skip"
            | ".fill"
            | ".float"
            | ".single"
            | ".double"
            | ".uleb128"
            | ".sleb128"
            | ".inst"
            | ".insn"
            | ".incbin"
            | ".reloc"
    )
}

/// Returns whether a directive adds a string to its section, and so mentions no symbol.
pub(crate) fn is_string(line: &str) -> bool {
    let text = scan::skip_space(line);
    let (directive, _) = scan::split_run(text, |c| !scan::is_space(c));
    matches!(directive, ".ascii" | ".asciz" | ".string")
}

/// Returns whether a line that adds no bytes to a section for data is needed by what does: an alignment,
/// say, but not an attribute of a symbol.
pub(crate) fn matters(line: &str) -> bool {
    let text = scan::skip_space(line);
    let (directive, _) = scan::split_run(text, |c| !scan::is_space(c));
    let attribute = matches!(
        directive,
        ".globl"
            | ".global"
            | ".type"
            | ".size"
            | ".weak"
            | ".hidden"
            | ".protected"
            | ".internal"
            | ".local"
            | ".private_extern"
            | ".weak_definition"
            | ".def"
            | ".scl"
            | ".endef"
            | ".addrsig"
            | ".addrsig_sym"
            | ".ident"
            | ".file"
            | ".loc"
            | ".subsections_via_symbols"
            | ".loh"
    );
    directive.starts_with('.') && !attribute
}
