//! Does a WGAN minimise the Wasserstein distance? Between finite samples the exact distance prefers blurred means to the truth,
//! in many dimensions (Stanczuk et al. 2021, arXiv 2103.01678). A critic, which is no more than a small network can be, does not:
//! better estimates of the distance make worse samples (Mallasto, Montúfar & Gerolin 2019, arXiv 1910.03875).

use super::prelude::*;

pub const SUMMARY: &str =
    "the exact distance of batches prefers blurs to the truth; a critic, which knows less, does not";

/// Samples of either kind between which the exact distance is taken.
const POINTS: usize = 256;
/// Digits of either kind.
const DIGITS: usize = 500;
/// Digits that are learned from.
const POOL: usize = 4000;

/// How far a generator's samples are from real ones.
struct Judged {
    /// Exactly, between these samples, and what a critic of its own estimates: the gap by the slope, on samples unseen.
    exact: f64,
    estimate: f64,
}

pub fn run(size: Size) -> Result<Findings> {
    let mut table = Vec::new();
    // Real samples are from N(0, I). One generator draws from that, too, the other always draws the mean.
    let dimensions: &[usize] = size.pick(&[2, 32], &[1, 2, 4, 8, 16, 32, 64]);
    let (mut truth, mut collapsed) = (Vec::new(), Vec::new());
    for &d in dimensions {
        let [perfect, blurred] = gaussians(d, size.pick(300, 1500))?;
        // E‖x‖ is that of the chi distribution, E‖x − y‖ of independent x and y is √2 of it.
        table.push(check(
            format!("N(0, I), d = {d}: exact, to more of it"),
            perfect.exact,
            AtMost(2f64.sqrt() * chi(d)),
        ));
        let known = Near(chi(d), 0.15);
        table.push(check(format!("N(0, I), d = {d}: exact, to its mean"), blurred.exact, known));
        table.push(check(format!("N(0, I), d = {d}: critic, to more of it"), perfect.estimate, Near(0.0, 0.15)));
        // A small network is nearly the best critic, −‖x‖, in few dimensions alone. In many it stays below, as lower bounds may;
        // above is only the penalty's bias, W²/2λ.
        let known = if d <= 8 { Near(chi(d), 0.05 * chi(d)) } else { AtMost(1.05 * chi(d)) };
        table.push(check(format!("N(0, I), d = {d}: critic, to its mean"), blurred.estimate, known));
        if d > 8 {
            // Two of 32 units are enough for |x₁|. So it can be −(|x₁| + … + |x₁₆|)/4, which is 1-Lipschitz, at least.
            let of_sixteen = 4.0 * (2.0 / std::f64::consts::PI).sqrt();
            let what = format!("N(0, I), d = {d}: the same by what 16 coordinates are enough for");
            table.push(check(what, blurred.estimate / of_sixteen, AtLeast(1.0)));
        }
        truth.push((d as f64, perfect));
        collapsed.push((d as f64, blurred));
    }
    let many = dimensions.len() - 1;
    let ratio = truth[many].1.exact / collapsed[many].1.exact;
    table.push(check(format!("d = {}: exact to the truth by that to the mean", dimensions[many]), ratio, AtLeast(1.0)));
    let ratio = truth[0].1.exact / collapsed[0].1.exact;
    table.push(check(format!("d = {}: exact to the truth by that to the mean", dimensions[0]), ratio, AtMost(1.0)));

    let game = Game { batch: 50, ..digits(Loss::Wasserstein(LossForm::Difference)) };
    let data = Dataset::load(&Source::Digits, game.batch, 0)?;
    let pool = data.samples(0..POOL);
    let (real, others) = (data.samples(POOL..POOL + DIGITS), data.samples(POOL + DIGITS..POOL + 2 * DIGITS));
    let paired = by_pairing(&game, &pool, size.pick(30, 1500))?;
    let mut training = GanTraining::new(&game, &Source::Digits)?;
    training.run(size.pick(10, 1000))?;
    let criticised = training.samples(POOL + DIGITS)?;
    let part = |samples: &Tensor, from: usize, to: usize| {
        let pixels = samples.shape().count() / samples.shape()[0];
        Tensor::new([to - from, 1, 28, 28], samples.data()[from * pixels..to * pixels].to_vec())
    };
    let judge = |samples: &Tensor, learned: &Tensor| -> Result<Judged> {
        let critic =
            CriticTraining::trained(&game, points_of(pool.clone()), points_of(learned.clone()), size.pick(20, 600))?;
        let slope = mean([critic.slopes(&real)?, critic.slopes(samples)?].concat());
        let exact = wasserstein(real.data(), samples.data(), real.shape().count() / DIGITS);
        Ok(Judged { exact, estimate: critic.gap(&real, samples)? / slope })
    };
    let generators = [
        ("other digits", others.clone(), data.samples(POOL + 2 * DIGITS..data.len())),
        ("exact distance", part(&paired, 0, DIGITS)?, part(&paired, DIGITS, POOL + DIGITS)?),
        ("critic", part(&criticised, 0, DIGITS)?, part(&criticised, DIGITS, POOL + DIGITS)?),
    ];
    let (mut judged, mut quality) = (Vec::new(), Vec::new());
    for (name, samples, learned) in &generators {
        let (found, frechet) = (judge(samples, learned)?, digit_distance(&real, samples)?);
        table.push(check(format!("digits, {name}: exact distance of {DIGITS}"), found.exact, Open));
        table.push(check(format!("digits, {name}: critic's estimate"), found.estimate, Open));
        table.push(check(format!("digits, {name}: Fréchet distance"), frechet, Open));
        judged.push(found);
        quality.push(frechet);
    }
    // What takes training to come out.
    if size == Size::Full {
        let by_exact = judged[1].exact / judged[0].exact;
        table.push(check("exact distance: learned by it, by that of other digits", by_exact, AtMost(1.0)));
        table.push(check(
            "Fréchet distance: learned by pairing, by learned by a critic",
            quality[1] / quality[2],
            AtLeast(1.5),
        ));
        let by_critic = judged[1].estimate / judged[2].estimate;
        table.push(check("critic's estimate: learned by pairing, by learned by a critic", by_critic, AtLeast(1.0)));
    }
    let [other, paired, criticised] = &judged[..] else { unreachable!("there are three") };
    let sentence = format!(
        "Between batches of {DIGITS}, other digits are {:.2} away, those of a generator that learned to make just that small \
         {:.2}, those of a WGAN {:.2}; their Fréchet distances are {:.0}, {:.0} and {:.0}, and a critic trained afresh estimates \
         {:.2}, {:.2} and {:.2}.",
        other.exact,
        paired.exact,
        criticised.exact,
        quality[0],
        quality[1],
        quality[2],
        other.estimate,
        paired.estimate,
        criticised.estimate
    );
    let curve = |found: &[(f64, Judged)], value: fn(&Judged) -> f64| -> Polyline {
        found.iter().map(|(d, judged)| (*d, value(judged))).collect()
    };
    let spread = Panel::new("N(0, I) against more of it, and its mean", axis("dimensions").log(), "distance")
        .line("exact, more of it", BLUE, curve(&truth, |judged| judged.exact))
        .line("exact, mean", VERMILION, curve(&collapsed, |judged| judged.exact))
        .rings("critic, more of it", BLUE, curve(&truth, |judged| judged.estimate))
        .rings("critic, mean", VERMILION, curve(&collapsed, |judged| judged.estimate));
    let names = axis("made by").names(&generators.each_ref().map(|(name, ..)| *name));
    let bars = |value: fn(&Judged) -> f64, by: f64| -> Polyline {
        numbered(judged.iter().map(value)).map(|(place, x)| (place + by, x)).collect()
    };
    let distances = Panel::new("How far digits are from digits", names, "distance")
        .bars("exact", BLUE, 0.35, bars(|judged| judged.exact, -0.19))
        .bars("critic's estimate", ORANGE, 0.35, bars(|judged| judged.estimate, 0.19));
    let grid = |title: &str, i: usize| -> Result<Panel> {
        let name = format!("Fréchet distance {:.0}", quality[i]);
        Ok(Panel::images(title, [(name, Picture::of_samples(&part(&generators[i].1, 0, 64)?))]))
    };
    let panels = vec![spread, distances, grid("Taught by the exact distance", 1)?, grid("Taught by a critic", 2)?];
    Ok(Findings { table, figure: Figure::new(2, panels), sentence })
}

/// The mean of the chi distribution with d degrees of freedom, √2·Γ((d + 1)/2)/Γ(d/2): it is √(2/π) for 1, √(π/2) for 2, and
/// its product with that for d + 1 is d.
fn chi(d: usize) -> f64 {
    (1..d).fold((2.0 / std::f64::consts::PI).sqrt(), |mean, d| d as f64 / mean)
}

/// N(0, I) in `d` dimensions against more of it, and against its mean.
fn gaussians(d: usize, updates: u64) -> Result<[Judged; 2]> {
    let sample = |name, deviation: f64| computed(|tape| tape.normal(Stream::new(1, name), [POINTS, d]) * deviation);
    let real = sample("real", 1.0)?;
    let judge = |deviation: f64| -> Result<Judged> {
        let made = sample("made", deviation)?;
        let critic = CriticTraining::trained(&lipschitz_toy(), cloud(d, 1.0), cloud(d, deviation), updates)?;
        // A critic is judged by more samples than are paired: nothing is left of their chance.
        let many = |name, deviation: f64| computed(|tape| tape.normal(Stream::new(2, name), [20_000, d]) * deviation);
        let estimate = critic.gap(&many("real", 1.0)?, &many("made", deviation)?)?;
        Ok(Judged { exact: wasserstein(real.data(), made.data(), d), estimate })
    };
    Ok([judge(1.0)?, judge(0.0)?])
}

/// Samples of N(0, σ²I).
fn cloud(d: usize, deviation: f64) -> impl Distribution {
    move |tape, noise, batch| tape.normal(noise, [batch, d]) * deviation
}

/// Samples of a generator that learned to make the exact distance between batches small: each batch is paired anew, then the
/// mean distance within the pairs falls.
fn by_pairing(game: &Game, pool: &Tensor, updates: u64) -> Result<Tensor> {
    let (batch, stream) = (game.batch, |name| Stream::new(game.seed, name));
    let generator = game.generator(&Shape::from(&pool.shape()[1..]), 0);
    let rule = game.rule.optimizer(generator.parameters());
    let draw = points_of(pool.clone());
    let mut batches = Device::cpu()
        .compile(|tape| [draw(tape, stream("real"), batch), generator.samples(tape, stream("noise"), batch, None)])?;
    let mut update = Device::cpu().compile(|tape| {
        let (real, fake) =
            (tape.input("real", [batch, 1, 28, 28]), generator.samples(tape, stream("noise"), batch, None));
        rule.update((real - fake).reshape([batch, 28 * 28]).norm_rows().mean(), tape.scalar(game.lr));
        []
    })?;
    let pixels = pool.shape().count() / pool.shape()[0];
    for step in 0..updates {
        let [real, fake] = batches.at(step).run(&[])?;
        let partners = optimal_assignment(&euclidean_costs(fake.data(), real.data(), pixels)).columns;
        let partners = partners.into_iter().flat_map(|i| &real.data()[i * pixels..(i + 1) * pixels]).copied().collect();
        update.at(step).run(&[("real", &Tensor::new(real.shape(), partners)?)])?;
    }
    computed(|tape| generator.samples(tape, stream("samples"), POOL + DIGITS, None))
}

#[cfg(test)]
mod tests {
    use super::chi;

    /// The mean of |x| is √(2/π), that of a Rayleigh distribution √(π/2), that of Maxwell's 2·√(2/π).
    #[test]
    fn the_means_of_norms_are_those_of_their_distributions() {
        let pi = std::f64::consts::PI;
        for (d, known) in [(1, (2.0 / pi).sqrt()), (2, (pi / 2.0).sqrt()), (3, 2.0 * (2.0 / pi).sqrt())] {
            assert!((chi(d) - known).abs() < 1e-12, "{d}");
        }
    }
}
