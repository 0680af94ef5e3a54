use proptest::prelude::*;

use super::*;
use crate::store::tests_support;

fn message(content: Option<String>, file_name: Option<String>) -> MessageRow {
    MessageRow {
        content,
        file_name,
        ..tests_support::row()
    }
}

/// Texts around the length at which previews are cut, of characters of one to four bytes.
fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![Just('a'), Just('ş'), Just('字'), Just('🌸'), any::<char>()];
    let length = PREVIEW_CHARS - 10..PREVIEW_CHARS + 10;
    prop::collection::vec(character, length).prop_map(String::from_iter)
}

proptest! {
    /// A preview is where the text begins, whole characters of it, and all of a short one.
    #[test]
    fn a_preview_is_the_beginning_of_a_text(content in text(), name in text()) {
        let cut = preview(&message(Some(content.clone()), Some(name.clone()))).unwrap();
        let n_chars = content.chars().count();
        prop_assert!(content.starts_with(&cut));
        prop_assert_eq!(cut.chars().count(), n_chars.min(PREVIEW_CHARS));
        let shown = preview(&message(None, Some(name.clone()))).unwrap();
        let whole = format!("File: {name}");
        prop_assert!(whole.starts_with(&shown));
        prop_assert!(shown.chars().count() <= PREVIEW_CHARS);
    }
}
