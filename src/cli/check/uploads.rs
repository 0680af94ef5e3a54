//! Can files be stored, and can links to them be told from others?

use super::{Finding, place};
use crate::app;
use crate::cli::block_on;
use crate::config::{Settings, table};

/// Asks the store of files, without changing anything.
pub(super) fn look(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![store(settings)];
    if !settings.is_development() && settings.http.public_url.is_none() {
        findings.push(Finding::warn(
            "uploads",
            "PUBLIC_URL is not set: links to files begin with the host that the client called, and messages may show them only when that is this machine or a host of FRONTEND_URL",
            "PUBLIC_URL=https://chat.example.com",
        ));
    }
    findings
}

fn store(settings: &Settings) -> Finding {
    let blobs = &settings.blobs;
    match block_on(app::probe_blobs(blobs)) {
        Ok(()) => Finding::ok("uploads", format!("files go to {blobs}")),
        Err(error) => Finding::fail(
            "uploads",
            format!("{blobs} cannot be used: {}", error.root_cause()),
            format!(
                "{}, S3_ENDPOINT, S3_REGION and the key",
                place(settings, &table::UPLOADS_URL)
            ),
        ),
    }
}
