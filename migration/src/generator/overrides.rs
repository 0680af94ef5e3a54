//! Rust types that the schema cannot tell: typed ids, string enums, timestamps in UTC.

use anyhow::{Result, ensure};
use syn::visit_mut::{self, VisitMut};
use syn::{Field, File, Item, Path, TypePath, parse_quote};

/// The typed columns of each table, each a path inside the entity crate.
const TYPED: &[(&str, &[(&str, &str)])] = &[
    (
        "api_token",
        &[
            ("id", "ids::ApiTokenId"),
            ("user_id", "ids::UserId"),
            ("token_type", "enums::TokenType"),
        ],
    ),
    (
        "conversation",
        &[
            ("id", "ids::ConversationId"),
            ("kind", "enums::ConversationKind"),
            ("user1_id", "ids::UserId"),
            ("user2_id", "ids::UserId"),
        ],
    ),
    ("gallery", &[("id", "ids::GalleryId")]),
    (
        "message",
        &[
            ("id", "ids::MessageId"),
            ("conversation_id", "ids::ConversationId"),
            ("sender_id", "ids::UserId"),
            ("sender_party", "ids::PartyId"),
            ("reply_to", "ids::MessageId"),
            ("read_by", "ids::UserId"),
            ("room_sender_id", "ids::UserId"),
        ],
    ),
    (
        "offer",
        &[
            ("id", "ids::OfferId"),
            ("vehicle_id", "ids::VehicleId"),
            ("seller_gallery_id", "ids::GalleryId"),
            ("buyer_gallery_id", "ids::GalleryId"),
        ],
    ),
    (
        "participant",
        &[
            ("conversation_id", "ids::ConversationId"),
            ("party", "ids::PartyId"),
            ("role", "enums::ParticipantRole"),
        ],
    ),
    (
        "reaction",
        &[("message_id", "ids::MessageId"), ("user_id", "ids::UserId")],
    ),
    (
        "room",
        &[
            ("conversation_id", "ids::ConversationId"),
            ("room_type", "enums::RoomType"),
            ("offer_id", "ids::OfferId"),
            ("vehicle_id", "ids::VehicleId"),
            ("gallery_a_id", "ids::GalleryId"),
            ("gallery_b_id", "ids::GalleryId"),
        ],
    ),
    (
        "upload",
        &[("id", "ids::UploadId"), ("owner_id", "ids::UserId")],
    ),
    (
        "upload_use",
        &[
            ("upload_id", "ids::UploadId"),
            ("conversation_id", "ids::ConversationId"),
        ],
    ),
    (
        "user",
        &[
            ("id", "ids::UserId"),
            ("role", "enums::UserRole"),
            ("party", "ids::PartyId"),
        ],
    ),
    (
        "vehicle",
        &[("id", "ids::VehicleId"), ("gallery_id", "ids::GalleryId")],
    ),
];

/// Changes the field types of the model in `file`, which holds the entity of `table`. Files
/// without a model stay as they are.
///
/// # Errors
///
/// Fails when a typed column is missing or is not text.
pub fn apply(table: &str, file: &mut File) -> Result<()> {
    for field in model_fields(file) {
        replace(field, "DateTimeWithTimeZone", parse_quote!(DateTimeUtc));
    }
    let typed = TYPED.iter().filter(|(name, _)| *name == table);
    for (column, path) in typed.flat_map(|(_, columns)| *columns) {
        let path = syn::parse_str(&format!("crate::{path}"))?;
        let replaced = model_fields(file)
            .find(|field| field.ident.as_ref().is_some_and(|name| name == column))
            .is_some_and(|field| replace(field, "String", path));
        ensure!(replaced, "`{table}` has no text column `{column}`");
    }
    Ok(())
}

fn model_fields(file: &mut File) -> impl Iterator<Item = &mut Field> {
    file.items
        .iter_mut()
        .filter_map(|item| match item {
            Item::Struct(item) if item.ident == "Model" => Some(item.fields.iter_mut()),
            _ => None,
        })
        .flatten()
}

/// Puts `to` in the place of the type `from` wherever it stands in the field's type, and tells
/// whether it stood there.
fn replace(field: &mut Field, from: &'static str, to: Path) -> bool {
    let mut visitor = Replace {
        from,
        to,
        found: false,
    };
    visitor.visit_type_mut(&mut field.ty);
    visitor.found
}

struct Replace {
    from: &'static str,
    to: Path,
    found: bool,
}

impl VisitMut for Replace {
    fn visit_type_path_mut(&mut self, node: &mut TypePath) {
        if node.path.is_ident(self.from) {
            node.path = self.to.clone();
            self.found = true;
        } else {
            visit_mut::visit_type_path_mut(self, node);
        }
    }
}
