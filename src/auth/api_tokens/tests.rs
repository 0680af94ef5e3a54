use super::*;
use crate::auth::{Auth, Permission, Trust, strip_bearer};

const SECRET: &str = "the-secret-of-login-tokens-32-bytes!";
const API_SECRET: &str = "the-secret-of-api-tokens-of-32-bytes";
const STORED: &str = "the-key-that-the-store-keeps-32bytes";

fn auth(secret: Option<&str>, api_secret: Option<&str>) -> Auth {
    let config = Config {
        secret: secret.map(str::to_owned),
        api_secret: api_secret.map(str::to_owned),
        ..Config::default()
    };
    Auth::new(&config, STORED.into()).unwrap()
}

fn signed(auth: &Auth, token_type: TokenType, seconds: i64) -> Secret {
    let claims = ApiClaims {
        user: &UserId::from("7"),
        username: "ali",
        role: UserRole::Admin,
        email: Some("ali@example.com"),
        token_type,
        expires_at: Utc::now() + chrono::TimeDelta::seconds(seconds),
    };
    auth.sign_api_token(&claims).unwrap()
}

fn claims(secret: &Secret) -> serde_json::Value {
    let decoded = jsonwebtoken::dangerous::insecure_decode(secret.expose());
    decoded.unwrap().claims
}

#[test]
fn an_opaque_token_is_random_and_shows_its_beginning() {
    let (one, other) = (Secret::opaque().unwrap(), Secret::opaque().unwrap());
    assert_ne!(one, other);
    assert_eq!(one.expose().len(), 4 + 64);
    assert!(one.expose().starts_with(&one.prefix()));
    assert_eq!(one.prefix().len(), 12);
    assert_eq!(format!("{one:?}"), "Secret(***)");
}

#[test]
fn only_its_own_hash_is_that_of_a_token() {
    let hash = TokenHash::of("abc");
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hash.as_str(), expected);
    assert!(hash.is(expected));
    for other in [&expected[1..], "", &expected.replace('b', "c")] {
        assert!(!hash.is(other), "{other}");
    }
}

#[test]
fn a_jwt_has_the_claims_that_chatsphere_front_ends_read() {
    let auth = auth(Some(SECRET), None);
    let user = claims(&signed(&auth, TokenType::User, 60));
    assert_eq!(user["userId"], "7");
    assert_eq!(user["username"], "ali");
    assert_eq!((&user["role"], &user["type"]), (&json!("ADMIN"), &json!(1)));
    let client = claims(&signed(&auth, TokenType::Client, 60));
    assert_eq!(client["email"], "ali@example.com");
    assert_eq!(client["type"], 0);
    assert!(client.get("role").is_none());
    let again = signed(&auth, TokenType::Client, 60);
    assert_ne!(claims(&again)["jti"], client["jti"]);
    assert!(again.prefix().starts_with("jwt_") && again.prefix().len() == 12);
}

#[test]
fn without_a_row_only_the_key_of_front_ends_is_believed() {
    let of_api = auth(Some(SECRET), Some(API_SECRET));
    let token = signed(&of_api, TokenType::Client, 60);
    let identity = of_api.read_api_token(token.expose()).unwrap().without_row;
    let identity = identity.unwrap().unwrap();
    let grant = identity.grant.clone().unwrap();
    assert_eq!(
        (grant.token.clone(), grant.token_type),
        (None, TokenType::Client)
    );
    assert_eq!(identity.user, Some(UserId::from("7")));
    assert_eq!(identity.trust, Trust::Verified);
    assert!(identity.may(Permission::OnBehalfOf) && !identity.may(Permission::Admin));

    let of_login = auth(Some(SECRET), None);
    let token = signed(&of_login, TokenType::User, 60);
    let candidate = of_login.read_api_token(token.expose()).unwrap();
    assert_eq!(candidate.without_row, Ok(None));

    let of_store = auth(None, None);
    let token = signed(&of_store, TokenType::User, 60);
    let candidate = of_store.read_api_token(token.expose()).unwrap();
    assert_eq!(candidate.without_row, Err(REFUSAL));
}

#[test]
fn words_for_the_type_are_read_too() {
    let auth = auth(None, Some(API_SECRET));
    let exp = Utc::now().timestamp() + 60;
    for (word, expected) in [("CLIENT", TokenType::Client), ("USER", TokenType::User)] {
        let body = json!({"userId": 7, "type": word, "role": "ADMIN", "exp": exp});
        let token = jwt::sign(API_SECRET, &body).unwrap();
        let identity = auth.read_api_token(&token).unwrap().without_row;
        let identity = identity.unwrap().unwrap();
        let is_user = expected == TokenType::User;
        assert_eq!(identity.grant.as_ref().unwrap().token_type, expected);
        assert_eq!(identity.may(Permission::Admin), is_user, "{word}");
    }
}

#[test]
fn what_has_not_the_form_of_an_api_token_is_none() {
    let auth = auth(Some(SECRET), Some(API_SECRET));
    let sign = |secret, body| jwt::sign(secret, &body).unwrap();
    let exp = Utc::now().timestamp() + 60;
    let opaque = Secret::opaque().unwrap();
    for text in [
        String::new(),
        "sbt_".into(),
        format!("{}0", opaque.expose()),
        "x".repeat(MAX_TOKEN_BYTES + 1),
        sign(SECRET, json!({"userId": "7", "type": 1, "exp": exp})),
        sign(API_SECRET, json!({"userId": "7", "exp": exp})),
        sign(API_SECRET, json!({"userId": "7", "type": 2, "exp": exp})),
        sign(API_SECRET, json!({"userId": "7", "type": 1})),
        sign(
            API_SECRET,
            json!({"userId": "7", "type": 1, "exp": exp - 120}),
        ),
        sign(API_SECRET, json!({"email": "a@b", "type": 0, "exp": exp})),
    ] {
        assert!(auth.read_api_token(&text).is_none(), "{text}");
    }
    let bearer = format!("Bearer {}", opaque.expose());
    let candidate = auth.read_api_token(&bearer).unwrap();
    assert_eq!(candidate.hash, opaque.hash());
    assert_eq!(strip_bearer(&bearer), opaque.expose());
}
