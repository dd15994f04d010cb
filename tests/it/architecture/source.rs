//! Reads source files as far as the house rules need it: no comments, no unit tests, and the paths in them.

use std::collections::BTreeSet;
use std::path::Path;

/// A file of this repository.
pub(super) struct SourceFile {
    /// From the repository's root.
    pub(super) path: String,
    /// As it is.
    pub(super) text: String,
    /// Without comments and unit tests; the lines keep their numbers.
    code: String,
}

/// The files of `src/`, without those that are only compiled for tests.
pub(super) fn all_sources() -> Vec<SourceFile> {
    let files = read("src");
    let only_tests: Vec<String> = files.iter().flat_map(SourceFile::test_modules).collect();
    let is_test = |file: &SourceFile| only_tests.iter().any(|stem| file.path.starts_with(stem));
    files.into_iter().filter(|file| !is_test(file)).collect()
}

/// The files of `src/`, `tests/` and `benches/`.
pub(super) fn all_with_tests() -> Vec<SourceFile> {
    ["src", "tests", "benches"].into_iter().flat_map(read).collect()
}

fn read(folder: &str) -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting = vec![root.join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.map_while(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                files.push(SourceFile { code: without_tests(&without_comments(&text)), path, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn without_comments(text: &str) -> String {
    let cut = |line: &str| match line.find("//") {
        // A URL in a string is no comment.
        Some(at) if !line[..at].ends_with(':') => line[..at].to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(cut).collect::<Vec<_>>().join("\n")
}

/// Unit tests stand at the end of a file.
fn without_tests(code: &str) -> String {
    match code.find("#[cfg(test)]\nmod tests {") {
        Some(at) => code[..at].to_owned(),
        None => code.to_owned(),
    }
}

impl SourceFile {
    /// The folder or file below `src/`.
    pub(super) fn room(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap_or(&self.path);
        below.split(['/', '.']).next().unwrap_or_default()
    }

    pub(super) fn lines(&self) -> usize {
        self.text.lines().count()
    }

    /// The lines where the path `name` begins, such as `actix` in `use actix::Actor`.
    pub(super) fn lines_with_path(&self, name: &str) -> Vec<usize> {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let begins = |(at, _): &(usize, &str)| {
            let before = self.code[..*at].chars().next_back();
            let after = &self.code[at + name.len()..];
            let whole = !before.is_some_and(|c| word(c) || c == ':' || c == '"' || c == '.');
            whole
                && (name.contains("::") || after.starts_with("::") || self.code[..*at].ends_with("use "))
                && !after.starts_with(word)
        };
        self.code.match_indices(name).filter(begins).map(|(at, _)| self.line(at)).collect()
    }

    /// Every `crate::a::b` that is used, as line and `a::b`, with `{…}` taken apart.
    pub(super) fn own_paths(&self) -> Vec<(usize, String)> {
        const CRATE: &str = "crate::";
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices(CRATE) {
            if self.code[..at].ends_with("$") || self.code[..at].ends_with("pub(in ") {
                continue;
            }
            let rest = &self.code[at + CRATE.len()..];
            found.extend(heads(rest).into_iter().map(|path| (self.line(at), path)));
        }
        found
    }

    /// The string literals that begin with `prefix`.
    pub(super) fn strings_beginning(&self, prefix: &str) -> BTreeSet<String> {
        let quoted = format!("\"{prefix}");
        let literals =
            self.code.match_indices(&quoted).filter_map(|(at, _)| self.code[at + 1..].split('"').next());
        literals.map(str::to_owned).collect()
    }

    /// The names given to `counter!`, `gauge!` and `histogram!`.
    pub(super) fn metrics(&self) -> Vec<String> {
        let named =
            |at: usize, len: usize| self.code[at + len..].trim_start().strip_prefix('"')?.split('"').next();
        ["counter!(", "gauge!(", "histogram!("]
            .iter()
            .flat_map(|call| self.code.match_indices(call))
            .filter_map(|(at, call)| named(at, call.len()).map(str::to_owned))
            .collect()
    }

    /// The paths of modules that are only there for tests, without `.rs`.
    fn test_modules(&self) -> Vec<String> {
        let folder = self.path.strip_suffix("/mod.rs").or_else(|| self.path.strip_suffix(".rs"));
        let folder = folder.filter(|folder| *folder != "src/lib").unwrap_or("src");
        let mut lines = self.text.lines().peekable();
        let mut found = Vec::new();
        while let Some(line) = lines.next() {
            let next = lines.peek().and_then(|next| next.split("mod ").nth(1)?.strip_suffix(';'));
            if let Some(name) = next.filter(|_| line.trim() == "#[cfg(test)]") {
                found.push(format!("{folder}/{name}"));
            }
        }
        found
    }

    fn line(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }
}

/// The first two segments of each path in `tree`, which follows `crate::`.
fn heads(tree: &str) -> Vec<String> {
    if let Some(inside) = tree.strip_prefix('{') {
        return split_branches(inside).iter().flat_map(|branch| heads(branch)).collect();
    }
    let name =
        |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let first = name(tree);
    match tree[first.len()..].strip_prefix("::") {
        Some(rest) => match rest.strip_prefix('{') {
            Some(inside) => split_branches(inside).iter().map(|b| format!("{first}::{}", name(b))).collect(),
            None => vec![format!("{first}::{}", name(rest))],
        },
        None => vec![first],
    }
}

/// The branches between a `{` that was already read and its `}`.
fn split_branches(inside: &str) -> Vec<String> {
    let (mut depth, mut branch, mut branches) = (0, String::new(), Vec::new());
    for c in inside.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => branches.push(std::mem::take(&mut branch)),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                branch.push(c);
            }
        }
    }
    branches.push(branch);
    branches.iter().map(|b| b.trim().to_owned()).filter(|b| !b.is_empty()).collect()
}

#[test]
fn paths_are_found_however_they_are_written() {
    let code = "use crate::{a, b::{c, d::e}, f::g};\nlet x = crate::zoom::ids::new();\nuse crate::zoom::{ids, wire};\n";
    let file = SourceFile { path: "src/x/y.rs".to_owned(), text: code.to_owned(), code: code.to_owned() };
    let paths: Vec<String> = file.own_paths().into_iter().map(|(_, path)| path).collect();
    assert_eq!(paths, ["a", "b::c", "b::d", "f::g", "zoom::ids", "zoom::ids", "zoom::wire"]);
    assert_eq!(file.room(), "x");
}
