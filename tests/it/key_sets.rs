//! Logins that identity providers sign: their keys are fetched, change, and cannot always be had.

use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::command::sohbet;
use crate::support::http::Call;
use crate::support::provider::Provider;
use crate::support::server::Server;
use crate::support::stores::Store;
use crate::support::{PATIENCE, within};

const RSA: &[u8] = include_bytes!("../keys/rsa.pem");
const OTHER_RSA: &[u8] = include_bytes!("../keys/rsa-other.pem");
const P256: &[u8] = include_bytes!("../keys/p256.pem");
const RSA_PUBLIC: &str = include_str!("../keys/rsa.pub.pem");
const REFUSED: &str = "Authentication error";
const UNAVAILABLE: &str = "Service unavailable";
/// Providers are asked again at most every ten seconds.
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_provider_proves_logins_and_may_change_its_keys() {
    let (first, second) = (signer("first", RSA), signer("second", OTHER_RSA));
    let provider = Provider::start(200, &json!({"keys": [first.jwk]})).await;
    let server = on(&provider).await;
    assert_eq!(login(&server, &first.token("7")).await, Ok(()));
    // Known keys cost no question, however many use them.
    for user in ["8", "9"] {
        assert_eq!(login(&server, &first.token(user)).await, Ok(()));
    }
    assert_eq!(provider.asked().len(), 1);
    provider.answer(200, &json!({"keys": [second.jwk]}));
    within(LONG, "the new key", until_in(&server, &second.token("7"))).await;
    assert_eq!(
        login(&server, &first.token("7")).await,
        Err(REFUSED.into()),
        "it was withdrawn"
    );
    assert!(provider.asked().len() <= 3, "{:?}", provider.asked().len());
}

#[tokio::test]
async fn the_last_known_keys_stay_while_their_provider_does_not_answer() {
    let (known, unknown) = (signer("known", RSA), signer("unknown", OTHER_RSA));
    let provider = Provider::start(200, &json!({"keys": [known.jwk]})).await;
    let server = on(&provider).await;
    assert_eq!(login(&server, &known.token("7")).await, Ok(()));
    provider.answer(503, &json!({}));
    // A token of an unknown key makes the server ask, in vain: then nobody can tell whether it is good.
    within(LONG, "the second question", async {
        while provider.asked().len() < 2 {
            let _ = login(&server, &unknown.token("7")).await;
        }
    })
    .await;
    let _ = login(&server, &unknown.token("7")).await;
    assert_eq!(
        login(&server, &unknown.token("7")).await,
        Err(UNAVAILABLE.into())
    );
    assert_eq!(login(&server, &known.token("7")).await, Ok(()));
    // However often such tokens come, the provider is left alone.
    let n_asked = provider.asked().len();
    let tokens: Vec<String> = (0..200).map(|n| unknown.token(&n.to_string())).collect();
    let tries = tokens.iter().map(|token| login(&server, token));
    futures_util::future::join_all(tries).await;
    assert!(provider.asked().len() <= n_asked + 2);
}

#[tokio::test]
async fn a_server_starts_without_its_provider_and_lets_nobody_in_before_it_answers() {
    let key = signer("late", P256);
    let provider = Provider::start(503, &json!({})).await;
    let server = on(&provider).await;
    assert_eq!(
        login(&server, &key.token("7")).await,
        Err(UNAVAILABLE.into())
    );
    let me = Call::get("/api/user/me")
        .header("Authorization", &format!("Bearer {}", key.token("7")))
        .send(server.port)
        .await;
    assert_eq!(me.status, 503, "{}", me.text());
    assert!(server.log().contains("NO LOGIN KEYS"), "{}", server.log());
    assert!(!server.log().contains("DEVELOPMENT"), "{}", server.log());
    // What no provider could have signed is refused all the same.
    for token in [
        "x",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiI3IiwiZXhwIjo5OTk5OTk5OTk5fQ.",
    ] {
        assert_eq!(login(&server, token).await, Err(REFUSED.into()));
    }
    provider.answer(200, &json!({"keys": [key.jwk]}));
    within(LONG, "the first keys", until_in(&server, &key.token("7"))).await;
}

#[tokio::test]
async fn several_providers_and_keys_of_ones_own_work_side_by_side() {
    let (one, other) = (signer("one", OTHER_RSA), signer("other", P256));
    let first = Provider::start(200, &json!({"keys": [one.jwk]})).await;
    let second = Provider::start(200, &json!({"keys": [other.jwk]})).await;
    let urls = format!("{}, {}", first.url, second.url);
    let settings = [
        ("JWKS_URL", urls.as_str()),
        ("JWT_PUBLIC_KEY", RSA_PUBLIC),
        ("JWT_ISSUER", "https://a.test/,https://b.test/"),
        ("JWT_AUDIENCE", "chat"),
        ("JWT_USER_CLAIM", "https://app.test/id,sub"),
        ("JWT_ROLE_CLAIM", "/realm_access/roles"),
        ("DIALECT", "native"),
    ];
    let server = Server::start_with(&Store::sqlite(), &settings).await;
    let own = signer("", RSA);
    for key in [&one, &other, &own] {
        for issuer in ["https://a.test/", "https://b.test/"] {
            let token = key.sign(
                &json!({"sub": "x", "https://app.test/id": 7, "iss": issuer, "aud": ["chat"],
                "realm_access": {"roles": ["user", "ADMIN"]}, "exp": end()}),
            );
            let me = Call::get("/api/v1/users/me")
                .header("Authorization", &format!("Bearer {token}"))
                .send(server.port)
                .await;
            assert_eq!(me.status, 200, "{}", me.text());
            assert_eq!(
                (&me.json()["user"]["id"], &me.json()["role"]),
                (&json!("7"), &json!("ADMIN"))
            );
        }
        for claims in [
            json!({"sub": "7", "iss": "https://c.test/", "aud": "chat", "exp": end()}),
            json!({"sub": "7", "iss": "https://a.test/", "aud": "mail", "exp": end()}),
            json!({"sub": "7", "iss": "https://a.test/", "aud": "chat"}),
        ] {
            assert_eq!(
                login(&server, &key.sign(&claims)).await,
                Err(REFUSED.into()),
                "{claims}"
            );
        }
    }
}

#[tokio::test]
async fn check_asks_the_provider() {
    let provider = Provider::start(200, &json!({"keys": [signer("one", RSA).jwk]})).await;
    let check = async |settings: &[(&str, &str)]| {
        sohbet(&Store::sqlite(), &["check", "--port", "0"], settings).await
    };
    let ended = check(&[("JWKS_URL", &provider.url)]).await;
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    assert!(ended.stdout.contains("has 1 usable"), "{}", ended.stdout);
    assert!(ended.stdout.contains("JWT_AUDIENCE"), "{}", ended.stdout);
    assert!(
        !ended.stdout.contains("development mode"),
        "{}",
        ended.stdout
    );
    provider.answer(404, &json!({}));
    let ended = check(&[("JWKS_URL", &provider.url), ("JWT_ISSUER", "x")]).await;
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert!(ended.stdout.contains("it answers 404"), "{}", ended.stdout);
    for (name, value) in [
        ("JWKS_URL", ""),
        ("JWKS_URL", "keys.json"),
        ("JWT_PUBLIC_KEY", ""),
        ("JWT_PUBLIC_KEY", "no.pem"),
        ("AUTH_SESSION_URL", ""),
    ] {
        let ended = check(&[(name, value)]).await;
        assert_eq!(ended.code, 1, "{name}={value:?}: {}", ended.stdout);
        assert!(ended.stdout.contains(name), "{}", ended.stdout);
    }
}

/// Somebody who signs tokens, and the public half of the key.
struct Signer {
    id: &'static str,
    key: EncodingKey,
    algorithm: Algorithm,
    jwk: Value,
}

fn signer(id: &'static str, pem: &[u8]) -> Signer {
    let (key, algorithm) = match EncodingKey::from_rsa_pem(pem) {
        Ok(key) => (key, Algorithm::RS256),
        Err(_) => (EncodingKey::from_ec_pem(pem).unwrap(), Algorithm::ES256),
    };
    let mut jwk = Jwk::from_encoding_key(&key, algorithm).unwrap();
    jwk.common.key_id = Some(id.to_owned());
    let jwk = serde_json::to_value(jwk).unwrap();
    Signer {
        id,
        key,
        algorithm,
        jwk,
    }
}

impl Signer {
    fn sign(&self, claims: &Value) -> String {
        let header = Header {
            kid: (!self.id.is_empty()).then(|| self.id.to_owned()),
            ..Header::new(self.algorithm)
        };
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }

    fn token(&self, user: &str) -> String {
        self.sign(&json!({"sub": user, "exp": end()}))
    }
}

fn end() -> i64 {
    chrono::Utc::now().timestamp() + 3_600
}

async fn on(provider: &Provider) -> Server {
    let settings = [
        ("JWKS_URL", provider.url.as_str()),
        // The tests log in again and again until something happens.
        ("UNLIMITED_ADDRESSES", "127.0.0.1"),
    ];
    Server::start_with(&Store::sqlite(), &settings).await
}

/// Whether a socket with that token is let in, else what it hears.
async fn login(server: &Server, token: &str) -> Result<(), String> {
    let auth = json!({ "token": token });
    match Client::try_connect(server.port, Some(&auth)).await {
        Ok(_) => Ok(()),
        Err(error) => Err(error["message"].as_str().unwrap().to_owned()),
    }
}

/// Tries until the token is accepted, as somebody would who wants to log in.
async fn until_in(server: &Server, token: &str) {
    let mut clock = tokio::time::interval(PATIENCE / 100);
    while login(server, token).await.is_err() {
        clock.tick().await;
    }
}
