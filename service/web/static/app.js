// What every page has: times as the reader's clock shows them, buttons and forms that ask the API.

import { Refused, ask, busy, complain, freshKey, markInvalid, specOf } from './api.js';

const KEY = Symbol('idempotency key');

export function localTimes(root) {
  const now = Date.now();
  root.querySelectorAll('time[datetime]').forEach((element) => {
    const moment = new Date(element.dateTime);
    const minutes = Math.round((now - moment) / 60000);
    element.title = moment.toLocaleString();
    if (minutes < 1) { element.textContent = 'just now'; }
    else if (minutes < 60) { element.textContent = `${minutes} min ago`; }
    else if (minutes < 24 * 60) { element.textContent = `${Math.round(minutes / 60)} h ago`; }
    else { element.textContent = moment.toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' }); }
  });
}

function go(then, answer) {
  if (!then || then === 'reload') { location.reload(); return; }
  location.assign(then.replace('{id}', encodeURIComponent(answer.id)));
}

async function press(button) {
  if (button.dataset.ask && !confirm(button.dataset.ask)) { return; }
  const [method, path] = button.dataset.request.split(' ');
  const body = button.dataset.body ? JSON.parse(button.dataset.body) : undefined;
  const isJob = method === 'POST' && path === '/v1/jobs';
  button[KEY] ??= freshKey();
  busy(button, true);
  try {
    const answer = await ask(method, path, body, isJob ? { 'Idempotency-Key': button[KEY] } : {});
    go(button.dataset.then, answer);
  } catch (error) {
    if (!(error instanceof Refused)) { throw error; }
    busy(button, false);
    button[KEY] = undefined;
    complain(button.closest('.actions') || button, error.message);
  }
}

async function submit(form) {
  const button = form.querySelector('button:not([type=button])');
  const spec = specOf(form);
  form[KEY] ??= freshKey();
  busy(button, true);
  complain(button.parentElement, '');
  try {
    const answer = await ask('POST', '/v1/jobs', { kind: form.dataset.job, spec }, { 'Idempotency-Key': form[KEY] });
    go(form.dataset.then || '/jobs/{id}', answer);
  } catch (error) {
    if (!(error instanceof Refused)) { throw error; }
    busy(button, false);
    form[KEY] = undefined;
    complain(button.parentElement, error.message);
    const input = markInvalid(form, error.message);
    if (input) { input.focus(); }
  }
}

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-request]');
  if (button) { press(button); }
});
document.addEventListener('submit', (event) => {
  if (event.target.matches('[data-job]')) {
    event.preventDefault();
    submit(event.target);
  }
});
document.addEventListener('input', (event) => {
  const form = event.target.closest && event.target.closest('[data-job]');
  if (form) { form[KEY] = undefined; }
});
// Coming back by the browser's own button: nothing is busy any more.
addEventListener('pageshow', () => {
  document.querySelectorAll('[aria-busy=true]').forEach((button) => busy(button, false));
});
localTimes(document);
setInterval(() => localTimes(document), 30000);
