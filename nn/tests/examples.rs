//! The examples, at sizes that take seconds: they come near to their known answers.

#![allow(dead_code)] // what only their main functions call

#[path = "../examples/autoencoder.rs"]
mod autoencoder;
#[path = "../examples/classifier.rs"]
mod classifier;
#[path = "../examples/hamiltonian.rs"]
mod hamiltonian;
#[path = "../examples/meta_learning.rs"]
mod meta_learning;
#[path = "../examples/newton.rs"]
mod newton;
#[path = "../examples/physics.rs"]
mod physics;
#[path = "../examples/score_matching.rs"]
mod score_matching;
#[path = "../examples/transformer.rs"]
mod transformer;

#[test]
fn the_autoencoders_bound_comes_near_to_the_likelihood_from_below() {
    let (bound, most) = (f64::from(autoencoder::train(1500, 128).unwrap()), autoencoder::log_likelihood());
    assert!((most - 0.5..most + 0.05).contains(&bound), "{bound}, of at most {most}");
}

#[test]
fn the_classifier_tells_digits_apart_and_does_so_after_loading() {
    let [trained, loaded] = classifier::train(2000, 3).unwrap();
    assert_eq!(trained, loaded);
    assert!(trained > 0.85, "{trained}");
}

#[test]
fn the_learned_energy_is_kept_and_the_learned_motion_gains_or_loses_some() {
    use hamiltonian::{BY_ENERGY, BY_MOTION, SWING, drift, learned, orbit};
    let [kept, drifting] = [(BY_ENERGY, 1), (BY_MOTION, 2)].map(|(motion, outputs)| {
        let network = learned(motion, outputs, 200, 1000).unwrap();
        drift(&orbit(motion, &network, 30 * SWING).unwrap())
    });
    assert!(kept < 0.1 && drifting > 2.0 * kept, "{kept} and {drifting}");
}

#[test]
fn a_step_on_a_tasks_samples_beats_all_that_does_not_learn_from_them() {
    let ([before, after], least) = (meta_learning::train(1500, 25).unwrap(), meta_learning::without_learning());
    assert!(f64::from(before) > 0.95 * least, "{before}, of at least {least}");
    assert!(f64::from(after) < 0.6 * least, "{after}, where {least} is the least without the step");
}

#[test]
fn influences_are_what_training_without_a_sample_finds() {
    let difference = newton::difference(&newton::influences(300).unwrap());
    assert!(difference < 0.2, "{difference}");
}

#[test]
fn the_network_solves_the_equation() {
    let error = physics::train(2000, 128).unwrap();
    assert!(error < 0.05, "{error}");
}

#[test]
fn the_score_is_the_densitys() {
    let error = score_matching::train(1000, 256).unwrap();
    assert!(error < 0.3, "{error}");
}

/// It has seen few bytes yet, but more than how frequent each is.
#[test]
fn the_transformer_predicts_better_than_frequencies() {
    let (learned, counted) = (f64::from(transformer::train(1, 100, 8).unwrap()), transformer::counted(1));
    assert!(learned < counted - 0.2, "{learned} bits, by counting {counted}");
}
