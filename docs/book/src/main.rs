//! Builds the guide as a book: `book DOCS LAB OUT`, which `docs/build` runs. mdBook renders it, with formulas as MathML; the
//! laboratory's pages are its folder `lab/`.
//!
//! On GitHub the chapters are read where they lie. In the book all that they link to lies beside them: what is elsewhere in the
//! repository is copied to the book's `code/`.

mod formulas;
mod links;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use mdbook_driver::MDBook;
use mdbook_driver::config::Config;

fn main() -> Result<()> {
    let folders: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let [docs, lab, out] = folders.try_into().ok().context("book DOCS LAB OUT")?;
    let (docs, out) = (docs.canonicalize()?, std::path::absolute(out)?);
    let pages = out.with_extension("source");
    for folder in [&out, &pages] {
        if folder.exists() {
            let is_ours = folder.join("index.html").exists() || folder.join("book.css").exists();
            if !is_ours && !files(folder)?.is_empty() {
                bail!("{} holds something else than an earlier book: name another folder", folder.display());
            }
            fs::remove_dir_all(folder)?;
        }
    }
    fs::create_dir_all(&pages)?;
    lay_out(&docs, &pages)?;
    if lab.exists() {
        copy(&lab, &pages.join("lab"))?;
        for page in ["index.html", "tape.html"].map(|name| pages.join("lab").join(name)) {
            let back = " <a href=\"../laboratory.html\">the guide</a></nav>";
            fs::write(&page, fs::read_to_string(&page)?.replace("</nav>", back))?;
        }
    }

    let mut config = Config::from_disk(docs.join("book.toml"))?;
    config.book.src = PathBuf::from(".");
    config.build.build_dir = out.clone();
    MDBook::load_with_config(&pages, config)?.build()?;
    fs::remove_dir_all(&pages)?;

    let broken = links::broken(&out)?;
    if !broken.is_empty() {
        bail!("links that lead nowhere:\n{}", broken.join("\n"));
    }
    println!("{}", out.join("index.html").display());
    Ok(())
}

/// Puts the pages of the book, and all that they show and link to, into one folder.
fn lay_out(docs: &Path, pages: &Path) -> Result<()> {
    fs::copy(docs.join("book/book.css"), pages.join("book.css"))?;
    let repository = docs.parent().context("the guide lies in the repository")?;
    let mut sources = files(docs)?;
    sources.retain(|path| path.extension().is_some_and(|it| it == "md"));
    sources.push(repository.join("ARCHITECTURE.md"));
    for source in sources {
        let text = fs::read_to_string(&source)?;
        let place = |error| format!("{}: {error}", source.display());
        let text = formulas::rendered(&text).map_err(|error| anyhow::Error::msg(place(error)))?;
        let text = links::within(&text, &source, docs, pages)?;
        fs::write(pages.join(source.file_name().context("a name")?), text)?;
    }
    for folder in ["images", "solutions"] {
        copy(&docs.join(folder), &pages.join(folder))?;
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if from.is_file() {
        fs::create_dir_all(to.parent().context("a folder")?)?;
        fs::copy(from, to)?;
        return Ok(());
    }
    files(from)?.iter().try_for_each(|path| copy(path, &to.join(path.file_name().context("a name")?)))
}
