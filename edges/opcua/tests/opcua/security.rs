//! Encryption, trust and logins, against asyncua.

use crate::support::{Memory, Plant, Running, free_port, names};
use std::path::Path;
use tempfile::TempDir;

struct Folders {
    all: TempDir,
}

impl Folders {
    fn new() -> Folders {
        Folders { all: tempfile::tempdir().unwrap() }
    }

    fn server(&self) -> String {
        self.all.path().join("server").display().to_string()
    }

    fn own(&self) -> std::path::PathBuf {
        self.all.path().join("own-pki")
    }
}

async fn plant(folders: &Folders, login: &[&str]) -> Plant {
    let pki = folders.server();
    Plant::start(free_port().await, &[&["--pki", pki.as_str(), "--counters", "1"], login].concat()).await
}

fn source(plant: &Plant, own: &Path, rest: &str) -> String {
    format!(
        "name = \"plc\"\nendpoint = \"{}\"\npki = \"{}\"\npublishing_ms = 100\n{rest}\n[[tag]]\n\
         node = \"nsu=urn:lehr:test;s=c0\"\nto = {{ sensor = \"Line_A.c0\" }}\n",
        plant.endpoint(),
        own.display()
    )
}

async fn values_come(running: &Running) {
    running.until("values come", |it| it.intake.readings().len() > 3).await;
    assert!(running.connected());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_not_trusted_until_somebody_has_put_its_certificate_into_the_folder() {
    let folders = Folders::new();
    let plant = plant(&folders, &[]).await;
    let config = source(&plant, &folders.own(), "security = \"basic256sha256\"");
    let running = Running::start(&config, Memory::new(names(1)));
    running.until("the server is refused", |it| it.why().contains("move it to")).await;
    println!("{}", running.why());
    let rejected: Vec<_> =
        std::fs::read_dir(folders.own().join("rejected")).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!((rejected.len(), running.intake.readings().len()), (1, 0));
    std::fs::rename(rejected[0].path(), folders.own().join("trusted").join(rejected[0].file_name())).unwrap();
    values_come(&running).await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = std::fs::metadata(folders.own().join("private/private.pem")).unwrap();
        assert_eq!(key.permissions().mode() & 0o077, 0, "the key is for its owner alone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_server_is_trusted_where_that_is_said_and_then_alone() {
    let folders = Folders::new();
    let plant = plant(&folders, &[]).await;
    let any = source(&plant, &folders.own(), "security = \"basic256sha256\"\ntrust = \"any\"");
    let running = Running::start(&any, Memory::new(names(1)));
    values_come(&running).await;
    drop(running);
    let config = source(&plant, &folders.own(), "security = \"basic256sha256\"");
    let running = Running::start(&config, Memory::new(names(1)));
    running.until("the server is refused", |it| it.why().contains("move it to")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_are_by_password_or_certificate_and_a_wrong_one_is_said() {
    let folders = Folders::new();
    let plant = plant(&folders, &["--login"]).await;
    let password = |text: &str| {
        let file = folders.all.path().join(format!("password-{text}"));
        std::fs::write(&file, format!("{text}\n")).unwrap();
        format!("user = \"operator\"\npassword = {{ file = \"{}\" }}", file.display())
    };
    let secure = "security = \"basic256sha256\"\ntrust = \"any\"";
    let with = |rest: &str| source(&plant, &folders.own(), &format!("{secure}\n{rest}"));

    let running = Running::start(&with(""), Memory::new(names(1)));
    running.until("nobody is refused", |it| it.why().contains("does not take anonymous access")).await;

    let running = Running::start(&with(&password("guess")), Memory::new(names(1)));
    running.until("a wrong password is refused", |it| it.why().contains("look at user and password")).await;
    println!("{}", running.why());

    let running = Running::start(&with(&password("s3cret")), Memory::new(names(1)));
    values_come(&running).await;

    let by_certificate = format!("user_certificate = \"{0}/user.der\"\nuser_key = \"{0}/user.pem\"", folders.server());
    let running = Running::start(&with(&by_certificate), Memory::new(names(1)));
    values_come(&running).await;

    // The password is encrypted also here, but not the rest.
    let open = source(&plant, &folders.own(), &format!("insecure_login = true\n{}", password("s3cret")));
    let running = Running::start(&open, Memory::new(names(1)));
    values_come(&running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_security_is_named_as_such() {
    let folders = Folders::new();
    let plant = Plant::start(free_port().await, &[]).await;
    let config = source(&plant, &folders.own(), "security = \"basic256sha256\"\ntrust = \"any\"");
    let running = Running::start(&config, Memory::new(names(1)));
    running.until("it is said", |it| it.why().contains("does not offer the configured security")).await;
    assert!(running.why().contains("it offers None None"), "{}", running.why());
}
