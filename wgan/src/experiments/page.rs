//! The page of an experiment: what was seen, the figure, and the table, in one file that asks no network for anything.

use super::{Experiment, Findings, Size};
use crate::figure::escape;

/// The text of the page.
pub fn page(experiment: &Experiment, size: Size, findings: &Findings) -> String {
    let row = |[quantity, measured, known, verdict]: [String; 4]| {
        let mark = if verdict.is_empty() { "" } else { " <strong>missed</strong>" };
        let [quantity, measured, known] = [quantity, measured, known].map(|text| escape(&text));
        format!("<tr><th>{quantity}</th><td>{measured}</td><td>{known}{mark}</td></tr>\n")
    };
    format!(
        include_str!("../../assets/experiment.html"),
        name = experiment.name,
        style = include_str!("../../assets/report.css"),
        summary = escape(experiment.summary),
        sentence = escape(&findings.sentence),
        figure = findings.figure.svg(),
        table = findings.cells().map(row).collect::<String>(),
        command = escape(&experiment.command(size)),
        chapter = experiment.chapter,
        title = experiment.chapter_title(),
    )
}
