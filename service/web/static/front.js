// The chart of the front: the network under the pointer, or under the keyboard's focus, shows beside it.

import { fragment } from './api.js';

const panel = document.getElementById('panel');
const WAIT = 120;
let shown = null;
let waiting = null;

function pick(number) {
  document.querySelectorAll('.picked').forEach((mark) => mark.classList.remove('picked'));
  document.querySelectorAll(`#front [data-n="${CSS.escape(number)}"]`).forEach((mark) => mark.classList.add('picked'));
}

async function show(number) {
  if (number === shown) { return; }
  shown = number;
  pick(number);
  const { ok, text } = await fragment(`${panel.dataset.at}/trials/${number}/panel`).catch(() => ({ ok: false }));
  // Another one may have been pointed at meanwhile.
  if (number !== shown) { return; }
  if (ok) {
    panel.replaceChildren(...new DOMParser().parseFromString(text, 'text/html').body.childNodes);
  } else {
    shown = null; // the service is away for a moment: it may be pointed at again
  }
}

function open(number) { location.assign(`${panel.dataset.at}/trials/${number}`); }

function numberOf(event) {
  const mark = event.target.closest && event.target.closest('#front [data-n]');
  return mark ? mark.dataset.n : null;
}

for (const type of ['pointerover', 'focusin']) {
  document.addEventListener(type, (event) => {
    const number = numberOf(event);
    if (number === null) { return; }
    clearTimeout(waiting);
    waiting = setTimeout(show, WAIT, number);
  });
}
document.addEventListener('click', (event) => {
  const number = numberOf(event);
  if (number === null) { return; }
  // A finger has no pointer to hover with: its first touch shows the network, the second opens it.
  if (number === shown || event.pointerType === 'mouse') { open(number); } else { show(number); }
});
document.addEventListener('keydown', (event) => {
  const number = event.key === 'Enter' || event.key === ' ' ? numberOf(event) : null;
  if (number !== null) { event.preventDefault(); open(number); }
});
document.addEventListener('refreshed', () => {
  if (document.getElementById('front')) { panel.hidden = false; }
  if (shown !== null) { pick(shown); }
});
