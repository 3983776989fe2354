//! Manifests for Kubernetes. There, a Service spreads connections over the instances, so the lab's balancer stays out.

use contract::{Program, environment};
use serde_json::{Value, json};

use super::units::of_instance;
use super::{ExportedFile, IMAGE, databases, image_of, kafka, redis_command, yaml};
use crate::error::Error;
use crate::servers::image::USER;
use crate::servers::inner_port;
use crate::topology::{Limits, ServiceSpec, SystemSpec};

const HEAD: &str = "# Made by `lab export k8s`; a test keeps this file and the topology equal.\n\
                    # The image comes from `lab export image`, and has to be where the nodes find it. The Secret lab-jwt is in\n\
                    # jwt-secret.yaml, which -o FOLDER writes; or make one: kubectl -n lab create secret generic lab-jwt\n\
                    # --from-literal=JWT_SECRET=\"$(openssl rand -hex 32)\"\n";
const NAMESPACE: &str = "lab";
const CONFIG: &str = "lab";
const DATABASES: &str = "postgres-databases";
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
        config_map(DATABASES, &json!({ "databases.sql": databases(system) })),
    ];
    for spec in &system.services {
        documents.push(deployment(system, spec)?);
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

fn deployment(system: &SystemSpec, spec: &ServiceSpec) -> Result<Value, Error> {
    let tmp = json!([{ "name": "tmp", "emptyDir": {} }]);
    let (container, volumes) = match spec.service {
        Program::Redis => (redis(), tmp),
        Program::Kafka => (broker(&spec.name), tmp),
        Program::Postgres => postgres(),
        _ => (service(system, spec)?, tmp),
    };
    Ok(deployed(&spec.name, spec.instances, &container, &volumes))
}

fn deployed(name: &str, replicas: u32, container: &Value, volumes: &Value) -> Value {
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

fn redis() -> Value {
    let port = inner_port(Program::Redis);
    let ping = json!({ "command": ["redis-cli", "PING"] });
    json!({
        "name": "redis",
        "image": image_of(Program::Redis),
        "command": redis_command(),
        "ports": [{ "containerPort": port }],
        "startupProbe": { "tcpSocket": { "port": port }, "periodSeconds": 1, "failureThreshold": 60 },
        "readinessProbe": { "exec": ping, "periodSeconds": 5, "timeoutSeconds": 5 },
        "livenessProbe": { "tcpSocket": { "port": port }, "periodSeconds": 10 },
        "resources": resources(Limits::default()),
        "securityContext": confined(),
        "volumeMounts": [{ "name": "tmp", "mountPath": "/tmp" }],
    })
}

/// What it holds goes with its pod, too.
fn broker(name: &str) -> Value {
    let port = inner_port(Program::Kafka);
    let asks = json!({ "command": kafka::question() });
    let env: Vec<Value> = kafka::environment(name)
        .into_iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    json!({
        "name": name,
        "image": image_of(Program::Kafka),
        "env": env,
        "ports": [{ "containerPort": port }],
        "startupProbe": { "tcpSocket": { "port": port }, "periodSeconds": 1, "failureThreshold": 120 },
        "readinessProbe": { "exec": asks, "periodSeconds": 10, "timeoutSeconds": 10 },
        "livenessProbe": { "tcpSocket": { "port": port }, "periodSeconds": 20 },
        "volumeMounts": [{ "name": "tmp", "mountPath": "/tmp" }],
    })
}

/// A server and its volumes. Enough to try things with: what it holds goes with its pod.
fn postgres() -> (Value, Value) {
    let asks = json!({ "command": ["pg_isready", "-U", "lab"] });
    let container = json!({
        "name": "postgres",
        "image": image_of(Program::Postgres),
        "env": [
            { "name": "POSTGRES_USER", "value": "lab" },
            { "name": "POSTGRES_PASSWORD", "value": "lab" },
        ],
        "ports": [{ "containerPort": inner_port(Program::Postgres) }],
        "startupProbe": { "exec": asks, "periodSeconds": 1, "failureThreshold": 120 },
        "readinessProbe": { "exec": asks, "periodSeconds": 5, "timeoutSeconds": 5 },
        "livenessProbe": { "exec": asks, "periodSeconds": 20, "timeoutSeconds": 5 },
        "volumeMounts": [
            { "name": "data", "mountPath": "/var/lib/postgresql/data" },
            { "name": "databases", "mountPath": "/docker-entrypoint-initdb.d", "readOnly": true },
        ],
    });
    let volumes = json!([
        { "name": "data", "emptyDir": {} },
        { "name": "databases", "configMap": { "name": DATABASES } },
    ]);
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
    use crate::export::units::with_database;
    use crate::export::whole_system;

    #[test]
    fn every_service_has_a_deployment_and_an_address_that_others_are_told() {
        let system = whole_system("full").unwrap();
        let text = files(&system).unwrap().remove(0).text;
        for service in &system.services {
            let deployment = format!(
                "kind: Deployment\nmetadata:\n  labels:\n    app.kubernetes.io/part-of: lab\n  name: {}\n",
                service.name
            );
            assert!(text.contains(&deployment), "{}", service.name);
        }
        assert!(text.contains("http://users:8080"));
        assert_eq!(with_database(&system).len(), 5);
    }
}
