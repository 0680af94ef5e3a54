use serde_json::json;

use super::*;
use crate::auth::{self, Trust};

/// A verified user, with what an API token of that type permits.
fn caller(user: &str, token: Option<(TokenType, Value)>) -> Identity {
    let identity = Identity {
        user: Some(user.into()),
        role: Some(UserRole::Member),
        ..Identity::nobody(Trust::Verified)
    };
    let Some((token_type, permissions)) = token else {
        return identity;
    };
    let permissions = Permissions::parse(&permissions, token_type).unwrap();
    identity.with_grant(Grant {
        token: None,
        token_type,
        permissions: permissions.granted(token_type, Some(UserRole::Member)),
        expires_at: None,
        owner: None,
    })
}

fn new(user: &str, token_type: TokenType) -> NewApiToken {
    NewApiToken {
        user: user.into(),
        token_type,
        name: String::new(),
        permissions: json!({}),
        expires_at: None,
        form: TokenForm::Opaque,
    }
}

fn may_make(by: &Identity, user: &str, token_type: TokenType) -> bool {
    let new = new(user, token_type);
    let permissions = Permissions::parse(&new.permissions, token_type).unwrap();
    check_new(by, &new, permissions).is_ok()
}

#[test]
fn users_make_tokens_for_themselves_and_never_client_tokens() {
    let whole = Some((TokenType::User, json!({})));
    for ali in [caller("ali", None), caller("ali", whole)] {
        assert!(may_make(&ali, "ali", TokenType::User));
        assert!(!may_make(&ali, "veli", TokenType::User));
        assert!(!may_make(&ali, "ali", TokenType::Client));
    }
}

#[test]
fn a_program_makes_tokens_for_users_when_it_may_act_for_them() {
    let program = |permissions| caller("ali", Some((TokenType::Client, permissions)));
    let full = program(json!({"fullAccess": true}));
    assert!(may_make(&full, "veli", TokenType::User));
    assert!(!may_make(&full, "veli", TokenType::Client));
    // Not even for its owner: it would get more than it has.
    let plain = program(json!(["read", "write"]));
    assert!(!may_make(&plain, "ali", TokenType::User));
    assert!(!may_make(&plain, "veli", TokenType::User));
}

#[test]
fn a_token_never_makes_one_that_can_do_more() {
    let token = |permissions| caller("ali", Some((TokenType::User, permissions)));
    assert!(!may_make(&token(json!(["read"])), "ali", TokenType::User));
    assert!(may_make(
        &token(json!(["read", "write"])),
        "ali",
        TokenType::User
    ));
    let half = Some((TokenType::Client, json!(["write", "onBehalfOf"])));
    assert!(!may_make(&caller("ali", half), "veli", TokenType::User));
}

#[test]
fn a_program_that_administers_makes_tokens_within_its_own_permissions() {
    let program = |permissions| caller("ali", Some((TokenType::Client, permissions)));
    let may_make = |by: &Identity, user: &str, token_type, permissions: Value| {
        let wanted = Permissions::parse(&permissions, token_type).unwrap();
        check_new(by, &new(user, token_type), wanted).is_ok()
    };
    let bare = program(json!(["admin"]));
    assert!(may_make(&bare, "ali", TokenType::Client, json!(["admin"])));
    for word in ["read", "write", "emit", "directory", "onBehalfOf"] {
        let more = json!(["admin", word]);
        assert!(!may_make(&bare, "ali", TokenType::Client, more), "{word}");
    }
    assert!(!may_make(&bare, "ali", TokenType::User, json!(["read"])));
    // A token of somebody else acts for them.
    let wide = program(json!(["read", "write", "admin"]));
    for token_type in [TokenType::User, TokenType::Client] {
        assert!(may_make(&wide, "ali", token_type, json!(["read"])));
        assert!(!may_make(&wide, "veli", token_type, json!(["read"])));
    }
    let acting = program(json!(["read", "write", "admin", "onBehalfOf"]));
    assert!(may_make(&acting, "veli", TokenType::User, json!({})));
}

#[test]
fn a_program_makes_no_token_that_may_more_because_of_its_owner() {
    let may_own = |by: Value, permissions: Value, owner| {
        let by = caller("ali", Some((TokenType::Client, by)));
        let wanted = Permissions::parse(&permissions, TokenType::User).unwrap();
        check_owner(&by, TokenType::User, wanted, owner).is_ok()
    };
    let (admin, member) = (UserRole::Admin, UserRole::Member);
    let full = json!({"fullAccess": true});
    assert!(may_own(full.clone(), json!({}), member));
    for permissions in [json!({}), json!(["read"])] {
        assert!(!may_own(full.clone(), permissions, admin));
    }
    // A whole token of an administrator writes the directory, too.
    let some = json!(["read", "write", "onBehalfOf", "admin"]);
    assert!(may_own(some.clone(), json!(["read"]), admin));
    assert!(!may_own(some, json!({}), admin));
}

#[test]
fn who_acts_for_somebody_proves_to_be_themselves() {
    let full = json!({"fullAccess": true});
    let program = caller("ali", Some((TokenType::Client, full)));
    let proof_of_ali = Proof::Login {
        users: vec!["ali".into()],
        issued_at: None,
    };
    assert_eq!(accounts::proof(&program), proof_of_ali);
    let acting = program.on_behalf_of("veli".into()).unwrap();
    assert_eq!(accounts::proof(&acting), proof_of_ali);
    let believed = Identity {
        trust: Trust::Claimed,
        ..acting
    };
    assert_eq!(accounts::proof(&believed), Proof::Nothing);
}

#[test]
fn names_and_ends_that_no_token_can_have_are_refused() {
    let with = |change: fn(&mut NewApiToken)| {
        let mut token = new("ali", TokenType::User);
        change(&mut token);
        checked(token).map(drop).map_err(|error| error.code())
    };
    assert_eq!(with(|_| {}), Ok(()));
    let refused: [fn(&mut NewApiToken); 4] = [
        |token| token.name = "x".repeat(MAX_NAME_CHARS + 1),
        |token| token.name = "\0".into(),
        |token| token.expires_at = Some(store::now()),
        |token| token.expires_at = Some(store::now() + MAX_LIFETIME + TimeDelta::days(1)),
    ];
    for change in refused {
        assert_eq!(with(change), Err("INVALID_PAYLOAD"));
    }
}

#[test]
fn a_jwt_ends_at_a_whole_second_and_always_ends() {
    let mut token = new("ali", TokenType::Client);
    token.form = TokenForm::Jwt { email: None };
    let end = checked(token).unwrap().expires_at.unwrap();
    assert_eq!(end.timestamp_subsec_nanos(), 0);
    let days = (end - store::now()).num_days();
    assert!((364..=365).contains(&days), "{days}");
}

/// The tokens of a new SQLite file, with user `ali`.
struct Desk {
    auth: Auth,
    tokens: ApiTokens,
    _folder: tempfile::TempDir,
}

impl Desk {
    async fn open(config: &auth::Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config_of_store = store::Config {
            url: format!("sqlite://{}/chat.db?mode=rwc", folder.path().display()),
            schema: None,
            readers: 1,
            migrate: true,
        };
        let store = Arc::new(Store::open(&config_of_store).await.unwrap());
        store.save_user(&"ali".into(), Some("Ali")).await.unwrap();
        Self {
            auth: Auth::new(config, "a-key-that-the-store-would-keep".into()).unwrap(),
            tokens: ApiTokens::new(store),
            _folder: folder,
        }
    }

    async fn create(&self, token_type: TokenType, form: TokenForm) -> CreatedToken {
        let new = NewApiToken {
            form,
            ..new("ali", token_type)
        };
        self.tokens.create(&self.auth, new).await.unwrap()
    }

    async fn find(&self, text: &str) -> Result<Option<Identity>> {
        let candidate = self.auth.read_api_token(text).unwrap();
        self.tokens.identify(candidate).await
    }
}

fn jwt() -> TokenForm {
    TokenForm::Jwt { email: None }
}

#[tokio::test]
async fn a_token_of_either_form_is_its_owner_until_it_is_revoked() {
    let desk = Desk::open(&auth::Config::default()).await;
    for form in [TokenForm::Opaque, jwt()] {
        let created = desk.create(TokenType::User, form).await;
        let text = created.secret.expose();
        let identity = desk.find(text).await.unwrap().unwrap();
        assert_eq!(identity.user, Some("ali".into()));
        assert_eq!(identity.name.as_deref(), Some("Ali"));
        assert_eq!(identity.trust, Trust::Verified);
        let grant = identity.grant.unwrap();
        assert_eq!(grant.token.as_ref(), Some(&created.token.id));
        assert_eq!(grant.expires_at, created.token.expires_at);
        assert!(desk.tokens.revoke(&created.token.id).await.unwrap());
        assert_eq!(desk.find(text).await, Err(auth::REFUSAL));
        assert!(!desk.tokens.revoke(&created.token.id).await.unwrap());
    }
}

#[tokio::test]
async fn a_token_that_nobody_made_is_unknown() {
    let desk = Desk::open(&auth::Config::default()).await;
    let unknown = Secret::opaque().unwrap();
    assert_eq!(desk.find(unknown.expose()).await, Ok(None));
    let other = Desk::open(&auth::Config::default()).await;
    let signed = other.create(TokenType::User, jwt()).await;
    let refused = desk.find(signed.secret.expose()).await;
    assert_eq!(
        refused,
        Err(auth::REFUSAL),
        "the row is gone with its owner"
    );
}

#[tokio::test]
async fn what_front_ends_sign_needs_no_row_and_ends_with_a_revoked_one() {
    let config = auth::Config {
        api_secret: Some("the-secret-of-api-tokens-of-32-bytes".into()),
        ..auth::Config::default()
    };
    let (desk, front_end) = (Desk::open(&config).await, Desk::open(&config).await);
    let signed = front_end.create(TokenType::Client, jwt()).await;
    let identity = desk.find(signed.secret.expose()).await.unwrap().unwrap();
    assert!(identity.may(Permission::OnBehalfOf));
    assert_eq!(identity.grant.unwrap().token, None);
    front_end.tokens.revoke(&signed.token.id).await.unwrap();
    let refused = front_end.find(signed.secret.expose()).await;
    assert_eq!(refused, Err(auth::REFUSAL));
}

#[tokio::test]
async fn a_user_without_end_of_tokens_is_stopped_at_a_limit() {
    let desk = Desk::open(&auth::Config::default()).await;
    let created = desk.create(TokenType::User, TokenForm::Opaque).await;
    let row = desk.tokens.find(&created.token.id).await.unwrap();
    let again = ApiTokenRow {
        id: "another".into(),
        token_hash: "another".into(),
        ..row
    };
    let store = &desk.tokens.store;
    assert!(
        !store
            .save_api_token(&again, 1, &Proof::Nothing)
            .await
            .unwrap()
    );
    assert!(
        store
            .save_api_token(&again, 2, &Proof::Nothing)
            .await
            .unwrap()
    );
}
