use super::*;
use crate::config::{DatasetName, LipschitzName, ObjectiveName, Options};
use crate::data::Dataset;
use crate::data::{ColourMode, Source, Toy};
use crate::eval::Judge;
use crate::game::Losses;
use crate::game::objective::CriticTerms;
use crate::run::histogram::Histogram;

fn rows(count: u64) -> Vec<Row> {
    let measurement = Measurement {
        held_out: 2.25,
        critic_gradient: 3.5,
        generator_gradient: 0.0123,
        at_bound: None,
        slopes: Histogram::of(&[0.5, 1.0, 1.0, 4.0]),
    };
    let row = |step: u64| Row {
        step,
        seconds: step as f64 / 10.0,
        losses: Losses {
            critic: CriticTerms { loss: -1.0, wasserstein: step as f32, penalty: 0.5, slope: 1.25 },
            generator: 7.0,
        },
        smoothed: 3.456,
        measured: step.is_multiple_of(50).then(|| Box::new(measurement.clone())),
    };
    (1..=count).map(row).collect()
}

/// Two images, of which a third file was none.
fn images() -> Dataset {
    let image = png();
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [("a.png", &image[..]), ("b.png", &image), ("c.png", b"none")] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let folder = folder.path().to_owned();
    Dataset::load(&Source::Images { folder, size: 32, colour: ColourMode::Rgb, skip_bad: true }, 1, 0).unwrap()
}

fn png() -> Vec<u8> {
    let mut file = Vec::new();
    png::Encoder::new(&mut file, 1, 1).write_header().unwrap().write_image_data(&[7]).unwrap();
    file
}

fn report<'a>(config: &'a Config, data: &'a Dataset, rows: &'a [Row]) -> Report<'a> {
    let (folder, state) = (Path::new("runs/of <b>\"me\" & 'you'"), State::Finished);
    Report {
        config,
        data,
        folder,
        rows,
        warnings: &[],
        pictures: Vec::new(),
        evaluation: None,
        quality: Quality::default(),
        neighbours: None,
        state,
    }
}

fn points() -> Dataset {
    Dataset::new("points", [2], vec![1.0, -1.0])
}

fn page(rows: &[Row], warnings: &[Warning], state: State, pictures: &[(u64, Vec<u8>)]) -> String {
    let config = Config::resolve(&Options { seed: Some(7), ..Options::default() }, &Options::default()).unwrap();
    Report { warnings, state, pictures: pictures.to_vec(), ..report(&config, &points(), rows) }.page()
}

/// Every element that is opened is closed, in the opposite order, and attributes are quoted.
fn assert_well_formed(page: &str) {
    const VOID: [&str; 5] = ["meta", "br", "img", "input", "!doctype"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page;
    while let Some((_, tag)) = rest.split_once('<') {
        let (tag, after) = tag.split_once('>').expect("a tag ends");
        rest = after;
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{name} is closed, but not open"),
            None => {
                let name = tag.split_whitespace().next().unwrap();
                assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '!'), "{tag}");
                let outside_quotes: Vec<&str> = tag.split('"').step_by(2).collect();
                assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
                assert!(outside_quotes.iter().all(|part| !part.trim_end_matches('=').contains('=')), "{tag}");
                if ["script", "style"].contains(&name) {
                    rest = rest.split_once(&format!("</{name}>")).expect("it ends").1; // whose text is not HTML
                } else if !VOID.contains(&name) && !tag.ends_with('/') {
                    open.push(name);
                }
            }
        }
    }
    assert!(open.is_empty(), "{open:?} are not closed");
}

/// Samples and measures are of the averaged generator, curves of the one in training; and only an estimate of the distance
/// falls as samples get better.
#[test]
fn what_is_said_of_the_curves_is_true_of_the_run() {
    let meanings = |options| {
        let config = Config::resolve(&options, &Options::default()).unwrap();
        let page = report(&config, &points(), &rows(3)).page();
        let meaning = |part: &str| part.split_once("</figcaption>").unwrap().0.to_owned();
        page.split("<figcaption>").skip(1).map(meaning).collect::<Vec<_>>()
    };
    let usual = meanings(Options::default());
    assert!(usual[0].starts_with("It falls") && usual[1].contains("rises towards 0"), "{usual:?}");
    assert!(
        usual[2].contains("the penalty wants it to be 1") && usual[2].contains("of its averaged weights"),
        "{usual:?}"
    );
    let plain = meanings(Options { average: Some(0.0), ..Options::default() });
    assert!(plain[2].contains("nearer to the generator’s distance") && !plain[2].contains("averaged"), "{plain:?}");
    let (objective, lipschitz) = (Some(ObjectiveName::Standard), Some(LipschitzName::None));
    let standard = meanings(Options { objective, lipschitz, ..Options::default() });
    assert!(standard[0].starts_with("This is no distance") && standard[1].contains("ln 4"), "{standard:?}");
    assert_eq!(standard[2], "How steep the critic is.");
}

#[test]
fn a_page_tells_where_the_run_stands() {
    let rows = rows(120);
    let training = page(&rows, &[], State::Training, &[]);
    assert!(training.contains("data-state=\"training\""), "{training}");
    assert!(training.contains("step 120 of 6000, 12 s, 10 steps a second"));
    assert!(training.contains("<progress value=\"120\" max=\"6000\"></progress>"));
    for number in ["<b>3.46</b>", "<b>2.25</b>", "<b>1.05</b>", "<b>0.0123</b>"] {
        assert!(training.contains(number), "{number}");
    }
    let finished = page(&rows, &[], State::Finished, &[]);
    assert!(finished.contains("data-state=\"finished\"") && !finished.contains("<progress"));
    let stopped = page(&rows, &[], State::Stopped, &[]);
    assert!(stopped.contains("data-state=\"stopped\"") && stopped.contains("after step 120 of 6000"));
    let failed = page(&rows, &[], State::Failed("no <good>".to_owned()), &[]);
    assert!(failed.contains("data-state=\"failed\"") && failed.contains("after step 120 of 6000: no &lt;good&gt;"));
    // A run that has not done its steps needs no more of them to go on.
    let goes_on = |page: &str| page.contains("you&#39;\\&#39;&#39;&#39;</span></pre>");
    assert_eq!([&training, &finished, &stopped, &failed].map(|page| goes_on(page)), [true, false, true, true]);
    [training, finished, stopped, failed].iter().for_each(|page| assert_well_formed(page));
}

#[test]
fn a_page_says_how_to_repeat_the_run_and_escapes_what_it_is_given() {
    let warning = Warning { step: 75, text: "1 < 2 & \"so on\"".to_owned() };
    let page = page(&rows(3), &[warning], State::Finished, &[]);
    assert_well_formed(&page);
    let name = "of &lt;b&gt;&quot;me&quot; &amp; &#39;you&#39;";
    assert!(page.contains(&format!("<h1>{name}</h1>")) && page.contains(&format!("<title>{name}</title>")));
    assert!(page.contains("<b>From step 75:</b> 1 &lt; 2 &amp; &quot;so on&quot;"));
    assert!(page.contains("<pre><span>wgan train</span> <span>--seed 7</span></pre>"));
    assert!(
        page.contains(&format!(
            "<span>--resume &#39;runs/{}&#39;</span> <span>--steps 12000</span></pre>",
            name.replace("&#39;", "&#39;\\&#39;&#39;")
        )),
        "{page}"
    );
    assert!(
        page.contains("<tr><th>seed</th><td>7</td></tr>") && page.contains("<tr><th>lipschitz</th><td>gp</td></tr>")
    );
}

#[test]
fn a_page_asks_nothing_of_any_network() {
    let page = page(&rows(100), &[], State::Training, &[(50, b"png".to_vec())]);
    let addresses = page.match_indices("://").map(|(place, _)| &page[place.saturating_sub(5)..place + 13]);
    // The name of SVG's elements, which nobody follows.
    assert!(addresses.clone().all(|address| address.ends_with("://www.w3.org")), "{:?}", addresses.collect::<Vec<_>>());
    for attribute in ["src=\"", "href=\""] {
        assert!(page.split(attribute).skip(1).all(|address| address.starts_with("data:")), "{attribute}");
    }
    assert!(page.contains("src=\"data:image/png;base64,") && !page.contains("@import"));
}

#[test]
fn curves_slopes_and_samples_are_on_the_page() {
    let pictures = [(50, b"first".to_vec()), (100, b"second".to_vec())];
    let page = page(&rows(1000), &[], State::Finished, &pictures);
    assert_well_formed(&page);
    let figures: Vec<&str> = page.split("<svg xmlns").skip(1).collect();
    assert_eq!(figures.len(), 5);
    for (figure, title) in figures.iter().zip(["Wasserstein distance", "Losses", "Slope", "Gradients"]) {
        assert!(figure.contains(&format!(">{title}</text>")), "{title}: {figure}");
    }
    // The latest of each moving average, over a fiftieth of the rows on either side, of which the last has one.
    for name in ["estimate of the distance 990", "on held-out samples 2.25", "nine tenths lie between 0.52 and 3.98"] {
        assert!(page.contains(&format!(">{name}</text>")), "{name}");
    }
    assert!(figures[3].contains("norm (log scale)") && figures[4].contains("what the penalty wants"));
    // One ridge for each of the 20 measurements, on paper that hides those behind.
    assert_eq!(figures[4].matches("class=\"paper\"").count(), 1 + 20);
    let samples = |step| format!("alt=\"Samples after {step} updates of the generator\" data-step=\"{step}\"");
    assert!(page.contains(&format!("<img src=\"data:image/png;base64,Zmlyc3Q=\" {} hidden>", samples(50))));
    assert!(page.contains(&format!("<img src=\"data:image/png;base64,c2Vjb25k\" {}>", samples(100))));
}

#[test]
fn a_page_shows_the_measures_there_are() {
    let (config, data) = (Config::default(), Dataset::load(&Source::Toy(Toy::EightGaussians), 1, 0).unwrap());
    let judge = Judge::of_points(100, &data, Toy::EightGaussians.mixture()).unwrap();
    let measures = judge.measure([Ok(data.samples(50_000..50_100))], &[]).unwrap();
    let evaluation = Evaluation { dataset: DatasetName::EightGaussians, step: 1500, seed: 0, measures };
    let neighbours = Some(b"png".to_vec());
    let page = Report { evaluation: Some(evaluation), neighbours, ..report(&config, &data, &[]) }.page();
    assert_well_formed(&page);
    assert!(page.contains("Measures, after step 1500"), "{page}");
    assert!(page.contains("<tr><th>modes covered of 8</th><td>8</td><td>8</td></tr>"), "{page}");
    assert!(page.contains("<img src=\"data:image/png;base64,cG5n\" alt="), "{page}");
    assert!(!report(&config, &data, &[]).page().contains("Measures, after"));
}

/// A long run's page is no larger than a short one's.
#[test]
fn the_page_of_a_long_run_stays_small() {
    let page = page(&rows(50_000), &[], State::Finished, &[]);
    assert!(page.len() < 200_000, "{} bytes", page.len());
}

#[test]
fn a_run_without_rows_has_a_page() {
    let page = page(&[], &[], State::Training, &[]);
    assert_well_formed(&page);
    assert!(page.contains("step 0 of 6000") && page.contains("<b>–</b><span>slope of the critic</span>"));
    assert!(page.contains("Not measured yet.") && page.contains("Not drawn yet."));
}

#[test]
fn what_was_read_and_what_was_left_out_stand_on_the_page() {
    let (config, data) = (Config::default(), images());
    let page = report(&config, &data, &[]).page();
    assert_well_formed(&page);
    assert!(page.contains("2 images to train on, 0 held out; left out: 1 image that cannot be used"), "{page}");
    assert!(page.contains("<li><b>Data:</b> ") && page.contains("c.png: this is neither a PNG nor a JPEG image"));
}
