//! What derivatives of high order cost: lines on the tape, and digits of f32.
//!
//! ```text
//! cargo run --release -p tests --example orders
//! ```

use autograd::{Device, Error, Tape, Tensor};
use nn::layers::Activation;
use nn::{Init, Mode, Module, Rng, Sequential};

/// Of each order from 0 on: the lines of the tape, and the error on the device, relative to the size of the derivative.
fn costs(orders: usize) -> Result<Vec<(usize, f64)>, Error> {
    let network = Sequential::mlp(&[1, 32, 32, 1], Activation::Tanh, Init::FanIn, &mut Rng::new(1, "weights"));
    let tape = Tape::new();
    let x = tape.constant(&Tensor::<f64>::from_fn([64, 1], |i| i as f64 / 32.0 - 1.0));
    let mut derivative = network.forward(x, Mode::Train);
    let mut costs = Vec::new();
    for _ in 0..=orders {
        let exact = derivative.value(); // in f64
        let mut program = Device::cpu().program(&tape, &[derivative])?;
        let found = &program.run(&[])?[0];
        let length = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
        let differences = &mut exact.data().iter().zip(found.data()).map(|(a, &b)| a - f64::from(b));
        costs.push((tape.nodes().len(), length(differences) / length(&mut exact.data().iter().copied())));
        [derivative] = tape.grad(derivative.sum(), &[x]);
    }
    Ok(costs)
}

fn main() -> Result<(), Error> {
    for (order, (lines, error)) in costs(6)?.into_iter().enumerate() {
        println!("order {order}: {lines:6} lines on the tape, relative error {error:.0e}");
    }
    Ok(())
}

#[test]
fn each_order_costs_a_bit_at_most() {
    for (order, (_, error)) in costs(4).expect("a device").into_iter().enumerate() {
        assert!(error < 3e-7 * 2f64.powi(order as i32), "order {order}: {error:e}");
    }
}
