//! Values that the token commands take.

use std::time::Duration;

use sohbet_entity::enums::TokenType;
use sohbet_entity::ids;

/// Roles a user can have; see the table `user`.
const ROLES: [&str; 3] = ["ADMIN", "MODERATOR", "MEMBER"];
/// A token that lives longer than ten years is a mistake in the unit.
const MAX_TTL: Duration = Duration::from_secs(10 * 366 * 24 * 3_600);

/// An id of any kind.
pub fn id(text: &str) -> Result<String, String> {
    match ids::is_valid(text) {
        true => Ok(text.to_owned()),
        false => Err(format!("an id has 1 to {} characters", ids::MAX_CHARS)),
    }
}

/// A role in any case.
pub fn role(text: &str) -> Result<String, String> {
    let role = text.to_ascii_uppercase();
    match ROLES.contains(&role.as_str()) {
        true => Ok(role),
        false => Err(format!("write one of {}", ROLES.join(", "))),
    }
}

/// For whom a token speaks, in any case.
pub fn token_type(text: &str) -> Result<TokenType, String> {
    match text.to_ascii_lowercase().as_str() {
        "user" => Ok(TokenType::User),
        "client" => Ok(TokenType::Client),
        _ => Err("write user or client".to_owned()),
    }
}

/// A whole number and its unit; seconds without one.
pub fn ttl(text: &str) -> Result<Duration, String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit_seconds = match unit {
        "" | "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        "d" => Some(86_400),
        _ => None,
    };
    let seconds = number.parse::<u64>().ok().zip(unit_seconds);
    let seconds = seconds.and_then(|(number, unit)| number.checked_mul(unit));
    let ttl = seconds.map(Duration::from_secs);
    ttl.filter(|ttl| !ttl.is_zero() && *ttl <= MAX_TTL)
        .ok_or_else(|| "write a time such as 90s, 30m, 1h or 7d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(ttl("1h"), Ok(Duration::from_secs(3_600)));
        assert_eq!(ttl("90"), Ok(Duration::from_secs(90)));
        assert_eq!(ttl("7d"), Ok(Duration::from_secs(604_800)));
        for wrong in [
            "",
            "h",
            "0s",
            "1w",
            "-1h",
            "1.5h",
            "99999999999999999999d",
            "400000d",
        ] {
            assert!(ttl(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn roles_and_types_are_those_of_the_tables_in_any_case() {
        assert_eq!(role("admin"), Ok("ADMIN".to_owned()));
        assert!(role("root").is_err());
        assert_eq!(token_type("Client"), Ok(TokenType::Client));
        assert!(token_type("bot").is_err());
    }

    #[test]
    fn ids_are_those_that_the_store_takes() {
        assert_eq!(id("7"), Ok("7".to_owned()));
        for wrong in ["", "a\0", &"x".repeat(ids::MAX_CHARS + 1)] {
            assert!(id(wrong).is_err());
        }
    }
}
