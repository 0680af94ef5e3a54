//! Ids and times as the dialects write them.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use sohbet_entity::ids::canonical_decimal;

/// An id in a dialect with integer ids: canonical decimals are JSON numbers, others are strings.
pub struct NumericId<'a>(pub &'a str);

impl Serialize for NumericId<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match canonical_decimal(self.0) {
            Some(number) => serializer.serialize_u64(number),
            None => serializer.serialize_str(self.0),
        }
    }
}

/// A time as `JSON.stringify(new Date())` writes it: UTC, three decimals, `Z`.
pub struct Time(pub DateTime<Utc>);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_decimals_become_numbers() {
        let written = |id| serde_json::to_string(&NumericId(id)).unwrap();
        assert_eq!(written("0"), "0");
        assert_eq!(written("42"), "42");
        assert_eq!(written("9007199254740991"), "9007199254740991");
        for id in ["007", "-1", "", "4x", "9007199254740992"] {
            assert_eq!(written(id), format!("\"{id}\""));
        }
    }

    #[test]
    fn times_have_three_decimals_and_a_z() {
        let time = DateTime::from_timestamp(1_795_251_903, 120_999_000).unwrap();
        let written = serde_json::to_string(&Time(time)).unwrap();
        assert_eq!(written, "\"2026-11-21T09:05:03.120Z\"");
    }
}
