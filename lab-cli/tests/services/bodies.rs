//! What services make of bodies and numbers that are nearly right.

use tempfile::tempdir;

use crate::common::http::{Answer, get, receive, send};
use crate::common::service::Service;

const JSON: (&str, &str) = ("content-type", "application/json");

#[track_caller]
fn sent(service: &Service, method: &str, path: &str, body: &str) -> Answer {
    receive(send(service.port, method, path, &[JSON], body).unwrap())
}

#[test]
fn a_list_is_no_object_and_a_number_has_one_spelling() {
    let folder = tempdir().unwrap();
    let start = |name: &str| Service::start(name, folder.path(), &[("LINK_TO", "127.0.0.1:1")]);
    let [payments, users, inventory, gateway, balancer, link] =
        ["payments", "users", "inventory", "gateway", "balancer", "link"].map(start);
    let account = sent(&payments, "PUT", "/accounts/1", r#"{"balance_cents":500}"#);
    assert!(account.status < 300, "{account:?}");
    let before = get(users.port, "/users").body;
    let mut wrong = Vec::new();
    for (service, method, path, body, expected) in [
        (&payments, "POST", "/payments", "[1,100]", 422),
        (&payments, "PUT", "/accounts/1", "[100]", 422),
        (&payments, "POST", "/accounts/1/debits", "[100]", 422),
        (&payments, "GET", "/accounts/01", "", 400),
        (&payments, "GET", "/accounts/+1", "", 400),
        (&users, "POST", "/users", r#"["Ada","ada@example.org"]"#, 422),
        (&inventory, "PUT", "/products/1", r#"["Thing",1,1]"#, 422),
        (&inventory, "POST", "/products/1/reservations", "[1]", 422),
        (&gateway, "POST", "/api/login", r#"["admin","admin"]"#, 422),
        (&balancer, "PUT", "/_balancer/policy", r#"["random"]"#, 422),
        (
            &balancer,
            "PUT",
            "/_balancer/upstreams",
            r#"[["a","http://127.0.0.1:1"]]"#,
            422,
        ),
        (&link, "PUT", "/conditions", "[0,0,0]", 422),
    ] {
        let status = sent(service, method, path, body).status;
        if status != expected {
            wrong.push(format!("{method} {path} {body}: {status}, not {expected}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(get(payments.port, "/payments").body, "[]");
    assert_eq!(get(payments.port, "/accounts/1").json()["balance_cents"], 500);
    assert_eq!(get(users.port, "/users").body, before);
}
