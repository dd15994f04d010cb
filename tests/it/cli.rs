//! The command line as a user meets it: the real binary, its exit codes and its lines.

use std::process::Output;

use assert_cmd::Command;
use convened::clock::SystemClock;
use convened::sandbox::model::Plan;
use convened::sandbox::{Sandbox, SandboxOptions};
use tempfile::TempDir;

use crate::support::database::TestDatabase;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The binary in a folder of its own, where no configuration and no variable of ours is.
fn convened(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_convened"));
    command.current_dir(folder).env_clear().timeout(std::time::Duration::from_secs(120));
    command
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// What a run ended with: exit code, standard output, standard error.
fn ended(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

fn run(folder: &TempDir, arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    ended(&convened(folder).args(arguments).envs(variables.iter().copied()).output().unwrap())
}

#[test]
fn help_names_every_subcommand_and_gives_examples() {
    let (code, help, _) = run(&folder(), &["--help"], &[]);
    assert_eq!(code, 0);
    for word in ["serve", "sandbox", "migrate", "check", "token", "Examples:", "--config"] {
        assert!(help.contains(word), "{word} is missing in:\n{help}");
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    for arguments in
        [&["nonsense"][..], &[], &["token", "--role", "king", "--sub", "x"], &["serve", "--fast"]]
    {
        let (code, _, error) = run(&folder(), arguments, &[]);
        assert_eq!((code, error.is_empty()), (2, false), "{arguments:?}");
    }
}

#[test]
fn every_fault_of_the_configuration_is_told_with_file_line_and_key() {
    let folder = folder();
    std::fs::write(folder.path().join("c.toml"), "[server]\nbnd = 1\n[zoom]\nplan = \"gold\"\n").unwrap();
    let variables = [("CONVENED_LIMITS__BURST", "lots")];
    let (code, output, error) = run(&folder, &["--config", "c.toml", "serve"], &variables);
    assert_eq!((code, output.as_str()), (1, ""));
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(
        lines,
        [
            "convened: c.toml:4: zoom.plan: expected free, pro or business: found text",
            "convened: environment CONVENED_LIMITS__BURST: limits.burst: expected a whole number: found `lots`",
            "convened: c.toml:2: server.bnd: unknown key (did you mean `server.bind`?)",
        ]
    );
}

#[test]
fn a_configuration_file_that_is_named_but_missing_is_a_fault() {
    let (code, _, error) = run(&folder(), &["migrate"], &[("CONVENED_CONFIG", "nowhere.toml")]);
    assert_eq!(
        (code, error.trim_end()),
        (1, "convened: nowhere.toml: No such file or directory (os error 2)")
    );
}

#[test]
fn a_token_says_who_and_until_when() {
    let variables = [("CONVENED_AUTH__JWT_SECRET", SECRET), ("CONVENED_AUTH__ISSUER", "us")];
    let arguments = ["token", "--role", "teacher", "--sub", "t-1", "--ttl", "2h", "--email", "t@x.org"];
    let (code, token, error) = run(&folder(), &arguments, &variables);
    assert_eq!(code, 0, "{error}");
    let mut wanted = jsonwebtoken::Validation::default();
    wanted.set_issuer(&["us"]);
    let key = jsonwebtoken::DecodingKey::from_secret(SECRET.as_bytes());
    let claims = jsonwebtoken::decode::<serde_json::Value>(token.trim(), &key, &wanted).unwrap().claims;
    assert_eq!(claims["sub"], "t-1");
    assert_eq!(claims["role"], "host");
    assert_eq!(claims["email"], "t@x.org");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 7200);
}

#[test]
fn a_token_needs_the_secret() {
    let (code, output, error) = run(&folder(), &["token", "--role", "admin", "--sub", "ops"], &[]);
    assert_eq!((code, output.as_str()), (1, ""));
    assert!(error.contains("auth.jwt_secret is not set"), "{error}");
}

#[test]
fn migrating_twice_changes_nothing_the_second_time() {
    let folder = folder();
    let (code, first, error) = run(&folder, &["migrate"], &[]);
    assert_eq!(code, 0, "{error}");
    assert!(first.lines().all(|line| line.starts_with("applied ")) && !first.is_empty(), "{first}");
    assert_eq!(run(&folder, &["migrate"], &[]).1, "nothing to do\n");
    assert_eq!(run(&folder, &["migrate", "--json", "--dry-run"], &[]).1, "{\"pending\":[]}\n");
}

#[test]
fn a_database_of_a_newer_version_is_refused_in_one_line() {
    let database = TestDatabase::sqlite().migrated();
    let insert = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000000')";
    diesel::connection::SimpleConnection::batch_execute(&mut database.conn(), insert).unwrap();
    assert_one_line_fault(&["migrate"], &database.text, "newer");
    assert_one_line_fault(&["serve"], &database.text, "newer");
}

#[test]
fn a_file_that_is_no_database_is_refused_in_one_line() {
    let folder = folder();
    let path = folder.path().join("letter.txt");
    std::fs::write(&path, "Dear Sir or Madam, ".repeat(500)).unwrap();
    let url = format!("sqlite://{}", path.display());
    assert_one_line_fault(&["migrate"], &url, "not a database");
    assert_one_line_fault(&["serve"], &url, "not a database");
}

#[test]
fn an_unreachable_postgres_is_told_in_one_line_and_soon() {
    let began = std::time::Instant::now();
    assert_one_line_fault(&["migrate"], "postgres://nobody@127.0.0.1:1/none", "unavailable");
    assert_one_line_fault(&["serve"], "postgres://nobody@127.0.0.1:1/none", "unavailable");
    assert!(began.elapsed().as_secs() < 30);
}

/// Runs with the database at `url` and a good key.
fn assert_one_line_fault(arguments: &[&str], url: &str, told: &str) {
    let key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let variables = [
        ("DATABASE_URL", url),
        ("CONVENED_DATABASE__ENCRYPTION_KEY", key),
        ("CONVENED_SERVER__BIND", "127.0.0.1:0"),
        ("LOG_LEVEL", "error"),
    ];
    let (code, output, error) = run(&folder(), arguments, &variables);
    assert_eq!((code, output.as_str()), (1, ""), "{arguments:?}: {error}");
    assert!(error.lines().count() == 1 && error.contains(told), "{arguments:?}: {error}");
}

#[test]
fn check_tells_everything_that_is_missing() {
    let (code, told, _) = run(&folder(), &["check"], &[]);
    assert_eq!(code, 1);
    for line in
        ["ok     configuration", "ok     database", "FAULT  callers", "FAULT  webhook secret", "FAULT  zoom"]
    {
        assert!(told.contains(line), "`{line}` is missing in:\n{told}");
    }
}

#[test]
fn check_as_json_names_each_check() {
    let (code, told, _) = run(&folder(), &["check", "--json"], &[("CONVENED_AUTH__JWT_SECRET", "short")]);
    let findings: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(code, 1);
    assert_eq!(findings[0]["check"], "configuration");
    assert_eq!(findings[0]["ok"], false);
    assert_eq!(
        findings[0]["detail"],
        "environment CONVENED_AUTH__JWT_SECRET: auth.jwt_secret: shorter than 32 bytes"
    );
}

#[test]
fn a_taken_port_is_told_in_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let variables = [
        ("CONVENED_SERVER__BIND", address.as_str()),
        ("CONVENED_AUTH__JWT_SECRET", SECRET),
        ("LOG_LEVEL", "error"),
    ];
    let (code, output, error) = run(&folder(), &["serve"], &variables);
    assert_eq!((code, output.as_str()), (1, ""), "{error}");
    assert!(error.lines().count() == 1 && error.contains(&format!("server.bind: {address}")), "{error}");
}

#[test]
fn check_asks_zoom_whether_the_credentials_are_good() {
    let sandbox = Sandbox::start(SandboxOptions {
        bind: "127.0.0.1:0".to_owned(),
        clock: std::sync::Arc::new(SystemClock),
        account_id: "account".to_owned(),
        client_id: "client".to_owned(),
        client_secret: "right".to_owned(),
        webhook_secret: "token".to_owned(),
        webhook_url: None,
        plan: Plan::Pro,
        seed: 1,
    })
    .unwrap();
    let oauth = format!("{}/oauth", sandbox.url());
    let check = |secret: &str| {
        let variables = [
            ("CONVENED_AUTH__JWT_SECRET", SECRET),
            ("CONVENED_ZOOM__OAUTH_URL", oauth.as_str()),
            ("ZOOM_ACCOUNT_ID", "account"),
            ("ZOOM_API_KEY", "client"),
            ("ZOOM_API_SECRET", secret),
            ("ZOOM_WEBHOOK_SECRET", "token"),
        ];
        run(&folder(), &["check"], &variables)
    };
    let (code, told, _) = check("right");
    assert!(code == 0 && told.contains("ok     zoom ") && told.contains("ok     zoom scopes"), "{told}");
    let (code, told, _) = check("wrong");
    assert!(code == 1 && told.contains("FAULT  zoom "), "{told}");
}

#[test]
fn the_openapi_document_is_json() {
    let (code, document, _) = run(&folder(), &["openapi"], &[]);
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!((code, document["info"]["title"].as_str().is_some()), (0, true));
    assert!(document["paths"]["/api/appointments"]["post"].is_object());
}

#[test]
fn the_demo_scores_a_class_rightly_although_its_daemon_is_killed() {
    let (code, told, error) = run(&folder(), &["demo", "--kill"], &[]);
    assert_eq!(code, 0, "{told}\n{error}");
    assert!(told.contains("25 of 25 marks and scores equal the ground truth"), "{told}");
    assert!(told.contains("died (signal 9)"), "{told}");
}
