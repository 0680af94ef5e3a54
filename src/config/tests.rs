use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn resolve(process: &[(&str, &str)]) -> Result<Settings, Faults> {
    let process = process
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::resolve(&Sources {
        process: process.collect(),
        ..Sources::default()
    })
}

fn fault(process: &[(&str, &str)]) -> String {
    let faults = resolve(process).unwrap_err().0;
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults[0].clone()
}

fn row(settings: &Settings, name: &str) -> (String, String) {
    let row = settings
        .effective()
        .iter()
        .find(|row| row.name == name)
        .unwrap();
    (row.value.clone(), row.origin.clone())
}

#[test]
fn a_bare_start_needs_nothing() {
    let settings = resolve(&[]).unwrap();
    assert_eq!(
        (settings.port, settings.hosts.join(" ").as_str()),
        (3001, "127.0.0.1 ::1")
    );
    assert_eq!(settings.store.url, "sqlite://data/sohbet.db?mode=rwc");
    assert!(settings.store.migrate && settings.is_development());
    assert_eq!(settings.http.origins, ["http://localhost:3000"]);
    assert!(settings.http.any_localhost_origin && settings.socket.dialect.is_none());
    assert_eq!(settings.socket.ping_interval, Duration::from_secs(25));
}

#[test]
fn every_setting_is_read_once_and_every_default_is_valid() {
    let settings = resolve(&[]).unwrap();
    let read: Vec<_> = settings.effective().iter().map(|row| row.name).collect();
    let listed: Vec<_> = table::all().map(|setting| setting.name).collect();
    assert_eq!(read, listed);
}

#[test]
fn the_page_about_limits_names_each_with_its_default() {
    let page = include_str!("../../docs/limits.md");
    let groups: [&[&table::Setting]; 3] = [&table::LIMITS, &table::BUDGETS, &table::CAPS];
    for setting in groups.into_iter().flatten() {
        let name = setting.names[0];
        let row = match setting.default {
            "" => format!("`{name}`"),
            default => format!("| `{name}` | `{default}` |"),
        };
        assert!(page.contains(&row), "docs/limits.md lacks {row}");
    }
}

#[test]
fn limits_are_lenient_in_development_and_for_those_who_speak_for_many() {
    assert!(resolve(&[]).unwrap().chat.limits.is_lenient);
    let settings = resolve(&[
        ("JWT_SECRET", SECRET),
        ("TRUSTED_ADDRESSES", "10.0.0.1"),
        ("UNLIMITED_ADDRESSES", "10.1.0.0/16, [::1]"),
        ("TRUSTED_PROXIES", "10.2.0.0/16"),
        ("LIMIT_SOCKET_EVENTS", "off"),
        ("MAX_SOCKETS", "7"),
    ]);
    let limits = settings.unwrap().chat.limits;
    assert!(!limits.is_lenient && limits.socket_events.is_none());
    assert_eq!((limits.unlimited.len(), limits.proxies.len()), (3, 1));
    assert_eq!((limits.max_sockets, limits.max_socket_rooms), (7, 1_000));
    let wrong = fault(&[("LIMIT_USER_CALLS", "many")]);
    assert!(wrong.contains("50/600"), "{wrong}");
}

#[test]
fn a_secret_opens_every_address_and_is_never_shown() {
    let settings = resolve(&[("JWT_SECRET", SECRET), ("HOST", "")]).unwrap();
    assert_eq!(settings.hosts, ["0.0.0.0", "::"]);
    assert_eq!(settings.auth.secret.as_deref(), Some(SECRET));
    assert!(!settings.http.any_localhost_origin);
    assert_eq!(
        row(&settings, "jwt-secret"),
        ("***".into(), "environment JWT_SECRET".into())
    );
    assert!(!format!("{:?}", settings.effective()).contains(SECRET));
}

#[test]
fn an_empty_or_short_secret_is_refused() {
    assert!(fault(&[("JWT_SECRET", "")]).contains("empty"));
    let short = fault(&[("JWT_SECRET", "sesame"), ("HOST", "0.0.0.0")]);
    assert!(short.contains("6 bytes") && !short.contains("sesame"));
    let short = fault(&[("JWT_API_SECRET", "sesame")]);
    assert!(short.contains("6 bytes") && !short.contains("sesame"));
}

#[test]
fn a_secret_for_api_tokens_does_not_end_development_mode() {
    let settings = resolve(&[("JWT_API_SECRET", SECRET)]).unwrap();
    assert_eq!(settings.auth.api_secret.as_deref(), Some(SECRET));
    assert!(settings.is_development() && settings.hosts == ["127.0.0.1", "::1"]);
    let shown = row(&settings, "jwt-api-secret");
    assert_eq!(shown, ("***".into(), "environment JWT_API_SECRET".into()));
    assert_eq!(
        resolve(&[("JWT_API_SECRET", "")]).unwrap().auth.api_secret,
        None
    );
}

#[test]
fn development_mode_stays_on_this_machine() {
    let refused = fault(&[("HOST", "0.0.0.0")]);
    assert!(
        refused.starts_with("environment HOST = \"0.0.0.0\""),
        "{refused}"
    );
    assert!(refused.contains("JWT_SECRET") && refused.contains("--insecure-trust-clients"));
    let allowed = resolve(&[("HOST", "0.0.0.0"), ("INSECURE_TRUST_CLIENTS", "1")]).unwrap();
    assert_eq!(allowed.hosts, ["0.0.0.0"]);
    assert!(resolve(&[("HOST", "localhost")]).is_ok());
}

#[test]
fn the_lists_of_all_origin_names_are_added_up() {
    let settings = resolve(&[
        ("CORS_ORIGIN", "http://b:80/,http://a"),
        ("FRONTEND_URL", "http://a/app"),
        ("CLIENT_URL", "https://c:8443"),
    ]);
    let settings = settings.unwrap();
    assert_eq!(
        settings.http.origins,
        ["http://a", "https://c:8443", "http://b"]
    );
    let (value, origin) = row(&settings, "frontend-url");
    assert_eq!(value, "http://a, https://c:8443, http://b");
    assert_eq!(
        origin,
        "environment FRONTEND_URL + environment CLIENT_URL + environment CORS_ORIGIN"
    );
}

#[test]
fn a_flag_replaces_every_origin_of_the_environment() {
    let mut flags = Flags::default();
    flags.set(&table::FRONTEND_URL, "http://flag");
    let process = [("CLIENT_URL".to_owned(), "http://b".to_owned())].into();
    let settings = Settings::resolve(&Sources {
        flags,
        process,
        ..Sources::default()
    })
    .unwrap();
    assert_eq!(settings.http.origins, ["http://flag"]);
}

#[test]
fn every_fault_is_named_with_its_place_and_its_remedy() {
    let faults = resolve(&[
        ("SOCKET_PORT", "http"),
        ("DATABASE_URL", "mysql://me:sesame@db/chat"),
        ("CORS_ORIGIN", "*"),
        ("DIALECT", "klingon"),
        ("RUST_LOG", "sohbet=loud"),
        ("SOCKET_PATH", "/"),
    ]);
    let text = faults.unwrap_err().to_string();
    let start = "environment SOCKET_PORT = \"http\": write a whole number from 0 to 65535";
    assert!(text.contains(start), "{text}");
    assert!(text.contains("environment DATABASE_URL: Sohbet stores in PostgreSQL or SQLite"));
    assert!(text.contains("CORS_ORIGIN = \"*\"") && text.contains("klingon"));
    assert_eq!(text.lines().count(), 6);
    assert!(!text.contains("sesame"));
}

#[test]
fn the_database_is_shown_without_password_and_as_it_is_used() {
    let url = "postgresql://me:sesame@db/chat?schema=talk&connection_limit=1";
    let settings = resolve(&[("DATABASE_URL", url)]).unwrap();
    assert_eq!(settings.store.url, "postgres://me:sesame@db/chat");
    assert_eq!(settings.store.schema.as_deref(), Some("talk"));
    assert_eq!(
        row(&settings, "database-url").0,
        "postgres://me:***@db/chat"
    );
}

#[test]
fn the_port_is_the_one_of_the_dialect_unless_it_is_set() {
    let port = |settings: &[(&str, &str)]| resolve(settings).unwrap().port;
    assert_eq!(port(&[]), 3001);
    assert_eq!(port(&[("DIALECT", "gallery")]), 3005);
    assert_eq!(port(&[("DIALECT", "school")]), 4000);
    assert_eq!(port(&[("DIALECT", "gallery"), ("PORT", "80")]), 80);
    assert_eq!(port(&[("PORT", "8080"), ("SOCKET_PORT", "9")]), 9);
    assert_eq!(port(&[("DIALECT", "auto")]), 3001);
}

#[test]
fn the_rest_of_the_values_reach_their_modules() {
    let settings = resolve(&[
        ("SOCKET_PATH", "/chat"),
        ("DIALECT", "messaging"),
        ("NO_MIGRATE", "true"),
        ("TRUSTED_ADDRESSES", "10.0.0.1, [::1]"),
        ("GATEWAY_ADDRESSES", "10.0.0.2"),
        ("PING_INTERVAL_MS", "300"),
        ("ALLOW_UNKNOWN_USERS", "no"),
        ("LOG_FORMAT", "json"),
        ("DEBUG", "engine*"),
    ]);
    let settings = settings.unwrap();
    assert_eq!(settings.socket.path, "/chat/");
    assert!(settings.socket.dialect.is_some() && !settings.store.migrate);
    assert_eq!(settings.chat.trusted_addresses.len(), 2);
    assert_eq!(settings.http.gateway_addresses.len(), 1);
    assert_eq!(settings.socket.ping_interval, Duration::from_millis(300));
    assert!(!settings.chat.allow_unknown_users);
    assert_eq!(settings.log.format, telemetry::Format::Json);
    assert!(settings.log.filter.contains("sohbet::socket=debug"));
}

#[test]
fn switches_of_other_servers_are_named() {
    let named = |settings: &[(&str, &str)]| {
        let without_effect = resolve(settings).unwrap().without_effect;
        without_effect
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
    };
    assert!(named(&[]).is_empty());
    assert_eq!(named(&[("BYPASS_AUTH", "false")]), ["BYPASS_AUTH"]);
    assert_eq!(named(&[("POSTGRES_HOST", "db")]), ["POSTGRES_HOST"]);
    let url = ("DATABASE_URL", "postgres://me@db/chat");
    assert!(named(&[("POSTGRES_HOST", "db"), url]).is_empty());
}

#[test]
fn strangers_make_users_only_where_nobody_is_checked_or_the_dialect_begins_with_it() {
    let key = ("JWT_SECRET", SECRET);
    let shown = |settings: &[(&str, &str)]| {
        let settings = resolve(settings).unwrap();
        let (value, origin) = row(&settings, "open-sign-up");
        assert_eq!(value, settings.chat.open_sign_up.to_string());
        (value, origin)
    };
    let usual = |value: &str| (value.to_owned(), "default".to_owned());
    assert_eq!(shown(&[]), usual("true"));
    assert_eq!(shown(&[("DIALECT", "messaging")]), usual("true"));
    assert_eq!(shown(&[key]), usual("false"));
    assert_eq!(shown(&[key, ("DIALECT", "messaging")]), usual("false"));
    assert_eq!(shown(&[key, ("DIALECT", "chatsphere")]), usual("true"));
    let set = |value: &str| (value.to_owned(), "environment OPEN_SIGN_UP".to_owned());
    assert_eq!(shown(&[key, ("OPEN_SIGN_UP", "true")]), set("true"));
    assert_eq!(shown(&[("OPEN_SIGN_UP", "false")]), set("false"));
}
