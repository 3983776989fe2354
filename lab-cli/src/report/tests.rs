//! Every format of every kind of run: whole, searching, empty. Runs that were cut short are in [`cut_short`](super::cut_short).

use history::ActionKind;
use scenarios::event::{Simulated, SimulatedPoint};
use scenarios::format::{Figure, SimulationKind};
use scenarios::plan::{LeftOut, SimulationSpec};
use scenarios::state::RunState;

use super::cut_short::{assert_well_formed, cut_short};
use super::fixture::{comparison, every_action, every_mark, folded, history, lesson, material, search};
use super::{FORMATS, Format, Material, csv, histories, html, json, junit, markdown, render, svg, write_all};

fn text(format: Format, state: &RunState) -> String {
    render(format, &material(state)).unwrap()
}

fn with_lesson(state: &RunState) -> Material<'_> {
    Material {
        lesson: Some(lesson()),
        ..material(state)
    }
}

/// What every format makes of a run. Who adds a format adds its golden files by that.
fn golden(run: &str, material: &Material<'_>, is_page_shortened: bool) {
    for format in FORMATS {
        let text = render(format, material).unwrap();
        let text = match format.is_page && is_page_shortened {
            true => without_drawings(&text),
            false => text,
        };
        insta::assert_snapshot!(format!("{run}.{}", format.name), text);
    }
}

#[test]
fn golden_files_of_a_comparison() {
    golden("comparison", &with_lesson(&folded(&comparison())), true);
}

/// Its page is short enough to be kept with its drawings.
#[test]
fn golden_files_of_a_search() {
    golden("search", &material(&folded(&search())), false);
}

#[test]
fn golden_files_of_a_history() {
    let state = folded(&history());
    golden("history", &material(&state), true);
    insta::assert_snapshot!("history.jsonl", histories::lines(&state).unwrap());
}

#[test]
fn golden_files_of_nothing() {
    golden("nothing", &material(&RunState::default()), true);
}

#[test]
fn everything_that_can_be_done_has_its_sign_and_is_in_the_legend() {
    let page = text(&html::FORMAT, &folded(&every_action()));
    let picture = svg::sequence("title", "caption", &every_mark()).unwrap();
    let legend: Vec<&str> = picture.legend.iter().map(|entry| entry.label.as_str()).collect();
    assert_eq!(legend, ActionKind::ALL.map(ActionKind::name));
    for (kind, entry) in ActionKind::ALL.into_iter().zip(&picture.legend) {
        let sign = kind.sign(false);
        assert!(page.contains(&format!(">{sign} ")), "no {kind:?} over the time axis");
        assert!(page.contains(&entry.swatch), "no {kind:?} in the legend of a time axis");
        assert!(picture.svg.contains(&format!(">{sign}<")), "no {kind:?} on a lane");
    }
    let report: serde_json::Value = serde_json::from_str(&text(&json::FORMAT, &folded(&every_action()))).unwrap();
    let actions = report["arms"][0]["rounds"][0]["actions"].as_array().unwrap();
    let kinds: Vec<&serde_json::Value> = actions.iter().map(|action| &action["kind"]).collect();
    assert_eq!(serde_json::json!(kinds), serde_json::json!(ActionKind::ALL));
}

/// The page without its style sheet and the shapes of its charts: what a reader is told.
fn without_drawings(html: &str) -> String {
    let (head, rest) = html.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    let shape = |line: &str| ["<line", "<path", "<rect"].iter().any(|begin| line.starts_with(begin));
    let lines: Vec<&str> = body.lines().filter(|line| !shape(line)).collect();
    format!("{head}<style></style>{}", lines.join("\n"))
}

#[test]
fn a_run_that_lost_its_middle_says_so() {
    let mut events = comparison();
    events.drain(100..140);
    let state = folded(&events);
    assert!(text(&markdown::FORMAT, &state).contains("40 events are missing"));
    assert!(text(&html::FORMAT, &state).contains("40 events are missing"));
}

#[test]
fn the_page_is_whole_in_itself_and_loads_nothing() {
    let state = folded(&comparison());
    let html = render(&html::FORMAT, &with_lesson(&state)).unwrap();
    assert_well_formed(&html);
    for forbidden in [
        "<script", "<link", "<img", "<iframe", "<object", "url(", "@import", "src=", "xlink:", "http://",
    ] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    for (at, _) in html.match_indices("https://") {
        assert!(html[..at].ends_with("<a href=\""), "only links may lead away");
    }
    assert!(
        html.contains("least connections &lt;&amp;&gt;") && !html.contains("<&>"),
        "data is escaped"
    );
    let (drawings, described) = (
        html.matches("<svg class=\"chart").count(),
        html.matches("role=\"img\" aria-label=\"").count(),
    );
    assert!(
        drawings > 8 && drawings == described,
        "{drawings} drawings, {described} described"
    );
}

#[test]
fn all_coordinates_are_numbers_inside_the_picture() {
    for state in cut_short().iter().chain([&folded(&comparison()), &folded(&search())]) {
        let html = text(&html::FORMAT, state);
        for chart in html.split("viewBox=\"0 0 ").skip(1) {
            let (size, chart) = chart.split_once('"').unwrap();
            let size: Vec<f64> = size.split(' ').map(|number| number.parse().unwrap()).collect();
            let chart = chart.split_once("</svg>").unwrap().0;
            for (name, limit) in [
                ("x", size[0]),
                ("x1", size[0]),
                ("x2", size[0]),
                ("y", size[1]),
                ("y1", size[1]),
                ("y2", size[1]),
            ] {
                for value in chart.split(&format!(" {name}=\"")).skip(1) {
                    let value: f64 = value.split_once('"').unwrap().0.parse().unwrap();
                    assert!((0.0..=limit).contains(&value), "{name}={value} of {size:?}");
                }
            }
            for path in chart.split(" d=\"").skip(1) {
                let path = path.split_once('"').unwrap().0;
                let numbers = path
                    .split(|c: char| "MLHhvZ ".contains(c))
                    .filter(|number| !number.is_empty());
                assert!(numbers.map(|number| number.parse::<f64>().unwrap()).all(f64::is_finite));
            }
        }
    }
}

#[test]
fn json_reads_back_as_it_was_written() {
    for state in cut_short().iter().chain([&folded(&comparison())]) {
        let text = text(&json::FORMAT, state);
        let back: json::Report = serde_json::from_str(&text).unwrap();
        assert_eq!(back, json::report(&material(state)));
    }
}

#[test]
fn json_has_the_names_of_the_contract() {
    let state = folded(&comparison());
    let value: serde_json::Value = serde_json::from_str(&text(&json::FORMAT, &state)).unwrap();
    assert_eq!(value["schema"], 1);
    assert_eq!(
        (&value["verdict"], &value["seed"], &value["backend"]),
        (&"fail".into(), &7.into(), &"process".into())
    );
    let arm = &value["arms"][0];
    let class = &arm["classes"][0];
    assert_eq!(
        (&class["name"], &class["scheduled"], &class["ok"]),
        (&"bystander".into(), &1200.into(), &1200.into())
    );
    assert_eq!(class["rate_per_s"], 100.0);
    for latency in ["response_ms", "service_ms", "send_lateness_ms"] {
        for figure in ["mean", "p50", "p90", "p99", "p99_9", "max"] {
            assert!(class[latency][figure].is_f64(), "{latency}.{figure}");
        }
    }
    assert!(
        arm["classes"][1]["response_ms"]["p99"].is_null(),
        "nothing measured is null"
    );
    assert_eq!(arm["classes"][1]["errors"]["timeout"], 2);
    assert_eq!(arm["instances"][0]["requests"], 1200);
    assert_eq!(
        (&arm["instances"][0]["cpu_ms"], &arm["facts"]["count"]),
        (&4000.0.into(), &599.0.into())
    );

    let searched = folded(&search());
    let value: serde_json::Value = serde_json::from_str(&text(&json::FORMAT, &searched)).unwrap();
    let rate = value["arms"][0]["facts"]["waiting.max_rate_per_s"].as_f64().unwrap();
    assert!((170.0..180.0).contains(&rate), "{rate}");
    assert_eq!(value["interrupted"], true);
}

#[test]
fn every_row_of_the_table_has_every_column() {
    for (events, rows) in [(comparison(), 16), (search(), 3)] {
        let csv = text(&csv::FORMAT, &folded(&events));
        let columns = |line: &str| {
            let mut quoted = false;
            let commas = line.chars().filter(|c| {
                quoted ^= *c == '"';
                *c == ',' && !quoted
            });
            commas.count()
        };
        let counts: Vec<usize> = csv.lines().map(columns).collect();
        assert_eq!(counts.len(), rows + 1);
        assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
    }
}

#[test]
fn junit_counts_its_cases() {
    let xml = text(&junit::FORMAT, &folded(&comparison()));
    assert_well_formed(&xml);
    assert!(
        xml.contains("tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\""),
        "{xml}"
    );
    assert_eq!(
        (
            xml.matches("<testcase").count(),
            xml.matches("<failure").count(),
            xml.matches("<skipped").count()
        ),
        (3, 1, 1)
    );
    assert!(xml.contains("with least connections &amp; &quot;luck&quot; nobody waits"));
}

#[test]
fn all_files_are_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run");
    let state = folded(&comparison());
    assert!(write_all(&place, &with_lesson(&state)).is_empty());
    assert!(write_all(&place, &with_lesson(&state)).is_empty());
    let names = |folder: &std::path::Path| {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&place), ["hist", "report.html", "report.json", "report.md"]);
    assert_eq!(names(&place.join("hist")).len(), 7);
    assert!(names(&place.join("hist")).contains(&"three_rr.bystander.hgrm".to_owned()));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let state = RunState::default();
    let errors = write_all(file.path(), &material(&state));
    let error = errors[0].to_string();
    assert!(
        error.contains("report.json") && error.contains("could not be written"),
        "{error}"
    );
    assert_eq!(errors.len(), 3, "each file is tried");
}

#[test]
#[ignore = "a tool: writes the fixtures' pages to the temporary folder, for looking at"]
fn pages_to_look_at() {
    for (name, events) in [
        ("report.html", comparison()),
        ("report-search.html", search()),
        ("report-empty.html", Vec::new()),
    ] {
        let state = folded(&events);
        std::fs::write(
            std::env::temp_dir().join(name),
            render(&html::FORMAT, &with_lesson(&state)).unwrap(),
        )
        .unwrap();
    }
}

fn bins() -> SimulationSpec {
    SimulationSpec {
        name: "bins".to_owned(),
        label: "balls & bins".to_owned(),
        kind: SimulationKind::Bins,
        policies: vec!["random".to_owned(), "two_choices".to_owned()],
        servers: vec![10, 10_000],
        shows: Figure::Fullest,
        requests: 20,
        service: "exponential:10".to_owned(),
        slots: 1,
        load: 0.8,
        slow: None,
        stale_ms: None,
        timeout_ms: None,
        keys: None,
    }
}

fn point(policy: &str, servers: u32, fullest: f64) -> SimulatedPoint {
    SimulatedPoint {
        policy: policy.to_owned(),
        servers,
        fullest,
        lost: None,
        mean_ms: None,
        p99_ms: None,
        busiest_over_mean: None,
        slow_share: None,
    }
}

#[test]
fn what_was_simulated_stands_in_every_report_for_people_beside_theory() {
    let mut state = folded(&comparison());
    state.info.as_mut().unwrap().plan.simulations = vec![bins()];
    state.simulated = vec![Simulated {
        name: "bins".to_owned(),
        points: vec![
            point("random", 10, 3.1),
            point("random", 10_000, 6.6),
            point("two_choices", 10_000, 3.05),
        ],
    }];
    for format in [&html::FORMAT, &markdown::FORMAT] {
        let text = text(format, &state);
        for part in ["6.6", "3.0", "theory: log n / log log n", "4.1", "10,000 servers"] {
            assert!(text.contains(part), "{format:?} lacks {part}: {text}");
        }
    }
    let html = text(&html::FORMAT, &state);
    assert!(html.contains("Simulated, balls &amp; bins: requests on the fullest server"));
    let report: serde_json::Value = serde_json::from_str(&text(&json::FORMAT, &state)).unwrap();
    assert_eq!(report["simulations"][0]["points"][1]["fullest"], 6.6);
}

#[test]
fn what_was_left_out_is_said_with_the_reason() {
    let mut state = folded(&comparison());
    let plan = &mut state.info.as_mut().unwrap().plan;
    let mut arm = plan.arms[0].clone();
    arm.name = "clever".to_owned();
    arm.label = "the clever one".to_owned();
    let reason = "nginx cannot do it: it has none".to_owned();
    plan.left_out = vec![LeftOut { arm, reason }];
    plan.undecided = vec!["it is clever".to_owned()];
    for format in [&html::FORMAT, &markdown::FORMAT, &json::FORMAT] {
        let text = text(format, &state);
        for part in ["the clever one", "nginx cannot do it: it has none", "it is clever"] {
            assert!(text.contains(part), "{format:?} lacks {part}");
        }
    }
}
