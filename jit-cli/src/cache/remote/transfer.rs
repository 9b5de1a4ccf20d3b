//! Reading and writing entries of a shared cache: many at once, each within a limit of time and of length.

use std::{
    collections::VecDeque,
    error::Error as _,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use jit_llvm::Interrupt;
use opendal::{ErrorKind, Operator};
use tokio::{
    runtime::{Builder, Runtime},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};

use crate::cache::{
    key::Key,
    remote::{patience::Patience, service, settings::Settings},
};

/// How many requests are under way at once.
const CONCURRENT: usize = 16;
/// How long a request may take.
const REQUEST: Duration = Duration::from_secs(2);
/// The largest entry. A micro-op takes about 30 KiB.
const LONGEST: usize = 8 << 20;
/// How much memory entries may take that are to be written.
const QUEUE: usize = 64 << 20;
/// How often a thread that waits looks whether the build was interrupted.
const TICK: Duration = Duration::from_millis(50);
/// The name of the threads of requests.
const THREADS: &str = "shared-cache";
/// The version of the names and the contents of entries.
const VERSION: &str = "v2";

/// The shared cache of one build.
pub(crate) struct Remote {
    settings: Settings,
    patience: Arc<Patience>,
    /// What requests need, which is there from the first one on.
    connection: OnceLock<Option<Connection>>,
    uploads: Uploads,
}

/// Access to the store, and the threads of the requests.
struct Connection {
    operator: Operator,
    runtime: Runtime,
}

/// The entries that are being written.
struct Uploads {
    tasks: Mutex<JoinSet<()>>,
    /// Their bytes.
    size: Arc<AtomicUsize>,
    slots: Arc<Semaphore>,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").finish_non_exhaustive()
    }
}

impl Remote {
    /// Returns the shared cache that settings name, or `None` if it can't be there. Nothing is started or sent before it
    /// is needed, so a build that does nothing costs nothing.
    pub(crate) fn open(settings: Settings) -> Option<Remote> {
        service::is_here(&settings).then(|| Remote {
            settings,
            patience: Arc::default(),
            connection: OnceLock::new(),
            uploads: Uploads {
                tasks: Mutex::default(),
                size: Arc::default(),
                slots: Arc::new(Semaphore::new(CONCURRENT)),
            },
        })
    }

    /// Reads the entries with these keys, as far as they are there. `accept` gets each, and returns whether it is what
    /// its key says.
    pub(crate) fn fetch(
        &self,
        keys: Vec<Key>,
        interrupt: &Interrupt,
        mut accept: impl FnMut(&Key, &[u8]) -> bool,
    ) {
        if keys.is_empty() {
            return;
        }
        let Some(Connection { operator, runtime }) = self.connection() else {
            return;
        };
        let wanted = keys.len();
        let mut keys = VecDeque::from(keys);
        let mut tasks = JoinSet::new();
        let (started, mut found) = (Instant::now(), 0);
        runtime.block_on(async {
            while !self.patience.is_over() && !interrupt.is_tripped() {
                while tasks.len() < CONCURRENT
                    && let Some(key) = keys.pop_front()
                {
                    tasks.spawn(read(operator.clone(), key));
                }
                let left = self.patience.left(started.elapsed());
                if left.is_zero() {
                    self.patience.give_up("it is slower than compiling");
                }
                match timeout(left.min(TICK), tasks.join_next()).await {
                    Err(_) => {}
                    Ok(None) => break,
                    Ok(Some(Err(error))) => self.patience.fail(&error.to_string()),
                    Ok(Some(Ok((_, Err(error))))) => self.patience.fail(&error),
                    Ok(Some(Ok((_, Ok(None))))) => {}
                    Ok(Some(Ok((key, Ok(Some(bytes)))))) => match accept(&key, &bytes) {
                        true => {
                            found += 1;
                            self.patience.succeed();
                        }
                        false => self.patience.fail(&format!(
                            "the entry {key} is damaged, or is another's: its micro-op is compiled again"
                        )),
                    },
                }
            }
        });
        self.patience.wait(started.elapsed());
        tracing::info!("the shared cache gave {found} of {wanted} entries");
    }

    /// Writes an entry while the build goes on. If it has to wait for too many others, it is left out.
    pub(crate) fn send(&self, key: &Key, bytes: Vec<u8>) {
        if self.settings.read_only {
            return;
        }
        let Some(Connection { operator, runtime }) = self.connection() else {
            return;
        };
        let Uploads { tasks, size, slots } = &self.uploads;
        let length = bytes.len();
        if length >= LONGEST {
            tracing::debug!("{key} is too large for the shared cache");
            return;
        }
        if size.load(Ordering::Relaxed) + length > QUEUE {
            self.patience
                .fail("entries are not written, because too many others are waiting");
            return;
        }
        size.fetch_add(length, Ordering::Relaxed);
        let (size, slots) = (Arc::clone(size), Arc::clone(slots));
        let (operator, patience) = (operator.clone(), Arc::clone(&self.patience));
        let path = path(key);
        let upload = async move {
            let _slot = slots.acquire().await;
            if !patience.is_over() {
                match limited(operator.write(&path, bytes)).await {
                    // Entries of some stores can't be written twice.
                    Ok(Ok(_)) => patience.succeed(),
                    Ok(Err(error)) if error.kind() == ErrorKind::AlreadyExists => {
                        patience.succeed()
                    }
                    Ok(Err(error)) => {
                        patience.fail(&format!("can't write to it: {}", described(&error)));
                    }
                    Err(why) => patience.fail(&format!("can't write to it: {why}")),
                }
            }
            size.fetch_sub(length, Ordering::Relaxed);
        };
        lock(tasks).spawn_on(upload, runtime.handle());
    }

    /// Waits until everything is written, as long as that is worth it.
    pub(crate) fn finish(&self, interrupt: &Interrupt) {
        let mut tasks = std::mem::take(&mut *lock(&self.uploads.tasks));
        if tasks.is_empty() {
            return;
        }
        let Some(Connection { runtime, .. }) = self.connection() else {
            return;
        };
        let started = Instant::now();
        runtime.block_on(async {
            while !interrupt.is_tripped() && !self.patience.is_over() {
                let left = self.patience.left(started.elapsed());
                if left.is_zero() {
                    let text = format!("{} entries were not written in time", tasks.len());
                    self.patience.give_up(&text);
                }
                match timeout(left.min(TICK), tasks.join_next()).await {
                    Ok(None) => break,
                    Ok(Some(Err(error))) => self.patience.fail(&error.to_string()),
                    Ok(Some(Ok(()))) | Err(_) => {}
                }
            }
        });
        self.patience.wait(started.elapsed());
    }

    /// Returns what requests need, unless the shared cache is left alone.
    fn connection(&self) -> Option<&Connection> {
        if self.patience.is_over() {
            return None;
        }
        let connect = || match self.connect() {
            Ok(connection) => Some(connection),
            Err(why) => {
                self.patience.give_up(&format!("it can't be used: {why}"));
                None
            }
        };
        self.connection.get_or_init(connect).as_ref()
    }

    fn connect(&self) -> Result<Connection, String> {
        let mut builder = Builder::new_multi_thread();
        let builder = builder.worker_threads(2).thread_name(THREADS);
        panic_quietly();
        Ok(Connection {
            operator: service::open(&self.settings, CONCURRENT)?,
            runtime: builder
                .enable_all()
                .build()
                .map_err(|error| error.to_string())?,
        })
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // Looking up a host's name can't be ended, so nothing waits for that.
        if let Some(Some(connection)) = self.connection.take() {
            connection.runtime.shutdown_background();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps panics in the threads of requests from being printed. `opendal` panics about some answers of servers, such as a
/// status that is not a number. Then the request has failed, which is reported like other failures.
fn panic_quietly() {
    static SET: Once = Once::new();
    SET.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            match std::thread::current().name() == Some(THREADS) {
                true => tracing::debug!("a request to the shared cache has failed: {info}"),
                false => print(info),
            }
        }));
    });
}

/// Returns the name of an entry.
fn path(key: &Key) -> String {
    let name = key.to_string();
    let (directory, rest) = name.split_at_checked(2).unwrap_or(("", &name));
    format!("{VERSION}/{directory}/{rest}")
}

/// Waits for a request until its time is over.
async fn limited<T>(request: impl Future<Output = T>) -> Result<T, String> {
    let late = |_| format!("no answer within {} seconds", REQUEST.as_secs());
    timeout(REQUEST, request).await.map_err(late)
}

/// Returns what went wrong in one short line. The request's address is left out, because it may contain a signature.
fn described(error: &opendal::Error) -> String {
    let mut source = error.source();
    while let Some(below) = source.and_then(|error| error.source()) {
        source = Some(below);
    }
    let text = match source {
        Some(source) => format!("{}: {source}", error.message()),
        None => format!("{}: {}", error.kind(), error.message()),
    };
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ").chars().take(200).collect()
}

/// Reads an entry. Returns its bytes, `None` if there is none, or what went wrong.
async fn read(operator: Operator, key: Key) -> (Key, Result<Option<Vec<u8>>, String>) {
    let outcome = match limited(read_whole(&operator, &path(&key))).await {
        Ok(Ok(bytes)) => Ok(Some(bytes)),
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
        Ok(Err(error)) => Err(format!("can't read from it: {}", described(&error))),
        Err(why) => Err(format!("can't read from it: {why}")),
    };
    (key, outcome)
}

/// Reads an entry. One that is too long is cut, and then its checksum is wrong.
async fn read_whole(operator: &Operator, path: &str) -> opendal::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut parts = operator.reader(path).await?.into_stream(..).await?;
    while let Some(part) = parts.next().await {
        bytes.extend_from_slice(&part?.to_bytes());
        if bytes.len() >= LONGEST {
            break;
        }
    }
    Ok(bytes)
}
