//! The table of classes: what life does to a lesson, one file each in `tests/classes`, with the marks that follow.
//!
//! `table` asks the domain alone, in milliseconds; `played` has all of them played at the real binary.

mod played;
mod script;
mod table;
