//! Formulas: `$…$` in a line, `$$…$$` or a block of `math` by themselves, as GitHub reads them, become MathML. Browsers show that
//! without a script or a font.

use math_core::{LatexToMathML, MathCoreConfig, MathDisplay};

/// A Markdown text with its formulas as MathML. Code stays as it is, in blocks and in lines.
pub fn rendered(text: &str) -> Result<String, String> {
    let converter = LatexToMathML::new(MathCoreConfig::default()).expect("there are no macros");
    let formula = |latex: &str, display: MathDisplay| {
        let mathml = converter.convert_with_local_counter(latex.trim(), display);
        mathml.map(|mathml| plain(&mathml)).map_err(|error| format!("the formula {latex:?}: {error:?}"))
    };
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(['`', '$', '\\']) {
        let (before, here) = rest.split_at(at);
        out += before;
        let begins_line = out.trim_end_matches(' ').ends_with('\n') || out.is_empty();
        let fence = &here[..here.len() - here.trim_start_matches('`').len()];
        let (taken, written) = if here.starts_with('\\') {
            let escaped: String = here.chars().take(2).collect();
            (escaped.len(), escaped)
        } else if !fence.is_empty() {
            let inner = &here[fence.len()..];
            let end = inner.find(fence).ok_or_else(|| format!("code without an end: {:?}", first_line(here)))?;
            let whole = &here[..2 * fence.len() + end];
            match inner[..end].strip_prefix("math\n") {
                Some(latex) if begins_line && fence.len() >= 3 => (whole.len(), formula(latex, MathDisplay::Block)?),
                _ => (whole.len(), whole.to_owned()),
            }
        } else {
            let (mark, display) =
                if here.starts_with("$$") { ("$$", MathDisplay::Block) } else { ("$", MathDisplay::Inline) };
            let inner = &here[mark.len()..];
            let end = inner.find(mark).ok_or_else(|| format!("a formula without an end: {:?}", first_line(here)))?;
            (2 * mark.len() + end, formula(&inner[..end], display)?)
        };
        out += &written;
        rest = &here[taken..];
    }
    Ok(out + rest)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// MathML in which Markdown finds nothing of its own.
fn plain(mathml: &str) -> String {
    let special = |letter: char| "*_`[]|~\\\n".contains(letter);
    mathml.chars().map(|c| if special(c) { format!("&#{};", u32::from(c)) } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_mathml_and_code_stays() {
        assert_eq!(rendered("the slope $x$").unwrap(), "the slope <math><mi>x</mi></math>");
        assert!(rendered("$$\nx\n$$").unwrap().starts_with("<math display=\"block\">"));
        assert!(rendered("so\n\n```math\nx\n```\n").unwrap().contains("<math display=\"block\"><mi>x</mi></math>"));
        for code in ["`$x$` and ``a ` $ b``", "```text\n$ cargo test\n```\n", "5 \\$ and 6 \\$", "```rust\n`$`\n```"] {
            assert_eq!(rendered(code).unwrap(), code);
        }
    }

    #[test]
    fn markdown_finds_nothing_of_its_own_in_a_formula() {
        let norm = rendered(r"$\lVert a_1 * b_2 \rVert$").unwrap();
        assert!(!norm.contains(['*', '_', '|']), "{norm}");
    }

    #[test]
    fn a_formula_that_cannot_be_read_is_an_error() {
        for wrong in [r"$\frac{1}$", r"$\nosuch$", "$x", "`x"] {
            assert!(rendered(wrong).is_err(), "{wrong}");
        }
    }
}
