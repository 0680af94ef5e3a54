//! Tokens as a login service would make them.

use std::time::Duration;

use sohbet::auth::{NewToken, TokenRules, mint};

/// A secret of the length that is asked for.
pub const SECRET: &str = "a-secret-for-tests-of-at-least-32-bytes";

/// A token of that user, valid for an hour.
pub fn token(user: &str, name: Option<&str>, secret: &str) -> String {
    signed(user, name, None, secret)
}

/// As [`token`], of somebody with that role.
pub fn token_with_role(user: &str, role: &str, secret: &str) -> String {
    signed(user, None, Some(role), secret)
}

fn signed(user: &str, name: Option<&str>, role: Option<&str>, secret: &str) -> String {
    let token = NewToken {
        user: user.to_owned(),
        name: name.map(str::to_owned),
        role: role.map(str::to_owned),
        gallery: None,
        ttl: Duration::from_secs(3_600),
    };
    mint(secret, &TokenRules::default(), token).unwrap()
}
