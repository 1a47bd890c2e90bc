//! The report as Markdown.

use std::fmt::Write;

/// The aim of a measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Aim {
    /// At least this many times the figure of the floor.
    TimesFloorAtLeast(f64),
    /// At most this many times the figure of the floor.
    TimesFloorAtMost(f64),
    /// At most this much more than the figure of direct calls.
    OverDirectAtMost(f64),
    /// At most this figure.
    FigureAtMost(f64),
}

/// A table of figures, and sections of text below it.
#[derive(Debug)]
pub(crate) struct Report {
    columns: Vec<&'static str>,
    rows: Vec<(String, Vec<Option<f64>>, Option<Aim>)>,
    sections: Vec<String>,
    failures: Vec<String>,
}

/// The first column is direct calls, the second the floor, the others OmniChat.
const DIRECT: usize = 0;
const FLOOR: usize = 1;

impl Report {
    pub(crate) fn new(columns: Vec<&'static str>) -> Self {
        Self { columns, rows: Vec::new(), sections: Vec::new(), failures: Vec::new() }
    }

    /// Adds a measure: a figure for each column, in their order.
    pub(crate) fn row(&mut self, measure: &str, figures: Vec<Option<f64>>, aim: Option<Aim>) {
        self.rows.push((measure.to_owned(), figures, aim));
    }

    /// Adds text below the table.
    pub(crate) fn section(&mut self, text: String) {
        self.sections.push(text);
    }

    /// Records failed calls, which make the figures worthless.
    pub(crate) fn failed(&mut self, what: String) {
        self.failures.push(what);
    }

    /// Whether every call succeeded.
    pub(crate) fn has_no_failures(&self) -> bool {
        self.failures.is_empty()
    }

    pub(crate) fn to_markdown(&self) -> String {
        let stores = self.columns.get(FLOOR + 1..).unwrap_or_default();
        let mut text = format!("| measure | {} | aim |", self.columns.join(" | "));
        for store in stores {
            // Writing to a string cannot fail.
            let _ = write!(text, " {store} reaches |");
        }
        text.push_str("\n| --- |");
        text.push_str(&" ---: |".repeat(self.columns.len()));
        text.push_str(" --- |");
        text.push_str(&" --- |".repeat(stores.len()));
        text.push('\n');
        for (measure, figures, aim) in &self.rows {
            let _ = write!(text, "| {measure} |");
            for figure in figures {
                let _ = write!(text, " {} |", shown(*figure));
            }
            let _ = write!(text, " {} |", aim.map(Aim::words).unwrap_or_default());
            for figure in figures.get(FLOOR + 1..).unwrap_or_default() {
                let reached = aim.zip(*figure).and_then(|(aim, figure)| aim.judge(figure, figures));
                let _ = write!(text, " {} |", reached.unwrap_or_default());
            }
            text.push('\n');
        }
        for section in &self.sections {
            let _ = write!(text, "\n{section}");
        }
        if !self.failures.is_empty() {
            text.push_str("\n**Calls failed, so the figures are worthless.**\n\n");
        }
        for failure in &self.failures {
            let _ = writeln!(text, "- {failure}");
        }
        text
    }
}

impl Aim {
    fn words(self) -> String {
        match self {
            Self::TimesFloorAtLeast(times) => format!("≥ {times} × floor"),
            Self::TimesFloorAtMost(times) => format!("≤ {times} × floor"),
            Self::OverDirectAtMost(more) => format!("≤ direct + {more}"),
            Self::FigureAtMost(figure) => format!("≤ {figure}"),
        }
    }

    fn judge(self, figure: f64, row: &[Option<f64>]) -> Option<String> {
        let of = |column: usize| row.get(column).copied().flatten();
        let (reached, met) = match self {
            Self::TimesFloorAtLeast(times) => {
                let ratio = figure / of(FLOOR)?;
                (format!("{ratio:.2} ×"), ratio >= times)
            }
            Self::TimesFloorAtMost(times) => {
                let ratio = figure / of(FLOOR)?;
                (format!("{ratio:.2} ×"), ratio <= times)
            }
            Self::OverDirectAtMost(most) => {
                let more = figure - of(DIRECT)?;
                (format!("+ {more:.2}"), more <= most)
            }
            Self::FigureAtMost(most) => (shown(Some(figure)), figure <= most),
        };
        Some(format!("{reached} {}", if met { "met" } else { "**missed**" }))
    }
}

/// A figure with at least three digits, and with commas between thousands.
pub(crate) fn shown(figure: Option<f64>) -> String {
    let Some(figure) = figure else { return "–".to_owned() };
    match figure.abs() {
        size if size < 10.0 && size > 0.0 => format!("{figure:.2}"),
        size if size < 100.0 && size > 0.0 => format!("{figure:.1}"),
        _ => {
            let digits = format!("{figure:.0}");
            let mut grouped = String::new();
            for (index, digit) in digits.chars().enumerate() {
                if index > 0 && (digits.len() - index).is_multiple_of(3) {
                    grouped.push(',');
                }
                grouped.push(digit);
            }
            grouped
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_judged_against_their_aim() {
        let mut report = Report::new(vec!["direct", "floor", "OmniChat"]);
        let row = vec![Some(20_000.0), Some(10_000.0), Some(1_600.0)];
        report.row("turns/s", row.clone(), Some(Aim::TimesFloorAtLeast(0.15)));
        report.row("turns/s", row, Some(Aim::TimesFloorAtLeast(0.2)));
        report.row("p50, ms", vec![Some(0.5), None, Some(1.25)], Some(Aim::OverDirectAtMost(0.8)));
        let lines: Vec<String> = report.to_markdown().lines().skip(2).map(str::to_owned).collect();
        assert_eq!(lines[0], "| turns/s | 20,000 | 10,000 | 1,600 | ≥ 0.15 × floor | 0.16 × met |");
        assert_eq!(lines[1], "| turns/s | 20,000 | 10,000 | 1,600 | ≥ 0.2 × floor | 0.16 × **missed** |");
        assert_eq!(lines[2], "| p50, ms | 0.50 | – | 1.25 | ≤ direct + 0.8 | + 0.75 met |");
    }
}
