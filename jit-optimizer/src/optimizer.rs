//! The optimizer: its passes, in order, for one target.

use jit_schema::{CodeEnd, Target};

use crate::error::OptimizeError;
use crate::isa::{self, Isa};
use crate::options::{Known, Options};
use crate::pass::{Context, Pass};
use crate::start::Start;
use crate::syntax::Syntax;
use crate::{parse, passes, print, scan};

/// The assembly of a stencil, optimized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Optimized {
    /// The assembly. Lines end in `\n`, except for the last one.
    pub assembly: String,
    /// Whether control can go on to the next micro-op. It is not known of code that runs off its end
    /// without a jump, and of code without the entry `_JIT_ENTRY`.
    pub end: CodeEnd,
}

/// An optimizer of assembly for one target.
#[derive(Debug, Clone)]
pub struct Optimizer {
    isa: &'static dyn Isa,
    syntax: Syntax,
    passes: Vec<Pass>,
}

impl Optimizer {
    /// Returns an optimizer of assembly for a target.
    #[must_use]
    pub fn new(target: &Target, options: Options) -> Optimizer {
        Optimizer::with_isa(isa::of(target.arch), target, options)
    }

    fn with_isa(isa: &'static dyn Isa, target: &Target, options: Options) -> Optimizer {
        Optimizer {
            isa,
            syntax: Syntax::of(isa, target),
            passes: passes::list(isa, &options),
        }
    }

    /// Returns the names of the passes, in the order in which they run. Some run more than once.
    pub fn passes(&self) -> impl Iterator<Item = &'static str> {
        self.passes.iter().map(|pass| pass.name)
    }

    /// Returns an optimizer that runs a single pass, once, or `None` if no pass of this optimizer has
    /// that name. This is for authors of passes, to see what one of them does.
    ///
    /// ```
    /// use jit_optimizer::{Optimizer, Options};
    /// use jit_schema::Target;
    ///
    /// let target = Target::from_triple("x86_64-unknown-linux-gnu")?;
    /// let optimizer = Optimizer::new(target, Options::default());
    /// let unreachable = optimizer.only("remove-unreachable-blocks").ok_or("no such pass")?;
    /// let code = "\t.globl\tf\nf:\n\tjmp\t.L1\n\tnop\n.L1:\n\tnop\n";
    /// let expected = "\t.globl\tf\nf:\n\tjmp\t.L1\n.L1:\n\tnop\n.L_JIT_CONTINUE:";
    /// assert!(unreachable.optimize(code)?.assembly.ends_with(expected));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn only(&self, pass: &str) -> Option<Optimizer> {
        let pass = self.passes.iter().find(|known| known.name == pass)?;
        Some(Optimizer {
            passes: vec![*pass],
            ..self.clone()
        })
    }

    /// Optimizes the assembly of one stencil, as `Optimizer.run` does.
    ///
    /// `assembly` is the output of clang for the target with `-S` and without unwind tables. In the
    /// result, a `# JIT: COLD ####` line comes before code that cannot reach the next micro-op, and a
    /// `# JIT: HOT ####` line before the code after it. Upstream's optimizer writes the input before that, as comments; this one does not.
    ///
    /// # Errors
    ///
    /// [`OptimizeError`], if the assembly cannot be optimized without breaking it.
    pub fn optimize(&self, assembly: &str) -> Result<Optimized, OptimizeError> {
        self.optimize_with(assembly, &Known::default())
    }

    /// Does what [`optimize`](Optimizer::optimize) does, with more that is known of the stencil.
    ///
    /// # Errors
    ///
    /// [`OptimizeError`], if the assembly cannot be optimized without breaking it.
    pub fn optimize_with(
        &self,
        assembly: &str,
        known: &Known<'_>,
    ) -> Result<Optimized, OptimizeError> {
        let continue_label = self.syntax.continue_label();
        let continue_line = format!("{continue_label}:");
        let text = self.syntax.localize_continue(&continue_label, assembly);
        let lines = scan::lines(&text);
        let start = Start::new(self.isa, &self.syntax);
        let mut graph = parse::parse(self.isa, &self.syntax, lines, &continue_label)?;
        start.add(&mut graph, &self.syntax);
        let context = Context {
            continuation: graph.insert_continue_label(&continue_label, &continue_line),
            syntax: &self.syntax,
            isa: self.isa,
            known,
        };
        let end = passes::code_end(&graph, &context);
        for pass in &self.passes {
            (pass.run)(&mut graph, &context)?;
        }
        Ok(Optimized {
            assembly: print::print(&graph, self.syntax.format),
            end,
        })
    }
}

#[cfg(test)]
mod tests {
    use jit_schema::Codegen;

    use super::*;
    use crate::isa::none;
    use crate::options::FramePointer;

    fn target(triple: &str) -> &'static Target {
        Target::from_triple(triple).unwrap()
    }

    /// Upstream's base class, `Optimizer`, wrote the expected output.
    #[test]
    fn without_an_instruction_set_everything_falls_through() {
        let target = target("x86_64-unknown-linux-gnu");
        let optimizer = Optimizer::with_isa(&none::None, target, Options::default());
        let read = |file: String| {
            let path = [env!("CARGO_MANIFEST_DIR"), "tests/cases/none", &file];
            std::fs::read_to_string(path.join("/")).unwrap()
        };
        for name in ["everything_falls_through", "unreachable"] {
            let (input, upstream) = (read(format!("{name}.s")), read(format!("{name}.out")));
            // Upstream writes the input first, after this replacement.
            let local = input.replace("_JIT_CONTINUE", ".L_JIT_CONTINUE");
            let comments: String = local.lines().map(|line| format!("#{line}\n")).collect();
            let expected = upstream.strip_prefix(&comments);
            for input in [&input, &input.replace('\n', "\r\n")] {
                let actual = optimizer.optimize(input).unwrap().assembly;
                assert_eq!(Some(actual.as_str()), expected);
            }
        }
    }

    #[test]
    fn passes_run_in_upstreams_order() {
        let names = |triple, options| -> Vec<&str> {
            Optimizer::new(target(triple), options).passes().collect()
        };
        let shared = [
            "check-calls",
            "check-alignment",
            "mark-hot-blocks",
            "invert-hot-branches",
            "remove-redundant-jumps",
            "remove-unreachable-blocks",
            "invert-hot-branches",
            "remove-redundant-jumps",
            "remove-unreachable-blocks",
            "invert-hot-branches",
            "remove-redundant-jumps",
            "remove-unreachable-blocks",
            "invert-hot-branches",
            "remove-redundant-jumps",
            "remove-unreachable-blocks",
        ];
        let x86_64 = "x86_64-unknown-linux-gnu";
        let aarch64 = "aarch64-unknown-linux-gnu";
        let i686 = "i686-pc-windows-msvc";
        let upstream = Options::default();
        let tuned = upstream.codegen(Codegen::Tuned);
        let small = upstream.codegen(Codegen::Small);
        let reserved = small.frame_pointer(FramePointer::Reserved);
        let arm = ["label-external-branches", "fix-up-constants"];
        let pairs = ["label-pairs", "set-values", "fold-values"];
        let check = "check-pairs";
        let wide = ["check-setjmp", "make-addresses-relative"];
        let tuning = ["fold-values", "compute-own-addresses"];
        let slots = "load-addresses-from-slots";
        for (triple, options, own) in [
            (x86_64, upstream, &wide[..]),
            (i686, upstream, &[]),
            (aarch64, upstream, &[arm[0], arm[1], check]),
            (x86_64, tuned, &[wide[0], wide[1], tuning[0], tuning[1]]),
            (
                x86_64,
                small,
                &[wide[0], wide[1], tuning[0], tuning[1], slots],
            ),
            (i686, tuned, &["drop-argument-stores"]),
            (i686, small, &["drop-argument-stores"]),
            (
                aarch64,
                tuned,
                &[arm[0], arm[1], pairs[0], pairs[1], pairs[2], check],
            ),
            (
                aarch64,
                small,
                &[arm[0], arm[1], pairs[0], pairs[1], pairs[2], check],
            ),
            (
                x86_64,
                reserved,
                &[
                    wide[0],
                    wide[1],
                    tuning[0],
                    tuning[1],
                    slots,
                    "check-frame-pointer",
                ],
            ),
        ] {
            let mut expected = [&shared, own].concat();
            if triple == x86_64 && !options.codegen.is_upstream() {
                expected.insert(2, "drop-known-writes");
            }
            assert_eq!(names(triple, options), expected, "{triple} {options:?}");
        }
    }

    #[test]
    fn single_passes_are_known_by_name() {
        let options = Options::default();
        let optimizer = Optimizer::new(target("x86_64-unknown-linux-gnu"), options);
        for name in optimizer.passes() {
            let single = optimizer.only(name).unwrap();
            assert!(single.passes().eq([name]));
        }
        assert!(optimizer.only("label-pairs").is_none());
        assert!(optimizer.only("").is_none());
    }
}
