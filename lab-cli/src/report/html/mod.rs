//! The HTML report: one file that opens from disk, needs no network and no script.

mod page;
mod pictures;
mod tables;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Value};

use super::{Material, ReportError};

const TEMPLATE: &str = include_str!("report.html");
const STYLE: &str = include_str!("style.css");

/// The page.
///
/// # Errors
/// When template and data do not fit together, which only a defect of the lab can cause.
pub(super) fn render(material: &Material<'_>) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    // The name ends in `.html`: everything is escaped unless the template says that it is markup of our own making.
    environment.add_template("report.html", TEMPLATE)?;
    let page = page::page(material, STYLE);
    Ok(environment
        .get_template("report.html")?
        .render(Value::from(Serde(&page)))?)
}
