//! Where a Kafka is to be had.

use std::fs;
use std::path::{Path, PathBuf};

use contract::Program;
use contract::environment::{KAFKA_BROKER, KAFKA_BROKERS, KAFKA_HOME, KAFKA_VERSION};
use contract::events::BUILT_IN_LIMITS;

use crate::host::Host;
use crate::servers::{Found, ServerError};
use crate::wiring::Environment;

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

const ABSENT: ServerError = ServerError::Absent {
    program: Program::Kafka,
    words: "there is no Apache Kafka on this machine: either set KAFKA_BROKERS=host:port to a Kafka that runs, or set \
            KAFKA_HOME to the folder of an Apache Kafka (get it from https://kafka.apache.org/downloads, or by \
            `mvn -f compose/kafka/pom.xml dependency:copy-dependencies -DoutputDirectory=FOLDER/libs`), which needs Java 17 \
            (apt-get install default-jre-headless)",
};

/// Which broker a system asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum BrokerKind {
    /// Apache Kafka where `KAFKA_HOME` names one, else the built-in one.
    #[default]
    Any,
    /// The built-in one.
    BuiltIn,
    /// A real one: it keeps what it was given when it is started again, and knows transactions.
    Apache,
}

/// The Kafka that a system has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KafkaSource {
    /// The small broker that is built into the lab.
    BuiltIn,
    /// Apache Kafka of this version, started for each system.
    Apache(String),
    /// One that runs already and that the user named: `host:port`, with commas between several.
    Brokers(String),
}

/// An installation of Apache Kafka, with what runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApacheKafka {
    /// The folder with the jars.
    pub(super) jars: PathBuf,
    /// Its version, such as `4.1.0`.
    pub(super) version: String,
    /// The program `java`.
    pub(super) java: PathBuf,
}

impl BrokerKind {
    /// What a variable's value asks for.
    ///
    /// # Errors
    /// When it is no kind.
    fn of_text(text: &str) -> Result<Self, ServerError> {
        match text {
            "" | "any" => Ok(Self::Any),
            "built-in" => Ok(Self::BuiltIn),
            "apache" => Ok(Self::Apache),
            other => Err(ServerError::Unusable {
                which: format!("the Kafka of {KAFKA_BROKER}={other}"),
                reason: "it must be any, built-in or apache".to_owned(),
            }),
        }
    }

    /// What is asked for in the environment of a broker.
    fn of(told: &Environment) -> Result<Self, ServerError> {
        told.get(KAFKA_BROKER).map_or(Ok(Self::Any), |text| Self::of_text(text))
    }
}

impl KafkaSource {
    /// The Kafka that a running system has, from what its instance is told.
    pub(super) fn noted_in(told: &Environment) -> Self {
        let noted = |name| told.get(name).map(String::as_str);
        if let Some(brokers) = noted(KAFKA_BROKERS) {
            return Self::Brokers(brokers.to_owned());
        }
        match (noted(KAFKA_BROKER), noted(KAFKA_VERSION)) {
            (Some("apache"), Some(version)) => Self::Apache(version.to_owned()),
            _ => Self::BuiltIn,
        }
    }

    /// Which broker it is and what it does not do, in one sentence.
    pub(super) fn words(&self) -> String {
        match self {
            Self::BuiltIn => format!("Kafka is the broker that is built into the lab: {BUILT_IN_LIMITS}."),
            Self::Apache(version) => format!("Kafka is Apache Kafka {version}, one broker."),
            Self::Brokers(brokers) => {
                format!("Kafka is the one at {brokers} (KAFKA_BROKERS), which the lab did not start.")
            }
        }
    }
}

/// What an instance is told so that it is this Kafka again when it is started again.
pub(super) fn noted(found: &Found) -> Vec<(&'static str, String)> {
    let apache = |jars: String, version: &str| {
        vec![
            (KAFKA_BROKER, "apache".to_owned()),
            (KAFKA_HOME, jars),
            (KAFKA_VERSION, version.to_owned()),
        ]
    };
    match found {
        Found::StandIn => vec![(KAFKA_BROKER, "built-in".to_owned())],
        Found::Named(brokers) => vec![(KAFKA_BROKERS, brokers.clone())],
        Found::Host(jars) => {
            let version = version_in(jars).unwrap_or_default();
            apache(jars.display().to_string(), &version)
        }
        Found::Image(name) => {
            let (_, version) = name.rsplit_once(':').unwrap_or_default();
            apache("/opt/kafka/libs".to_owned(), version)
        }
    }
}

/// Whether the built-in broker stands in for Apache Kafka: a real one is taken where it is asked for, or where the user
/// says where one is and nobody asks for the built-in one.
pub(super) fn stands_in(host: &Host, told: &Environment) -> Result<bool, ServerError> {
    Ok(match BrokerKind::of(told)? {
        BrokerKind::BuiltIn => true,
        BrokerKind::Any => host.path(KAFKA_HOME).is_none(),
        BrokerKind::Apache => false,
    })
}

/// Apache Kafka of this machine, with what runs it.
///
/// # Errors
/// When there is none, or nothing to run it.
pub(super) fn apache(host: &Host) -> Result<ApacheKafka, ServerError> {
    let (jars, version) = match host.path(KAFKA_HOME) {
        Some(home) => installation(&home).ok_or_else(|| ServerError::Unusable {
            which: format!("the Kafka of {KAFKA_HOME}={}", home.display()),
            reason: format!("there is no {BROKER_JAR}*.jar in it, nor in its folder libs"),
        })?,
        None => places(host)
            .iter()
            .find_map(|place| installation(place))
            .ok_or(ABSENT)?,
    };
    let java = host.program("java").ok_or_else(|| ServerError::Unusable {
        which: format!("the Kafka of {}", jars.display()),
        reason: "there is no java to run it (apt-get install default-jre-headless)".to_owned(),
    })?;
    Ok(ApacheKafka { jars, version, java })
}

/// Folders that may hold an installation.
fn places(host: &Host) -> Vec<PathBuf> {
    // A script of an installation lies beside the folder of its jars.
    let of_script = host
        .program("kafka-server-start.sh")
        .and_then(|script| fs::canonicalize(script).ok())
        .and_then(|script| Some(script.parent()?.parent()?.to_owned()));
    let usual = PLACES.iter().map(PathBuf::from).filter(|_| host.usual_places);
    of_script.into_iter().chain(usual).collect()
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

/// The version of an installation.
pub(super) fn version_in(home: &Path) -> Option<String> {
    installation(home).map(|(_, version)| version)
}

/// The version in the name of the broker's jar: `kafka_2.13-4.1.0.jar`.
fn version(jar: &str) -> Option<String> {
    let (_scala, version) = jar.strip_prefix(BROKER_JAR)?.strip_suffix(".jar")?.split_once('-')?;
    version
        .starts_with(|first: char| first.is_ascii_digit())
        .then(|| version.to_owned())
}

/// What the user wrote into `KAFKA_BROKERS`.
pub(super) fn address(text: &str) -> Result<String, String> {
    let is_address = |part: &str| {
        let pair = part.trim().rsplit_once(':');
        pair.is_some_and(|(host, port)| !host.is_empty() && !host.contains(['/', '@']) && port.parse::<u16>().is_ok())
    };
    if text.split(',').all(is_address) {
        Ok(text.split(',').map(str::trim).collect::<Vec<_>>().join(","))
    } else {
        Err("it does not have the form host:port, with commas between several and no user or password".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Family};
    use crate::servers::kafka::Kafka;
    use crate::servers::named;

    /// A machine with an Apache Kafka beside the script that starts it, and a Java.
    fn installed() -> (tempfile::TempDir, Host) {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let within = |path: &str| folder.path().join("kafka").join(path);
        for (path, mode) in [
            ("libs/kafka_2.13-4.1.0.jar", 0o644),
            ("libs/kafka_2.13-test.jar", 0o644),
            ("bin/kafka-server-start.sh", 0o755),
            ("bin/java", 0o755),
        ] {
            fs::create_dir_all(within(path).parent().unwrap()).unwrap();
            fs::write(within(path), "").unwrap();
            fs::set_permissions(within(path), fs::Permissions::from_mode(mode)).unwrap();
        }
        let host = Host::in_folders(vec![within("bin")]);
        (folder, host)
    }

    fn told(broker: &str) -> Environment {
        Environment::from([(KAFKA_BROKER.to_owned(), broker.to_owned())])
    }

    #[test]
    fn the_built_in_one_stands_in_unless_a_home_is_named_or_a_real_one_is_asked_for() {
        let (folder, host) = installed();
        assert!(stands_in(&host, &Environment::new()).unwrap());
        assert!(!stands_in(&host, &told("apache")).unwrap());
        let host = host.with(KAFKA_HOME, folder.path().join("kafka"));
        assert!(!stands_in(&host, &Environment::new()).unwrap());
        assert!(stands_in(&host, &told("built-in")).unwrap());
        stands_in(&host, &told("redis")).unwrap_err();
    }

    #[test]
    fn a_real_one_is_looked_for_where_its_script_is() {
        let (folder, host) = installed();
        let found = apache(&host).unwrap();
        assert_eq!(found.version, "4.1.0");
        assert_eq!(found.jars, folder.path().canonicalize().unwrap().join("kafka/libs"));
    }

    #[test]
    fn without_a_real_one_every_way_to_get_one_is_named() {
        let error = Error::from(apache(&Host::default()).unwrap_err());
        assert_eq!(error.family(), Family::Environment);
        let message = error.to_string();
        for part in ["KAFKA_BROKERS=host:port", "KAFKA_HOME", "mvn"] {
            assert!(message.contains(part), "{part:?} is not in {message}");
        }
        let nowhere = Host::default().with(KAFKA_HOME, "/nowhere");
        assert!(apache(&nowhere).unwrap_err().to_string().contains("/nowhere"));
    }

    #[test]
    fn what_the_user_names_is_taken_or_refused() {
        let named_as = |text: &str| named(&Kafka, &Host::default().with(KAFKA_BROKERS, text));
        assert_eq!(named_as(" a:1, b:2 ").unwrap().as_deref(), Some("a:1,b:2"));
        for wrong in ["a", "a:1,", "http://a:1", ":1", "a:99999"] {
            let error = Error::from(named_as(wrong).unwrap_err());
            assert_eq!(error.family(), Family::Environment, "{wrong}");
            assert!(error.to_string().contains("KAFKA_BROKERS"), "{error}");
        }
    }

    #[test]
    fn which_one_it_is_is_noted_and_read_back() {
        let (folder, _) = installed();
        let jars = folder.path().join("kafka/libs");
        for (found, source) in [
            (Found::StandIn, KafkaSource::BuiltIn),
            (Found::Named("a:1".into()), KafkaSource::Brokers("a:1".into())),
            (Found::Image("apache/kafka:3.9.0"), KafkaSource::Apache("3.9.0".into())),
            (Found::Host(jars), KafkaSource::Apache("4.1.0".into())),
        ] {
            let notes = noted(&found).into_iter().map(|(name, value)| (name.to_owned(), value));
            assert_eq!(KafkaSource::noted_in(&notes.collect()), source);
        }
    }
}
