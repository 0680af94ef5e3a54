//! Keys that prove who signed a token. Each is good for one family of algorithms, whatever a token
//! says about itself: a public key is never taken for a secret.

use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// Keys of one place: further ones are not looked at.
pub const MAX_KEYS: usize = 32;
/// Smallest RSA key: a modulus of 2048 bits.
const MIN_RSA_BYTES: usize = 256;
/// Largest RSA key that is computed with: 4096 bits.
const MAX_RSA_BYTES: usize = 512;
/// The shortest that a public RSA key of 2048 bits can be as DER.
const MIN_RSA_DER_BYTES: usize = 268;
/// Uncompressed points: a byte, and two coordinates.
const P256_POINT_BYTES: usize = 65;
const P384_POINT_BYTES: usize = 97;
const RSA: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// A key, and what it may be used for.
#[derive(Clone)]
pub struct Key {
    /// What its owner calls it.
    pub id: Option<String>,
    /// What checks signatures.
    pub decoding: DecodingKey,
    /// The algorithms that it is for; all of one family.
    pub algorithms: Vec<Algorithm>,
}

impl Key {
    /// A secret that both sides have, for HS256.
    pub fn secret(secret: &str) -> Self {
        Self {
            id: None,
            decoding: DecodingKey::from_secret(secret.as_bytes()),
            algorithms: vec![Algorithm::HS256],
        }
    }

    /// A public key of a set; `None` for secrets, which are no secrets there, for keys that are not for
    /// signatures, and for kinds and sizes that nobody should use.
    fn of_jwk(jwk: &Jwk) -> Option<Self> {
        let common = &jwk.common;
        let is_for_signatures = match (&common.public_key_use, &common.key_operations) {
            (Some(usage), _) => *usage == PublicKeyUse::Signature,
            (None, Some(operations)) => operations.contains(&KeyOperations::Verify),
            (None, None) => true,
        };
        let mut algorithms = algorithms_of(&jwk.algorithm)?;
        if let Some(named) = common.key_algorithm {
            let named: Algorithm = named.to_string().parse().ok()?;
            algorithms.retain(|algorithm| *algorithm == named);
        }
        let decoding = DecodingKey::from_jwk(jwk).ok()?;
        (is_for_signatures && !algorithms.is_empty()).then_some(Self {
            id: common.key_id.clone(),
            decoding,
            algorithms,
        })
    }

    /// A public key in PEM, one block.
    fn of_pem(block: &str) -> Option<Self> {
        let is_key = [
            "-----BEGIN PUBLIC KEY-----",
            "-----BEGIN RSA PUBLIC KEY-----",
        ];
        if !is_key.iter().any(|head| block.contains(head)) {
            return None;
        }
        let (decoding, algorithms) = if let Ok(key) = DecodingKey::from_rsa_pem(block.as_bytes()) {
            let n_bytes = key.try_get_as_bytes().ok()?.len();
            (n_bytes >= MIN_RSA_DER_BYTES).then_some((key, RSA.to_vec()))?
        } else if let Ok(key) = DecodingKey::from_ec_pem(block.as_bytes()) {
            let algorithm = match key.try_get_as_bytes().ok()?.len() {
                P256_POINT_BYTES => Algorithm::ES256,
                P384_POINT_BYTES => Algorithm::ES384,
                _ => return None,
            };
            (key, vec![algorithm])
        } else {
            let key = DecodingKey::from_ed_pem(block.as_bytes()).ok()?;
            (key, vec![Algorithm::EdDSA])
        };
        Some(Self {
            id: None,
            decoding,
            algorithms,
        })
    }
}

fn algorithms_of(parameters: &AlgorithmParameters) -> Option<Vec<Algorithm>> {
    match parameters {
        AlgorithmParameters::RSA(key) => {
            // Four characters of base64 are three bytes.
            let n_bytes = key.n.len() * 3 / 4;
            let is_safe = (MIN_RSA_BYTES..=MAX_RSA_BYTES + 1).contains(&n_bytes);
            is_safe.then(|| RSA.to_vec())
        }
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => Some(vec![Algorithm::ES256]),
            EllipticCurve::P384 => Some(vec![Algorithm::ES384]),
            _ => None,
        },
        AlgorithmParameters::OctetKeyPair(key) => match key.curve {
            EllipticCurve::Ed25519 => Some(vec![Algorithm::EdDSA]),
            _ => None,
        },
        _ => None,
    }
}

/// The usable keys of a JWK set (RFC 7517); empty for what is no set.
pub fn read_set(json: &[u8]) -> Vec<Key> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let Ok(set) = serde_json::from_slice::<Set>(json) else {
        return Vec::new();
    };
    // One that we do not understand must not hide the others.
    let keys = set.keys.into_iter().filter_map(|key| {
        let jwk: Jwk = serde_json::from_value(key).ok()?;
        Key::of_jwk(&jwk)
    });
    keys.take(MAX_KEYS).collect()
}

/// Public keys that the operator wrote down.
#[derive(Clone, Default)]
pub struct PublicKeys(pub(super) Vec<Key>);

impl fmt::Debug for PublicKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} public keys", self.0.len())
    }
}

impl PublicKeys {
    /// Reads PEM, one block or several, a JWK or a JWK set. Returns what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with('{') {
            return Self::parse_json(text);
        }
        // In `.env` files a line break is often written as two characters.
        let text = text.replace("\\n", "\n");
        if text.contains("PRIVATE KEY-----") {
            return Err("this is a private key, which only whoever signs must have; write the public one, such as the output of: openssl pkey -in key.pem -pubout".to_owned());
        }
        let mut keys = Vec::new();
        for block in text.split_inclusive("-----END PUBLIC KEY-----") {
            if !block.trim().is_empty() {
                keys.push(Key::of_pem(block.trim()).ok_or_else(unusable)?);
            }
        }
        match keys.len() {
            1..=MAX_KEYS => Ok(Self(keys)),
            _ => Err(unusable()),
        }
    }

    fn parse_json(text: &str) -> Result<Self, String> {
        let mut keys = read_set(text.as_bytes());
        if keys.is_empty() {
            let jwk = serde_json::from_str::<Jwk>(text).ok();
            keys.extend(jwk.as_ref().and_then(Key::of_jwk));
        }
        match keys.is_empty() {
            true => Err(unusable()),
            false => Ok(Self(keys)),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn unusable() -> String {
    "write a public key as PEM (-----BEGIN PUBLIC KEY-----) or as a JWK: RSA with 2048 to 4096 bits, P-256, P-384 or Ed25519".to_owned()
}
