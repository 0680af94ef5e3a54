//! Texts that come as tokens: only what was signed with our key proves anything.
//!
//! An input begins with `r` and is a token as it is, or with `s` and is two lines, a header and
//! claims, which are signed with the right key.

use futures_util::FutureExt;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde_json::Value;
use sohbet::auth::{Auth, Config, Credentials, TokenRules, Trust, has_api_token_form};

use crate::events::assert_id;
use crate::{MAX_INPUT_BYTES, Target, first_line};

const SECRET: &str = "a-secret-for-fuzzing-of-at-least-32-bytes";
/// How an API token begins that is no JWT, and how long it is.
const OPAQUE: (&str, usize) = ("sbt_", 68);

/// Tokens, for servers with a key, with a key and rules, and with none.
pub struct Tokens {
    plain: Auth,
    strict: Auth,
    none: Auth,
}

impl Target for Tokens {
    fn start() -> Self {
        let auth = |config: Config| Auth::new(&config, "a stored key".repeat(4)).unwrap();
        let secret = Some(SECRET.to_owned());
        Self {
            plain: auth(Config {
                secret: secret.clone(),
                ..Config::default()
            }),
            strict: auth(Config {
                api_secret: secret.clone(),
                secret,
                rules: TokenRules {
                    issuers: vec!["issuer".into()],
                    audiences: vec!["audience".into()],
                    ..TokenRules::default()
                },
                ..Config::default()
            }),
            none: auth(Config::default()),
        }
    }

    fn run(&self, input: &[u8]) {
        let input = &input[..input.len().min(MAX_INPUT_BYTES)];
        let Some((kind, rest)) = input.split_first() else {
            return;
        };
        let token = match kind {
            b's' => sign(rest),
            _ => std::str::from_utf8(rest).ok().map(str::to_owned),
        };
        let Some(token) = token else { return };
        for auth in [&self.plain, &self.strict] {
            if accepts(auth, &token) {
                assert!(is_signed(&token), "accepted without a signature");
                assert!(!auth.has_expired(&token) && auth.can_read(&token));
                assert_every_bit_counts(auth, &token);
            }
            assert!(!auth.has_expired(&token) || is_signed(&token));
            if auth.read_api_token(&token).is_some() {
                let bare = bare(&token);
                let is_opaque = bare.starts_with(OPAQUE.0) && bare.len() == OPAQUE.1;
                assert!(is_opaque || is_signed(&token), "an API token of nobody");
                assert!(has_api_token_form(&token));
            }
        }
        let believed = self.none.identify(Credentials::of_token(&*token));
        let believed = believed.now_or_never().expect("nobody is asked");
        assert_eq!(believed.unwrap().trust, Trust::Claimed);
    }
}

/// Whether a token proves who somebody is; then it says who that is.
fn accepts(auth: &Auth, token: &str) -> bool {
    let identified = auth.identify(Credentials::of_token(token)).now_or_never();
    match identified.expect("nobody is asked") {
        Ok(identity) => {
            assert_eq!(identity.trust, Trust::Verified);
            assert_id(&identity.user.expect("a subject"));
            assert!(identity.expires_at.is_some(), "it never ends");
            true
        }
        Err(error) => {
            assert_eq!(error.code(), "UNAUTHENTICATED");
            false
        }
    }
}

/// Another last character of the signature is another signature, also where base64 has bits to spare.
fn assert_every_bit_counts(auth: &Auth, token: &str) {
    let bare = bare(token);
    let (rest, last) = bare.split_at(bare.len() - 1);
    for other in ["A", "B", "Q", "_", "=", ""] {
        assert!(other == last || !accepts(auth, &format!("{rest}{other}")));
    }
}

/// Whether the signature of a JWT is that of our key, as the library computes it without any rule.
fn is_signed(token: &str) -> bool {
    let key = DecodingKey::from_secret(SECRET.as_bytes());
    let Some((message, signature)) = bare(token).rsplit_once('.') else {
        return false;
    };
    let verified =
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, Algorithm::HS256);
    verified.unwrap_or(false)
}

/// A token without `Bearer `, in any case.
fn bare(token: &str) -> &str {
    match token.split_at_checked(7) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer ") => rest.trim(),
        _ => token.trim(),
    }
}

/// Two lines of JSON as a signed token.
fn sign(input: &[u8]) -> Option<String> {
    let (header, claims) = first_line(input);
    let header: Header = serde_json::from_slice(header).ok()?;
    let header = Header {
        alg: Algorithm::HS256,
        ..header
    };
    let claims: Value = serde_json::from_slice(claims).ok()?;
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&header, &claims, &key).ok()
}
