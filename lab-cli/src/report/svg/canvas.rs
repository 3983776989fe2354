//! A small builder for SVG elements. Text is escaped here and nowhere else.

use std::fmt::Write;

use crate::report::escape::markup;

use super::look::{STYLES, TICK_LETTER, WIDTH};

/// A picture being drawn.
pub(super) struct Canvas {
    height: f64,
    title: String,
    description: String,
    body: String,
}

/// Where a text is held.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    /// Its left end.
    Start,
    /// Its middle.
    Middle,
    /// Its right end.
    End,
}

impl Canvas {
    /// An empty picture; title and description are what a screen reader says.
    pub(super) fn new(height: f64, title: &str, description: &str) -> Self {
        Self {
            height,
            title: markup(title),
            description: markup(description),
            body: String::new(),
        }
    }

    /// A line.
    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(place);
        let _ = writeln!(
            self.body,
            r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#
        );
    }

    /// A rectangle; a negative size draws nothing.
    pub(super) fn rect(&mut self, class: &str, corner: (f64, f64), size: (f64, f64)) {
        let [x, y, width, height] = [corner.0, corner.1, size.0.max(0.0), size.1.max(0.0)].map(place);
        let _ = writeln!(
            self.body,
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}"/>"#
        );
    }

    /// A text.
    pub(super) fn text(&mut self, class: &str, at: (f64, f64), anchor: Anchor, text: &str) {
        let [x, y] = [at.0, at.1].map(place);
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = markup(text);
        let _ = writeln!(
            self.body,
            r#"<text class="{class}" x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>"#
        );
    }

    /// The label of a tick on a horizontal axis: in the middle below it, or beside that where the picture ends.
    pub(super) fn tick_below(&mut self, at: (f64, f64), text: &str) {
        let half = text.chars().count() as f64 * TICK_LETTER / 2.0;
        let (x, anchor) = match at.0 {
            x if x + half > WIDTH => (WIDTH - 1.0, Anchor::End),
            x if x < half => (1.0, Anchor::Start),
            x => (x, Anchor::Middle),
        };
        self.text("tick", (x, at.1), anchor, text);
    }

    /// A text that reads upwards, held in its middle.
    pub(super) fn text_upwards(&mut self, class: &str, at: (f64, f64), text: &str) {
        let [x, y] = [at.0, at.1].map(place);
        let text = markup(text);
        let _ = writeln!(
            self.body,
            r#"<text class="{class}" transform="translate({x} {y}) rotate(-90)" text-anchor="middle">{text}</text>"#
        );
    }

    /// A path; an empty one draws nothing.
    pub(super) fn path(&mut self, class: &str, path: &Path) {
        if !path.0.is_empty() {
            let _ = writeln!(self.body, r#"<path class="{class}" d="{}"/>"#, path.0);
        }
    }

    /// The marker of a series.
    pub(super) fn marker(&mut self, style: usize, at: (f64, f64)) {
        self.path(&format!("mark f{}", style % STYLES), &marker(style, at, 4.5));
    }

    /// The finished element. On a narrow screen it keeps a readable size and scrolls.
    pub(super) fn finish(self) -> String {
        self.element("chart")
    }

    /// The finished element of a picture that still reads when a narrow screen shrinks it and enlarges its text.
    pub(super) fn finish_for_phones(self) -> String {
        self.element("chart shrinks")
    }

    fn element(self, class: &str) -> String {
        let Self {
            height,
            title,
            description,
            body,
        } = self;
        let [width, height] = [WIDTH, height].map(place);
        format!(
            "<svg class=\"{class}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}. {description}\">\n\
             <title>{title}</title>\n<desc>{description}</desc>\n{body}</svg>"
        )
    }
}

/// Path data.
#[derive(Debug, Default)]
pub(super) struct Path(String);

impl Path {
    /// A line through these points.
    pub(super) fn through(points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut path = Self::default();
        for point in points {
            path.go(point);
        }
        path
    }

    /// Goes on to a point, or begins there.
    pub(super) fn go(&mut self, (x, y): (f64, f64)) {
        let command = if self.0.is_empty() { 'M' } else { 'L' };
        let _ = write!(self.0, "{command}{} {}", place(x), place(y));
    }

    /// Closes the shape.
    pub(super) fn close(&mut self) {
        if !self.0.is_empty() {
            self.0.push('Z');
        }
    }

    /// Adds a rectangle.
    pub(super) fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64)) {
        let [x, y, width, height] = [x, y, width, height].map(place);
        let _ = write!(self.0, "M{x} {y}h{width}v{height}h-{width}Z");
    }
}

/// The classes of a series' line.
pub(super) fn line_class(style: usize) -> String {
    // Five dashes and seven colours: they only meet again after 35 series.
    format!("line s{} d{}", style % STYLES, style % 5)
}

/// The shape of a series' marker around a point.
fn marker(style: usize, (x, y): (f64, f64), r: f64) -> Path {
    let corners: Vec<(f64, f64)> = match style % 6 {
        1 => vec![(-r, -r), (r, -r), (r, r), (-r, r)],
        2 => vec![(0.0, -r * 1.2), (r * 1.1, r * 0.9), (-r * 1.1, r * 0.9)],
        3 => vec![(0.0, -r * 1.3), (r * 1.3, 0.0), (0.0, r * 1.3), (-r * 1.3, 0.0)],
        4 => vec![(0.0, r * 1.2), (r * 1.1, -r * 0.9), (-r * 1.1, -r * 0.9)],
        5 => {
            let (a, b) = (r * 0.4, r);
            vec![
                (-a, -b),
                (a, -b),
                (a, -a),
                (b, -a),
                (b, a),
                (a, a),
                (a, b),
                (-a, b),
                (-a, a),
                (-b, a),
                (-b, -a),
                (-a, -a),
            ]
        }
        _ => (0..12)
            .map(|n| f64::from(n) * std::f64::consts::TAU / 12.0)
            .map(|a| (r * a.cos(), r * a.sin()))
            .collect(),
    };
    let mut path = Path::through(corners.into_iter().map(|(dx, dy)| (x + dx, y + dy)));
    path.close();
    path
}

/// A short piece of a series' line with its marker, for a legend.
pub(super) fn line_swatch(style: usize) -> String {
    let (line, mark) = (line_class(style), marker(style, (17.0, 7.0), 4.0).0);
    swatch(&format!(
        r#"<path class="{line}" d="M1 7H33"/><path class="mark f{}" d="{mark}"/>"#,
        style % STYLES
    ))
}

/// A series' marker alone, for a legend.
pub(super) fn mark_swatch(style: usize) -> String {
    swatch(&format!(
        r#"<path class="mark f{}" d="{}"/>"#,
        style % STYLES,
        marker(style, (17.0, 7.0), 4.0).0
    ))
}

/// A ring around a point.
pub(super) fn ring((x, y): (f64, f64), radius: f64) -> Path {
    let angles = (0..16).map(|n| f64::from(n) * std::f64::consts::TAU / 16.0);
    let mut path = Path::through(angles.map(|angle| (x + radius * angle.cos(), y + radius * angle.sin())));
    path.close();
    path
}

/// A ring, for a legend.
pub(super) fn ring_swatch(class: &str, radius: f64) -> String {
    swatch(&format!(
        r#"<path class="{class}" d="{}"/>"#,
        ring((17.0, 7.0), radius).0
    ))
}

/// A filled box, for a legend.
pub(super) fn box_swatch(class: &str) -> String {
    swatch(&format!(
        r#"<rect class="{class}" x="8" y="1" width="18" height="12"/>"#
    ))
}

/// A bare line, for a legend.
pub(super) fn bare_swatch(class: &str) -> String {
    swatch(&format!(r#"<path class="{class}" d="M1 7H33"/>"#))
}

/// The sign of an action, for a legend.
pub(super) fn sign_swatch(sign: char) -> String {
    let sign = markup(&sign.to_string());
    swatch(&format!(
        r#"<text class="tick act" x="17" y="11" text-anchor="middle">{sign}</text>"#
    ))
}

fn swatch(body: &str) -> String {
    format!(r#"<svg class="swatch" viewBox="0 0 34 14" aria-hidden="true">{body}</svg>"#)
}

/// A coordinate as text: at most one decimal, always finite.
fn place(value: f64) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_finite() {
        assert_eq!([1.0, 2.26, f64::NAN, f64::INFINITY].map(place), ["1", "2.3", "0", "0"]);
    }

    #[test]
    fn labels_of_ticks_stay_within_the_picture() {
        let mut canvas = Canvas::new(10.0, "t", "d");
        canvas.tick_below((WIDTH - 22.0, 5.0), "99.9999 %");
        canvas.tick_below((WIDTH / 2.0, 5.0), "1 s");
        canvas.tick_below((0.0, 5.0), "1 ms");
        let svg = canvas.finish();
        for placed in [
            r#"x="559" y="5" text-anchor="end">99.9999 %"#,
            r#"x="280" y="5" text-anchor="middle">1 s"#,
            r#"x="1" y="5" text-anchor="start">1 ms"#,
        ] {
            assert!(svg.contains(placed), "{placed} not in {svg}");
        }
    }

    #[test]
    fn text_is_escaped() {
        let mut canvas = Canvas::new(10.0, "<t>", "\"d\"");
        canvas.text("x", (0.0, 0.0), Anchor::Start, "a<b>&c");
        let svg = canvas.finish();
        assert!(
            svg.contains("a&lt;b&gt;&amp;c") && svg.contains("&lt;t&gt;. &quot;d&quot;"),
            "{svg}"
        );
    }
}
