//! The versions of files in `Tools/jit` that this crate reproduces.

use crate::cpython::release::ToolFile;

/// The files as CPython 3.15.2 has them. A later release that changes one without a change of the output
/// adds its hash.
pub(super) const FILES: &[ToolFile] = &[
    ToolFile {
        path: "Tools/jit/_dwarf.py",
        sha256: &["bbc97cad25868f524255a4fd1fe5512b358aec4cb5b3ff1f580999ed6abfcd7c"],
    },
    ToolFile {
        path: "Tools/jit/_llvm.py",
        sha256: &["a470299136559f34dfb45fe3bca319f4be07bfb7e03da396ae411b2af7d555d6"],
    },
    ToolFile {
        path: "Tools/jit/_optimizers.py",
        sha256: &["0bb4416305b229a9999192fe6afeaadeb4e1e00fed9ee836397c56ef992b541d"],
    },
    ToolFile {
        path: "Tools/jit/_schema.py",
        sha256: &["6eca7fc95d6d3c73896e3bb54af79895340ac1da56bff31140eedc730da70e86"],
    },
    ToolFile {
        path: "Tools/jit/_stencils.py",
        sha256: &["b207809192d315525e170454638e7480947d2ceb27ef274a4d27c3d25a7f1d08"],
    },
    ToolFile {
        path: "Tools/jit/_targets.py",
        sha256: &["e992cfcc881acb4b5cd4cf2fdaad20fa89815111b7c0959849fe0a968036f2f8"],
    },
    ToolFile {
        path: "Tools/jit/_writer.py",
        sha256: &["ad9e3b7926af6f59813aef3ea8247ade933f1da5e2d027afb0afdb3e2206cfb5"],
    },
    ToolFile {
        path: "Tools/jit/build.py",
        sha256: &["5e927cf5cb528b2af95392e7e03e938e6ca00acc61d8d371d2f7e3caaaec113c"],
    },
];
