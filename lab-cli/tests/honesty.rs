//! The example of wrk2: a stall of 1.4 s must show in the latency that users see, and hardly in the one that a
//! generator sees that waits for its answers.

mod common;

use common::scenario::Tiny;
use common::{Lab, json_file};

#[test]
fn a_stall_is_counted_from_the_intended_start() {
    let lab = Lab::new();
    let stall = Tiny {
        name: "stall",
        duration_s: 5.0,
        load: "rate_per_s = 200\narrivals = \"constant\"\nconnections_max = 4",
        path: "/health",
        more: r#"
[[action]]
at_s = 1.5
do = "pause"
target = "users-1"

[[action]]
at_s = 2.9
do = "resume"
target = "users-1"

"#,
        ..Tiny::default()
    };
    let folder = stall.write(lab.folder());
    let out = lab.folder().join("out");
    lab.run(["run".as_ref(), folder.as_os_str(), "--out".as_ref(), out.as_os_str()])
        .code(0);
    let report = json_file(&out.join("report.json"));
    let class = &report["arms"][0]["classes"][0];
    // Every request of the schedule is in the figures: those that fell into the stall too.
    for count in ["scheduled", "sent", "ok"] {
        assert_eq!(class[count], 1000, "{count}");
    }
    let figure = |of: &str, which: &str| class[of][which].as_f64().unwrap();
    let (response, service) = (figure("response_ms", "p99"), figure("service_ms", "p99"));
    assert!(
        response >= 20.0 * service,
        "response {response} ms, service {service} ms"
    );
    // Both saw the stall itself once: the longest wait is the same.
    assert!(figure("service_ms", "max") >= 1000.0, "{class:#}");
    assert!(figure("response_ms", "max") >= 1000.0, "{class:#}");
    let actions = report["arms"][0]["rounds"][0]["actions"].as_array().unwrap();
    let words: Vec<_> = actions.iter().map(|action| action["words"].as_str().unwrap()).collect();
    assert_eq!(words, ["pause users-1", "resume users-1"]);
}
