//! Manifests for Kubernetes. There, a Service spreads connections over the instances, so the lab's balancer stays out.

use contract::{Program, environment};
use serde_json::{Value, json};

use super::file::{ExportedFile, IMAGE};
use super::server::exported;
use super::units::of_instance;
use crate::error::Error;
use crate::servers::image::USER;
use crate::servers::{self, Exported, Server, inner_port};
use crate::topology::{Limits, ServiceSpec, SystemSpec};
use crate::yaml;

const HEAD: &str = "# Made by `lab export k8s`; a test keeps this file and the topology equal.\n\
                    # The image comes from `lab export image`, and has to be where the nodes find it. The Secret lab-jwt is in\n\
                    # jwt-secret.yaml, which -o FOLDER writes; or make one: kubectl -n lab create secret generic lab-jwt\n\
                    # --from-literal=JWT_SECRET=\"$(openssl rand -hex 32)\"\n";
const NAMESPACE: &str = "lab";
const CONFIG: &str = "lab";
/// The Secret with what gateways sign tokens with.
pub(super) const JWT_SECRET_NAME: &str = "lab-jwt";
/// Where the entry is reached on every node.
const NODE_PORT: u16 = 30_080;
/// What an instance may use where the topology says nothing.
const LIMITS: Limits = Limits {
    cpu_milli: Some(500),
    memory_mib: Some(128),
};

pub(super) fn files(system: &SystemSpec) -> Result<Vec<ExportedFile>, Error> {
    system.validate()?;
    let mut documents = vec![
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } }),
        config_map(CONFIG, &json!({ environment::LOG_LEVEL: "info" })),
    ];
    // A cluster has somebody who watches it and finds pods by himself: behind one name are many, and each time another answers.
    let watched = system.services.iter().filter(|spec| !servers::watches(spec.service));
    for spec in watched {
        let (container, volumes) = match exported(system, spec, &spec.env)? {
            Some((described, exported)) => {
                let file = exported.file.as_ref();
                documents.extend(file.map(|file| config_map(&files_of(spec), &json!({ file.inner: file.text }))));
                server(spec, described, &exported)
            }
            None => (service(system, spec)?, vec![tmp()]),
        };
        documents.push(deployed(&spec.name, spec.instances, &container, &volumes));
        documents.push(cluster_service(&spec.name, &spec.name, inner_port(spec.service)));
    }
    if let Some(entry) = system.service(&system.entry) {
        documents.extend(doors(entry));
        documents.push(autoscaler(entry));
    }
    let text: Vec<String> = documents.iter().map(yaml::document).collect();
    Ok(vec![ExportedFile {
        name: "kubernetes.yaml",
        text: format!("{HEAD}{}", text.join("---\n")),
    }])
}

pub(super) fn metadata(name: &str) -> Value {
    json!({ "name": name, "namespace": NAMESPACE, "labels": { "app.kubernetes.io/part-of": "lab" } })
}

fn config_map(name: &str, data: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(name), "data": data })
}

/// The name of the ConfigMap with the file that a server reads.
fn files_of(spec: &ServiceSpec) -> String {
    format!("{}-files", spec.name)
}

fn tmp() -> Value {
    json!({ "name": "tmp", "emptyDir": {} })
}

fn deployed(name: &str, replicas: u32, container: &Value, volumes: &[Value]) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(name),
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": {
                    "automountServiceAccountToken": false,
                    "containers": [container],
                    "volumes": volumes,
                },
            },
        },
    })
}

fn service(system: &SystemSpec, spec: &ServiceSpec) -> Result<Value, Error> {
    let port = inner_port(spec.service);
    let mut variables = of_instance(system, spec, &spec.name)?;
    // Each pod has a name of its own.
    variables.remove(environment::INSTANCE);
    let mut env: Vec<Value> = variables
        .into_iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    env.push(json!({
        "name": environment::INSTANCE,
        "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } },
    }));
    if spec.service == Program::Gateway && !spec.env.contains_key(environment::JWT_SECRET) {
        env.push(json!({
            "name": environment::JWT_SECRET,
            "valueFrom": { "secretKeyRef": { "name": JWT_SECRET_NAME, "key": environment::JWT_SECRET } },
        }));
    }
    let asked = |path: &str| json!({ "path": path, "port": port });
    Ok(json!({
        "name": spec.name,
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/lab", "serve", spec.service.as_str()],
        "env": env,
        "envFrom": [{ "configMapRef": { "name": CONFIG } }],
        "ports": [{ "containerPort": port }],
        // Until it has started, nothing else is asked; while it lives, only who is ready gets requests.
        "startupProbe": { "httpGet": asked("/health"), "periodSeconds": 1, "failureThreshold": 60 },
        "readinessProbe": { "httpGet": asked("/ready"), "periodSeconds": 2, "timeoutSeconds": 2 },
        "livenessProbe": { "httpGet": asked("/health"), "periodSeconds": 10, "timeoutSeconds": 5 },
        "resources": resources(spec.limits.unwrap_or_default()),
        "securityContext": confined(),
        "volumeMounts": [{ "name": "tmp", "mountPath": "/tmp" }],
    }))
}

/// A server of others, by its official image, and its volumes. Enough to try things with: what it holds goes with its pod.
fn server(spec: &ServiceSpec, server: &dyn Server, exported: &Exported) -> (Value, Vec<Value>) {
    let port = server.port();
    let listens = json!({ "port": port });
    let mut container = json!({
        "name": spec.name,
        "image": server.image().official,
        "ports": [{ "containerPort": port }],
        "startupProbe": { "tcpSocket": listens, "periodSeconds": 1, "failureThreshold": 120 },
        "readinessProbe": { "exec": { "command": exported.asks }, "periodSeconds": 5, "timeoutSeconds": 10 },
        "livenessProbe": { "tcpSocket": listens, "periodSeconds": 20 },
    });
    if !exported.command.is_empty() {
        container["command"] = json!(exported.command);
    }
    if !exported.environment.is_empty() {
        let variables = exported.environment.iter();
        container["env"] = variables
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
    }
    if exported.confined {
        container["resources"] = resources(Limits::default());
        container["securityContext"] = confined();
    }
    let (mut volumes, mut mounts) = (vec![tmp()], vec![json!({ "name": "tmp", "mountPath": "/tmp" })]);
    if let Some(data) = exported.data {
        volumes.push(json!({ "name": "data", "emptyDir": {} }));
        mounts.push(json!({ "name": "data", "mountPath": data }));
    }
    if let Some(file) = &exported.file {
        volumes.push(json!({ "name": "files", "configMap": { "name": files_of(spec) } }));
        mounts.push(json!({ "name": "files", "mountPath": file.folder, "readOnly": true }));
    }
    container["volumeMounts"] = mounts.into();
    (container, volumes)
}

fn resources(limits: Limits) -> Value {
    let cpu = limits.cpu_milli.or(LIMITS.cpu_milli).unwrap_or_default();
    let memory = limits.memory_mib.or(LIMITS.memory_mib).unwrap_or_default();
    json!({
        // An autoscaler measures against what was requested.
        "requests": { "cpu": format!("{}m", (cpu / 2).max(1)), "memory": format!("{memory}Mi") },
        "limits": { "cpu": format!("{cpu}m"), "memory": format!("{memory}Mi") },
    })
}

fn confined() -> Value {
    json!({
        "runAsNonRoot": true,
        "runAsUser": USER,
        "runAsGroup": USER,
        "readOnlyRootFilesystem": true,
        "allowPrivilegeEscalation": false,
        "capabilities": { "drop": ["ALL"] },
        "seccompProfile": { "type": "RuntimeDefault" },
    })
}

fn cluster_service(name: &str, app: &str, port: u16) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(name),
        "spec": { "type": "ClusterIP", "selector": { "app": app }, "ports": [{ "port": port, "targetPort": port }] },
    })
}

/// The three ways into a cluster; which of them work, its owner decides.
fn doors(entry: &ServiceSpec) -> Vec<Value> {
    let port = inner_port(entry.service);
    let name = &entry.name;
    let service = |suffix: &str, kind: &str, ports: Value| {
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata(&format!("{name}-{suffix}")),
            "spec": { "type": kind, "selector": { "app": name }, "ports": ports },
        })
    };
    vec![
        service(
            "node",
            "NodePort",
            json!([{ "port": port, "targetPort": port, "nodePort": NODE_PORT }]),
        ),
        service("public", "LoadBalancer", json!([{ "port": 80, "targetPort": port }])),
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": metadata(name),
            "spec": { "rules": [{ "http": { "paths": [{
                "path": "/",
                "pathType": "Prefix",
                "backend": { "service": { "name": name, "port": { "number": port } } },
            }] } }] },
        }),
    ]
}

fn autoscaler(entry: &ServiceSpec) -> Value {
    let name = &entry.name;
    json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(name),
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": name },
            "minReplicas": entry.instances,
            "maxReplicas": entry.instances * 3,
            "metrics": [{
                "type": "Resource",
                "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 70 } },
            }],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::whole_system;

    #[test]
    fn every_service_has_a_deployment_and_an_address_that_others_are_told() {
        let system = whole_system("full").unwrap();
        let text = files(&system).unwrap().remove(0).text;
        let (watching, watched): (Vec<_>, Vec<_>) =
            system.services.iter().partition(|spec| servers::watches(spec.service));
        assert!(
            watching.iter().all(|spec| !text.contains(&spec.name)),
            "a cluster has its own"
        );
        for service in watched {
            let deployment = format!(
                "kind: Deployment\nmetadata:\n  labels:\n    app.kubernetes.io/part-of: lab\n  name: {}\n",
                service.name
            );
            assert!(text.contains(&deployment), "{}", service.name);
        }
        assert!(text.contains("http://users:8080"));
        assert_eq!(text.matches("CREATE DATABASE").count(), 5);
    }
}
