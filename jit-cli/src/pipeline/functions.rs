//! Files of functions: clang's front end reads each once, and each function that becomes a stencil gets a module of its
//! own.

mod members;
mod noticed;
mod origins;
mod places;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::Mutex,
};

use self::{noticed::Noticed, origins::Origin};
use jit_llvm::{
    CompileOptions, Compiler, FrontEnd, Ir, Language, LlvmError, Source,
    modules::{Extracted, Module, ModuleError, Part, Role, Wanted},
};
use jit_optimizer::FramePointer;
use jit_schema::{Arch, ObjectFormat, Target};
use jit_stencils::Interface;
use rayon::prelude::*;

use crate::{
    error::{Error, FunctionError},
    pipeline::{module_reads, tuner},
    project::{
        config::Config,
        functions::{File, Functions, demangle},
    },
    reads::Reads,
};

/// The files of functions, and what they are compiled with.
pub(crate) struct Files<'a> {
    pub(crate) functions: &'a Functions,
    pub(crate) config: &'a Config,
    pub(crate) target: &'static Target,
    /// What stencils do with the frame pointer.
    pub(crate) frame_pointer: FramePointer,
    /// A compiler for each variant and language.
    compilers: BTreeMap<(usize, Language), Compiler<'a>>,
    /// The IR that says where functions are defined, by variant and file.
    lines: Mutex<HashMap<(usize, usize), Option<String>>>,
}

/// The functions that become stencils.
pub(crate) struct Split {
    /// Their names, and the texts of their modules.
    pub(crate) sources: Vec<Source>,
    pub(crate) irs: Vec<Ir>,
    pub(crate) interfaces: Vec<Interface>,
    /// What was read, if it is known.
    pub(crate) reads: Option<Reads>,
    /// Where each comes from.
    origins: BTreeMap<String, Origin>,
    /// By stencil, what the author calls the symbols that its module has instead of his.
    pub(crate) names: BTreeMap<String, BTreeMap<String, String>>,
}

/// The modules of the files, by variant and file.
type Modules<'m> = Vec<((usize, usize), Module<'m>)>;

/// The results of the front end, by variant and file.
type Fronts = Vec<((usize, usize), FrontEnd)>;

impl<'a> Files<'a> {
    /// Makes the compilers. `make` returns one with these options and files in a directory of this name.
    pub(crate) fn new(
        functions: &'a Functions,
        options: &CompileOptions,
        frame_pointer: FramePointer,
        make: impl Fn(CompileOptions, &str) -> Result<Compiler<'a>, Error>,
    ) -> Result<Files<'a>, Error> {
        let languages: BTreeSet<Language> =
            functions.files.iter().map(|file| file.language).collect();
        let mut compilers = BTreeMap::new();
        for (index, variant) in functions.variants.iter().enumerate() {
            for language in &languages {
                let mut options = options.clone();
                options.language = *language;
                options
                    .flags
                    .defines
                    .extend(variant.defines.iter().cloned());
                if *language == Language::Cxx {
                    // The user's flags can turn them on again.
                    let words = ["-fno-exceptions", "-fno-rtti"].map(str::to_owned);
                    options.flags.common.extend(words);
                }
                if !functions.families.list.is_empty() {
                    // The functions of families are static, and nothing calls them.
                    let words = ["-Xclang", "-femit-all-decls"].map(str::to_owned);
                    options.flags.common.extend(words);
                }
                let name = format!("functions-{index}-{language:?}");
                compilers.insert((index, *language), make(options, &name)?);
            }
        }
        Ok(Files {
            functions,
            config: &functions.config,
            target: options.target,
            frame_pointer,
            compilers,
            lines: Mutex::default(),
        })
    }

    /// Reads all files, and makes a module of each function that becomes a stencil. `remark` gets what the user should
    /// know.
    pub(crate) fn split(&self, remark: &dyn Fn(&str)) -> Result<Split, Error> {
        let fronts = self.front_ends()?;
        let mut folded = fronts.iter().filter_map(|(_, front)| front.folded.clone());
        if let Some(folded) = folded.next() {
            return Err(FunctionError::from(folded).into());
        }
        let members = self.with_members(&fronts)?;
        let mut modules = Vec::with_capacity(fronts.len());
        for (((variant, file), _), text) in fronts.iter().zip(&members.texts) {
            let module =
                Module::parse(text).map_err(|source| self.unreadable((*variant, *file), source))?;
            self.functions.holes.check_undefined(
                self.config,
                self.path(*file),
                &module.defined(),
            )?;
            modules.push(((*variant, *file), module));
        }
        let origins = self.origins(&modules, members.origins)?;
        self.check_patterns(&modules)?;
        self.functions
            .holes
            .check_stencils(self.config, |name| origins.contains_key(name))?;
        let extracted = self.extract_all(&modules, &origins)?;
        let mut split = Split {
            sources: Vec::new(),
            irs: Vec::new(),
            interfaces: Vec::new(),
            reads: self.reads(&fronts)?,
            origins,
            names: BTreeMap::new(),
        };
        let mut host = BTreeMap::new();
        let mut used = BTreeMap::new();
        let names = split.origins.keys();
        for (name, (extracted, interface)) in names.zip(extracted) {
            let text = tuner::with_operands(extracted.text, &interface);
            split.irs.push(Ir::of_module(text.as_str()));
            split.sources.push(Source {
                name: name.clone(),
                body: text,
            });
            split.interfaces.push(interface);
            host.extend(
                extracted
                    .host
                    .into_iter()
                    .map(|symbol| (symbol, name.clone())),
            );
            let names = self.authors_names(split.origins.get(name), &extracted.roles);
            split.names.insert(name.clone(), names);
            used.insert(name.clone(), extracted.roles.into_keys().collect());
        }
        let noticed = Noticed { host, used };
        self.remark(&noticed, (&modules, &fronts), &split.origins, remark);
        Ok(split)
    }

    /// Takes all functions that become stencils out of their modules, in the order of their names.
    fn extract_all(
        &self,
        modules: &Modules<'_>,
        origins: &BTreeMap<String, Origin>,
    ) -> Result<Vec<(Extracted, Interface)>, Error> {
        let found: Vec<Result<_, Error>> = origins
            .par_iter()
            .map(|(name, origin)| {
                let place = (origin.variant, origin.file);
                let module = modules.iter().find(|(known, _)| *known == place);
                let module = module
                    .map(|(_, module)| module)
                    .ok_or_else(|| Error::Missing { uop: name.clone() })?;
                let language = self.functions.files.get(origin.file);
                let language = language.map_or(Language::Ir, |file| file.language);
                self.extract(module, name, (origin, language))
            })
            .collect();
        let mut extracted = Vec::with_capacity(found.len());
        let mut failed = Vec::new();
        let mut operations = BTreeSet::new();
        for (result, origin) in found.into_iter().zip(origins.values()) {
            match result {
                Ok(one) => extracted.push(one),
                // The members of a family have the same mistakes.
                Err(error) if origin.member.is_none() || operations.insert(origin.authors()) => {
                    failed.push(error);
                }
                Err(_) => {}
            }
        }
        let mut failed = failed.into_iter();
        match failed.next() {
            None => Ok(extracted),
            Some(first) => {
                let error = Error::of_all(first, failed.collect());
                Err(error.at(&|uop| self.defined(origins, uop), &str::to_owned))
            }
        }
    }

    fn path(&self, file: usize) -> &Path {
        let file = self.functions.files.get(file);
        file.map_or(Path::new(""), |file| &file.path)
    }

    fn compiler(&self, variant: usize, file: &File) -> Option<&Compiler<'a>> {
        self.compilers.get(&(variant, file.language))
    }

    /// Runs clang's front end for each variant of each file.
    fn front_ends(&self) -> Result<Fronts, Error> {
        let mut work = Vec::new();
        for (index, file) in self.functions.files.iter().enumerate() {
            self.check_triple(file)?;
            for variant in 0..self.functions.variants.len() {
                work.push(((variant, index), file));
            }
        }
        let holes = &self.functions.holes;
        let of_members = self.functions.families.operand_symbols();
        let mut values = holes.operands();
        values.extend(of_members.iter().map(String::as_str));
        let places = holes.places();
        let results: Vec<Result<_, LlvmError>> = work
            .par_iter()
            .filter_map(|(place, file)| {
                let compiler = self.compiler(place.0, file)?;
                let front = compiler.front_end(&file.path, &values, &places);
                Some(front.map(|front| (*place, front)))
            })
            .collect();
        let mut fronts = Vec::with_capacity(results.len());
        let mut errors: Vec<Error> = Vec::new();
        for result in results {
            match result {
                Ok(front) => fronts.push(front),
                // The variants of a file have the same mistakes.
                Err(error) => {
                    let error = Error::from(error);
                    let text = error.to_string();
                    if !errors.iter().any(|known| known.to_string() == text) {
                        errors.push(error);
                    }
                }
            }
        }
        let mut errors = errors.into_iter();
        match errors.next() {
            None => Ok(fronts),
            Some(first) => Err(Error::of_all(first, errors.collect())),
        }
    }

    /// Refuses LLVM IR for another target, which clang would take for this one.
    fn check_triple(&self, file: &File) -> Result<(), Error> {
        if file.language != Language::Ir {
            return Ok(());
        }
        let path = &file.path;
        let found = match path.extension().is_some_and(|extension| extension == "bc") {
            true => {
                let bytes = crate::paths::read(path).map_err(Error::file("read", path))?;
                Ir::triple_of_bitcode(&bytes).map(|found| (None, found))
            }
            false => {
                let text = crate::paths::read_text(path, path)?;
                let mut lines = text.lines().enumerate();
                lines.find_map(|(index, line)| {
                    let triple = line.strip_prefix("target triple = \"")?;
                    Some((Some(index + 1), triple.trim_end_matches('"').to_owned()))
                })
            }
        };
        match found {
            Some((line, found)) if !is_for(&found, self.target) => {
                Err(FunctionError::OtherTarget {
                    path: path.clone(),
                    line,
                    found,
                    target: self.target,
                }
                .into())
            }
            _ => Ok(()),
        }
    }

    /// Refuses patterns and tables of stencils that are about nothing.
    fn check_patterns(&self, modules: &[((usize, usize), Module<'_>)]) -> Result<(), Error> {
        let symbols = modules.iter().flat_map(|(_, module)| module.functions());
        let symbols: Vec<String> = symbols.collect();
        match self.functions.names.unused(&symbols).first() {
            None => Ok(()),
            Some(pattern) => Err(self.config.error(format!(
                "stencils: {pattern:?} matches no function that is defined in the files. clang leaves out functions \
                 that are static or inline and not used"
            ))),
        }
    }

    fn extract(
        &self,
        module: &Module<'_>,
        name: &str,
        (origin, language): (&Origin, Language),
    ) -> Result<(Extracted, Interface), Error> {
        let holes = &self.functions.holes;
        let mut roles = holes.roles(name, &module.external(), self.target, self.config)?;
        if let Some(member) = &origin.member {
            roles.extend(member.roles());
        }
        let mut wanted = Wanted::new(&origin.symbol, &roles);
        let pointer = self.target.arch.pointer_size();
        wanted.pointer_bits = if pointer == 8 { 64 } else { 32 };
        wanted.imports = self.target.format == ObjectFormat::Coff && pointer == 8;
        wanted.weak_operands = language != Language::Ir;
        if self.frame_pointer == FramePointer::Reserved {
            let compiler = self.compilers.values().next();
            wanted.frame_pointer = compiler.map(|compiler| compiler.version().kept_frame_pointer());
        }
        let extracted = module
            .extract(&wanted)
            .map_err(|error| FunctionError::Function {
                uop: name.to_owned(),
                message: message(error, origin.authors()),
            })?;
        let interface = interface(extracted.roles.values());
        Ok((extracted, interface))
    }

    /// Returns what the author calls the symbols that the module of a stencil has.
    fn authors_names(
        &self,
        origin: Option<&Origin>,
        roles: &BTreeMap<String, Role>,
    ) -> BTreeMap<String, String> {
        let pointer_bits = 8 * u32::from(self.target.arch.pointer_size());
        let label = self.target.label_prefix.trim_start_matches('.');
        let prefixes = ["", self.target.symbol_prefix, label];
        let functions = origin.map(|origin| ("_JIT_ENTRY".to_owned(), origin.authors()));
        let holes = roles
            .iter()
            .filter_map(|(symbol, role)| Some((role.symbol(pointer_bits)?, symbol)));
        let names = functions.into_iter().chain(holes);
        names
            .flat_map(|(new, symbol)| {
                let name = demangle::base(symbol);
                prefixes.map(|prefix| (format!("{prefix}{new}"), name.clone()))
            })
            .collect()
    }

    /// Returns what clang has read.
    fn reads(&self, fronts: &Fronts) -> Result<Option<Reads>, Error> {
        // The snapshots of each compiler, with the IR that was made of them.
        let mut sources: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for ((variant, file), front) in fronts {
            let Some(file) = self.functions.files.get(*file) else {
                continue;
            };
            // It includes nothing, and is one of the project's files.
            if file.language == Language::Ir {
                continue;
            }
            let Some(snapshot) = &front.snapshot else {
                return Ok(None);
            };
            let of_compiler = sources.entry((*variant, file.language)).or_default();
            of_compiler.push((snapshot, front.ir.as_str()));
        }
        let mut all: Option<Reads> = None;
        for (key, sources) in &sources {
            let Some(compiler) = self.compilers.get(key) else {
                return Ok(None);
            };
            let Some([arguments, ..]) = compiler.cc1_arguments()? else {
                return Ok(None);
            };
            let reads = module_reads::of(sources, &arguments, compiler.work());
            all = Some(match all {
                Some(known) => known.with(reads),
                None => reads,
            });
        }
        Ok(Some(all.unwrap_or_else(module_reads::none)))
    }

    /// Returns where the function of a stencil is defined.
    pub(crate) fn place(&self, split: &Split, uop: &str) -> Option<(PathBuf, usize)> {
        self.defined(&split.origins, uop)
    }
}

/// Returns whether a triple is one for a target: for the same processor and object format.
fn is_for(triple: &str, target: &Target) -> bool {
    let arch = triple.split('-').next().unwrap_or_default();
    let arches: &[&str] = match target.arch {
        Arch::Aarch64 => &["aarch64", "arm64"],
        Arch::X86_64 => &["x86_64", "amd64"],
        Arch::I686 => &["i386", "i486", "i586", "i686"],
    };
    let systems: &[&str] = match target.format {
        ObjectFormat::Coff => &["windows"],
        ObjectFormat::Elf => &["linux", "freebsd", "netbsd", "openbsd"],
        ObjectFormat::MachO => &["darwin", "macos"],
    };
    arches.contains(&arch) && systems.iter().any(|system| triple.contains(system))
}

/// Returns what an instruction of a stencil has.
fn interface<'r>(roles: impl Iterator<Item = &'r Role>) -> Interface {
    let mut interface = Interface::default();
    for role in roles {
        match *role {
            Role::Operand { index, bits, part } => {
                let index = usize::from(index);
                if interface.operands.len() <= index {
                    interface.operands.resize(index + 1, 0);
                }
                let bits = match part {
                    Part::Whole | Part::Low | Part::High => bits,
                };
                if let Some(known) = interface.operands.get_mut(index) {
                    // The value has to fit where it is used with the fewest bits.
                    *known = if *known == 0 { bits } else { bits.min(*known) };
                }
            }
            Role::Place(index) => interface.targets = interface.targets.max(index + 1),
            _ => {}
        }
    }
    interface
}

/// Returns why a function can't become a stencil, with the names that the author gave.
fn message(error: ModuleError, symbol: &str) -> String {
    let text = match error {
        ModuleError::Refused { function, refusal } if function == symbol => refusal.to_string(),
        other => other.to_string(),
    };
    let words = text.split(' ').map(|word| {
        let end = word.trim_end_matches([':', ',', '.']);
        let rest = word.get(end.len()..).unwrap_or_default();
        format!("{}{rest}", demangle::demangled(end))
    });
    words.collect::<Vec<_>>().join(" ")
}
