//! The directory: what the rooms of galleries refer to, and who belongs to which gallery.

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, Value};
use sohbet_entity::ids::{GalleryId, OfferId, PartyId, UserId, VehicleId};

use super::{
    Fault, NumberedChange, OfferRow, Store, UserChange, VehicleRow, now, statement, user_changes,
    users,
};

/// One entry, as whoever keeps the directory writes it: what is `None` becomes unknown.
#[derive(Debug, Clone, PartialEq)]
pub enum DirectoryEntry {
    /// A gallery.
    Gallery {
        /// Its id.
        id: GalleryId,
        /// Its name.
        name: String,
    },
    /// A vehicle.
    Vehicle {
        /// Its id.
        id: VehicleId,
        /// Whose it is.
        gallery: Option<GalleryId>,
        /// Who built it.
        brand: Option<String>,
        /// What its builder calls it.
        model: Option<String>,
        /// What its owner asks for it.
        base_price: Option<f64>,
    },
    /// An offer.
    Offer {
        /// Its id.
        id: OfferId,
        /// What it is for.
        vehicle: Option<VehicleId>,
        /// Who sells.
        seller: Option<GalleryId>,
        /// Who buys.
        buyer: Option<GalleryId>,
    },
    /// A user, who exists from then on.
    User {
        /// Their id.
        id: UserId,
        /// Name to show.
        name: Option<String>,
        /// Picture.
        avatar_url: Option<String>,
        /// The gallery that they belong to.
        gallery: Option<GalleryId>,
    },
}

impl Store {
    /// Writes an entry, whether there was one or not. Returns the change of a user who is in another
    /// gallery now.
    pub async fn save_entry(
        &self,
        entry: &DirectoryEntry,
    ) -> Result<Option<NumberedChange>, Fault> {
        let txn = self.begin().await?;
        let mut moved = None;
        if let DirectoryEntry::User { id, gallery, .. } = entry {
            users::ensure_users(&txn, &[id]).await?;
            let old = lock_gallery(&txn, id).await?;
            let new = gallery.clone();
            moved = (old != new).then_some((id, UserChange::Gallery { old, new }));
        }
        let (sql, values) = upsert(entry);
        txn.execute_raw(statement(&txn, sql, values)).await?;
        let noted = match moved {
            Some((user, change)) => Some(user_changes::note(&txn, user, change).await?),
            None => None,
        };
        txn.commit().await?;
        Ok(noted)
    }

    /// A vehicle, if the directory knows it.
    pub async fn find_vehicle(&self, id: &VehicleId) -> Result<Option<VehicleRow>, Fault> {
        let sql = "SELECT * FROM vehicle WHERE id = $1";
        let row = self
            .read
            .query_one_raw(statement(&self.read, sql, [id.as_str().into()]))
            .await?;
        Ok(row
            .map(|row| VehicleRow::from_query_result(&row, ""))
            .transpose()?)
    }

    /// An offer, if the directory knows it.
    pub async fn find_offer(&self, id: &OfferId) -> Result<Option<OfferRow>, Fault> {
        let sql = "SELECT * FROM offer WHERE id = $1";
        let row = self
            .read
            .query_one_raw(statement(&self.read, sql, [id.as_str().into()]))
            .await?;
        Ok(row
            .map(|row| OfferRow::from_query_result(&row, ""))
            .transpose()?)
    }
}

/// The gallery of a user who exists. Nobody else moves that user until the transaction ends.
async fn lock_gallery(
    txn: &DatabaseTransaction,
    user: &UserId,
) -> Result<Option<GalleryId>, Fault> {
    let sql = r#"UPDATE "user" SET updated_at = updated_at WHERE id = $1 RETURNING party"#;
    let row = txn
        .query_one_raw(statement(txn, sql, [user.as_str().into()]))
        .await?
        .ok_or(Fault::Other)?;
    let party: Option<PartyId> = row.try_get_by_index(0)?;
    Ok(party.and_then(|party| party.gallery()))
}

/// The statement that writes an entry, and its values; the last one is the time.
fn upsert(entry: &DirectoryEntry) -> (&'static str, Vec<Value>) {
    let text = |text: Option<&str>| Value::String(text.map(str::to_owned));
    let gallery = |id: &Option<GalleryId>| text(id.as_ref().map(GalleryId::as_str));
    match entry {
        DirectoryEntry::Gallery { id, name } => (
            "INSERT INTO gallery (id, name, created_at, updated_at) VALUES ($1, $2, $3, $3) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at",
            vec![id.as_str().into(), name.as_str().into(), now().into()],
        ),
        DirectoryEntry::Vehicle {
            id,
            gallery: owner,
            brand,
            model,
            base_price,
        } => (
            "INSERT INTO vehicle (id, gallery_id, brand, model, base_price, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (id) DO UPDATE SET \
             gallery_id = excluded.gallery_id, brand = excluded.brand, model = excluded.model, \
             base_price = excluded.base_price, updated_at = excluded.updated_at",
            vec![
                id.as_str().into(),
                gallery(owner),
                text(brand.as_deref()),
                text(model.as_deref()),
                (*base_price).into(),
                now().into(),
            ],
        ),
        DirectoryEntry::Offer {
            id,
            vehicle,
            seller,
            buyer,
        } => (
            "INSERT INTO offer (id, vehicle_id, seller_gallery_id, buyer_gallery_id, created_at, \
             updated_at) VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (id) DO UPDATE SET \
             vehicle_id = excluded.vehicle_id, seller_gallery_id = excluded.seller_gallery_id, \
             buyer_gallery_id = excluded.buyer_gallery_id, updated_at = excluded.updated_at",
            vec![
                id.as_str().into(),
                text(vehicle.as_ref().map(VehicleId::as_str)),
                gallery(seller),
                gallery(buyer),
                now().into(),
            ],
        ),
        DirectoryEntry::User {
            id,
            name,
            avatar_url,
            gallery: employer,
        } => (
            r#"UPDATE "user" SET display_name = $2, avatar_url = $3, party = $4, updated_at = $5
               WHERE id = $1"#,
            vec![
                id.as_str().into(),
                text(name.as_deref()),
                text(avatar_url.as_deref()),
                text(
                    employer
                        .as_ref()
                        .map(PartyId::from)
                        .as_ref()
                        .map(PartyId::as_str),
                ),
                now().into(),
            ],
        ),
    }
}
