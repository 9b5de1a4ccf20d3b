//! What tools outside of this process look for: two symbols for debuggers, and a mapping for perf.

/// The list of objects that debuggers read. Its links are made of what [`ENTRIES`] owns, so nothing
/// here follows a pointer; only the debugger does.
#[cfg(feature = "gdb")]
pub(super) mod list {
    use std::{
        collections::BTreeMap,
        ptr,
        sync::{
            Mutex, MutexGuard, PoisonError,
            atomic::{AtomicPtr, AtomicU32, Ordering},
        },
    };

    const NO_ACTION: u32 = 0;
    const REGISTER: u32 = 1;
    const UNREGISTER: u32 = 2;

    /// `struct jit_code_entry`. Atomics are laid out as what is in them; they are for writing through
    /// a shared reference.
    #[repr(C)]
    struct Entry {
        next: AtomicPtr<Entry>,
        previous: AtomicPtr<Entry>,
        object: AtomicPtr<u8>,
        object_size: u64,
        /// What `object` points to.
        _bytes: Box<[u8]>,
    }

    /// `struct jit_descriptor`
    #[repr(C)]
    struct Descriptor {
        version: u32,
        action: AtomicU32,
        relevant: AtomicPtr<Entry>,
        first: AtomicPtr<Entry>,
    }

    /// By the order they came in. The debugger's list has the same order.
    struct Entries {
        last: u64,
        by_number: BTreeMap<u64, Box<Entry>>,
    }

    static ENTRIES: Mutex<Entries> = Mutex::new(Entries {
        last: 0,
        by_number: BTreeMap::new(),
    });

    // SAFETY: debuggers look for this name, and nothing else in a program may have it; the module
    // `gdb` says so. It is laid out as they want it.
    #[unsafe(no_mangle)]
    static __jit_debug_descriptor: Descriptor = Descriptor {
        version: 1,
        action: AtomicU32::new(NO_ACTION),
        relevant: AtomicPtr::new(ptr::null_mut()),
        first: AtomicPtr::new(ptr::null_mut()),
    };

    /// The debugger has a breakpoint here. It must be a function of its own that is called each time.
    // SAFETY: as above; it takes no arguments and does nothing.
    #[unsafe(no_mangle)]
    #[inline(never)]
    extern "C" fn __jit_debug_register_code() {
        std::hint::black_box(&__jit_debug_descriptor);
    }

    fn entries() -> MutexGuard<'static, Entries> {
        // Nothing in between can panic and leave the list half done.
        ENTRIES.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pointer(entry: Option<&Entry>) -> *mut Entry {
        entry.map_or(ptr::null_mut(), |entry| ptr::from_ref(entry).cast_mut())
    }

    impl Entries {
        fn before(&self, number: u64) -> Option<&Entry> {
            let (_, entry) = self.by_number.range(..number).next_back()?;
            Some(entry)
        }

        fn after(&self, number: u64) -> Option<&Entry> {
            let (_, entry) = self
                .by_number
                .range(number..)
                .find(|(n, _)| **n != number)?;
            Some(entry)
        }

        /// Have the list go from one to the other: `None` is its start or its end.
        fn connect(previous: Option<&Entry>, next: Option<&Entry>) {
            let link = previous.map_or(&__jit_debug_descriptor.first, |entry| &entry.next);
            link.store(pointer(next), Ordering::Release);
            if let Some(next) = next {
                next.previous.store(pointer(previous), Ordering::Release);
            }
        }
    }

    /// Call the debugger.
    fn say(action: u32, entry: &Entry) {
        let descriptor = &__jit_debug_descriptor;
        descriptor
            .relevant
            .store(pointer(Some(entry)), Ordering::Release);
        descriptor.action.store(action, Ordering::Release);
        __jit_debug_register_code();
        // For a debugger that attaches later: there is nothing new, and the entry may be gone.
        descriptor.action.store(NO_ACTION, Ordering::Release);
        descriptor
            .relevant
            .store(ptr::null_mut(), Ordering::Release);
    }

    /// Put an object at the end of the list; its number.
    pub(in super::super) fn add(bytes: Box<[u8]>) -> u64 {
        let entry = Box::new(Entry {
            next: AtomicPtr::new(ptr::null_mut()),
            previous: AtomicPtr::new(ptr::null_mut()),
            object: AtomicPtr::new(bytes.as_ptr().cast_mut()),
            object_size: bytes.len() as u64,
            _bytes: bytes,
        });
        let mut entries = entries();
        entries.last += 1;
        let number = entries.last;
        entries.by_number.insert(number, entry);
        if let Some(entry) = entries.by_number.get(&number) {
            Entries::connect(entries.before(number), Some(entry));
            say(REGISTER, entry);
        }
        number
    }

    /// Take the object of that number out of the list, and free it.
    pub(in super::super) fn remove(number: u64) {
        let mut entries = entries();
        if let Some(entry) = entries.by_number.get(&number) {
            Entries::connect(entries.before(number), entries.after(number));
            say(UNREGISTER, entry);
        }
        entries.by_number.remove(&number);
    }
}

/// A page of a file, mapped so that perf notes the mapping.
#[cfg(all(feature = "perf", target_os = "linux"))]
pub(super) mod marker {
    use std::{fs::File, io, ptr};

    use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

    /// The first page of a file. Nobody looks at it here.
    #[derive(Debug)]
    pub(in super::super) struct Marker {
        /// Its address: an integer, since it is not to be read through.
        start: usize,
        size: usize,
    }

    impl Marker {
        /// Executable, since perf records no other mappings.
        pub(in super::super) fn new(file: &File) -> io::Result<Marker> {
            let size = rustix::param::page_size();
            let protection = ProtFlags::READ | ProtFlags::EXEC;
            // SAFETY: a new mapping, wherever there is room, that no reference is ever made to.
            let start = unsafe {
                mmap(
                    ptr::null_mut(),
                    size,
                    protection,
                    MapFlags::PRIVATE,
                    file,
                    0,
                )
            }?;
            Ok(Marker {
                start: start.expose_provenance(),
                size,
            })
        }
    }

    impl Drop for Marker {
        fn drop(&mut self) {
            // SAFETY: mapped in `new`, and unmapped nowhere else. A failure would leave it mapped,
            // which does no harm.
            let _ = unsafe { munmap(ptr::with_exposed_provenance_mut(self.start), self.size) };
        }
    }
}
