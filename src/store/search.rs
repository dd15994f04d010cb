//! Searching text the same way on both databases.

use diesel::sql_types::Text;

/// SQL's `lower`, in a private module: the macro makes more public items than anybody needs.
mod function {
    use super::Text;

    diesel::define_sql_function! {
        /// `text` in lower case; SQLite folds ASCII only.
        fn lower(text: Text) -> Text;
    }
}
pub(super) use function::lower;

/// The `LIKE` pattern (with `\` as its escape) of everything that contains `text`, in lower case.
pub(super) fn contains(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for letter in text.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_special_in_a_pattern_is_searched_as_it_is() {
        assert_eq!(contains("50%_Off\\"), r"%50\%\_off\\%");
    }
}
