// Keeps a page up to date: events of a job say that something changed, the server says how that looks.

import { fragment } from './api.js';
import { localTimes } from './app.js';

const live = document.getElementById('live');
const log = document.getElementById('log');
const said = document.getElementById('said');
const MOST_LOG = 60000;
const PAUSE = 1000; // between two looks at the server, however many events come

let due = null;
let looking = false;
let again = false;
let ended = false;
let written = log ? Number(log.dataset.size) : 0;

async function refresh() {
  if (looking) { again = true; return; }
  looking = true;
  again = false;
  try {
    const { ok, text } = await fragment(live.dataset.parts);
    if (ok) { replace(text); }
  } catch { /* the service is away for a moment: the next look finds it */ }
  looking = false;
  if (again) { soon(); }
}

function soon() {
  if (due !== null) { return; }
  due = setTimeout(() => { due = null; refresh(); }, PAUSE);
}

// Puts new parts in the place of old ones, where they differ. What has the focus keeps it.
function replace(text) {
  const coming = new DOMParser().parseFromString(text, 'text/html');
  coming.querySelectorAll('[id^=part-]').forEach((part) => {
    const old = document.getElementById(part.id);
    if (!old || old.dataset.text === part.innerHTML) { return; }
    const focus = old.contains(document.activeElement) ? marker(document.activeElement) : null;
    const seen = numbers(old);
    old.dataset.text = part.innerHTML;
    old.replaceChildren(...part.childNodes);
    localTimes(old);
    if (part.id === 'part-front' && seen.size) { arrivals(old, seen); }
    if (focus) {
      const element = old.querySelector(focus);
      if (element) { element.focus({ preventScroll: true }); }
    }
  });
  document.dispatchEvent(new CustomEvent('refreshed'));
}

function marker(element) {
  if (element.id) { return `#${CSS.escape(element.id)}`; }
  for (const name of ['data-n', 'href', 'data-request', 'aria-label']) {
    if (element.hasAttribute(name)) {
      return `${element.tagName.toLowerCase()}[${name}="${CSS.escape(element.getAttribute(name))}"]`;
    }
  }
  return null;
}

function numbers(root) {
  return new Set(Array.from(root.querySelectorAll('.dot[data-n]'), (dot) => dot.dataset.n));
}

function arrivals(root, seen) {
  root.querySelectorAll('.dot[data-n]').forEach((dot) => {
    if (!seen.has(dot.dataset.n)) { dot.classList.add('arrived'); }
  });
}

// The page came with the first ``written`` bytes of the log; of what was told meanwhile, only the rest is new.
function write({ offset, text }) {
  if (!log || !text) { return; }
  const bytes = new TextEncoder().encode(text);
  const known = Math.max(0, written - offset);
  if (known >= bytes.length) { return; }
  const lines = new TextDecoder().decode(bytes.subarray(known));
  written = offset + bytes.length;
  const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 30;
  log.append(lines);
  if (log.textContent.length > MOST_LOG) { log.textContent = log.textContent.slice(-MOST_LOG / 2); }
  if (atEnd) { log.scrollTop = log.scrollHeight; }
}

function data(event) {
  try { return JSON.parse(event.data); } catch { return {}; }
}

function follow(path) {
  const events = new EventSource(path);
  for (const type of ['job', 'trial', 'front', 'epoch']) { events.addEventListener(type, soon); }
  events.addEventListener('trial', (event) => {
    const { number, accuracy } = data(event);
    if (said && number !== undefined) {
      said.textContent = `Trial ${number} ended${accuracy ? `: ${(100 * accuracy).toFixed(1)} %` : ''}`;
    }
  });
  events.addEventListener('log', (event) => write(data(event)));
  events.addEventListener('reset', () => location.reload());
  events.addEventListener('end', () => {
    ended = true;
    events.close();
    soon();
  });
}

if (log) { log.scrollTop = log.scrollHeight; }
if (live) {
  if (live.dataset.events) { follow(live.dataset.events); }
  if (live.dataset.every) {
    setInterval(() => { if (!document.hidden && !ended) { refresh(); } }, 1000 * live.dataset.every);
  }
}
