//! Compares the time that linking takes with that of copying alone and of C:
//! `cargo bench -p jit-runtime --bench link`.
//!
//! The first C is `jit-cli/example`'s `Python/jit.c`, which does what CPython's does, around the emit
//! functions of a generated header; the second is the linker of the header that `emit = ["c"]` writes.
//! Both are compiled with `cc -O3 -DNDEBUG`. All link the same 200 traces of
//! 500 random micro-ops, in turn; the results are medians over the rounds.
//!
//! These environment variables select other stencils and other C:
//!
//! | variable | value |
//! | --- | --- |
//! | `JIT_BENCH_STENCILS` | a stencil file for this machine |
//! | `JIT_BENCH_HEADER` | the `jit_stencils-*.h` of the same build |
//! | `JIT_BENCH_HOST` | a C file in place of `Python/jit.c` |
#![forbid(unsafe_code)]

mod c;
mod header;
#[path = "../../tests/images/host_input.rs"]
mod host_input;
#[path = "../../tests/images/input.rs"]
mod input;
mod rust;
mod traces;

use std::path::PathBuf;

use jit_runtime::Stencils;
use jit_schema::Target;

const ROUNDS: usize = 9;

fn main() {
    // `cargo test --all-targets` runs this program as well, without the flag.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let host = Target::host().expect("this machine is one of the seven targets");
    let bytes = match std::env::var_os("JIT_BENCH_STENCILS") {
        Some(path) => std::fs::read(path).expect("the stencil file can be read"),
        None => fixtures::stencils::file(host.triple).to_vec(),
    };
    let header = std::env::var_os("JIT_BENCH_HEADER").map_or_else(
        || fixtures::generated::stencils_header(fixtures::generated::Build::Release, host.triple),
        PathBuf::from,
    );
    let set = jit_stencils::file::decode(&bytes).expect("the stencil file is whole");
    let stencils = Stencils::load(&bytes).expect("the stencils can be linked");
    println!("{}\n", traces::describe(&set));

    let traces = traces::random(&set, 200, 500);
    let program = c::Program::compile(&header, &set, stencils.symbols());
    let input = program.input(&traces);
    let linker = header::Program::compile(&set, stencils.symbols(), &traces);
    let ours = rust::Contest::new(&stencils, &set, &traces);
    let mut columns: Vec<Column> = Vec::new();
    for _ in 0..ROUNDS {
        let mut times = ours.round();
        times.extend(program.times(&input));
        times.extend(linker.times());
        if columns.is_empty() {
            columns = times.iter().map(|(name, _)| Column::new(name)).collect();
        }
        for (column, (_, time)) in columns.iter_mut().zip(times) {
            column.times.push(time);
        }
    }
    let of = |name: &str| {
        let column = columns.iter().find(|column| column.name == name);
        column.expect("it was measured").median()
    };
    let copy = of("copy per uop");
    println!("| linking, varied traces | ns per uop | to a memcpy per uop |\n| --- | --- | --- |");
    for name in [
        "copy whole image",
        "copy per uop",
        "link",
        "layout and link",
        "layout and link, tight",
    ] {
        println!("| {name} | {:.1} | {:.2} |", of(name), of(name) / copy);
    }
    let c_copy = of("C memcpy per uop");
    for name in ["C memcpy per uop", "C emit functions", "C header's linker"] {
        println!("| {name} | {:.1} | {:.2} |", of(name), of(name) / c_copy);
    }
    println!(
        "\nC's emit functions take {:.2} times as long as layout and link.\n",
        of("C emit functions") / of("layout and link")
    );
    println!(
        "The linker of the C header takes {:.2} times as long as layout and link, tight.\n",
        of("C header's linker") / of("layout and link, tight")
    );
    println!(
        "| a trace of 500 uops, ready to run and freed | us | C to ours |\n| --- | --- | --- |"
    );
    let mapped = of("C mmap, emit, mprotect, munmap") * 0.5;
    for name in ["compile into an arena", "compile into own pages"] {
        let time = of(name) * 0.5;
        println!("| {name} | {time:.1} | {:.2} |", mapped / time);
    }
    println!("| C: mmap, emit, mprotect, munmap | {mapped:.1} | |");
    let header = of("C header's jit_compile, pages") * 0.5;
    println!(
        "| C header: jit_compile into own pages, jit_release | {header:.1} | {:.2} |\n",
        mapped / header
    );
    rust::memory(&stencils, &traces::random(&set, 1000, 20));
}

struct Column {
    name: String,
    times: Vec<f64>,
}

impl Column {
    fn new(name: &str) -> Column {
        Column {
            name: name.to_owned(),
            times: Vec::new(),
        }
    }

    fn median(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    }
}
