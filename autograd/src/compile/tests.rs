//! What each pass makes of a small graph, in text.

use super::graph::{Graph, Units, prune};
use super::kernel::{Access, Kernel};
use super::lower::{Call, lower};
use super::plan::{Place, Plan, Slot, plan};
use super::{fuse, simplify};
use crate::{Shape, Tape, Tensor, Var, Variable};

type Record<'a> = &'a dyn for<'t> Fn(&'t Tape) -> Vec<Var<'t>>;

/// The graph of what is recorded and asked for.
fn graph(record: Record) -> Graph {
    let tape = Tape::new();
    let outputs: Vec<usize> = record(&tape).iter().map(|output| output.id()).collect();
    prune(&tape.nodes(), &outputs)
}

fn list(ids: &[usize]) -> String {
    ids.iter().map(|id| format!("%{id}")).collect::<Vec<_>>().join(" ")
}

/// The nodes as a tape prints them, the values asked for, and the new values of Variables.
fn nodes(graph: &Graph) -> Vec<String> {
    let nodes = graph.nodes.iter().enumerate().map(|(id, node)| format!("%{id} = {node}"));
    let outputs = (!graph.outputs.is_empty()).then(|| format!("give {}", list(&graph.outputs)));
    let assigns = graph.assigns.iter().map(|(variable, id)| format!("assign {} %{id}", variable.name()));
    nodes.chain(outputs).chain(assigns).collect()
}

/// A line for each unit: its nodes, what of them is stored, the sums it takes.
fn units(units: &Units) -> Vec<String> {
    let parts = |unit: &super::graph::Unit| {
        let stored = (!unit.stored.is_empty()).then(|| format!(", stores {}", list(&unit.stored)));
        let sums = (!unit.sums.is_empty()).then(|| format!(", sums {}", list(&unit.sums)));
        list(&unit.nodes) + &stored.unwrap_or_default() + &sums.unwrap_or_default()
    };
    units.units.iter().map(parts).collect()
}

/// A line for each call: the values it writes, its kernel, the values it reads, with strides if not element by element.
fn calls(calls: &[Call]) -> Vec<String> {
    let line = |Call { kernel, reads, writes }: &Call| {
        let strides = |load: usize| match kernel {
            Kernel::Fused(fused) => match &fused.loads[load] {
                Access::Contiguous => String::new(),
                Access::Strided(view) => format!(" by {:?}", view.strides),
            },
            _ => String::new(),
        };
        let reads: String = reads.iter().enumerate().map(|(i, read)| format!(", %{read}{}", strides(i))).collect();
        format!("{} = {kernel}{reads}", list(writes))
    };
    calls.iter().map(line).collect()
}

/// A line for each step: where its kernel writes, the kernel, where it reads.
fn steps(plan: &Plan) -> Vec<String> {
    let places = |slots: &[Slot]| {
        let place = |slot: &Slot| match slot.place {
            Place::Arena(offset) => format!("arena {offset}"),
            Place::Variable(index) => plan.variables[index].name().to_owned(),
            Place::Constant(index) => format!("constant {index}"),
        };
        slots.iter().map(place).collect::<Vec<_>>().join(", ")
    };
    plan.steps
        .iter()
        .map(|step| format!("{} = {}, {}", places(&step.writes), step.kernel, places(&step.reads)))
        .collect()
}

fn planned(record: Record) -> Plan {
    planned_for(1, record)
}

/// For one of so many ranks.
fn planned_for(ranks: usize, record: Record) -> Plan {
    let graph = simplify::simplify(graph(record), ranks);
    let calls = lower(&graph, &fuse::fuse(&graph));
    plan(&graph, calls, |_| 0)
}

fn variable(name: &str, shape: impl Into<Shape>) -> Variable {
    Variable::new(name, Tensor::zeros(shape))
}

mod prune_and_simplify {
    use super::*;

    fn simplified(record: Record) -> Vec<String> {
        nodes(&simplify::simplify(graph(record), 1))
    }

    #[test]
    fn what_nothing_asked_for_depends_on_is_left_out() {
        let record: Record = &|tape| {
            let (x, y) = (tape.input("x", [2]), tape.input("y", [2]));
            tape.assign(&variable("w", [2]), x.exp());
            _ = y.sin();
            vec![x]
        };
        assert_eq!(
            nodes(&graph(record)),
            [r#"%0 = input "x"  [2]"#, "%1 = exp %0  [2]", r#"%2 = assign "w" %1  [2]"#, "give %0", "assign w %2",]
        );
    }

    #[test]
    fn identities_vanish_unless_a_zero_would_change_its_sign() {
        let lines = simplified(&|tape| {
            let x = tape.input("x", [2]);
            vec![x * 1.0 / 1.0 - 0.0, x + 0.0]
        });
        assert_eq!(
            lines,
            [
                r#"%0 = input "x"  [2]"#,
                "%1 = constant 0  []",
                "%2 = broadcast %1  [2]",
                "%3 = add %0 %2  [2]",
                "give %0 %3",
            ]
        );
    }

    #[test]
    fn constants_are_folded() {
        let lines = simplified(&|tape| vec![(tape.scalar(2.0) * 3.0).exp().ln() + tape.zeros([2, 2]).sum()]);
        assert_eq!(lines, ["%0 = constant 6  []", "give %0"]);
    }

    #[test]
    fn equal_nodes_are_one_and_zeros_of_two_signs_are_not() {
        let lines = simplified(&|tape| {
            let x = tape.input("x", []);
            let numbers = || tape.constant(&Tensor::<f64>::from_fn([2], |i| i as f64));
            let same = [x.sin(), x.sin(), numbers(), numbers()];
            [&same[..], &[x * 0.0, x * -0.0, x.clamp(0.0, 1.0), x.clamp(-0.0, 1.0)]].concat()
        });
        assert_eq!(
            lines,
            [
                r#"%0 = input "x"  []"#,
                "%1 = sin %0  []",
                "%2 = constant tensor  [2]",
                "%3 = constant 0  []",
                "%4 = mul %0 %3  []",
                "%5 = constant -0  []",
                "%6 = mul %0 %5  []",
                "%7 = clamp low=0 high=1 %0  []",
                "%8 = clamp low=-0 high=1 %0  []",
                "give %1 %1 %2 %2 %4 %6 %7 %8",
            ]
        );
    }

    #[test]
    fn reductions_are_of_axes_that_follow_each_other() {
        let lines = simplified(&|tape| vec![tape.input("x", [2, 1, 3, 4, 5]).sum_axes(&[0, 1, 3, 4])]);
        assert_eq!(
            lines,
            [
                r#"%0 = input "x"  [2, 1, 3, 4, 5]"#,
                "%1 = sum axes=[3, 4] %0  [2, 1, 3]",
                "%2 = sum axes=[0] %1  [1, 3]",
                "%3 = reshape %2  [3]",
                "give %3",
            ]
        );
    }

    #[test]
    fn constants_are_laid_out_for_what_reads_whole_buffers() {
        let lines = simplified(&|tape| {
            let zeros = tape.zeros([2, 2]);
            vec![tape.input("x", [2, 2]).matmul(zeros), tape.concat(&[zeros, zeros], 0)]
        });
        assert_eq!(
            lines,
            [
                r#"%0 = input "x"  [2, 2]"#,
                "%1 = constant tensor  [2, 2]",
                "%2 = matmul a·b %0 %1  [2, 2]",
                "%3 = constant tensor  [4, 2]",
                "give %2 %3",
            ]
        );
    }
}

mod fusing {
    use super::*;

    fn fused(record: Record) -> Vec<String> {
        units(&fuse::fuse(&graph(record)))
    }

    #[test]
    fn every_reader_of_a_mask_has_its_own() {
        let record: Record = &|tape| {
            let mask = tape.input("x", [2]).step();
            vec![tape.input("y", [2]) * mask, mask.exp()]
        };
        assert_eq!(
            nodes(&fuse::duplicate_masks(graph(record))),
            [
                r#"%0 = input "x"  [2]"#,
                r#"%1 = input "y"  [2]"#,
                "%2 = step %0  [2]",
                "%3 = mul %1 %2  [2]",
                "%4 = step %0  [2]",
                "%5 = exp %4  [2]",
                "give %3 %5",
            ]
        );
    }

    #[test]
    fn a_product_adds_onto_what_it_is_added_to() {
        let record: Record = &|tape| {
            let (a, b) = (tape.input("a", [2, 2]), tape.input("b", [2, 2]));
            vec![a.exp() + a.matmul(b)]
        };
        assert_eq!(
            nodes(&fuse::accumulate(graph(record))),
            [
                r#"%0 = input "a"  [2, 2]"#,
                r#"%1 = input "b"  [2, 2]"#,
                "%2 = exp %0  [2, 2]",
                "%3 = matmul a·b %0 %1 %2  [2, 2]",
                "give %3",
            ]
        );
    }

    #[test]
    fn a_chain_is_one_unit() {
        assert_eq!(fused(&|tape| vec![tape.input("x", [2]).sin().exp().tanh()]), ["%1 %2 %3, stores %3"]);
    }

    #[test]
    fn a_group_takes_the_sums_of_its_values() {
        // %0 the input, %1 its square, %2 the sum.
        assert_eq!(fused(&|tape| vec![tape.input("x", [4]).square().sum()]), ["%1, sums %2"]);
    }

    #[test]
    fn views_are_followed_by_groups_and_laid_out_for_others() {
        let record: Record = &|tape| {
            let x = tape.input("x", [2, 3]); //  %0
            let turned = x.transpose(); //       %1
            vec![turned.exp()] //                %2
        };
        assert_eq!(fused(record), ["%2, stores %2"]);
        let record: Record = &|tape| {
            let x = tape.input("x", [2, 3]); //  %0
            let turned = x.transpose(); //       %1
            vec![turned.matmul(x)] //            %2
        };
        assert_eq!(fused(record), ["%1, stores %1", "%2, stores %2"]);
    }

    #[test]
    fn no_group_waits_for_what_waits_for_it() {
        let lines = fused(&|tape| {
            let x = tape.input("x", [2, 2]).sin(); //  %1
            let product = x.matmul(x); //              %2
            vec![product + x] //                       %3, which could else run with %1
        });
        assert_eq!(lines, ["%1, stores %1", "%2, stores %2", "%3, stores %3"]);
    }
}

mod lowering {
    use super::*;

    fn lowered(record: Record) -> Vec<String> {
        let graph = graph(record);
        calls(&lower(&graph, &fuse::fuse(&graph)))
    }

    #[test]
    fn a_group_reads_what_it_does_not_compute_and_writes_what_others_read() {
        let lines = lowered(&|tape| {
            let (x, w) = (tape.input("x", [2, 3]), tape.input("w", [3])); //  %0 %1
            let y = (x + w).sin() * 2.0; //                                   %2 … %7
            vec![y.sum_axes(&[0])] //                                         %8
        });
        assert_eq!(lines, ["%8 = fused 6×(add sin mul sum), %0, %1 by [0, 1]"]);
    }

    /// Each view of a buffer is an argument of its own, as the result is.
    #[test]
    fn a_group_of_more_than_sixty_arguments_is_two() {
        let graph = graph(&|tape| {
            let x = tape.input("x", [4, 64]);
            vec![(0..64).map(|i| x.slice(1, i..i + 1)).reduce(|sum, column| sum + column).unwrap()]
        });
        let calls = lower(&graph, &fuse::fuse(&graph));
        assert_eq!(calls.len(), 2);
        assert!(calls.iter().all(|call| call.reads.len() + call.writes.len() <= 60));
    }

    #[test]
    fn views_and_reductions_become_kernels_on_buffers() {
        let lines = lowered(&|tape| {
            let x = tape.input("x", [2, 3]); //                %0
            let turned = x.transpose(); //                     %1
            let product = turned.reshape([3, 1, 2]); //        %2, the memory of %1
            vec![tape.concat(&[product, product], 1).max_axes(&[2])] // %3 %4
        });
        assert_eq!(lines, ["%1 = copy [3, 2], %0", "%3 = assemble 2 parts, %1, %1", "%4 = Max 6×(2)×1, %3"]);
    }
}

mod planning {
    use super::*;

    #[test]
    fn values_that_are_never_alive_together_share_memory() {
        let plan = planned(&|tape| {
            let w = tape.variable(&variable("w", [4, 4]));
            vec![(0..4).fold(tape.input("x", [4, 4]), |x, _| x.matmul(w))]
        });
        let product = "product 1×[4, 4]·[4, 4]";
        assert_eq!(
            steps(&plan),
            [
                format!("arena 16 = {product}, arena 0, w"),
                format!("arena 0 = {product}, arena 16, w"),
                format!("arena 16 = {product}, arena 0, w"),
                format!("arena 0 = {product}, arena 16, w"),
            ]
        );
        assert_eq!(plan.arena, 32);
    }

    #[test]
    fn a_group_writes_over_what_dies_in_it() {
        let plan = planned(&|tape| {
            let x = tape.input("x", [4, 4]);
            vec![x.matmul(x).exp()]
        });
        assert_eq!(
            steps(&plan),
            ["arena 16 = product 1×[4, 4]·[4, 4], arena 0, arena 0", "arena 16 = fused 16×(exp), arena 16",]
        );
    }

    #[test]
    fn a_variable_takes_its_new_value_in_place() {
        let plan = planned(&|tape| {
            let w = variable("w", [4]);
            tape.assign(&w, tape.variable(&w).exp());
            vec![]
        });
        assert_eq!(steps(&plan), ["w = fused 4×(exp), w"]);
        assert_eq!(plan.arena, 0);
    }

    #[test]
    fn a_variable_that_is_read_later_takes_its_new_value_at_the_end() {
        let plan = planned(&|tape| {
            let w = variable("w", [4, 4]);
            let old = tape.variable(&w);
            let new = tape.assign(&w, old.exp());
            vec![new.matmul(old)]
        });
        assert_eq!(
            steps(&plan),
            ["arena 0 = fused 16×(exp), w", "arena 16 = product 1×[4, 4]·[4, 4], arena 0, w", "w = copy [16], arena 0",]
        );
    }

    #[test]
    fn variables_exchange_their_values() {
        let plan = planned(&|tape| {
            let [a, b] = ["a", "b"].map(|name| variable(name, [4]));
            tape.assign(&a, tape.variable(&b));
            tape.assign(&b, tape.variable(&a));
            vec![]
        });
        assert_eq!(steps(&plan), ["arena 0 = copy [4], b", "b = copy [4], a", "a = copy [4], arena 0",]);
    }

    /// Two gradients and the loss, of two ranks: computed where they are averaged. The loss is needed as it was, too.
    #[test]
    fn means_over_ranks_travel_together_and_are_taken_in_place() {
        let record: Record = &|tape| {
            let [a, b] = ["a", "b"].map(|name| variable(name, [4, 4]));
            let x = tape.input("x", [4, 4]);
            let loss = x.matmul(tape.variable(&a)).matmul(tape.variable(&b)).sum();
            for (gradient, weight) in tape.grad(loss, &[&a, &b].map(|v| tape.variable(v))).into_iter().zip([&a, &b]) {
                tape.assign(weight, tape.variable(weight) - gradient.all_mean());
            }
            vec![loss.all_mean(), loss]
        };
        let lines = steps(&planned_for(2, record));
        let messages: Vec<&String> = lines.iter().filter(|line| line.contains("all_mean")).collect();
        assert_eq!(messages.len(), 1, "{lines:#?}");
        assert_eq!(lines.iter().filter(|line| line.contains("copy")).count(), 1, "{lines:#?}");
        assert!(steps(&planned(record)).iter().all(|line| !line.contains("all_mean") && !line.contains("copy")));
    }

    /// The second mean needs the first.
    #[test]
    fn a_mean_that_needs_another_is_a_message_of_its_own() {
        let plan = planned_for(2, &|tape| {
            let x = tape.input("x", [4, 4]);
            let y = x.matmul(x).all_mean();
            vec![y.matmul(x).all_mean(), x.sum().all_mean()]
        });
        assert_eq!(
            steps(&plan),
            [
                "arena 0 = product 1×[4, 4]·[4, 4], arena 32, arena 32",
                "arena 16 = Sum 1×(16)×1, arena 32",
                "arena 0 = all_mean, ",
                "arena 48 = product 1×[4, 4]·[4, 4], arena 0, arena 32",
                "arena 48 = all_mean, ",
            ]
        );
    }
}
