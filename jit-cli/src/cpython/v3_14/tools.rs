//! The versions of files in `Tools/jit` that this crate reproduces.

use crate::cpython::release::ToolFile;

/// The files as CPython 3.14.7 and 3.14.10 have them, and as Debian's 3.14.10 has them, which adds `--llvm-version`.
pub(super) const FILES: &[ToolFile] = &[
    ToolFile {
        path: "Tools/jit/_llvm.py",
        sha256: &[
            "e2ddbc78729a270284cf4d266a94da508957b6e01d2b1adec329e57e2afcd7d8",
            "6d1ce5982ecb326e387c33c2f50d755f00a64c4648461f98da37650d10700776",
        ],
    },
    ToolFile {
        path: "Tools/jit/_schema.py",
        sha256: &["a11df06ae2a0f62740c7fedb10d359d56f9c4cbc84022c6cfd329f5318ded3e0"],
    },
    ToolFile {
        path: "Tools/jit/_stencils.py",
        sha256: &["b00e496b3f56917fa4eb4f2df2b9cfa62f971167aeeecb0e8568887e8d61f13e"],
    },
    ToolFile {
        path: "Tools/jit/_targets.py",
        sha256: &[
            "5c2c405bf70bd1f423e6a2b7d0e941f32bbd6f3259285cbe7709a98e711f4f15",
            "1f5ace0665bb769661f23f2e94b06791622b459e0f4b735e2f428e4b7e1a2a18",
        ],
    },
    ToolFile {
        path: "Tools/jit/_writer.py",
        sha256: &["e620915abf56886a2992a9d001ea84d44407fec087a561c5c80a13b151f88210"],
    },
    ToolFile {
        path: "Tools/jit/build.py",
        sha256: &[
            "23aa8bdd7915b0fe55e91af63ffb5076cfcf057633da6514a0ec4d423a51473f",
            "b467ed8a12af0594f50cf57aaa2fbc67cdf1266ef15c8a89651fc8d7b33047f6",
        ],
    },
];
