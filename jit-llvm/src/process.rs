//! A process together with those that it starts.

use std::{
    io,
    process::{Command, ExitStatus},
};

use shared_child::SharedChild;

/// A tool that was started, in a process group of its own where the system has process groups.
#[derive(Debug)]
pub(crate) struct Process {
    child: SharedChild,
}

impl Process {
    /// Starts a program.
    pub(crate) fn start(command: &mut Command) -> io::Result<Process> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        Ok(Process {
            child: SharedChild::spawn(command)?,
        })
    }

    /// Returns the process itself, for its pipes.
    pub(crate) fn child(&self) -> &SharedChild {
        &self.child
    }

    /// Kills it and what it has started, except what has left its process group. Must not be called
    /// after [`Process::status`]: the system may have given its number to another group.
    #[cfg(unix)]
    pub(crate) fn kill(&self) {
        use rustix::process::{Pid, Signal, kill_process_group};
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            // All of them may have ended by themselves, which is as good.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// Kills it. What it has started goes on.
    #[cfg(not(unix))]
    pub(crate) fn kill(&self) {
        let _ = self.child.kill();
    }

    /// Waits until it has ended. Its number stays taken until [`Process::status`] is called.
    #[cfg(unix)]
    pub(crate) fn wait(&self) -> io::Result<()> {
        use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let Some(id) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        loop {
            match waitid(WaitId::Pid(id), options) {
                Err(rustix::io::Errno::INTR) => {}
                outcome => return outcome.map(drop).map_err(io::Error::from),
            }
        }
    }

    /// Waits until it has ended.
    #[cfg(not(unix))]
    pub(crate) fn wait(&self) -> io::Result<()> {
        self.child.wait().map(drop)
    }

    /// Returns how it has ended.
    pub(crate) fn status(&self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}
