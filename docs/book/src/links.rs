//! Links of the book: those of the chapters that lead out of it, and whether all lead somewhere.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

/// A page's text with its links to files outside of the book led to copies in the book's `code/`, which this makes.
pub fn within(text: &str, page: &Path, docs: &Path, pages: &Path) -> Result<String> {
    let repository = docs.parent().context("the guide lies in the repository")?;
    let mut parts = text.split("](");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (link, rest) = part.split_once(')').unwrap_or((part, ""));
        let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
        let target = normal(&page.with_file_name(path));
        out += "](";
        if let Ok(page) = target.strip_prefix(docs.join("lab/page")) {
            out += &format!("lab/{}", page.display()); // with all that is built of it
            out += &if fragment.is_empty() { String::new() } else { format!("#{fragment}") };
        } else if path.is_empty() || path.contains("://") || !target.is_file() {
            out += link; // what leads nowhere is found at the end
        } else if target == docs.join("README.md") {
            out += "index.md";
        } else if target.parent() == Some(docs) || target == repository.join("ARCHITECTURE.md") {
            out += &target.file_name().context("a name")?.to_string_lossy(); // all pages lie in one folder
            out += &if fragment.is_empty() { String::new() } else { format!("#{fragment}") };
        } else if let Ok(inside) = target.strip_prefix(docs) {
            out += &inside.to_string_lossy();
        } else {
            // A browser shows a text; mdBook would take a name with .md for a page.
            let name = format!("code/{}.txt", target.strip_prefix(repository)?.display()).replace(".md", "");
            super::copy(&target, &pages.join(&name))?;
            out += &name;
        }
        out += ")";
        out += rest;
    }
    Ok(out)
}

/// A path without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            out.pop();
        } else {
            out.push(part)
        }
    }
    out
}

/// The links of all pages in a folder that lead to no file, or to no place in it.
pub fn broken(book: &Path) -> Result<Vec<String>> {
    let mut pages = HashMap::new();
    for path in super::files(book)? {
        // The page for an address that does not exist has links for any folder; the one for printing repeats the others.
        let is_page = path.extension().is_some_and(|it| it == "html");
        if is_page && !["404.html", "print.html"].iter().any(|name| path.ends_with(name)) {
            let text = fs::read_to_string(&path)?;
            pages.insert(path, text);
        }
    }
    let ids: HashMap<&Path, HashSet<&str>> =
        pages.iter().map(|(path, text)| (path.as_path(), attributes(text, "id").collect())).collect();
    let mut broken = Vec::new();
    for (page, text) in &pages {
        for link in attributes(text, "href").chain(attributes(text, "src")) {
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            if path.contains(':') {
                continue;
            }
            let target = if path.is_empty() { page.clone() } else { normal(&page.with_file_name(path)) };
            let target = if target.is_dir() { target.join("index.html") } else { target };
            let place = ids.get(target.as_path()).is_none_or(|ids| fragment.is_empty() || ids.contains(fragment));
            if !target.is_file() || !place {
                broken.push(format!("{}: {link}", page.file_name().unwrap_or_default().display()));
            }
        }
    }
    Ok(broken)
}

/// The values of an attribute in a page.
fn attributes<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let begin = format!(" {name}=\"");
    let ends = text.match_indices(&begin).map(move |(at, begin)| &text[at + begin.len()..]).collect::<Vec<_>>();
    ends.into_iter().filter_map(|rest| rest.split('"').next())
}
