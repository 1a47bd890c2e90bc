//! The system calls that a child process may make: those for memory, its end, and reading and writing the pipes to its
//! parent. The kernel refuses all others (seccomp).
//!
//! So code that a document has smuggled into the child can open no file and no socket, start no process, send no signal to
//! another process, and make no memory executable. Rules for paths (Landlock) are not needed, as no call takes a path.
//!
//! A refused call fails with EPERM instead of ending the child. Nothing is reached either way, and a new version of the C
//! library that tries another call, and does without it if it must, does not make all documents unreadable.

use std::io;

/// Restricts this process for good to the system calls that reading a document needs.
///
/// Fails with [`io::ErrorKind::Unsupported`] if this system cannot do that.
pub(crate) fn restrict() -> io::Result<()> {
    platform::restrict()
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod platform {
    use std::collections::BTreeMap;
    use std::env::consts::ARCH;
    use std::{io, process};

    use nix::libc;
    use seccompiler::{
        BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
        SeccompFilter, SeccompRule, apply_filter,
    };

    /// Calls that are allowed with any arguments.
    const ALLOWED: &[libc::c_long] = &[
        // Memory.
        libc::SYS_brk,
        libc::SYS_madvise,
        libc::SYS_mremap,
        libc::SYS_munmap,
        // Locks, time, and the random numbers of hash tables.
        libc::SYS_clock_gettime,
        libc::SYS_futex,
        libc::SYS_getrandom,
        libc::SYS_sched_yield,
        // The handler for stack overflows, and `abort`.
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        // The end, and going on after a stop.
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_restart_syscall,
    ];

    pub(super) fn restrict() -> io::Result<()> {
        let filter = filter().map_err(io::Error::other)?;
        match apply_filter(&filter) {
            Err(Error::Prctl(error) | Error::Seccomp(error)) if is_unsupported(&error) => {
                Err(io::Error::new(io::ErrorKind::Unsupported, error))
            }
            applied => applied.map_err(io::Error::other),
        }
    }

    /// An old kernel does not know the call, or not this use of it; so do some emulators of Linux.
    fn is_unsupported(error: &io::Error) -> bool {
        matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL))
    }

    fn filter() -> Result<BpfProgram, BackendError> {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALLOWED.iter().map(|call| (*call, vec![])).collect();
        rules.insert(libc::SYS_read, vec![rule(&[is(0, libc::STDIN_FILENO)?])?]);
        rules.insert(
            libc::SYS_write,
            vec![rule(&[is(0, libc::STDOUT_FILENO)?])?, rule(&[is(0, libc::STDERR_FILENO)?])?],
        );
        // No files, and nothing to execute.
        let anonymous = bits(3, libc::MAP_ANONYMOUS, libc::MAP_ANONYMOUS)?;
        let not_executable = bits(2, libc::PROT_EXEC, 0)?;
        rules.insert(libc::SYS_mmap, vec![rule(&[anonymous, not_executable.clone()])?]);
        rules.insert(libc::SYS_mprotect, vec![rule(&[not_executable])?]);
        // `abort` sends a signal to its own process.
        rules.insert(libc::SYS_tgkill, vec![rule(&[is(0, process::id().cast_signed())?])?]);
        let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
        SeccompFilter::new(rules, refused, SeccompAction::Allow, ARCH.try_into()?)?.try_into()
    }

    fn rule(conditions: &[SeccompCondition]) -> Result<SeccompRule, BackendError> {
        SeccompRule::new(conditions.to_vec())
    }

    /// The argument with this index has this value.
    fn is(argument: u8, value: i32) -> Result<SeccompCondition, BackendError> {
        bits(argument, -1, value)
    }

    /// These bits of the argument with this index have this value.
    fn bits(argument: u8, mask: i32, value: i32) -> Result<SeccompCondition, BackendError> {
        let (mask, value) = (u64::from(mask.cast_unsigned()), u64::from(value.cast_unsigned()));
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)
    }
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod platform {
    use std::io;

    pub(super) fn restrict() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
