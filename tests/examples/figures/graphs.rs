//! Chapters 1, 2, 3 and 5: tapes as graphs, with their values, and what the compiler makes of one.

use autograd::{Device, Feed, Tape, Tensor, Variable};

/// A diagram as an image of its own: on white paper, since nobody knows whether the page around it is light or dark.
fn on_paper(diagram: String) -> String {
    const EDGE: f64 = 10.0;
    let extent = |name: &str| {
        let number = diagram.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
        number.and_then(|it| it.parse::<f64>().ok()).expect("a diagram says how large it is") + 2.0 * EDGE
    };
    let (width, height) = (extent("width"), extent("height"));
    let inner = diagram.replacen("<svg ", &format!("<svg x=\"{EDGE}\" y=\"{EDGE}\" "), 1);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" color=\"#222\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n{inner}</svg>\n"
    )
}

/// Chapter 1: x² + eˣ at 3.
pub fn tape() -> String {
    let tape = Tape::new();
    let x = tape.scalar(3.0);
    let y = x * x + x.exp();
    let diagram = tape.diagram().values(&tape, Feed::default()).expect("nothing is fed");
    on_paper(
        diagram
            .note(x.id(), "x")
            .note(y.id(), "y")
            .svg("The tape of x·x + eˣ: each line a box, with lines to those it reads"),
    )
}

/// Chapter 2: x·eˣ at 2, its values and the slopes that the reverse pass appends.
pub fn slopes() -> String {
    let tape = Tape::new();
    let x = tape.scalar(2.0);
    let y = x * x.exp();
    let forward = tape.nodes().len();
    let slope = tape.grad(y, &[x])[0];
    let diagram = tape.diagram().part("forward: values", 0..forward);
    let diagram = diagram.part("backward: slopes of y", forward..tape.nodes().len());
    let diagram = diagram.values(&tape, Feed::default()).expect("nothing is fed");
    on_paper(
        diagram
            .note(x.id(), "x")
            .note(y.id(), "y = x·eˣ")
            .note(slope.id(), "dy/dx")
            .svg("x·eˣ and its slope on one tape"),
    )
}

/// Chapter 3: the penalty that is worked out by hand there, and its derivative.
pub fn second_pass() -> String {
    let tape = Tape::new();
    let constant = |shape: [usize; 2], values: &[f64]| {
        tape.constant(&Tensor::new(shape, values.to_vec()).expect("as many values"))
    };
    let count = || tape.nodes().len();
    let w = constant([2, 2], &[3.0, 4.0, 1.0, -2.0]);
    let v = constant([1, 2], &[1.0, 5.0]);
    let x = constant([1, 2], &[1.0, 1.0]);
    let h = x.matmul_transposed(w);
    let score = h.relu().matmul_transposed(v);
    let forward = count();
    let s = tape.grad(score.sum(), &[x])[0];
    let back = count();
    let p = (s.norm_rows() - 1.0).square().mean();
    let penalty = count();
    let [to_w, to_v] = tape.grad(p, &[w, v]);
    let end = count();
    let diagram = tape.diagram().part("1 forward", 0..forward).part("2 back to x", forward..back);
    let diagram = diagram.part("3 penalty", back..penalty).part("4–6 the second pass", penalty..end);
    let diagram = diagram.note(w.id(), "W").note(v.id(), "v").note(x.id(), "x").note(h.id(), "h").note(score.id(), "D");
    let diagram = diagram.note(s.id(), "s").note(p.id(), "p").note(to_w.id(), "∂p/∂W").note(to_v.id(), "∂p/∂v");
    on_paper(
        diagram.svg("The penalty on a slope and its derivative: the second pass leads back to step 2, never to step 1"),
    )
}

/// Chapter 5: the pass of this number, on the tape of that chapter.
fn pass(number: usize) -> String {
    let weight = Variable::new("weight", Tensor::zeros([512, 784]));
    let bias = Variable::new("bias", Tensor::zeros([512]));
    let tape = Tape::new();
    let x = tape.input("x", [64, 784]);
    let (w, b) = (tape.variable(&weight), tape.variable(&bias));
    let loss = (x.matmul_transposed(w) + b).relu().square().sum();
    let gradient = tape.grad(loss, &[w])[0];
    tape.assign(&weight, w - gradient * 0.1);
    on_paper(Device::cpu().passes(&tape, &[]).swap_remove(number).svg)
}

pub fn prune() -> String {
    pass(0)
}

pub fn simplify() -> String {
    pass(1)
}

pub fn fuse() -> String {
    pass(2)
}

pub fn plan() -> String {
    pass(3)
}
