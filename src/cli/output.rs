//! Writing answers to standard output.

use std::io::{self, Write as _};

/// Writes one line. A reader that went away, as `head` does, is no fault.
pub(super) fn line(text: impl std::fmt::Display) -> io::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
