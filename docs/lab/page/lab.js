"use strict";
// Draws what the module computes, and hands on what is typed and clicked. All that is known of a training is in Rust.

const $ = (id) => document.getElementById(id);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const FIELDS = [
  ["dataset", "learn"], ["objective", "objective"], ["lipschitz", "constraint"], ["lambda", "penalty λ"],
  ["clip", "bound c"], ["critic-steps", "critic steps"], ["lr", "learning rate"], ["dim", "width"],
  ["batch", "batch"], ["seed", "seed"],
];
const RATES = [1, 4, 15, 60, 240, Infinity]; // updates a second
// Milliseconds: of a frame, and of training in it at least, however long the rest takes.
const FRAME = 1000 / 60, LEAST = 6;
// How long a picture takes to draw, on each of four frames in turn, and the browser to show it: what is left is for training.
let drawing = [4, 4, 4, 4], showing = 2;
let lab = null, playing = false, debt = 0, before = 0, frames = 0, dirty = true, offers;
let asked = {}, drawn = [], contours = [], ended = "", claim = "";

async function start() {
  await load();
  offers = JSON.parse(wasm_bindgen.offers());
  for (const [name, address, about] of offers.presets) {
    const button = $("presets").appendChild(document.createElement("button"));
    button.textContent = name;
    button.dataset.address = address;
    button.title = about;
    button.onclick = () => { location.hash = address; };
  }
  for (const [name, text] of FIELDS) {
    const label = $("form").appendChild(document.createElement("label"));
    label.append(text);
    const field = label.appendChild(document.createElement(name in offers.choices ? "select" : "input"));
    field.id = name;
    for (const [choice, help] of offers.choices[name] || []) {
      const option = field.appendChild(new Option(name === "dataset" ? help : choice, choice));
      option.title = help;
    }
    if (field.tagName === "INPUT") Object.assign(field, { type: "number", step: "any", inputMode: "decimal" });
    field.onchange = () => change(name, field.value);
  }
  $("form").onsubmit = (event) => event.preventDefault();
  $("play").onclick = () => play(!playing);
  $("critic").onclick = () => once("step_critic");
  $("generator").onclick = () => once("step_generator");
  $("restart").onclick = () => read();
  $("clear").onclick = () => { drawn = []; write(); };
  $("speed").oninput = showRate;
  addEventListener("hashchange", read);
  addEventListener("keydown", key);
  addEventListener("resize", () => { dirty = true; });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { dirty = true; });
  $("picture").onpointerdown = (event) => draws() && (place(event), event.target.setPointerCapture(event.pointerId));
  $("picture").onpointermove = (event) => draws() && event.buttons && place(event);
  $("picture").onpointerup = () => draws() && write();
  showRate();
  read();
  requestAnimationFrame(frame);
}

// Settings and the address

function read() {
  asked = Object.fromEntries(new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B")));
  drawn = (asked.drawn || "").split(",").filter(Boolean).map((n) => Number(n) / 100);
  delete asked.drawn;
  const address = location.hash.slice(1);
  const preset = offers.presets.find((preset) => preset[1] === address);
  claim = preset ? preset[2] : "";
  for (const button of $("presets").children) button.setAttribute("aria-pressed", button.dataset.address === address);
  play(false);
  try {
    const made = new wasm_bindgen.Lab(decodeURIComponent(address));
    if (lab) lab.free();
    lab = made;
    ended = "";
    contours = lab.contours();
  } catch (error) {
    if (draws() && lab) { lab.free(); lab = null; }
    ended = String(error);
  }
  showSettings();
  dirty = true;
}

function write() {
  const settings = Object.entries(asked);
  if (draws()) settings.push(["drawn", drawn.map((n) => Math.round(100 * n)).join(",")]);
  const address = settings.map(([name, value]) => `${name}=${value}`).join("&");
  if (location.hash.slice(1) === address) read(); else location.hash = address;
}

function change(name, value) {
  if (value === "") delete asked[name]; else asked[name] = value;
  if (name in offers.choices) { delete asked.lambda; delete asked.clip; }
  if (name === "objective") delete asked.lipschitz;
  write();
}

function showSettings() {
  const used = lab ? JSON.parse(lab.used()) : {};
  if (asked.dataset && offers.choices.dataset.some(([name]) => name === asked.dataset)) used.dataset = asked.dataset;
  for (const [name] of FIELDS) {
    const field = $(name);
    if (lab) field.parentElement.hidden = field.parentElement.style.display = "";
    if (lab && !(name in used)) field.parentElement.style.display = "none";
    if (field.tagName === "SELECT") { if (name in used) field.value = used[name]; continue; }
    field.value = asked[name] ?? "";
    field.placeholder = used[name] ?? "";
  }
  $("clear").hidden = !draws();
  $("picture").classList.toggle("drawing", draws());
  const command = lab && lab.command();
  $("command").innerHTML = "";
  if (command) {
    $("command").append("The same by the program: ");
    $("command").appendChild(document.createElement("code")).textContent = command;
  }
  for (const id of ["play", "critic", "generator"]) $(id).disabled = !lab;
}

// Points drawn by hand

function draws() { return asked.dataset === "drawn"; }

function reach() { return lab ? lab.reach() : offers.canvas; }

function place(event) {
  const box = $("picture").getBoundingClientRect(), half = reach();
  const x = half * (2 * (event.clientX - box.left) / box.width - 1);
  const y = half * (1 - 2 * (event.clientY - box.top) / box.height);
  const near = drawn.some((_, i) => i % 2 === 0 && Math.hypot(drawn[i] - x, drawn[i + 1] - y) < 0.12);
  if (!near && drawn.length < 2 * offers["most-drawn"]) drawn.push(x, y);
  dirty = true;
}

// Steps

function play(on) {
  playing = on && Boolean(lab);
  $("play").textContent = playing ? "pause" : "play";
  $("play").setAttribute("aria-pressed", playing);
}

function attempt(step) {
  try {
    lab[step]();
    return true;
  } catch (error) {
    ended = String(error);
    play(false);
    return false;
  }
}

function once(step) {
  play(false);
  if (lab && attempt(step)) refresh();
  dirty = true;
}

function refresh() {
  try { contours = lab.contours(); } catch (error) { ended = String(error); }
}

function key(event) {
  if (["INPUT", "SELECT", "BUTTON", "A"].includes(event.target.tagName) && (event.key === " " || event.target.tagName !== "BUTTON")) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const speed = (by) => { $("speed").value = Number($("speed").value) + by; showRate(); };
  const does = {
    " ": () => play(!playing), c: () => once("step_critic"), g: () => once("step_generator"), r: read,
    "+": () => speed(1), "=": () => speed(1), "-": () => speed(-1),
  }[event.key.toLowerCase()];
  if (does) { does(); event.preventDefault(); }
}

function showRate() {
  const rate = RATES[$("speed").value];
  $("rate").textContent = rate === Infinity ? "full" : `${rate} / s`;
}

function frame(now) {
  const turn = frames % 4;
  if (playing) {
    const late = now - before > 1.25 * FRAME;
    showing = Math.min(8, Math.max(1, showing + (late ? 0.5 : -0.005)));
    const end = Math.max(performance.now() + LEAST, now + FRAME - showing - drawing[turn]);
    const rate = RATES[$("speed").value];
    debt = Math.min(debt + rate * (now - before) / 1000, rate);
    while (debt >= 1 && performance.now() < end && attempt("step")) {
      if (rate !== Infinity) debt -= 1;
      dirty = true;
    }
    if (!Number.isFinite(debt)) debt = 1;
  }
  before = now;
  frames += 1;
  if (dirty) {
    const start = performance.now();
    dirty = false;
    // The critic's height takes longest, and changes least.
    if (playing && turn === 0) refresh();
    drawPicture();
    if (!playing || turn === 1) drawCourse();
    drawing[turn] += (performance.now() - start - drawing[turn]) / 8;
  }
  requestAnimationFrame(frame);
}

// Pictures

function canvas(id) {
  const element = $(id), scale = devicePixelRatio || 1;
  const width = element.clientWidth, height = element.clientHeight;
  if (element.width !== Math.round(width * scale) || element.height !== Math.round(height * scale)) {
    element.width = Math.round(width * scale);
    element.height = Math.round(height * scale);
  }
  const pen = element.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = "12px system-ui, sans-serif";
  return { pen, width, height };
}

function drawPicture() {
  const { pen, width, height } = canvas("picture");
  const half = reach(), side = Math.min(width, height);
  const X = (x) => width / 2 + side / 2 * x / half, Y = (y) => height / 2 - side / 2 * y / half;
  if (lab) {
    pen.strokeStyle = css("--critic");
    for (let at = 0; at < contours.length;) {
      const [level, count] = [contours[at], contours[at + 1]];
      pen.globalAlpha = 0.18 + 0.72 * level;
      pen.lineWidth = 0.8 + level;
      pen.beginPath();
      for (let i = at + 2; i < at + 2 + 2 * count; i += 2) pen.lineTo(X(contours[i]), Y(contours[i + 1]));
      pen.stroke();
      at += 2 + 2 * count;
    }
    pen.globalAlpha = 1;
    const real = lab.real();
    pen.strokeStyle = css("--real");
    pen.lineWidth = 1.3;
    for (let i = 0; i < real.length; i += 2) dot(pen, X(real[i]), Y(real[i + 1]), 3, "stroke");
    try { drawGenerated(pen, lab.points(), X, Y); } catch (error) { ended = String(error); }
  } else {
    pen.strokeStyle = css("--real");
    pen.lineWidth = 1.5;
    for (let i = 0; i < drawn.length; i += 2) dot(pen, X(drawn[i]), Y(drawn[i + 1]), 4, "stroke");
  }
  pen.fillStyle = css("--faint");
  pen.textAlign = "center";
  const tick = half > 1.2 ? 1 : 0.5;
  for (let n = -Math.floor(half / tick); n <= half / tick; n += 1) {
    const at = n * tick;
    if (Math.abs(at) > 0.92 * half) continue; // where the axes' names stand
    pen.fillText(text(at), X(at), height - 6);
    pen.fillText(text(at), 15, Y(at) + 4);
    pen.fillRect(X(at), height - 3, 1, 3);
    pen.fillRect(0, Y(at), 3, 1);
  }
  pen.textAlign = "left";
  pen.fillText("y", 6, 14);
  pen.fillText("x", width - 12, height - 6);
}

function drawGenerated(pen, points, X, Y) {
  // A pull of 1, the slope of an ideal critic, is an arrow of 1/32 of the window's side; none is longer than three of them.
  const unit = reach() / 16;
  pen.strokeStyle = css("--pull");
  pen.lineWidth = 1;
  pen.globalAlpha = 0.8;
  pen.beginPath();
  for (let i = 0; i < points.length; i += 4) {
    const [x, y, dx, dy] = points.subarray(i, i + 4), long = Math.hypot(dx, dy);
    const share = unit * Math.min(1, 3 / long);
    const [a, b] = [X(x), Y(y)], [c, d] = [X(x + share * dx), Y(y + share * dy)];
    pen.moveTo(a, b);
    pen.lineTo(c, d);
    const tip = Math.min(4, Math.hypot(c - a, d - b) / 2), angle = Math.atan2(d - b, c - a);
    for (const side of [2.6, -2.6]) {
      pen.moveTo(c, d);
      pen.lineTo(c + tip * Math.cos(angle + side), d + tip * Math.sin(angle + side));
    }
  }
  pen.stroke();
  pen.globalAlpha = 1;
  pen.fillStyle = css("--fake");
  for (let i = 0; i < points.length; i += 4) dot(pen, X(points[i]), Y(points[i + 1]), 2.4, "fill");
}

function dot(pen, x, y, radius, how) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen[how]();
}

function text(number) {
  if (number === null || number === undefined) return "–";
  if (!Number.isFinite(number)) return "∞";
  return String(Number(number.toPrecision(3))).replace("-", "−");
}

function drawCourse() {
  const now = lab ? JSON.parse(lab.summary()) : { step: 0, critic: 0, warnings: [], estimates: true };
  const rows = [
    ["generator updates", now.step], ["critic updates", now.critic], ["exact distance", text(now.distance)],
    [now.estimates ? "estimate" : "gap of scores", text(now.found?.estimate)], ["critic's slope", text(now.found?.slope)],
    ["modes", now.modes ? `${now.modes[0]} of ${now.modes[1]}` : "–"],
  ];
  $("numbers").replaceChildren(...rows.map(([name, value]) => {
    const row = document.createElement("div");
    row.appendChild(document.createElement("dt")).textContent = name;
    row.appendChild(document.createElement("dd")).textContent = value;
    row.dataset.value = value;
    return row;
  }));
  const curves = lab ? lab.curves() : [], distances = lab ? lab.distances() : [];
  const columns = (values, width, column) => Array.from({ length: values.length / width }, (_, i) => [values[i * width], values[i * width + column]]);
  const end = Math.max(20, now.step);
  chart("distances", "distance", end, [
    { name: now.estimates ? "estimate" : "gap", colour: "--critic", points: columns(curves, 3, 1) },
    { name: "exact", colour: "--fake", points: columns(distances, 2, 1) },
    { name: "two real samples", colour: "--faint", dashed: true, points: now.floor ? [[0, now.floor], [end, now.floor]] : [] },
  ]);
  chart("slopes", "critic's slope", end, [
    { name: "mean slope", colour: "--critic", points: columns(curves, 3, 2) },
    { name: "1", colour: "--faint", dashed: true, points: [[0, 1], [end, 1]] },
  ]);
  const sentences = [];
  if (ended) sentences.push(["warning", ended]);
  if (claim) sentences.push(["claim", claim]);
  for (const [step, warning] of now.warnings) sentences.push(["warning", `After ${step} updates: ${warning}.`]);
  if (now.modes) {
    sentences.push(["modes", `${now.modes[0]} of ${now.modes[1]} modes have a point within 3σ; ${Math.round(100 * now.modes[2])} % of the points are so near to one.`]);
  }
  const said = sentences.map(([, sentence]) => sentence).join("\n");
  if ($("sentences").dataset.said === said) return;
  $("sentences").dataset.said = said;
  $("sentences").replaceChildren(...sentences.map(([kind, sentence]) => {
    const line = document.createElement("p");
    line.className = kind;
    line.textContent = sentence;
    return line;
  }));
}

// A chart of curves over the generator's updates: axes with labels, a legend on top.
function chart(id, label, end, curves) {
  const { pen, width, height } = canvas(id);
  const [left, right, top, bottom] = [44, width - 8, 34, height - 30];
  const values = curves.flatMap(({ points }) => points.map((point) => point[1])).filter(Number.isFinite);
  // A few values that stand out, as at the start, do not press the others flat.
  const sorted = values.map(Math.abs).sort((a, b) => a - b);
  const most = Math.max(1.15 * (sorted[Math.floor(0.98 * (sorted.length - 1))] || 1), 0.1);
  const low = Math.max(-most, Math.min(0, ...values)), step = nice((most - low) / 4);
  const bottomValue = Math.floor(low / step) * step, topValue = Math.ceil(most / step) * step;
  const X = (x) => left + (right - left) * x / end;
  const Y = (y) => bottom - (bottom - top) * (y - bottomValue) / (topValue - bottomValue);
  pen.textAlign = "right";
  for (let y = bottomValue; y <= topValue + step / 2; y += step) {
    pen.fillStyle = css("--line");
    pen.fillRect(left, Y(y), right - left, 1);
    pen.fillStyle = css("--faint");
    pen.fillText(text(Math.abs(y) < step / 1e6 ? 0 : y), left - 6, Y(y) + 4);
  }
  pen.textAlign = "center";
  const across = Math.max(1, nice(end / 4));
  for (let x = 0; x <= end; x += across) pen.fillText(x, Math.min(X(x), width - pen.measureText(x).width / 2), bottom + 14);
  pen.fillText("updates of the generator", (left + right) / 2, height - 3);
  pen.textAlign = "left";
  pen.fillText(label, 2, 11);
  pen.save();
  pen.beginPath();
  pen.rect(left, top, right - left, bottom - top + 1);
  pen.clip();
  for (const { colour, dashed, points } of curves) {
    pen.strokeStyle = css(colour);
    pen.lineWidth = 1.8;
    pen.setLineDash(dashed ? [5, 4] : []);
    pen.beginPath();
    for (const [x, y] of points) pen.lineTo(X(x), Y(y));
    pen.stroke();
  }
  pen.restore();
  let at = left;
  for (const { name, colour, dashed } of curves) {
    pen.strokeStyle = css(colour);
    pen.lineWidth = 2;
    pen.setLineDash(dashed ? [4, 3] : []);
    pen.beginPath();
    pen.moveTo(at, 22);
    pen.lineTo(at + 16, 22);
    pen.stroke();
    pen.fillStyle = css("--ink");
    pen.fillText(name, at + 20, 26);
    at += 34 + pen.measureText(name).width;
  }
  pen.setLineDash([]);
}

function nice(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return [1, 2, 5, 10].find((n) => n * power >= step) * power;
}

start();
