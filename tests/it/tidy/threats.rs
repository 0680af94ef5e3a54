//! The table of attacks names tests that exist (docs/threats.md).

use std::fs;
use std::path::Path;

use super::assert_clean;

/// Fewer would mean that the table is not read as it is written.
const MIN_NAMED: usize = 100;
const MIN_ROWS: usize = 90;

#[test]
fn every_test_that_the_table_of_attacks_names_is_there() {
    let table = table();
    let named: Vec<_> = table.lines().flat_map(tests_in).collect();
    assert!(named.len() > MIN_NAMED, "only {} tests", named.len());
    let faults = named
        .iter()
        .filter(|(file, name)| !is_there(file, name))
        .map(|(file, name)| format!("docs/threats.md: {file} has no test {name}"));
    assert_clean(&faults.collect::<Vec<_>>());
}

#[test]
fn every_attack_has_an_answer_and_a_test_or_a_reason() {
    let table = table();
    let rows: Vec<&str> = table.lines().filter(|line| is_row(line)).collect();
    assert!(rows.len() > MIN_ROWS, "only {} rows", rows.len());
    let is_incomplete = |row: &&&str| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        cells.len() != 5 || cells[1..4].iter().any(|cell| cell.is_empty())
    };
    let faults: Vec<String> = rows
        .iter()
        .filter(is_incomplete)
        .map(|row| format!("docs/threats.md: incomplete: {row}"))
        .collect();
    assert_clean(&faults);
}

#[test]
fn a_test_that_is_gone_is_noticed() {
    let row =
        "| a | b | `tests/it/tidy.rs: no_such_test`, `tests/it/no_such.rs: it`, `node --test` |";
    let named: Vec<_> = tests_in(row).collect();
    assert_eq!(named.len(), 2);
    assert!(!named.iter().any(|(file, name)| is_there(file, name)));
    assert!(is_there("tests/it/tidy.rs", "imports_point_down"));
}

#[test]
fn only_the_name_of_a_test_is_one() {
    let rust = "/// Holds what_it_says.\nfn it_holds() { what_it_says() }\n#[test]\nfn what_it_says_too() {}\n";
    assert!(names_function(rust, "it_holds"));
    assert!(!names_function(rust, "what_it_says"));
    for (line, is_title) in [
        (
            r#"  each(ONCE, "T-01 it holds, and more", async (world) => {"#,
            true,
        ),
        (r#"test('it holds', () => {"#, true),
        (
            "each(ALL, `${word} it holds on ${transport}`, async () => {",
            true,
        ),
        (r#"describe("it holds", BUSY, () => {"#, true),
        ("// it holds", false),
        (" * \"it holds\"", false),
        (r#"const text = "it holds";"#, false),
        (r#"assert.ok(good); // "it holds""#, false),
    ] {
        assert_eq!(names_test(line, "it holds"), is_title, "{line}");
    }
}

fn table() -> String {
    fs::read_to_string(root().join("docs/threats.md")).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A row with an attack, not the head of a table.
fn is_row(line: &str) -> bool {
    line.starts_with("| ") && !line.starts_with("| attack |")
}

/// Tests are named as a file and a function, or the beginning of a title, in it:
/// `tests/it/tidy.rs: imports_point_down`. Of a shell script it is a command.
fn tests_in(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let quoted = line.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|text| text.split_once(": "))
        .filter(|(file, _)| file.starts_with("tests/") || file.starts_with("src/"))
}

fn is_there(file: &str, name: &str) -> bool {
    let Ok(text) = fs::read_to_string(root().join(file)) else {
        return false;
    };
    match Path::new(file).extension().and_then(|kind| kind.to_str()) {
        Some("rs") => names_function(&text, name),
        Some("js") => names_test(&text, name),
        Some("sh") => text.lines().any(|line| line.starts_with(name)),
        _ => false,
    }
}

fn names_function(text: &str, name: &str) -> bool {
    text.contains(&format!("fn {name}("))
}

/// Whether a text is in the title of a JavaScript test: in the first quotes of a call that takes a function.
fn names_test(text: &str, name: &str) -> bool {
    let is_title = |line: &str| {
        let opening = line.find(['"', '\'', '`']);
        let Some((call, quoted)) = opening.map(|place| line.split_at(place)) else {
            return false;
        };
        let starts_call = call
            .trim_start()
            .starts_with(|first: char| first.is_alphabetic());
        let quote = &quoted[..1];
        let title = quoted[1..].split(quote).next();
        starts_call
            && call.contains('(')
            && line.trim_end().ends_with('{')
            && title.is_some_and(|title| title.contains(name))
    };
    text.lines().any(is_title)
}
