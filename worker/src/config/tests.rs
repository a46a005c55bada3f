use super::*;

fn with(toml: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, toml).unwrap();
    let flags = Flags { file: Some(file), data_dir: Some(folder.path().join("data")), overrides: Vec::new() };
    Config::load(flags).map_err(|e| format!("{:#}", anyhow::Error::from(e)))
}

#[test]
fn the_defaults_are_valid_and_a_file_goes_over_them() {
    let config =
        with("[database]\nkeep_jobs = 1123200\n[worker]\nprefetch = 7\n[http]\nallow_net = [\"10.0.0.0/8\"]").unwrap();
    assert_eq!((config.worker.prefetch, config.worker.concurrency, config.worker.per_host), (7, 7, 5));
    assert_eq!(config.http.allow_net.len(), 1);
    assert!(config.data_dir.is_absolute());
}

#[test]
fn an_empty_text_is_no_setting() {
    let config = with("").unwrap();
    assert!(config.http.base_url.is_none() && config.http.ca_file.is_none() && config.http.proxy.is_none());
    assert!(config.vault.key.is_none() && config.vault.key_file.is_none() && config.amqp.client_key.is_none());
    let config = with("[http]\nbase_url = \"https://h.example/a\"\nca_file = \"ca.pem\"").unwrap();
    assert_eq!(config.http.base_url.unwrap().as_str(), "https://h.example/a");
    assert_eq!(config.http.ca_file, Some(PathBuf::from("ca.pem")));
}

#[test]
fn a_mistake_is_named_by_its_key() {
    for (toml, expected) in [
        ("[worker]\nprefech = 7", "prefech"),
        ("[worker]\nprefetch = 0", "worker.prefetch must be at least 1"),
        ("[database]\nkeep_payloads = 59", "database.keep_payloads must be at least 60 seconds"),
        ("[database]\nkeep_jobs = 1123199", "database.keep_jobs must be at least 1123200 seconds"),
        ("[database]\nkeep_payloads = 2592001", "database.keep_jobs must be at least database.keep_payloads"),
        ("[amqp]\nprefix = \"a b\"", "amqp.prefix is `a b`"),
        ("[amqp]\nheartbeat = 65536", "amqp.heartbeat must be at most 65535 seconds"),
        ("[amqp]\nheartbeat = -1", "amqp.heartbeat"),
        ("[amqp]\nclient_key = \"k.pem\"", "amqp.client_key and client_certificate belong together"),
        ("[vault]\nkey = \"a\"\nkey_file = \"b\"", "vault.key is set, and so is vault.key_file"),
        ("[vault]\nold_keys = [\"a\"]", "vault.old_keys needs vault.key"),
        ("[worker]\nqueues = [\"a.b\"]", "worker.queues holds `a.b`"),
        ("[http]\nallow_net = [\"10.0.0.0/99\"]", "allow_net"),
        ("[http]\nallow_ports = [0]", "http.allow_ports holds 0, which is no port"),
        ("[http]\nallow_ports = [70000]", "allow_ports"),
        ("[http]\nbase_url = \"ftp://x\"", "http.base_url is `ftp://x/`, not an http or https URL"),
        ("[http]\nbase_url = \"x\"", "`x` is not a URL: relative URL without a base for key `http.base_url`"),
        ("worker", "c.toml"),
    ] {
        let problem = with(toml).unwrap_err();
        assert!(problem.contains(expected), "{toml}: {problem}");
    }
}

#[test]
fn settings_in_force_say_where_they_are_from_and_hold_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    let written = "[amqp]\nurl = \"amqps://me:canary@a.example/v?x=canary, amqp://b.example\"\n\
                   [database]\nurl = \"postgres://me:canary@db.example/d?password=canary\"\n\
                   [vault]\nkey = \"canary\"\nold_keys = [\"canary\"]\n[http]\nproxy = \"http://me:canary@proxy.example:3128\"\n\
                   [engines.default]\naccepts_replay = true\n[worker]\nprefetch = 7";
    std::fs::write(&file, written).unwrap();
    // Without the environment, which may name a broker and a database.
    let sources = config::Config::builder()
        .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
        .add_source(File::from(file.as_path()).format(FileFormat::Toml))
        .set_override("worker.queues", vec!["orders"])
        .unwrap();
    let derived = BTreeMap::from([("worker.concurrency", 7.into())]);
    let settings = in_force::in_force(&sources.build().unwrap().cache, &["worker.queues"], &derived);
    assert!(!serde_json::to_string(&settings).unwrap().contains("canary"));
    for (name, value, origin) in [
        ("amqp.url", serde_json::json!("amqps://me:********@a.example/v,amqp://b.example"), Origin::File),
        ("database.url", "postgres://me:********@db.example/d".into(), Origin::File),
        ("vault.key", "********".into(), Origin::File),
        ("vault.old_keys", "********".into(), Origin::File),
        ("vault.key_file", "".into(), Origin::Default),
        ("http.proxy", "http://me:********@proxy.example:3128/".into(), Origin::File),
        ("engines.default.accepts_replay", true.into(), Origin::File),
        ("worker.prefetch", 7.into(), Origin::File),
        ("worker.concurrency", 7.into(), Origin::Default),
        ("worker.queues", serde_json::json!(["orders"]), Origin::Flag),
    ] {
        let found = settings.iter().find(|setting| setting.name == name);
        assert_eq!(found, Some(&Setting { name: name.to_owned(), value, origin }));
    }
    // Every setting of the file of defaults is there, and what is kept as a secret is known as one.
    let defaults = DEFAULTS.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count();
    assert_eq!(settings.len(), defaults + 1);
    let kept = include_str!("sections.rs")
        .lines()
        .filter(|line| line.starts_with("    pub ") && line.contains("SecretString"));
    assert_eq!(kept.count(), in_force::SECRETS.len() + in_force::ADDRESSES.len());
}

#[test]
fn half_a_password_is_no_port_that_may_be_shown() {
    for name in in_force::ADDRESSES {
        for end in [',', '#', '/', '?'] {
            let address = format!("scheme://me:4711{end}4712@db.example/d");
            let sources = config::Config::builder().set_override(name, address.as_str()).unwrap().build().unwrap();
            let settings = in_force::in_force(&sources.cache, &[], &BTreeMap::new());
            let shown = settings[0].value.as_str().unwrap().to_owned();
            assert!(!shown.contains("4711") && !shown.contains("4712"), "{name}: {address} is shown as {shown}");
        }
    }
}
