//! Every operation has a row in an access matrix: who may do it, and what everybody else is told.
//! The matrices are `tests/js/<dialect>/access.json`; the tests beside them try every row over the
//! wire. What belongs to no dialect has its rows in `tests/js/across/access.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;
use sohbet::wire::{Dialect, vocabulary};

use crate::support::routes;

/// Kinds of callers that every matrix knows, or says why there cannot be such a one.
const COLUMNS: [&str; 6] = [
    "participant",
    "former",
    "stranger",
    "otherGallery",
    "revoked",
    "admin",
];
/// What is no operation: what a socket is told that did all it may.
const HEARING: &str = "hear";
/// Fewer than this, and the routes were not understood.
const MIN_ROUTES: usize = 60;

/// Who may do what.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Matrix {
    /// The kinds of callers.
    columns: Vec<String>,
    /// Kinds of callers that cannot be, and why.
    absent: BTreeMap<String, String>,
    /// By operation, what comes of it for each kind.
    rows: BTreeMap<String, Vec<String>>,
}

#[test]
fn every_operation_has_a_row() {
    let (mut faults, mut n_routes) = (Vec::new(), 0);
    for (name, operations, n_of_rest) in all() {
        n_routes += n_of_rest;
        let found = faults_of(&read(&name), &operations);
        faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(n_routes >= MIN_ROUTES, "found only {n_routes} routes");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_file_with_routes_is_read() {
    assert_eq!(
        routes::files(),
        routes::read_files(),
        "routes of nobody's matrix"
    );
}

#[test]
fn what_is_missing_is_noticed() {
    let matrix = |rows: &str| {
        let text = format!(
            r#"{{"columns": ["participant", "stranger", "revoked", "admin", "former"],
                 "absent": {{"otherGallery": "There are none."}}, "rows": {{{rows}}}}}"#
        );
        serde_json::from_str::<Matrix>(&text).unwrap()
    };
    let full = r#"["ok", "no", "no", "ok", "no"]"#;
    let operations = ["chat", "GET /rooms/{}"].map(str::to_owned).into();
    let good =
        format!(r#""chat": {full}, "GET /rooms/{{id}} (closed)": {full}, "hear (it)": {full}"#);
    assert_eq!(faults_of(&matrix(&good), &operations), [""; 0]);
    for bad in [
        format!(r#""chat": {full}"#),
        format!(r#""GET /rooms/{{id}}": {full}, "chatter": {full}"#),
        format!(r#"{good}, "POST /rooms/{{id}}": {full}"#),
        format!(r#""chat": ["ok"], "GET /rooms/{{id}}": {full}"#),
    ] {
        assert!(!faults_of(&matrix(&bad), &operations).is_empty(), "{bad}");
    }
    let mut fewer = matrix(&good);
    fewer.absent.clear();
    assert!(!faults_of(&fewer, &operations).is_empty());
}

/// By the name of a matrix: the operations that must have a row, and how many of them are calls.
fn all() -> Vec<(String, BTreeSet<String>, usize)> {
    let mut all = Vec::new();
    for dialect in Dialect::ALL {
        let words = vocabulary(dialect).words();
        assert!(!words.is_empty(), "{} has no words", dialect.name());
        let calls = routes::of_dialect(dialect.name());
        let n_calls = calls.len();
        let mut operations: BTreeSet<_> = words.into_iter().map(str::to_owned).collect();
        operations.extend(calls);
        all.push((dialect.name().to_owned(), operations, n_calls));
    }
    let common = routes::common();
    let n_common = common.len();
    all.push(("across".to_owned(), common, n_common));
    all
}

/// What is wrong with a matrix that must have a row for each of these operations.
fn faults_of(matrix: &Matrix, operations: &BTreeSet<String>) -> Vec<String> {
    let mut faults = Vec::new();
    for column in COLUMNS {
        let is_there = matrix.columns.iter().any(|it| it == column);
        let reason = matrix.absent.get(column).map(|reason| reason.trim());
        match (is_there, reason) {
            (true, None) => {}
            (false, Some(reason)) if !reason.is_empty() => {}
            _ => faults.push(format!("needs the column {column}, or why there is none")),
        }
    }
    let rows: Vec<_> = matrix.rows.keys().map(|row| operation_of(row)).collect();
    for missing in operations.iter().filter(|it| !rows.contains(it)) {
        faults.push(format!("no row for {missing}"));
    }
    for row in rows {
        let is_known = operations.contains(&row) || routes::common().contains(&row);
        if row != HEARING && !is_known {
            faults.push(format!("there is no {row}"));
        }
    }
    for (row, outcomes) in &matrix.rows {
        if outcomes.len() != matrix.columns.len() || outcomes.iter().any(String::is_empty) {
            faults.push(format!("{row} lacks the outcome for somebody"));
        }
    }
    faults
}

/// The operation of a row, whose name may say in brackets what sets it apart.
fn operation_of(row: &str) -> String {
    let operation = row.split(" (").next().unwrap_or_default();
    match operation.split_once(' ') {
        Some((method, path)) => format!("{method} {}", routes::anonymous(path)),
        None => operation.to_owned(),
    }
}

fn read(name: &str) -> Matrix {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("tests/js").join(name).join("access.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{name} has no access matrix"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}
