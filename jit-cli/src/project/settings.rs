//! The settings of a build that affect the files of a target, as they are in its state.

use crate::{
    project::{definition::Input, hardening, plan::Plan, platform::Platform},
    state::{
        inputs::{self, Inputs},
        locations::Locations,
    },
    sysroot::headers::Sysroot,
};

/// Returns the directories that the names of a target's inputs are relative to.
pub(crate) fn locations(plan: &Plan<'_>, platform: &Platform) -> Locations {
    Locations {
        project: plan.project.root.clone(),
        builtin: match &platform.sysroot {
            Some(Sysroot::Builtin(directory)) => Some(directory.clone()),
            Some(Sysroot::Directory(_)) | None => None,
        },
    }
}

/// Returns the inputs of a target that are known before it is built: settings, and environment variables.
pub(crate) fn inputs(plan: &Plan<'_>, platform: &Platform, locations: &Locations) -> Inputs {
    let (project, target) = (&plan.project, platform.target);
    let mut settings = vec![
        concat!("jit-cli ", env!("CARGO_PKG_VERSION")).to_owned(),
        format!("jit-llvm {}", jit_llvm::FINGERPRINT),
        format!("jit-optimizer {}", jit_optimizer::FINGERPRINT),
        format!("jit-schema {}", jit_schema::FINGERPRINT),
        format!("target {target}"),
        format!("header-format {}", project.conventions.header_format.name()),
        if plan.options.debug {
            "debug"
        } else {
            "release"
        }
        .to_owned(),
        format!("codegen {}", plan.codegen.name()),
    ];
    let prelude = (project.conventions.prelude)(target);
    settings.push(format!(
        "prelude {}",
        inputs::hexadecimal(prelude.as_bytes())
    ));
    if platform.hardening.is_some() {
        let hardening = hardening::setting(platform.hardening.as_ref());
        settings.push(format!("hardening {hardening}"));
    }
    if plan.options.free_threaded {
        settings.push("free-threaded".to_owned());
    }
    if let Some(sysroot) = &platform.sysroot {
        let config = project.config.as_ref();
        let base = config.map_or(&project.root, |config| &config.directory);
        settings.push(format!("sysroot {}", sysroot.digest(base)));
        // Which directories these are depends on what is there.
        settings.extend(locations.neutral_flags(&sysroot.cflags(target)));
    }
    let path = |kind: &str, path: &std::path::Path| {
        let shown = path.to_string_lossy();
        format!("{kind} {}", locations.neutral(&shown))
    };
    match &project.input {
        Input::Cases { template, cases } => {
            settings.push(path("template", template));
            settings.push(path("cases", cases));
        }
        Input::Functions(functions) => {
            settings.extend(
                functions
                    .files
                    .iter()
                    .map(|file| path("source", &file.path)),
            );
            settings.push(functions.setting());
        }
    }
    settings.extend(project.shim.iter().map(|shim| path("shim", shim)));
    let directories = platform.include_dirs(project);
    settings.extend(
        directories
            .iter()
            .map(|directory| path("include", directory)),
    );
    let defines = |kind: &str, list: &[String]| -> Vec<String> {
        list.iter().map(|text| format!("{kind} {text}")).collect()
    };
    settings.extend(defines("defines", &project.defines));
    settings.extend(defines("stencil-defines", &project.stencil_defines));
    let flags = plan.user_flags(platform);
    settings.extend(locations.neutral_flags(&flags));
    Inputs {
        settings,
        environment: inputs::environment(),
        ..Inputs::default()
    }
}
