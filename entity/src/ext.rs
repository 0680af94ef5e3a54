//! What the generator leaves to us on every entity.

use sea_orm::ActiveModelBehavior;

use crate::generated::*;

/// No entity does anything of its own before or after a save.
macro_rules! plain_behavior {
    ($($entity:ident)*) => {
        $(impl ActiveModelBehavior for $entity::ActiveModel {})*
    };
}

plain_behavior! {
    api_token conversation gallery message offer participant reaction room server_meta upload
    upload_use user vehicle
}
