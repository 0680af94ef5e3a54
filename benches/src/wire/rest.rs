//! REST calls.

use std::time::Duration;

use anyhow::{Context, bail};

use super::target::Target;

/// How long a call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

impl Target {
    /// Reads what is at that path, with that login. Fails on every status but 2xx.
    pub async fn read(&self, path: &str, token: Option<&str>) -> anyhow::Result<Vec<u8>> {
        let mut request = self.http.get(self.rest(path)?).timeout(CALL_TIMEOUT);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await;
        let answer = answer.with_context(|| format!("no answer for {path}"))?;
        let status = answer.status();
        if !status.is_success() {
            bail!("status {status} for {path}");
        }
        let body = answer.bytes().await;
        let body = body.with_context(|| format!("half an answer for {path}"))?;
        Ok(body.into())
    }
}
