//! The documents point at what exists: links and their anchors, files named in the text, the exercise's solution.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of this extension in the workspace's folders, but for what builds and runs leave.
fn files(extension: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && !["target", "runs"].contains(&&*name) {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                found.push(path);
            }
        }
    }
    found
}

/// The lines of a Markdown file outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// The anchor that a heading gets on GitHub.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// The targets of the links in a line.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

#[test]
fn links_lead_somewhere() {
    let mut checked = 0;
    for file in files("md") {
        let text = read(&file);
        for link in prose(&text).flat_map(links).filter(|link| !link.starts_with("http")) {
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { file.clone() } else { file.with_file_name(path) };
            assert!(target.exists(), "{}: {link} leads nowhere", file.display());
            // What follows the laboratory's pages is a situation, which they read.
            if !fragment.is_empty() && target.extension().is_none_or(|extension| extension != "html") {
                let target = read(&target);
                let mut headings = prose(&target).filter(|line| line.starts_with('#'));
                let found = headings.any(|line| anchor(line.trim_start_matches('#')) == fragment);
                assert!(found, "{}: {link} has no such heading", file.display());
            }
            checked += 1;
        }
    }
    assert!(checked > 50, "only {checked} links found");
}

/// A name in backticks that ends like a source file is the end of such a file's path.
#[test]
fn source_files_named_in_the_text_exist() {
    const EXTENSIONS: [&str; 5] = ["rs", "cl", "py", "snap", "patch"];
    let sources: Vec<PathBuf> = EXTENSIONS.into_iter().flat_map(files).collect();
    let mut checked = 0;
    for file in files("md") {
        let text = read(&file);
        for name in prose(&text).flat_map(|line| line.split('`').skip(1).step_by(2)) {
            let plain = name.chars().all(|c| c.is_alphanumeric() || "/_-.".contains(c));
            if plain && Path::new(name).extension().is_some_and(|it| EXTENSIONS.iter().any(|known| it == *known)) {
                assert!(sources.iter().any(|it| it.ends_with(name)), "{}: there is no {name}", file.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 50, "only {checked} names found");
}

/// A block that is not compiled is a part of an example, but for where its lines begin and their comments.
#[test]
fn excerpts_are_from_the_examples() {
    let code = |text: &str| {
        let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default().trim());
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    };
    let examples = files("rs").into_iter().filter(|file| file.parent().is_some_and(|it| it.ends_with("examples")));
    let examples: Vec<String> = examples.map(|file| code(&read(&file))).collect();
    let chapter = read(&root().join("docs/13-the-engine-by-itself.md"));
    let mut checked = 0;
    for excerpt in chapter.split("```rust,ignore\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        assert!(examples.iter().any(|it| it.contains(&code(excerpt))), "in no example:\n{excerpt}");
        checked += 1;
    }
    assert!(checked > 3, "only {checked} excerpts found");
}

/// What the patch removes or leaves as it is stands in the files so, and the lines it adds are those in the guide.
#[test]
fn the_solution_of_the_exercise_fits_the_code() {
    let patch = read(&root().join("docs/solutions/cube.patch"));
    let guide = read(&root().join("docs/11-adding-an-operation.md"));
    let [mut before, mut file] = [String::new(), String::new()];
    for line in patch.lines().chain(["@@"]) {
        if line.starts_with("@@") || line.starts_with("diff") {
            assert!(file.contains(&before), "the patch does not fit:\n{before}");
            before.clear();
        } else if let Some(path) = line.strip_prefix("+++ b/") {
            file = read(&root().join(path));
        } else if let Some(kept) = line.strip_prefix(' ') {
            before += &format!("{kept}\n");
        } else if let Some(added) = line.strip_prefix('+') {
            assert!(guide.contains(added), "the guide has another solution than {added:?}");
        }
    }
}
