//! The configuration as its users meet it: files, variables, secrets, faults.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::layers::Merged;
use super::reader::Reader;
use super::*;

const DOCUMENTED: &str = include_str!("../../config/convened.toml");
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// The keys of the contract with callers and operators.
const CONTRACT: &[&str] = &[
    "server.bind",
    "server.public_url",
    "server.workers",
    "server.shutdown_grace",
    "database.url",
    "database.encryption_key",
    "zoom.api_url",
    "zoom.oauth_url",
    "zoom.account_id",
    "zoom.client_id",
    "zoom.client_secret",
    "zoom.webhook_secret_token",
    "zoom.sdk_key",
    "zoom.sdk_secret",
    "zoom.redirect_uri",
    "zoom.plan",
    "zoom.host_pool",
    "zoom.licences",
    "zoom.licence_margin",
    "zoom.user_action",
    "zoom.timeout",
    "zoom.retry_min",
    "zoom.retry_max",
    "webhook.max_age",
    "webhook.retention",
    "webhooks.endpoints",
    "appointments.default_timezone",
    "meetings.link_grace",
    "meetings.host_padding",
    "meetings.waiting_room",
    "meetings.auto_end_after",
    "meetings.registration",
    "attendance.present_after",
    "attendance.present_share",
    "attendance.late_after",
    "attendance.report_delay",
    "attendance.report_give_up",
    "auth.jwt_secret",
    "auth.jwks_file",
    "auth.jwks_url",
    "auth.issuer",
    "auth.audience",
    "auth.allowed_email_domain",
    "limits.requests_per_second",
    "limits.burst",
    "limits.body_bytes",
    "retention.meetings",
    "retention.participants",
    "retention.webhooks",
    "retention.attendance",
    "retention.audit",
    "sync.second_look",
    "sync.sweep_every",
    "sync.orphans",
    "sync.installation",
];

fn faults(result: Result<Settings, Faults>) -> Vec<String> {
    result.expect_err("these settings are at fault").iter().map(ToString::to_string).collect()
}

fn known_keys() -> Vec<String> {
    let mut reader = Reader::new(Merged::default(), None, Vec::new());
    Settings::read(&mut reader);
    reader.known().iter().filter(|key| !is_file_twin(key, reader.known())).cloned().collect()
}

/// `zoom.client_secret_file` is `zoom.client_secret` by another way.
fn is_file_twin(key: &str, known: &BTreeSet<String>) -> bool {
    key.strip_suffix("_file").is_some_and(|base| known.contains(base))
}

/// The documented lines as (section.key, line with the key set, whether it is only an example).
fn documented() -> Vec<(String, String, bool)> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in DOCUMENTED.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        }
        let Some((key, _)) = line.strip_prefix('#').and_then(|rest| rest.split_once(" = ")) else { continue };
        if key.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            let set = format!("[{section}]\n{}\n", line.trim_start_matches('#'));
            found.push((format!("{section}.{key}"), set, line.ends_with("# no default")));
        }
    }
    found
}

#[test]
fn the_file_documents_every_key_and_no_other() {
    let mut in_file: Vec<String> = documented().into_iter().map(|(key, ..)| key).collect();
    let mut in_code = known_keys();
    in_file.sort();
    in_code.sort();
    assert_eq!(in_file, in_code);
}

#[test]
fn the_file_shows_the_defaults() {
    let defaults = format!("{:?}", Settings::from_toml("").expect("defaults are good"));
    for (key, line, example) in documented().into_iter().filter(|(.., example)| !example) {
        let settings = Settings::from_toml(&line).unwrap_or_else(|faults| panic!("{key}: {faults}"));
        assert_eq!(format!("{settings:?}"), defaults, "{key} (example: {example})");
    }
}

#[test]
fn every_key_of_the_contract_exists() {
    let known = known_keys();
    let missing: Vec<&&str> = CONTRACT.iter().filter(|key| !known.iter().any(|k| k == *key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn all_faults_are_told_at_once_with_place_and_key() {
    let told = faults(Settings::from_toml(
        "[server]\nbnd = \"x\"\nworkers = \"many\"\n\n[zoom]\nplan = \"gold\"\ntimeout = \"soon\"\n\
         [attendance]\npresent_share = 1.5\n[nonsense]\nkey = 1\n",
    ));
    assert_eq!(
        told,
        [
            "convened.toml:3: server.workers: expected a whole number: found text",
            "convened.toml:6: zoom.plan: expected free, pro or business: found text",
            "convened.toml:7: zoom.timeout: expected a duration such as \"90s\", \"15m\" or \"30d\": \
         expected number at 0",
            "convened.toml:9: attendance.present_share: must be between 0 and 1",
            "convened.toml:11: nonsense.key: unknown key",
            "convened.toml:2: server.bnd: unknown key (did you mean `server.bind`?)",
        ]
    );
}

#[test]
fn a_file_that_is_not_toml_is_a_fault_with_its_line() {
    let told = faults(Settings::from_toml("[server]\nbind = \n"));
    assert!(told.iter().any(|line| line.starts_with("convened.toml:2: ")), "{told:?}");
}

#[test]
fn variables_lie_over_the_file_and_seed_names_over_both() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("c.toml");
    std::fs::write(&file, "[zoom]\naccount_id = \"file\"\nclient_id = \"file\"\nclient_secret = \"file\"\n")
        .expect("written");
    let sources = Sources::default()
        .with_file(&file)
        .with_variable("CONVENED_ZOOM__ACCOUNT_ID", "variable")
        .with_variable("CONVENED_ZOOM__CLIENT_ID", "variable")
        .with_variable("ZOOM_API_KEY", "old name")
        .with_variable("ZOOM_CLIENT_ID", "seed name")
        .with_variable("CONVENED_ZOOM__HOST_POOL", "a@x.org, b@x.org")
        .with_variable("CONVENED_ZOOM__LIMITS__LIGHT_PER_SECOND", "8")
        .with_variable("CONVENED_MEETINGS__WAITING_ROOM", "false")
        .with_variable("LOG_LEVEL", "WARN");
    let settings = Settings::load(&sources).expect("good settings");
    assert_eq!(settings.zoom.account_id.as_deref(), Some("variable"));
    assert_eq!(settings.zoom.client_id.as_deref(), Some("seed name"));
    assert_eq!(settings.zoom.host_pool, ["a@x.org", "b@x.org"]);
    assert_eq!(settings.zoom.limits.light_per_second, Some(8));
    assert!(!settings.meetings.waiting_room);
    assert_eq!(settings.log.level, LogLevel::Warn);
    assert!(settings.zoom.configured());
}

#[test]
fn misspelt_variables_are_faults_too() {
    let sources = Sources::default()
        .with_variable("CONVENED_SERVER_BIND", "127.0.0.1:1")
        .with_variable("CONVENED_SERVER__BINT", "127.0.0.1:1")
        .with_variable("CONVENED_TEST_POSTGRES", "not a key")
        .with_variable("CONVENED_CONFIG", "not a key");
    assert_eq!(
        faults(Settings::load(&sources)),
        [
            "environment CONVENED_SERVER_BIND: not a key (write CONVENED_<SECTION>__<KEY>, with two underscores)",
            "environment CONVENED_SERVER__BINT: server.bint: unknown key (did you mean `server.bind`?)",
        ]
    );
}

#[test]
fn a_secret_comes_from_a_file_beside_the_configuration_or_the_credentials_directory() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("c.toml");
    std::fs::write(&file, "[auth]\njwt_secret_file = \"jwt\"\n").expect("written");
    std::fs::write(folder.path().join("jwt"), "0123456789abcdef0123456789abcdef\n").expect("written");
    std::fs::write(folder.path().join("zoom.webhook_secret_token"), "token\n").expect("written");
    let settings =
        Settings::load(&Sources::default().with_file(&file).with_credentials(folder.path())).expect("good");
    let exposed =
        |secret: &Option<secrecy::SecretString>| secret.as_ref().map(|s| s.expose_secret().to_owned());
    assert_eq!(exposed(&settings.auth.jwt_secret).as_deref(), Some("0123456789abcdef0123456789abcdef"));
    assert_eq!(exposed(&settings.zoom.webhook_secret_token).as_deref(), Some("token"));
}

#[test]
fn a_secret_given_twice_or_in_a_missing_file_is_a_fault() {
    let told = faults(Settings::from_toml(
        "[auth]\njwt_secret = \"a\"\njwt_secret_file = \"b\"\n[zoom]\nsdk_key = \"k\"\nsdk_secret_file = \"/nowhere\"\n",
    ));
    assert!(
        told.iter().any(|line| line.contains("auth.jwt_secret_file: set beside `auth.jwt_secret`")),
        "{told:?}"
    );
    assert!(
        told.iter().any(|line| line.contains("zoom.sdk_secret_file: /nowhere: No such file")),
        "{told:?}"
    );
}

#[test]
fn secrets_are_never_shown() {
    let text = format!(
        "[database]\nurl = \"postgres://me:hush@db/x\"\nencryption_key = \"{KEY}\"\n\
         [[webhooks.endpoints]]\nurl = \"https://x.org\"\nsecret = \"whsec_{KEY}\"\n"
    );
    let shown = format!("{:?}", Settings::from_toml(&text).expect("good settings"));
    assert!(!shown.contains("hush") && !shown.contains(KEY), "{shown}");
}

#[test]
fn endpoints_are_read_one_by_one() {
    let told = faults(Settings::from_toml(
        "[[webhooks.endpoints]]\nurl = \"https://x.org\"\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n[[webhooks.endpoints]]\nulr = \"ftp://x\"\n",
    ));
    assert_eq!(
        told,
        [
            "webhooks.endpoints[1].url: missing",
            "webhooks.endpoints[1].secret: missing",
            "convened.toml:1: webhooks.endpoints[1].ulr: unknown key (did you mean `webhooks.endpoints[1].url`?)",
        ]
    );
}

#[test]
fn endpoints_must_be_safe_signed_and_ask_for_what_there_is() {
    let endpoint = |fields: &str| format!("[[webhooks.endpoints]]\n{fields}\n");
    let secret = format!("secret = \"whsec_{KEY}\"");
    let good = format!("url = \"http://127.0.0.1:9/x\"\n{secret}\nevents = [\"attendance.final\"]");
    let settings = Settings::from_toml(&endpoint(&good)).expect("good settings");
    assert_eq!(settings.webhooks.endpoints[0].key.expose_secret().len(), 32);
    let cases = [
        (format!("url = \"http://x.org\"\n{secret}"), "webhooks.endpoints[0].url: must be https"),
        (format!("url = \"https://x.org\"\n{secret}\nevents = [\"a.b\"]"), "`a.b` is no event"),
        ("url = \"https://x.org\"\nsecret = \"whsec_c2hvcnQ=\"".to_owned(), "24 to 64 bytes"),
        (format!("url = \"https://x.org\"\nsecret = \"{KEY}\""), "must be `whsec_`"),
    ];
    for (fields, fault) in cases {
        let told = faults(Settings::from_toml(&endpoint(&fields)));
        assert!(told.len() == 1 && told[0].contains(fault), "{fields}: {told:?}");
    }
    let twice = endpoint(&good).repeat(2);
    assert!(faults(Settings::from_toml(&twice))[0].contains("the same url"));
}

#[test]
fn values_have_to_agree_with_each_other() {
    let cases = [
        ("[database]\nurl = \"mysql://x\"", "database.url"),
        ("[database]\nurl = \"postgres://x\"", "database.encryption_key"),
        ("[database]\nencryption_key = \"short\"", "database.encryption_key"),
        ("[zoom]\nclient_id = \"x\"", "zoom.client_id"),
        ("[zoom]\nretry_min = \"1h\"", "zoom.retry_min"),
        ("[webhook]\nretention = \"1m\"", "webhook.retention"),
        ("[retention]\nparticipants = \"71h\"", "retention.participants"),
        ("[retention]\nmeetings = \"100d\"", "retention.meetings"),
        ("[retention]\nattendance = \"100d\"", "retention.attendance"),
        ("[auth]\njwt_secret = \"short\"", "auth.jwt_secret"),
        ("[auth]\njwks_file = \"x\"\nalgorithm = \"HS256\"", "auth.algorithm"),
        ("[mail]\nfrom = \"x@x.org\"", "mail.from"),
        ("[clock]\nspeed = 200", "clock.speed"),
    ];
    for (text, key) in cases {
        let faults = Settings::from_toml(text).expect_err(text);
        assert_eq!(faults.iter().map(Fault::key).collect::<Vec<_>>(), [key], "{text}");
    }
    Settings::from_toml("[clock]\nspeed = 200\n[zoom]\napi_url = \"http://127.0.0.1:1/v2\"")
        .expect("a rehearsal");
}

#[test]
fn thresholds_of_attendance_are_whole_minutes_of_at_most_a_day() {
    for (key, text, told) in [
        ("late_after", "90s", "90s"),
        ("late_after", "45s", "45s"),
        ("present_after", "48h", "172800s"),
        ("present_after", "100ms", "100ms"),
    ] {
        let faults = faults(Settings::from_toml(&format!("[attendance]\n{key} = \"{text}\"")));
        let fault = format!(
            "convened.toml:2: attendance.{key}: must be whole minutes, from 0 to 1440, and is {told}"
        );
        assert_eq!(faults, [fault]);
    }
    for text in ["0s", "120s", "24h"] {
        Settings::from_toml(&format!("[attendance]\nlate_after = \"{text}\"")).expect(text);
    }
}

#[test]
fn durations_are_written_for_people() {
    let settings = Settings::from_toml("[retention]\naudit = \"2years\"\n[webhook]\nmax_age = \"1h 30m\"")
        .expect("good");
    assert_eq!(settings.webhook.max_age, Duration::from_secs(90 * 60));
    assert!(settings.retention.audit > Duration::from_secs(729 * 24 * 3600));
}
