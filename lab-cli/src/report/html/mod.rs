//! The HTML report: one file that opens from disk, needs no network and no script.

mod page;
mod pictures;
mod sim;
mod tables;

pub use sim::SimMaterial;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Value};

use serde::Serialize;

use super::format::FormatEntry;
use super::{Material, ReportError};

const TEMPLATE: &str = include_str!("report.html");
const SIM: &str = include_str!("sim.html");
const PARTS: &str = include_str!("parts.html");
const STYLE: &str = include_str!("style.css");

/// The format.
pub const FORMAT: FormatEntry = FormatEntry {
    name: "html",
    about: "One self-contained page",
    file: "report.html",
    is_page: true,
    render,
};

/// The page.
///
/// # Errors
/// When template and data do not fit together, which only a defect of the lab can cause.
pub(super) fn render(material: &Material<'_>) -> Result<String, ReportError> {
    laid_out("report.html", TEMPLATE, &page::page(material, STYLE))
}

/// The page of a simulation.
///
/// # Errors
/// As [`render`].
pub(super) fn render_sim(material: SimMaterial<'_>) -> Result<String, ReportError> {
    laid_out("sim.html", SIM, &sim::page(material, STYLE))
}

fn laid_out(name: &'static str, template: &'static str, page: &impl Serialize) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    // The names end in `.html`: everything is escaped unless the template says that it is markup of our own making.
    environment.add_template("parts.html", PARTS)?;
    environment.add_template(name, template)?;
    Ok(environment.get_template(name)?.render(Value::from(Serde(page)))?)
}
