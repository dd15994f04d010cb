//! Searching text the same way on both databases.

use diesel::SqliteConnection;
use diesel::sql_types::Text;

use super::StoreError;

/// SQL's `lower`, in a private module: the macro makes more public items than anybody needs.
mod function {
    use super::Text;

    diesel::define_sql_function! {
        /// `text` in lower case.
        fn lower(text: Text) -> Text;
    }
}
pub(super) use function::lower;

/// The same function as SQLite calls it, also with nulls; in a private module for the same reason.
mod folding {
    use diesel::sql_types::{Nullable, Text};

    diesel::define_sql_function! {
        #[sql_name = "lower"]
        fn fold(text: Nullable<Text>) -> Nullable<Text>;
    }
}

/// SQLite's own `lower` folds ASCII alone: this connection gets one that knows all letters, as [`contains`] does.
pub(super) fn know_all_letters(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    let fold = |text: Option<String>| text.map(|text| text.to_lowercase());
    Ok(folding::fold_utils::register_impl(conn, fold)?)
}

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
