'use strict';
const page = document.documentElement.dataset;
const data = JSON.parse(document.getElementById('data').textContent);

// ---- What a reload must not forget: where the reader is.

const key = 'wgan ' + location.pathname;
const stored = (() => {
  try { return JSON.parse(sessionStorage.getItem(key)) || {}; } catch { return {}; }
})();
const remember = (name, value) => {
  stored[name] = value;
  try { sessionStorage.setItem(key, JSON.stringify(stored)); } catch { /* then it is forgotten */ }
};

// ---- Elements.

const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
};
const shape = (name, attributes) => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
};

// ---- Numbers.

const text = x => {
  const size = Math.abs(x);
  const digits = size >= 1e5 || (size < 1e-3 && size > 0) ? x.toExponential(1) : String(+x.toPrecision(4));
  return digits.replace('.0e', 'e').replace('e+', 'e').replaceAll('-', '−');
};
/** Round numbers from low to high, about as many as asked for. */
const ticks = (low, high, count) => {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(factor => factor * power >= rough);
  const made = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) made.push(+(i * step).toPrecision(12));
  return made;
};
/** Powers of ten, few enough to be told apart, with numbers between them where there are hardly any. */
const powers = (low, high) => {
  const [from, to] = [Math.floor(Math.log10(low)), Math.log10(high)], made = [];
  const stride = Math.ceil((to - from) / 6);
  for (let e = from; e <= to; e += stride) {
    for (const factor of high / low > 300 ? [1] : [1, 2, 5]) made.push(factor * 10 ** e);
  }
  const within = made.filter(x => x >= low && x <= high);
  return within.length > 1 ? within : ticks(low, high, 4);
};

// ---- Plots: lines in a square that is stretched, with words beside it that are not.

const SIDE = 1000;

/** An empty plot between two ranges; `across` and `up` place a number in it, from 0 to 1. */
const plot = (kind, [left, right], [low, high], logarithmic) => {
  const scale = logarithmic ? x => Math.log10(Math.max(x, low)) : x => x; // there is no place for 0
  const across = x => (x - left) / (right - left || 1);
  const up = y => (scale(y) - scale(low)) / (scale(high) - scale(low) || 1);
  const svg = shape('svg', { viewBox: `0 0 ${SIDE} ${SIDE}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  const box = element('div', { class: `plot ${kind}` }, svg);
  for (const x of ticks(left, right, 6)) {
    box.append(element('span', { class: 'x', style: `left:${100 * across(x)}%` }, text(x)));
  }
  const place = ([x, y]) => `${(SIDE * across(x)).toFixed(1)},${(SIDE * (1 - up(y))).toFixed(1)}`;
  return { box, svg, across, up, place };
};
const path = (cls, places) => shape('path', { class: cls, d: `M${places.join('L')}${places.length > 1 ? '' : 'h8'}` });
const level = (cls, y) => shape('path', { class: cls, d: `M0,${SIDE * (1 - y)}H${SIDE}` });

/** What stands where there is nothing to draw. */
const unmeasured = () => element('p', { class: 'note' }, page.state === 'training' ? 'Not measured yet.'
  : 'Not measured: that needs 50 steps, and 20 samples of which one is held out.');

// ---- Curves, which share one cursor; the legend tells the values under it.

const readers = [];
const read = step => readers.forEach(reader => reader(step));
const [first, last] = data.steps;

const draw = chart => {
  const [low, high] = chart.range;
  const title = element('strong', {}, chart.name), meaning = element('figcaption', {}, chart.meaning);
  if (!chart.curves.some(curve => curve.smooth.length)) return element('figure', {}, title, unmeasured(), meaning);
  const { box, svg, across, up, place } = plot('', [first, last], chart.range, chart.logarithmic);
  for (const y of chart.logarithmic ? powers(low, high) : ticks(low, high, 4)) {
    svg.append(level('grid', up(y)));
    box.append(element('span', { class: 'y', style: `bottom:${100 * up(y)}%` }, text(y)));
  }
  if (chart.target !== null) svg.append(level('target', up(chart.target)));
  const lines = kind => {
    for (const curve of chart.curves) {
      if (!curve[kind].length) continue;
      const line = path(kind, curve[kind].map(place));
      line.style.setProperty('--colour', curve.colour);
      svg.append(line);
    }
  };
  lines('raw');
  lines('smooth');

  const legend = element('div', { class: 'legend' });
  const entries = [];
  for (const curve of chart.curves) {
    if (!curve.smooth.length) continue;
    if (curve.name) {
      const value = element('b');
      const swatch = element('i', { style: `--colour:${curve.colour}` });
      legend.append(element('div', {}, swatch, `${curve.name} `, value));
      entries.push({ value, curves: [] });
    }
    entries.at(-1).curves.push(curve.smooth);
  }
  const cursor = element('div', { class: 'cursor', hidden: '' });
  box.append(cursor);
  readers.push(step => {
    cursor.hidden = step === null;
    cursor.style.left = `${100 * across(step ?? last)}%`;
    const nearest = points => points.reduce((a, b) => (Math.abs(b[0] - (step ?? last)) <= Math.abs(a[0] - (step ?? last)) ? b : a));
    for (const { value, curves } of entries) value.textContent = curves.map(points => text(nearest(points)[1])).join(' and ');
  });
  const point = event => {
    const { left, width } = svg.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
    read(first + share * (last - first));
  };
  box.addEventListener('pointermove', point);
  box.addEventListener('pointerdown', point);
  box.addEventListener('pointerleave', () => read(null));
  return element('figure', {}, title, legend, box, meaning);
};
document.getElementById('charts').append(...data.charts.map(draw));
read(null);

// ---- Slopes: a ridge for each of some steps, the latest in front.

const ridges = ({ high: right, target, ridges }) => {
  const count = ridges.length, overlap = 2.5, height = SIDE / (count + overlap);
  const { box, svg, across } = plot('ridges', [0, right], [0, 1], false);
  if (target !== null) svg.append(shape('path', { class: 'target', d: `M${SIDE * across(target)},0V${SIDE}` }));
  ridges.forEach(({ step, high, counts }, i) => {
    const ground = SIDE - height * (count - 1 - i), most = Math.max(...counts, 1), width = high / counts.length;
    const tops = counts.map((n, bin) => [
      SIDE * across((bin + 0.5) * width), ground - overlap * height * n / most,
    ]);
    const ends = [[0, ground], ...tops, [SIDE * across(high), ground], [SIDE, ground]];
    const ridge = path('ridge', ends.map(([x, y]) => `${Math.min(x, SIDE).toFixed(1)},${y.toFixed(1)}`));
    svg.append(ridge);
    if ((count - 1 - i) % Math.ceil(count / 10) === 0) {
      box.append(element('span', { class: 'y', style: `bottom:${100 - ground / SIDE * 100}%` }, text(step)));
    }
  });
  return box;
};
document.getElementById('slopes').append(
  data.slopes.ridges.length ? ridges(data.slopes) : unmeasured(),
);

// ---- Samples, with a slider once there are several.

const player = pictures => {
  const image = element('img', { alt: '' });
  const slider = element('input', { type: 'range', min: 0, max: pictures.length - 1, 'aria-label': 'Step of the samples' });
  const output = element('output'), button = element('button', { type: 'button' });
  let playing = null;
  const show = i => {
    slider.value = i;
    image.src = pictures[i].png;
    image.alt = `Samples after ${pictures[i].step} updates of the generator`;
    output.textContent = `step ${pictures[i].step}`;
  };
  const play = on => {
    clearInterval(playing);
    playing = on ? setInterval(() => show((+slider.value + 1) % pictures.length), 500) : null;
    button.textContent = on ? '❚❚' : '▶';
    button.setAttribute('aria-label', on ? 'Pause' : 'Play');
  };
  slider.addEventListener('input', () => {
    play(false);
    show(+slider.value);
    // Whoever looks at the latest wants to see the next.
    remember('step', +slider.value === pictures.length - 1 ? null : pictures[slider.value].step);
  });
  button.addEventListener('click', () => play(playing === null));
  const kept = pictures.findIndex(picture => picture.step === stored.step);
  show(kept >= 0 ? kept : pictures.length - 1);
  play(false);
  const controls = pictures.length > 1 ? [element('div', { class: 'player' }, button, slider, output)] : [];
  return { parts: [image, ...controls], busy: () => playing !== null };
};
const samples = data.samples.length ? player(data.samples) : { parts: ['Not drawn yet.'], busy: () => false };
document.getElementById('samples').append(...samples.parts);

// ---- While the run goes on, so does the page.

if (stored.scroll) scrollTo(0, stored.scroll);
addEventListener('scroll', () => remember('scroll', scrollY), { passive: true });

if (page.state === 'training') {
  let pressed = false;
  addEventListener('pointerdown', () => { pressed = true; });
  addEventListener('pointerup', () => { pressed = false; });
  addEventListener('pointercancel', () => { pressed = false; });
  const silent = performance.timeOrigin - page.written;
  if (silent > page.patience) {
    const minutes = Math.round(silent / 60000);
    document.getElementById('status').append(` — no news for ${minutes} min: the run seems to have been ended by force`);
  } else {
    setInterval(() => {
      if (!document.hidden && !pressed && !samples.busy()) location.reload();
    }, 10000);
  }
}
