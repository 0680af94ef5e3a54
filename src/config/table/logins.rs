//! Settings about who proves logins, beside `JWT_SECRET`.

use super::{Flag, Setting, value};

/// Keys of others, what must hold for tokens, and the host application that knows who is logged in.
pub static LOGINS: [&Setting; 16] = [
    &JWT_PUBLIC_KEY,
    &JWKS_URL,
    &JWT_ISSUER,
    &JWT_AUDIENCE,
    &JWT_LEEWAY_S,
    &JWT_USER_CLAIM,
    &JWT_NAME_CLAIM,
    &JWT_ROLE_CLAIM,
    &JWT_GALLERY_CLAIM,
    &AUTH_SESSION_URL,
    &AUTH_SESSION_USER_FIELD,
    &AUTH_SESSION_NAME_FIELD,
    &AUTH_SESSION_ROLE_FIELD,
    &AUTH_SESSION_GALLERY_FIELD,
    &AUTH_SESSION_CACHE_S,
    &AUTH_SESSION_RECHECK_S,
];

/// Ends development mode, like the other three that prove logins.
pub static JWT_PUBLIC_KEY: Setting = proof(
    "jwt-public-key",
    &["JWT_PUBLIC_KEY"],
    "Public key of whoever signs the tokens: PEM, a JWK, a JWK set, or the path of a file with one",
);
/// See `auth::KeySets` for how they are kept.
pub static JWKS_URL: Setting = proof(
    "jwks-url",
    &["JWKS_URL", "JWKS_URI"],
    "Addresses where identity providers publish their keys as JWK sets, with commas",
);
/// Each is compared as it is written.
pub static JWT_ISSUER: Setting = value(
    "jwt-issuer",
    "NAMES",
    &["JWT_ISSUER"],
    "",
    "Who may have issued tokens (iss), with commas; by default anybody who has a key",
);
/// Each is compared as it is written.
pub static JWT_AUDIENCE: Setting = value(
    "jwt-audience",
    "NAMES",
    &["JWT_AUDIENCE"],
    "",
    "For whom tokens must be issued (aud), with commas; by default anybody",
);
/// For the end of a token and for its beginning.
pub static JWT_LEEWAY_S: Setting = value(
    "jwt-leeway-s",
    "SECONDS",
    &["JWT_LEEWAY_S"],
    "5",
    "How far the clocks of those who issue tokens may differ from ours",
);
/// See `fields`.
pub static JWT_USER_CLAIM: Setting = fields(
    "jwt-user-claim",
    &["JWT_USER_CLAIM"],
    "sub,userId,user_id,id",
    "Claims that hold the user id, with commas; the first that is there counts. A name that begins with a slash is a JSON pointer",
);
/// See `fields`.
pub static JWT_NAME_CLAIM: Setting = fields(
    "jwt-name-claim",
    &["JWT_NAME_CLAIM"],
    "name,username,fullName",
    "Claims that hold the display name",
);
/// See `fields`.
pub static JWT_ROLE_CLAIM: Setting = fields(
    "jwt-role-claim",
    &["JWT_ROLE_CLAIM"],
    "role",
    "Claims that hold the role, or a list of roles, such as /realm_access/roles",
);
/// See `fields`.
pub static JWT_GALLERY_CLAIM: Setting = fields(
    "jwt-gallery-claim",
    &["JWT_GALLERY_CLAIM"],
    "gallery_id,galleryId",
    "Claims that hold the gallery that the user acts for",
);
/// See `auth::SessionConfig`.
pub static AUTH_SESSION_URL: Setting = proof(
    "auth-session-url",
    &["AUTH_SESSION_URL"],
    "Address of the host application that says who is logged in, such as http://localhost:3000/api/auth/session: it is shown the cookies and the Authorization header of whoever connects",
);
/// See `fields`.
pub static AUTH_SESSION_USER_FIELD: Setting = fields(
    "auth-session-user-field",
    &["AUTH_SESSION_USER_FIELD"],
    "/user/id,/user/sub,id,sub,userId",
    "Where its answer holds the user id, written as JWT_USER_CLAIM; with Auth.js, which shows no id by itself, perhaps /user/email",
);
/// See `fields`.
pub static AUTH_SESSION_NAME_FIELD: Setting = fields(
    "auth-session-name-field",
    &["AUTH_SESSION_NAME_FIELD"],
    "/user/name,name",
    "Where its answer holds the display name",
);
/// See `fields`.
pub static AUTH_SESSION_ROLE_FIELD: Setting = fields(
    "auth-session-role-field",
    &["AUTH_SESSION_ROLE_FIELD"],
    "/user/role,role",
    "Where its answer holds the role, or a list of roles",
);
/// See `fields`.
pub static AUTH_SESSION_GALLERY_FIELD: Setting = fields(
    "auth-session-gallery-field",
    &["AUTH_SESSION_GALLERY_FIELD"],
    "/user/gallery_id,/user/galleryId,gallery_id,galleryId",
    "Where its answer holds the gallery that the user acts for",
);
/// Per caller; who is nobody is asked about again after a second.
pub static AUTH_SESSION_CACHE_S: Setting = value(
    "auth-session-cache-s",
    "SECONDS",
    &["AUTH_SESSION_CACHE_S"],
    "30",
    "How long its answer is believed without asking again",
);
/// Per live socket.
pub static AUTH_SESSION_RECHECK_S: Setting = value(
    "auth-session-recheck-s",
    "SECONDS",
    &["AUTH_SESSION_RECHECK_S"],
    "300",
    "How often it is asked again about somebody who stays connected",
);

/// What proves logins. Nobody must get to development mode by an empty variable.
const fn proof(name: &'static str, names: &'static [&'static str], doc: &'static str) -> Setting {
    Setting {
        is_wrong_when_empty: true,
        ..value(name, "VALUE", names, "", doc)
    }
}

/// Where something stands in JSON: names with commas, of which the first that is there counts.
const fn fields(
    name: &'static str,
    names: &'static [&'static str],
    default: &'static str,
    doc: &'static str,
) -> Setting {
    Setting {
        flag: Flag::Value("NAMES"),
        ..value(name, "", names, default, doc)
    }
}
