//! What is written into the directory: `PUT /api/v1/directory/{kind}/{id}`.

use serde::Serialize;
use serde_json::value::RawValue;
use sohbet_entity::ids::{self, GalleryId, OfferId, UserId, VehicleId};

use crate::chat::DirectoryEntry;
use crate::error::{Error, Result};
use crate::wire::json::{self, Object};

/// Longest name, brand or model, in characters.
const MAX_NAME_CHARS: usize = 255;
/// Longest address of a picture, in bytes.
const MAX_URL_BYTES: usize = 2_048;

/// Reads an entry. What the body does not name becomes unknown.
pub fn parse_entry(kind: &str, id: &str, body: &RawValue) -> Result<DirectoryEntry> {
    if !["gallery", "vehicle", "offer", "user"].contains(&kind) {
        return Err(Error::NotFound(
            "There are gallery, vehicle, offer and user",
        ));
    }
    if !ids::is_valid(id) {
        return Err(Error::InvalidPayload("Invalid id"));
    }
    let object = Object::parse(body).ok_or(Error::InvalidPayload("An object is required"))?;
    let entry = match kind {
        "gallery" => DirectoryEntry::Gallery {
            id: GalleryId::from(id),
            name: name(&object, "name", "name is a text of up to 255 characters")?
                .ok_or(Error::InvalidPayload("name is required"))?,
        },
        "vehicle" => DirectoryEntry::Vehicle {
            id: VehicleId::from(id),
            gallery: gallery(&object, "galleryId", "galleryId is an id")?,
            brand: name(&object, "brand", "brand is a text of up to 255 characters")?,
            model: name(&object, "model", "model is a text of up to 255 characters")?,
            base_price: object.get("basePrice").map_or(Ok(None), price)?,
        },
        "offer" => DirectoryEntry::Offer {
            id: OfferId::from(id),
            vehicle: object
                .id("vehicleId")
                .map_err(|_| Error::InvalidPayload("vehicleId is an id"))?
                .map(VehicleId::from),
            seller: gallery(&object, "sellerGalleryId", "sellerGalleryId is an id")?,
            buyer: gallery(&object, "buyerGalleryId", "buyerGalleryId is an id")?,
        },
        _ => DirectoryEntry::User {
            id: UserId::from(id),
            name: name(&object, "name", "name is a text of up to 255 characters")?,
            avatar_url: picture(&object)?,
            gallery: gallery(&object, "galleryId", "galleryId is an id")?,
        },
    };
    Ok(entry)
}

fn name(object: &Object, member: &str, wrong: &'static str) -> Result<Option<String>> {
    let wrong = Error::InvalidPayload(wrong);
    let text = object.text(member).map_err(|_| wrong.clone())?;
    match text {
        Some(text) if text.chars().count() > MAX_NAME_CHARS => Err(wrong),
        text => Ok(text),
    }
}

fn gallery(object: &Object, member: &str, wrong: &'static str) -> Result<Option<GalleryId>> {
    let id = object.id(member);
    let id = id.map_err(|_| Error::InvalidPayload(wrong))?;
    Ok(id.map(GalleryId::from))
}

fn picture(object: &Object) -> Result<Option<String>> {
    let wrong = Error::InvalidPayload("avatarUrl is an address");
    let url = object.text("avatarUrl").map_err(|_| wrong.clone())?;
    match url {
        Some(url) if url.len() > MAX_URL_BYTES => Err(wrong),
        url => Ok(url),
    }
}

/// A number, or a text of one: databases write decimals as texts.
fn price(value: &RawValue) -> Result<Option<f64>> {
    let quoted = json::text(value).ok();
    let digits = quoted.as_deref().unwrap_or(value.get());
    if digits.is_empty() {
        return Ok(None);
    }
    let price = digits.parse::<f64>().ok();
    let price = price.filter(|price| price.is_finite() && *price >= 0.0);
    price
        .map(Some)
        .ok_or(Error::InvalidPayload("basePrice is a number"))
}

/// An entry as it was written: its kind, its id, and every field it can have.
#[derive(Serialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum EntryBody<'a> {
    /// A gallery.
    Gallery {
        /// Its id.
        id: &'a GalleryId,
        /// Its name.
        name: &'a str,
    },
    /// A vehicle.
    Vehicle {
        /// Its id.
        id: &'a VehicleId,
        /// Whose it is.
        gallery_id: Option<&'a GalleryId>,
        /// Who built it.
        brand: Option<&'a str>,
        /// What its builder calls it.
        model: Option<&'a str>,
        /// What its owner asks for it.
        base_price: Option<f64>,
    },
    /// An offer.
    Offer {
        /// Its id.
        id: &'a OfferId,
        /// What it is for.
        vehicle_id: Option<&'a VehicleId>,
        /// Who sells.
        seller_gallery_id: Option<&'a GalleryId>,
        /// Who buys.
        buyer_gallery_id: Option<&'a GalleryId>,
    },
    /// A user.
    User {
        /// Their id.
        id: &'a UserId,
        /// Name to show.
        name: Option<&'a str>,
        /// Picture.
        avatar_url: Option<&'a str>,
        /// The gallery that they belong to.
        gallery_id: Option<&'a GalleryId>,
    },
}

impl<'a> From<&'a DirectoryEntry> for EntryBody<'a> {
    fn from(entry: &'a DirectoryEntry) -> Self {
        match entry {
            DirectoryEntry::Gallery { id, name } => Self::Gallery { id, name },
            DirectoryEntry::Vehicle {
                id,
                gallery,
                brand,
                model,
                base_price,
            } => Self::Vehicle {
                id,
                gallery_id: gallery.as_ref(),
                brand: brand.as_deref(),
                model: model.as_deref(),
                base_price: *base_price,
            },
            DirectoryEntry::Offer {
                id,
                vehicle,
                seller,
                buyer,
            } => Self::Offer {
                id,
                vehicle_id: vehicle.as_ref(),
                seller_gallery_id: seller.as_ref(),
                buyer_gallery_id: buyer.as_ref(),
            },
            DirectoryEntry::User {
                id,
                name,
                avatar_url,
                gallery,
            } => Self::User {
                id,
                name: name.as_deref(),
                avatar_url: avatar_url.as_deref(),
                gallery_id: gallery.as_ref(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(kind: &str, body: &str) -> Result<DirectoryEntry> {
        let body = RawValue::from_string(body.into()).unwrap();
        parse_entry(kind, "x-1", &body)
    }

    #[test]
    fn a_price_may_be_a_text_as_databases_write_decimals() {
        for (json, price) in [
            ("850000", Some(850_000.0)),
            ("\"850000.25\"", Some(850_000.25)),
            ("null", None),
            ("\"\"", None),
        ] {
            let entry = parsed("vehicle", &format!("{{\"basePrice\":{json}}}")).unwrap();
            let DirectoryEntry::Vehicle { base_price, .. } = entry else {
                panic!("{entry:?}");
            };
            assert_eq!(base_price, price, "{json}");
        }
        for json in [
            "-1", "\"much\"", "\"inf\"", "\"NaN\"", "1e999", "{}", "true",
        ] {
            let body = format!("{{\"basePrice\":{json}}}");
            assert!(parsed("vehicle", &body).is_err(), "{json}");
        }
    }

    #[test]
    fn an_entry_is_told_as_it_was_written() {
        let body = r#"{"vehicleId":7,"sellerGalleryId":"ga","extra":true}"#;
        let entry = parsed("offer", body).unwrap();
        assert_eq!(
            serde_json::to_value(EntryBody::from(&entry)).unwrap(),
            serde_json::json!({
                "kind": "offer", "id": "x-1", "vehicleId": "7", "sellerGalleryId": "ga",
                "buyerGalleryId": null,
            })
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let long = format!("{{\"name\":\"{}\"}}", "x".repeat(256));
        for (kind, body) in [
            ("gallery", "{}"),
            ("gallery", "[]"),
            ("gallery", "{\"name\":\"\"}"),
            ("gallery", "{\"name\":\"a\\u0000b\"}"),
            ("gallery", &long),
            ("user", "{\"galleryId\":{}}"),
            ("user", "{\"avatarUrl\":5}"),
            ("offer", "{\"vehicleId\":[]}"),
        ] {
            let refused = parsed(kind, body).unwrap_err();
            assert_eq!(refused.code(), "INVALID_PAYLOAD", "{kind} {body}");
        }
        assert_eq!(parsed("Gallery", "{}").unwrap_err().code(), "NOT_FOUND");
    }
}
