use serde_json::json;

use super::*;
use crate::auth::Trust;

/// A verified user, with what an API token of that type permits.
fn caller(user: &str, token: Option<(TokenType, Value)>) -> Identity {
    let identity = Identity {
        user: Some(user.into()),
        role: Some(UserRole::Member),
        trust: Trust::Verified,
        ..Identity::default()
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
