use jsonwebtoken::jwk::Jwk;
use serde_json::json;
use sohbet_entity::enums::UserRole;
use sohbet_entity::ids::UserId;

use super::*;
use crate::auth::keys::{PublicKeys, read_set};

const SECRET: &str = "an-hs256-secret-of-32-bytes-or-more";
const RSA: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// Private and public half of a key in `tests/keys`.
macro_rules! pair {
    ($name:literal) => {
        (
            include_bytes!(concat!("../../../tests/keys/", $name, ".pem")).as_slice(),
            include_str!(concat!("../../../tests/keys/", $name, ".pub.pem")),
        )
    };
}

const SMALL_RSA: &str = include_str!("../../../tests/keys/rsa-small.pub.pem");

/// Every kind of key that can sign, with its algorithms.
fn pairs() -> Vec<(EncodingKey, &'static str, Vec<Algorithm>)> {
    let (rsa, rsa_public) = pair!("rsa");
    let (p256, p256_public) = pair!("p256");
    let (p384, p384_public) = pair!("p384");
    let (ed, ed_public) = pair!("ed25519");
    let ec = |pem| EncodingKey::from_ec_pem(pem).unwrap();
    vec![
        (
            EncodingKey::from_rsa_pem(rsa).unwrap(),
            rsa_public,
            RSA.to_vec(),
        ),
        (ec(p256), p256_public, vec![Algorithm::ES256]),
        (ec(p384), p384_public, vec![Algorithm::ES384]),
        (
            EncodingKey::from_ed_pem(ed).unwrap(),
            ed_public,
            vec![Algorithm::EdDSA],
        ),
    ]
}

fn with_keys(keys: Vec<Key>, rules: TokenRules) -> Verifier {
    Verifier::new(keys, Arc::default(), rules)
}

fn of_pem(pem: &str) -> Verifier {
    with_keys(PublicKeys::parse(pem).unwrap().0, TokenRules::default())
}

fn claims() -> Value {
    json!({"sub": "7", "exp": unix_seconds() + 60})
}

fn token(ttl: Duration) -> String {
    let new = NewToken {
        user: "7".into(),
        name: Some("Ayşe".into()),
        role: Some("ADMIN".into()),
        gallery: None,
        ttl,
    };
    mint(SECRET, &TokenRules::default(), new).unwrap()
}

fn signed(header: &Header, claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(header, claims, &key).unwrap()
}

/// A token by hand: libraries do not sign what must not be.
fn forged(header: &Value, claims: &Value, signature: &str) -> String {
    let hs256 = Header::new(Algorithm::HS256);
    let part = |value| {
        signed(&hs256, value, SECRET)
            .split('.')
            .nth(1)
            .unwrap()
            .to_owned()
    };
    format!("{}.{}.{signature}", part(header), part(claims))
}

async fn is_believed(verifier: &Verifier, token: &str) -> bool {
    match verifier.verify(token).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error, REFUSAL, "{token}");
            false
        }
    }
}

#[tokio::test]
async fn a_minted_token_is_believed() {
    let verifier = Verifier::of_secret(SECRET);
    let identity = verifier
        .verify(&token(Duration::from_secs(60)))
        .await
        .unwrap();
    assert_eq!(identity.user, Some(UserId::from("7")));
    assert_eq!(identity.name.as_deref(), Some("Ayşe"));
    assert_eq!(identity.role, Some(UserRole::Admin));
    assert!(identity.expires_at > identity.issued_at);
}

#[tokio::test]
async fn tokens_that_prove_nothing_are_refused() {
    let verifier = Verifier::of_secret(SECRET);
    let now = unix_seconds();
    let hs256 = Header::new(Algorithm::HS256);
    let with = |claims: Value| signed(&hs256, &claims, SECRET);
    let cases = [
        with(json!({"sub": "7", "exp": now - 60})),
        // Just beyond the five seconds of leeway.
        with(json!({"sub": "7", "exp": now - 7})),
        with(json!({"sub": "7", "exp": now + 60, "nbf": now + 7})),
        with(json!({"sub": "7"})),
        with(json!({"exp": now + 60})),
        with(json!({"sub": "7", "exp": "soon"})),
        with(json!({"sub": "7", "exp": (now + 60).to_string()})),
        with(json!({"sub": "7", "exp": 1e308})),
        with(json!({"sub": "7", "exp": 4_102_444_000_000_800_u64})),
        with(json!({"sub": "7", "exp": -1})),
        with(json!({"sub": "7", "exp": null})),
        with(json!({"sub": "7", "exp": now + 60, "nbf": now + 50})),
        with(json!({"sub": "7", "exp": now + 60, "nbf": "never"})),
        with(json!({"sub": {"id": 7}, "exp": now + 60})),
        with(json!(["7"])),
        signed(&hs256, &claims(), "another secret of some length"),
        signed(&Header::new(Algorithm::HS384), &claims(), SECRET),
        signed(&Header::new(Algorithm::HS512), &claims(), SECRET),
        "x".repeat(MAX_TOKEN_BYTES + 1),
        "x".into(),
        String::new(),
    ];
    for (index, case) in cases.iter().enumerate() {
        assert!(!is_believed(&verifier, case).await, "{case}");
        assert_eq!(verifier.has_expired(case), index < 2, "{case}");
    }
}

#[tokio::test]
async fn a_changed_token_is_refused() {
    let verifier = Verifier::of_secret(SECRET);
    let good = token(Duration::from_secs(60));
    assert!(is_believed(&verifier, &good).await);
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        // The last bits of the last letter of a part are not read by every decoder; ours refuses them.
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(!is_believed(&verifier, &changed).await, "{changed}");
    }
    for changed in [
        format!("{good}="),
        format!("{good}A"),
        format!("{good}."),
        format!(" {good}"),
        good.replacen('.', "=.", 1),
    ] {
        assert!(!is_believed(&verifier, &changed).await, "{changed}");
    }
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    let verifier = Verifier::of_secret(SECRET);
    for algorithm in [
        "none", "None", "nOnE", "NONE", "", "HS256", "RS256", "\u{0}",
    ] {
        let header = json!({"alg": algorithm, "typ": "JWT"});
        for signature in ["", "AA", "e30"] {
            let token = forged(&header, &claims(), signature);
            assert!(!is_believed(&verifier, &token).await, "{algorithm}");
        }
    }
}

#[tokio::test]
async fn every_kind_of_key_proves_tokens_of_its_own_algorithms_only() {
    let hs = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
    for (place, (private, public, algorithms)) in pairs().into_iter().enumerate() {
        let verifier = of_pem(public);
        for algorithm in &algorithms {
            let token =
                jsonwebtoken::encode(&Header::new(*algorithm), &claims(), &private).unwrap();
            assert!(is_believed(&verifier, &token).await, "{algorithm:?}");
            for (other, (_, public, _)) in pairs().into_iter().enumerate() {
                let is_it = other == place;
                assert_eq!(
                    is_believed(&of_pem(public), &token).await,
                    is_it,
                    "{algorithm:?}"
                );
            }
            let of_secret = Verifier::of_secret(SECRET);
            assert!(!is_believed(&of_secret, &token).await, "{algorithm:?}");
        }
        // What is public is no secret: not as it is written, and not as a line less or more.
        for secret in [public, public.trim(), &format!("{}\n", public.trim())] {
            for algorithm in hs {
                let token = signed(&Header::new(algorithm), &claims(), secret);
                assert!(!is_believed(&verifier, &token).await, "{algorithm:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_a_token_says_of_keys_proves_nothing() {
    let (private, public, _) = pairs().remove(1);
    let verifier = of_pem(public);
    let key = EncodingKey::from_ec_pem(pair!("p384").0).unwrap();
    let jwk = Jwk::from_encoding_key(&key, Algorithm::ES384).unwrap();
    let header = Header {
        jwk: Some(jwk),
        jku: Some("https://evil.test/keys".into()),
        x5u: Some("https://evil.test/cert".into()),
        ..Header::new(Algorithm::ES384)
    };
    let token = jsonwebtoken::encode(&header, &claims(), &key).unwrap();
    assert!(!is_believed(&verifier, &token).await);
    // Beside a good signature they are no harm.
    let header = Header {
        alg: Algorithm::ES256,
        jwk: None,
        ..header
    };
    let token = jsonwebtoken::encode(&header, &claims(), &private).unwrap();
    assert!(is_believed(&verifier, &token).await);
    let header = Header {
        crit: Some(vec!["exp".into()]),
        ..Header::new(Algorithm::ES256)
    };
    let token = jsonwebtoken::encode(&header, &claims(), &private).unwrap();
    assert!(
        !is_believed(&verifier, &token).await,
        "an extension that must be understood"
    );
}

#[tokio::test]
async fn the_id_of_a_key_only_chooses_among_those_we_have() {
    let (private, _, _) = pairs().remove(1);
    let mut jwk = Jwk::from_encoding_key(&private, Algorithm::ES256).unwrap();
    jwk.common.key_id = Some("ours".into());
    let set = json!({"keys": [jwk]}).to_string();
    let verifier = with_keys(read_set(set.as_bytes()), TokenRules::default());
    for (id, expected) in [
        (Some("ours"), true),
        (None, true),
        (Some("theirs"), false),
        (Some("../../dev/null"), false),
        (Some("' OR 1=1 --"), false),
        (Some("OURS"), false),
        (Some(""), false),
    ] {
        let header = Header {
            kid: id.map(str::to_owned),
            ..Header::new(Algorithm::ES256)
        };
        let token = jsonwebtoken::encode(&header, &claims(), &private).unwrap();
        assert_eq!(is_believed(&verifier, &token).await, expected, "{id:?}");
    }
    let header = Header {
        kid: Some("x".repeat(10_000)),
        ..Header::new(Algorithm::ES256)
    };
    let token = jsonwebtoken::encode(&header, &claims(), &private).unwrap();
    assert!(!is_believed(&verifier, &token).await);
}

#[tokio::test]
async fn issuer_and_audience_must_be_among_those_that_are_accepted() {
    let rules = TokenRules {
        issuers: vec!["https://a.test/".into(), "https://b.test/".into()],
        audiences: vec!["chat".into()],
        ..TokenRules::default()
    };
    let verifier = with_keys(vec![Key::secret(SECRET)], rules.clone());
    let exp = unix_seconds() + 60;
    for (iss, aud, expected) in [
        (json!("https://a.test/"), json!("chat"), true),
        (json!("https://b.test/"), json!(["other", "chat"]), true),
        (json!("https://a.test"), json!("chat"), false),
        (json!("https://c.test/"), json!("chat"), false),
        (json!(null), json!("chat"), false),
        (json!("https://a.test/"), json!("other"), false),
        (json!("https://a.test/"), json!([]), false),
        (json!("https://a.test/"), json!(null), false),
        (json!("https://a.test/"), json!({"chat": 1}), false),
    ] {
        let claims = json!({"sub": "7", "exp": exp, "iss": iss, "aud": aud});
        let token = signed(&Header::new(Algorithm::HS256), &claims, SECRET);
        assert_eq!(is_believed(&verifier, &token).await, expected, "{claims}");
    }
    assert!(!is_believed(&verifier, &token(Duration::from_secs(60))).await);
    let new = NewToken {
        user: "7".into(),
        name: None,
        role: None,
        gallery: None,
        ttl: Duration::from_secs(60),
    };
    let minted = mint(SECRET, &rules, new).unwrap();
    assert!(
        is_believed(&verifier, &minted).await,
        "one that was minted for it"
    );
}

#[test]
fn keys_that_nobody_should_use_are_not_read() {
    let (private, public, _) = pairs().remove(0);
    let jwk = Jwk::from_encoding_key(&private, Algorithm::RS256).unwrap();
    let jwk = serde_json::to_value(jwk).unwrap();
    let with = |name: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        jwk
    };
    let set = json!({"keys": [
        jwk,
        with("use", json!("enc")),
        with("alg", json!("HS256")),
        with("alg", json!("RSA-OAEP")),
        with("n", json!("AQAB")),
        with("kty", json!("oct")),
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
        {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"},
        {"kty": "new"},
        null,
    ]});
    let keys = read_set(set.to_string().as_bytes());
    assert_eq!(keys.len(), 1);
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>"] {
        assert!(read_set(text.as_bytes()).is_empty(), "{text}");
    }
    assert!(PublicKeys::parse(SMALL_RSA).is_err(), "1024 bits");
    assert!(PublicKeys::parse(include_str!("../../../tests/keys/rsa.pem")).is_err());
    assert_eq!(PublicKeys::parse(&jwk.to_string()).unwrap().len(), 1);
    let two = format!("{public}{}", pair!("p256").1);
    assert_eq!(
        PublicKeys::parse(&two.replace('\n', "\\n")).unwrap().len(),
        2
    );
}

#[test]
fn unverified_tokens_are_read_unless_they_have_expired() {
    let names = FieldNames::of_tokens();
    let identity = read_unverified(&token(Duration::from_secs(60)), &names).unwrap();
    assert_eq!(identity.user, Some(UserId::from("7")));
    assert_eq!(identity.trust, Trust::Claimed);
    assert!(read_unverified("no token", &names).is_none());
}
