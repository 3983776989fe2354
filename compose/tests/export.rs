//! The exported files: the committed ones are what is exported now, and the tools they are for accept them.

use std::path::{Path, PathBuf};
use std::process::Command;

use compose::export::{self, ExportedFile};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, Service};
use k8s_openapi::api::networking::v1::Ingress;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Set to write the committed files anew.
const UPDATE: &str = "LAB_UPDATE_EXPORTS";

fn exported() -> Vec<ExportedFile> {
    let system = export::whole_system("full").unwrap();
    let mut files = export::compose(&system).unwrap();
    files.extend(export::kubernetes(&system).unwrap());
    files
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_committed_files_are_what_is_exported() {
    let files = exported();
    assert_eq!(files.len(), 5);
    for file in files {
        let path = folder().join(file.name);
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&path, &file.text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == file.text,
            "{} is not what is exported now; {UPDATE}=1 cargo test -p compose --test export writes it anew",
            path.display()
        );
    }
}

/// The tool that reads Compose files, as a plugin or by itself.
fn compose_tool() -> Option<Vec<String>> {
    let answers = |words: &[&str]| {
        let output = Command::new(words[0]).args(&words[1..]).arg("version").output();
        output.is_ok_and(|output| output.status.success())
    };
    let tools: [&[&str]; 2] = [&["docker", "compose"], &["docker-compose"]];
    let found = tools.into_iter().find(|words| answers(words))?;
    Some(found.iter().map(ToString::to_string).collect())
}

#[test]
fn the_real_tool_accepts_the_compose_file() {
    let Some(tool) = compose_tool() else {
        testing::skip("there is neither docker compose nor docker-compose");
        return;
    };
    let check = |file: PathBuf| {
        let arguments = ["-f", file.to_str().unwrap(), "config", "--quiet"];
        Command::new(&tool[0])
            .args(&tool[1..])
            .args(arguments)
            .env("JWT_SECRET", "of this test")
            .output()
            .unwrap()
    };
    let output = check(folder().join("docker-compose.yml"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    // The same with a slip of the pen: a tool that accepts everything would prove nothing.
    let wrong = tempfile::tempdir().unwrap();
    let file = wrong.path().join("docker-compose.yml");
    let text = std::fs::read_to_string(folder().join("docker-compose.yml")).unwrap();
    std::fs::write(&file, text.replace("read_only:", "read_onyl:")).unwrap();
    assert!(!check(file).status.success());
}

#[test]
fn no_exported_system_signs_with_the_default_secret_and_no_secret_is_in_a_file_that_is_shared() {
    let [compose, kubernetes] = ["docker-compose.yml", "kubernetes.yaml"].map(|name| {
        let file = exported().into_iter().find(|file| file.name == name);
        file.unwrap().text
    });
    assert!(
        compose.contains("${JWT_SECRET:?"),
        "a gateway would sign with what everybody knows"
    );
    assert!(kubernetes.contains("secretKeyRef"));
    let secret: Value = serde_yaml_ng::from_str(&export::kubernetes_secret().text).unwrap();
    check::<Secret>(&secret);
    assert!(secret["stringData"]["JWT_SECRET"].as_str().unwrap().len() >= 32);
}

/// Reads a document as what it says it is. What comes out must say the same as what went in: a member that the API does
/// not know would get lost.
fn check<T: DeserializeOwned + Serialize>(document: &Value) {
    let typed: T = serde_json::from_value(document.clone())
        .unwrap_or_else(|error| panic!("{error} in {} {}", document["kind"], document["metadata"]["name"]));
    assert_eq!(serde_json::to_value(typed).unwrap(), *document);
}

#[test]
fn the_manifests_are_objects_of_the_api() {
    let text = std::fs::read_to_string(folder().join("kubernetes.yaml")).unwrap();
    let mut kinds = std::collections::BTreeMap::new();
    for document in serde_yaml_ng::Deserializer::from_str(&text) {
        let document = Value::deserialize(document).unwrap();
        let kind = document["kind"].as_str().unwrap().to_owned();
        match kind.as_str() {
            "Namespace" => check::<Namespace>(&document),
            "ConfigMap" => check::<ConfigMap>(&document),
            "Deployment" => {
                check::<Deployment>(&document);
                let container = &document["spec"]["template"]["spec"]["containers"][0];
                for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
                    assert!(container[probe].is_object(), "{probe} of {}", container["name"]);
                }
            }
            "Service" => check::<Service>(&document),
            "Ingress" => check::<Ingress>(&document),
            "HorizontalPodAutoscaler" => check::<HorizontalPodAutoscaler>(&document),
            other => panic!("nobody checks a {other}"),
        }
        *kinds.entry(kind).or_insert(0) += 1;
    }
    // Six services, Redis, Kafka and PostgreSQL; an address for each, and two more doors for the entry.
    let expected = [
        ("ConfigMap", 2),
        ("Deployment", 9),
        ("HorizontalPodAutoscaler", 1),
        ("Ingress", 1),
        ("Namespace", 1),
        ("Service", 11),
    ];
    assert_eq!(kinds, expected.map(|(kind, count)| (kind.to_owned(), count)).into());
}
