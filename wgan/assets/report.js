'use strict';

// ---- What a reload must not forget: where the reader is.

const key = 'wgan ' + location.pathname;
const stored = (() => {
  try { return JSON.parse(sessionStorage.getItem(key)) || {}; } catch { return {}; }
})();
const remember = (name, value) => {
  stored[name] = value;
  try { sessionStorage.setItem(key, JSON.stringify(stored)); } catch { /* then it is forgotten */ }
};
if (stored.scroll) scrollTo(0, stored.scroll);
addEventListener('scroll', () => remember('scroll', scrollY), { passive: true });

// ---- Samples, with a slider once there are several.

const pictures = [...document.querySelectorAll('#samples img')];
const player = document.querySelector('.player');
const [button, slider, output] = player.children;
let playing = null;
const show = i => {
  pictures.forEach((picture, j) => { picture.hidden = i !== j; });
  slider.value = i;
  output.textContent = `step ${pictures[i].dataset.step}`;
};
const play = on => {
  clearInterval(playing);
  playing = on ? setInterval(() => show((+slider.value + 1) % pictures.length), 500) : null;
  button.textContent = on ? '❚❚' : '▶';
  button.setAttribute('aria-label', on ? 'Pause' : 'Play');
};
if (pictures.length > 1) {
  const latest = pictures.length - 1;
  slider.max = latest;
  slider.addEventListener('input', () => {
    play(false);
    show(+slider.value);
    // Whoever looks at the latest wants to see the next.
    remember('step', +slider.value === latest ? null : pictures[slider.value].dataset.step);
  });
  button.addEventListener('click', () => play(playing === null));
  const kept = pictures.findIndex(picture => picture.dataset.step === stored.step);
  show(kept >= 0 ? kept : latest);
  player.hidden = false;
}

// ---- While the run goes on, so does the page.

const page = document.documentElement.dataset;
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
      if (!document.hidden && !pressed && playing === null) location.reload();
    }, 10000);
  }
}
