//! Where a Kafka is to be had.

use std::fs;
use std::path::{Path, PathBuf};

use contract::Program;
use contract::environment::{KAFKA_BROKER, KAFKA_BROKERS, KAFKA_HOME, KAFKA_VERSION};
use contract::events::BUILT_IN_LIMITS;
use contract::redact;

use crate::error::Error;
use crate::host;
use crate::topology::SystemSpec;

/// Where installations usually are.
const PLACES: [&str; 6] = [
    "/opt/kafka",
    "/usr/local/kafka",
    "/usr/share/kafka",
    "/usr/local/opt/kafka/libexec",
    "/opt/homebrew/opt/kafka/libexec",
    "/home/linuxbrew/.linuxbrew/opt/kafka/libexec",
];
/// What the name of the jar of the broker itself begins with; the version of Scala follows, then that of Kafka.
const BROKER_JAR: &str = "kafka_2.";

/// Which broker a system asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BrokerKind {
    /// Apache Kafka where `KAFKA_HOME` names one, else the built-in one.
    #[default]
    Any,
    /// The built-in one.
    BuiltIn,
    /// A real one: it keeps what it was given when it is started again, and knows transactions.
    Apache,
}

/// Where the Kafka of a system comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KafkaSource {
    /// The small broker that is built into the lab.
    BuiltIn,
    /// Apache Kafka of this machine, started for each system.
    Apache(ApacheKafka),
    /// One that runs already and that the user named: `host:port`, with commas between several.
    Brokers(String),
}

/// An installation of Apache Kafka, with what runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApacheKafka {
    /// The folder with the jars.
    pub jars: PathBuf,
    /// Its version, such as `4.1.0`.
    pub version: String,
    /// The program `java`.
    pub java: PathBuf,
}

impl ApacheKafka {
    /// The one in an official image of this name.
    pub(crate) fn of_image(name: &str) -> Self {
        let version = name.rsplit_once(':').map_or("", |(_, version)| version);
        Self {
            jars: PathBuf::from("/opt/kafka/libs"),
            version: version.to_owned(),
            java: PathBuf::from("java"),
        }
    }
}

/// What is looked at to find a Kafka.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KafkaLookup {
    /// What the user wrote into `KAFKA_BROKERS`.
    pub brokers: Option<String>,
    /// What the user wrote into `KAFKA_HOME`.
    pub home: Option<PathBuf>,
    /// Folders that may hold an installation.
    pub places: Vec<PathBuf>,
    /// The folders that may hold the program `java`.
    pub folders: Vec<PathBuf>,
}

/// Where a system that is started by this process would get its Kafka from; says nothing on whether it answers.
///
/// # Errors
/// As [`KafkaLookup::find`].
pub fn kafka_source(kind: BrokerKind) -> Result<KafkaSource, Error> {
    KafkaLookup::of_process().find(kind)
}

impl BrokerKind {
    /// What a variable's value asks for.
    ///
    /// # Errors
    /// When it is no kind.
    pub fn of_text(text: &str) -> Result<Self, Error> {
        match text {
            "" | "any" => Ok(Self::Any),
            "built-in" => Ok(Self::BuiltIn),
            "apache" => Ok(Self::Apache),
            other => Err(Error::KafkaUnusable {
                what: format!("{KAFKA_BROKER}={other}"),
                reason: "it must be any, built-in or apache".to_owned(),
            }),
        }
    }

    /// What a system asks for.
    ///
    /// # Errors
    /// When it asks for something that there is not.
    pub fn of_system(spec: &SystemSpec) -> Result<Self, Error> {
        let mut kafkas = spec.services.iter().filter(|service| service.service == Program::Kafka);
        let asked = kafkas.find_map(|service| service.env.get(KAFKA_BROKER));
        asked.map_or(Ok(Self::Any), |text| Self::of_text(text))
    }
}

impl KafkaSource {
    /// Writes down in a description which Kafka the system has, so that it is the same one when it is started again.
    pub(crate) fn note_in(&self, spec: &mut SystemSpec) {
        let kafkas = spec
            .services
            .iter_mut()
            .filter(|service| service.service == Program::Kafka);
        for env in kafkas.map(|service| &mut service.env) {
            match self {
                Self::BuiltIn => {
                    env.insert(KAFKA_BROKER.to_owned(), "built-in".to_owned());
                }
                Self::Apache(kafka) => {
                    env.insert(KAFKA_BROKER.to_owned(), "apache".to_owned());
                    env.insert(KAFKA_HOME.to_owned(), kafka.jars.display().to_string());
                    env.insert(KAFKA_VERSION.to_owned(), kafka.version.clone());
                }
                Self::Brokers(brokers) => {
                    env.insert(KAFKA_BROKERS.to_owned(), brokers.clone());
                }
            }
        }
    }

    /// The Kafka that a running system has; `None` when it has none.
    #[must_use]
    pub fn noted_in(spec: &SystemSpec) -> Option<Self> {
        let kafka = spec.services.iter().find(|service| service.service == Program::Kafka)?;
        let noted = |name| kafka.env.get(name).map(String::as_str);
        if let Some(brokers) = noted(KAFKA_BROKERS) {
            return Some(Self::Brokers(brokers.to_owned()));
        }
        match (noted(KAFKA_BROKER), noted(KAFKA_HOME), noted(KAFKA_VERSION)) {
            (Some("apache"), Some(jars), Some(version)) => Some(Self::Apache(ApacheKafka {
                jars: PathBuf::from(jars),
                version: version.to_owned(),
                java: PathBuf::from("java"),
            })),
            _ => Some(Self::BuiltIn),
        }
    }

    /// Which broker it is and what it does not do, in one sentence.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::BuiltIn => format!("Kafka is the broker that is built into the lab: {BUILT_IN_LIMITS}."),
            Self::Apache(kafka) => format!("Kafka is Apache Kafka {}, one broker.", kafka.version),
            Self::Brokers(brokers) => {
                format!("Kafka is the one at {brokers} (KAFKA_BROKERS), which the lab did not start.")
            }
        }
    }
}

impl KafkaLookup {
    /// What the environment of this process says.
    #[must_use]
    pub fn of_process() -> Self {
        let folders = host::program_folders();
        // A script of an installation lies beside the folder of its jars.
        let of_script = host::find_program("kafka-server-start.sh", &folders)
            .and_then(|script| fs::canonicalize(script).ok())
            .and_then(|script| Some(script.parent()?.parent()?.to_owned()));
        Self {
            brokers: std::env::var(KAFKA_BROKERS).ok(),
            home: std::env::var_os(KAFKA_HOME)
                .filter(|home| !home.is_empty())
                .map(PathBuf::from),
            places: of_script.into_iter().chain(PLACES.map(PathBuf::from)).collect(),
            folders,
        }
    }

    /// The Kafka that the user named, else one of the kind that is asked for.
    ///
    /// # Errors
    /// An environment error when there is none, or when what the user wrote leads to none.
    pub fn find(&self, kind: BrokerKind) -> Result<KafkaSource, Error> {
        match self
            .brokers
            .as_deref()
            .map(str::trim)
            .filter(|brokers| !brokers.is_empty())
        {
            Some(brokers) => addresses(brokers).map(KafkaSource::Brokers),
            None => self.own(kind),
        }
    }

    /// The Kafka of this machine, whatever the user named in `KAFKA_BROKERS`.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn own(&self, kind: BrokerKind) -> Result<KafkaSource, Error> {
        match (kind, &self.home) {
            (BrokerKind::BuiltIn, _) | (BrokerKind::Any, None) => Ok(KafkaSource::BuiltIn),
            (BrokerKind::Any | BrokerKind::Apache, Some(_)) | (BrokerKind::Apache, None) => {
                self.apache().map(KafkaSource::Apache)
            }
        }
    }

    /// Apache Kafka of this machine.
    ///
    /// # Errors
    /// An environment error when there is none, or nothing to run it.
    pub fn apache(&self) -> Result<ApacheKafka, Error> {
        let (jars, version) = match &self.home {
            Some(home) => installation(home).ok_or_else(|| Error::KafkaUnusable {
                what: format!("{KAFKA_HOME}={}", home.display()),
                reason: format!("there is no {BROKER_JAR}*.jar in it, nor in its folder libs"),
            })?,
            None => self
                .places
                .iter()
                .find_map(|place| installation(place))
                .ok_or(Error::NoKafka)?,
        };
        let java = host::find_program("java", &self.folders).ok_or_else(|| Error::KafkaUnusable {
            what: jars.display().to_string(),
            reason: "there is no java to run it (apt-get install default-jre-headless)".to_owned(),
        })?;
        Ok(ApacheKafka { jars, version, java })
    }
}

/// The folder of the jars, and the version, of an installation.
fn installation(home: &Path) -> Option<(PathBuf, String)> {
    [home.join("libs"), home.to_owned()].into_iter().find_map(|folder| {
        let names = fs::read_dir(&folder).ok()?;
        let version = names
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .find_map(|name| version(&name))?;
        Some((std::path::absolute(folder).ok()?, version))
    })
}

/// The version in the name of the broker's jar: `kafka_2.13-4.1.0.jar`.
fn version(jar: &str) -> Option<String> {
    let (_scala, version) = jar.strip_prefix(BROKER_JAR)?.strip_suffix(".jar")?.split_once('-')?;
    version
        .starts_with(|first: char| first.is_ascii_digit())
        .then(|| version.to_owned())
}

fn addresses(text: &str) -> Result<String, Error> {
    let is_address = |part: &str| {
        let pair = part.trim().rsplit_once(':');
        pair.is_some_and(|(host, port)| !host.is_empty() && !host.contains(['/', '@']) && port.parse::<u16>().is_ok())
    };
    if text.split(',').all(is_address) {
        Ok(text.split(',').map(str::trim).collect::<Vec<_>>().join(","))
    } else {
        Err(Error::KafkaUnusable {
            what: format!("{KAFKA_BROKERS}={}", redact(text)),
            reason: "it does not have the form host:port, with commas between several and no user or password"
                .to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Family;

    fn installed() -> (tempfile::TempDir, KafkaLookup) {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let libs = folder.path().join("kafka/libs");
        fs::create_dir_all(&libs).unwrap();
        fs::write(libs.join("kafka_2.13-4.1.0.jar"), "").unwrap();
        fs::write(libs.join("kafka_2.13-test.jar"), "").unwrap();
        let java = folder.path().join("java");
        fs::write(&java, "").unwrap();
        fs::set_permissions(&java, fs::Permissions::from_mode(0o755)).unwrap();
        let lookup = KafkaLookup {
            places: vec!["/nowhere".into(), folder.path().join("kafka")],
            folders: vec![folder.path().to_owned()],
            ..KafkaLookup::default()
        };
        (folder, lookup)
    }

    #[test]
    fn the_built_in_one_is_there_without_anything_and_a_home_is_taken_before_it() {
        let (folder, mut lookup) = installed();
        assert_eq!(lookup.find(BrokerKind::Any).unwrap(), KafkaSource::BuiltIn);
        lookup.home = Some(folder.path().join("kafka"));
        assert!(matches!(lookup.find(BrokerKind::Any).unwrap(), KafkaSource::Apache(_)));
        assert_eq!(lookup.find(BrokerKind::BuiltIn).unwrap(), KafkaSource::BuiltIn);
    }

    #[test]
    fn a_real_one_is_looked_for_where_installations_are() {
        let (folder, lookup) = installed();
        let KafkaSource::Apache(found) = lookup.find(BrokerKind::Apache).unwrap() else {
            panic!("it is installed");
        };
        assert_eq!(found.version, "4.1.0");
        assert_eq!(found.jars, folder.path().join("kafka/libs"));
    }

    #[test]
    fn without_a_real_one_every_way_to_get_one_is_named() {
        let error = KafkaLookup::default().find(BrokerKind::Apache).unwrap_err();
        assert_eq!(error.family(), Family::Environment);
        let message = error.to_string();
        for part in ["KAFKA_BROKERS=host:port", "KAFKA_HOME", "mvn", "docker"] {
            assert!(message.contains(part), "{part:?} is not in {message}");
        }
    }

    #[test]
    fn what_the_user_names_is_taken_or_refused() {
        let named = |text: &str| {
            KafkaLookup {
                brokers: Some(text.to_owned()),
                ..KafkaLookup::default()
            }
            .find(BrokerKind::Apache)
        };
        assert_eq!(named(" a:1, b:2 ").unwrap(), KafkaSource::Brokers("a:1,b:2".to_owned()));
        for wrong in ["a", "a:1,", "http://a:1", ":1", "a:99999"] {
            assert_eq!(named(wrong).unwrap_err().family(), Family::Environment, "{wrong}");
        }
        let empty = KafkaLookup {
            home: Some("/nowhere".into()),
            ..KafkaLookup::default()
        };
        assert!(
            empty
                .find(BrokerKind::Any)
                .unwrap_err()
                .to_string()
                .contains("/nowhere")
        );
    }

    #[test]
    fn a_system_says_which_kind_it_needs() {
        for (text, kind) in [
            ("any", BrokerKind::Any),
            ("built-in", BrokerKind::BuiltIn),
            ("apache", BrokerKind::Apache),
        ] {
            assert_eq!(BrokerKind::of_text(text).unwrap(), kind);
        }
        BrokerKind::of_text("redis").unwrap_err();
    }
}
