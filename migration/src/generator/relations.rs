//! Which foreign keys become relations.

use std::collections::HashMap;

/// Drops the keys that the dense format cannot express, and gives the others one order for all
/// databases.
///
/// A key of a table to itself, and two keys to the same other table
/// (<https://github.com/SeaQL/sea-orm/issues/3081>), would need names that the generator does not
/// give. Their columns stay plain columns.
pub fn keep_unambiguous<K>(
    keys: &mut Vec<K>,
    table: &str,
    target: impl Fn(&K) -> &str,
    columns: impl Fn(&K) -> &[String],
) {
    let mut n_keys_by_target = HashMap::<String, usize>::new();
    for key in keys.iter() {
        *n_keys_by_target.entry(target(key).to_owned()).or_default() += 1;
    }
    keys.retain(|key| target(key) != table && n_keys_by_target[target(key)] == 1);
    keys.sort_by(|a, b| columns(a).cmp(columns(b)));
}
