//! The evidence page: what it says, where things lie, and that nothing from outside breaks it.
