// A new search: uploads, what is in the chosen images, and what to expect of the form as it is filled in.

import { Refused, ask, busy, complain, fragment, markInvalid } from './api.js';

const form = document.getElementById('new');
const upload = document.getElementById('upload');
const choices = document.getElementById('choices');
const looked = document.getElementById('looked');
const expected = document.getElementById('expected');
const WAIT = 500;
let waiting = null;
let turn = 0;

function chosen() {
  return new FormData(form).get('data');
}

async function look() {
  const data = chosen();
  if (!data) { return; }
  keepInLinks(data);
  looked.classList.add('stale');
  const { text } = await fragment(`/new/images?data=${encodeURIComponent(data)}`);
  if (data !== chosen()) { return; }
  put(looked, text);
}

// Whoever goes over to the form of another kind keeps the images.
function keepInLinks(data) {
  document.querySelectorAll('#kinds a').forEach((link) => {
    const address = new URL(link.href);
    address.searchParams.set('data', data);
    link.href = address;
  });
}

// The part of an answer that is to be shown; of a page that says what went wrong, only that.
function put(place, text) {
  const coming = new DOMParser().parseFromString(text, 'text/html');
  place.classList.remove('stale');
  const wrong = coming.querySelector('main .empty p');
  if (wrong) {
    const note = document.createElement('div');
    note.className = 'note bad';
    note.setAttribute('role', 'alert');
    note.textContent = wrong.textContent;
    place.replaceChildren(note);
  } else {
    place.replaceChildren(...coming.body.childNodes);
  }
}

async function expect() {
  if (!chosen()) { return; }
  const mine = ++turn;
  expected.classList.add('stale');
  expected.setAttribute('aria-busy', 'true');
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) { if (value) { asked.set(name, value); } }
  const { text } = await fragment(`/new/expected?${asked}`);
  if (mine !== turn) { return; }
  expected.removeAttribute('aria-busy');
  put(expected, text);
  const note = expected.querySelector('.note.bad');
  markInvalid(form, note ? note.textContent.trim() : '');
}

function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(expect, WAIT);
}

choices.addEventListener('change', () => { look(); soon(); });
form.addEventListener('input', soon);

upload.addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = upload.querySelector('button');
  const place = document.getElementById('upload-said');
  busy(button, true);
  complain(upload, '');
  place.textContent = '';
  try {
    const found = await ask('POST', '/v1/data', new FormData(upload));
    const { text } = await fragment(`/new/choices?data=${encodeURIComponent(found.id)}`);
    choices.replaceChildren(...new DOMParser().parseFromString(text, 'text/html').body.childNodes);
    place.className = 'quiet';
    place.textContent = `${found.title} is here and chosen.`;
    upload.reset();
    await Promise.all([look(), expect()]);
  } catch (error) {
    if (!(error instanceof Refused)) { throw error; }
    complain(upload, error.message);
  }
  busy(button, false);
});

if (chosen()) { look(); expect(); }
