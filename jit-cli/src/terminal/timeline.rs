//! `--timeline`: a trace of all processes, for Perfetto or chrome://tracing.

use std::path::{Path, PathBuf};

use tempfile::TempPath;
use tracing::Subscriber;
use tracing_chrome::{ChromeLayer, ChromeLayerBuilder, FlushGuard};
use tracing_subscriber::registry::LookupSpan;

use crate::{error::Error, paths, scratch};

/// A trace that is being written.
pub(crate) struct Timeline {
    guard: FlushGuard,
    temporary: TempPath,
    path: PathBuf,
}

impl Timeline {
    /// Starts a trace. Returns the layer that records it, and the timeline to finish at the end.
    pub(crate) fn begin<S>(path: &Path) -> Result<(ChromeLayer<S>, Timeline), Error>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        // The file is replaced, and a device or a pipe must not be.
        if let Ok(data) = path.metadata() {
            paths::check_regular(&data).map_err(Error::file("replace", path))?;
        }
        let directory = path
            .parent()
            .filter(|directory| !directory.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        scratch::remove_abandoned_files(directory);
        let file = scratch::file_in(directory).map_err(Error::file("write", path))?;
        let (file, temporary) = file.into_parts();
        let (layer, guard) = ChromeLayerBuilder::<S>::new()
            .writer(file)
            .include_args(true)
            .build();
        let timeline = Timeline {
            guard,
            temporary,
            path: path.to_path_buf(),
        };
        Ok((layer, timeline))
    }

    /// Writes the rest of the trace, and renames the file to its final name.
    pub(crate) fn finish(self) -> Result<(), Error> {
        drop(self.guard);
        self.temporary
            .persist(&self.path)
            .map_err(|error| Error::file("write", &self.path)(error.error))
    }
}
