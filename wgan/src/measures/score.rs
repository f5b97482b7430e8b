//! The classifier score: whether every sample is clearly of one class, and all classes are there.

use autograd::Element;

/// exp(E KL(p(y|x) ‖ p(y))), the inception score (Salimans et al. 2016, arXiv 1606.03498, section 4), for the classes'
/// probabilities of each sample, which lie one after the other: 1 if no sample says more than the mean of all, at best
/// the number of classes.
///
/// ```
/// use wgan::measures::classifier_score;
/// assert_eq!(classifier_score(&[1.0, 0.0, 0.0, 1.0], 2), 2.0);
/// assert_eq!(classifier_score(&[0.5, 0.5, 0.5, 0.5], 2), 1.0);
/// ```
///
/// # Panics
/// If there is no sample or the numbers make no whole ones.
pub fn classifier_score<T: Element>(probabilities: &[T], classes: usize) -> f64 {
    let whole = !probabilities.is_empty() && probabilities.len().is_multiple_of(classes);
    assert!(whole, "{} probabilities of {classes} classes", probabilities.len());
    let samples = probabilities.chunks_exact(classes);
    let count = samples.len() as f64;
    let mut mean = vec![0.0; classes];
    for sample in samples.clone() {
        mean.iter_mut().zip(sample).for_each(|(mean, &p)| *mean += p.into() / count);
    }
    let divergence = |sample: &[T]| -> f64 { sample.iter().zip(&mean).map(|(&p, &q)| summand(p.into(), q)).sum() };
    (samples.map(divergence).sum::<f64>() / count).exp()
}

/// p·ln(p/q), which tends to 0 with p.
fn summand(p: f64, q: f64) -> f64 {
    if p > 0.0 { p * (p / q).ln() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certain_samples_of_all_classes_score_their_number() {
        let certain: Vec<f32> =
            (0..30).flat_map(|i| (0..10).map(move |class| f32::from(u8::from(i % 10 == class)))).collect();
        assert!((classifier_score(&certain, 10) - 10.0).abs() < 1e-9);
    }

    #[test]
    fn samples_of_a_single_class_score_one() {
        let collapsed: Vec<f32> = [0.0, 1.0, 0.0].repeat(20);
        assert!((classifier_score(&collapsed, 3) - 1.0).abs() < 1e-12);
    }

    /// Two samples, (¾, ¼) and (¼, ¾): the mean is (½, ½), the divergence of both ¾·ln 1.5 + ¼·ln 0.5.
    #[test]
    fn in_between_it_is_the_formula() {
        let expected = (0.75 * 1.5f64.ln() + 0.25 * 0.5f64.ln()).exp();
        assert!((classifier_score(&[0.75, 0.25, 0.25, 0.75], 2) - expected).abs() < 1e-12);
    }
}
