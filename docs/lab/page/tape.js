"use strict";
// Shows what the engine says of a formula. The address holds formula, place, derivatives and whether it is compiled.

const $ = (id) => document.getElementById(id);
const FIRST = { f: "tanh(x*y) + x^2", x: "1", y: "0.5", by: "", compile: "" };
const PASSES = {
  prune: "What nothing asked for depends on is left out: it is pale.",
  simplify: "Constants are folded, identities vanish, equal nodes become one.",
  fuse: "Elementwise nodes are gathered into kernels, which read and write memory once.",
  plan: "Every value gets a place in one arena, which values share that are never alive together. A hollow mark is a read, a full one a write.",
};
let state = FIRST;

async function start() {
  await load();
  $("form").onsubmit = (event) => { event.preventDefault(); typed({}); };
  for (const id of ["x", "y"]) $(id).onchange = () => typed({});
  for (const name of ["x", "y"]) $(`gradient-${name}`).onclick = () => typed({ by: state.by + name });
  $("undo").onclick = () => typed({ by: state.by.slice(0, -1) });
  $("compile").onclick = () => typed({ compile: state.compile ? "" : "1" });
  addEventListener("hashchange", read);
  addEventListener("keydown", (event) => {
    const button = event.altKey && $(`gradient-${event.key}`);
    if (button) { event.preventDefault(); button.click(); }
  });
  read();
}

function typed(change) {
  const next = { ...state, f: $("formula").value, x: $("x").value || "0", y: $("y").value || "0", ...change };
  if (next.f !== state.f) next.by = "";
  location.hash = new URLSearchParams(Object.entries(next).filter(([, value]) => value)).toString();
}

function read() {
  const given = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  state = { ...FIRST, ...given };
  $("formula").value = state.f;
  $("x").value = state.x;
  $("y").value = state.y;
  $("undo").disabled = !state.by;
  $("compile").setAttribute("aria-pressed", Boolean(state.compile));
  try {
    const seen = JSON.parse(wasm_bindgen.recorded(state.f, Number(state.x), Number(state.y), state.by));
    $("values").replaceChildren(...seen.passes.map(([name, value, nodes]) => {
      const line = document.createElement("li");
      const shown = value === null ? "not finite" : String(Number(value.toPrecision(6))).replace("-", "−");
      line.textContent = `${name} = ${shown} (${nodes} nodes)`;
      return line;
    }));
    $("tape").innerHTML = seen.svg; // the engine's own, with all text escaped
    $("text").textContent = seen.text;
    const passes = state.compile ? JSON.parse(wasm_bindgen.compiled(state.f, state.by)) : [];
    $("passes").replaceChildren(...passes.map(([name, summary, svg]) => {
      const part = document.createElement("section");
      part.appendChild(document.createElement("h2")).textContent = `${name}: ${summary}`;
      const about = part.appendChild(document.createElement("p"));
      about.className = "aside";
      about.textContent = PASSES[name];
      const picture = part.appendChild(document.createElement("div"));
      picture.className = "scroll";
      picture.innerHTML = svg;
      return part;
    }));
    $("error").hidden = true;
  } catch (error) {
    $("error").textContent = String(error);
    $("error").hidden = false;
  }
}

start();
