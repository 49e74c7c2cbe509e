// How the page asks the API, and how it says what went wrong.

export class Refused extends Error {}

export async function ask(method, path, body, headers = {}) {
  const options = { method, headers: { accept: 'application/json', ...headers } };
  if (body instanceof FormData) {
    options.body = body;
  } else if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers['content-type'] = 'application/json';
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused('The service does not answer.');
  }
  if (response.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
  }
  const known = (response.headers.get('content-type') || '').includes('json') ? await response.json() : {};
  if (!response.ok) {
    throw new Refused(known.detail || `The service answered ${response.status}.`);
  }
  return known;
}

export async function fragment(path) {
  const response = await fetch(path, { headers: { accept: 'text/html' } });
  if (response.redirected && new URL(response.url).pathname === '/login') {
    location.reload();
  }
  return { ok: response.ok, text: await response.text() };
}

// Twice the same request, by an impatient click or a lost answer, is one job.
export function freshKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function busy(element, on) {
  element.toggleAttribute('aria-busy', false);
  if (on) { element.setAttribute('aria-busy', 'true'); }
  element.disabled = on;
}

// A note after an element: an error that a screen reader reads at once.
export function complain(element, text) {
  element.parentElement.querySelectorAll(':scope > .complaint').forEach((old) => old.remove());
  if (!text) { return; }
  const note = document.createElement('div');
  note.className = 'note bad complaint';
  note.setAttribute('role', 'alert');
  note.textContent = text;
  element.after(note);
}

// The input that an error is about is marked: its detail begins with the name of the argument.
export function markInvalid(form, text) {
  form.querySelectorAll('[aria-invalid]').forEach((input) => input.removeAttribute('aria-invalid'));
  const name = (text || '').split(':', 1)[0].replace(/^(spec\.|--)/, '').replaceAll('-', '_').trim();
  const input = name && form.querySelector(`[name="${CSS.escape(name)}"]`);
  if (input && input.type !== 'hidden') {
    input.setAttribute('aria-invalid', 'true');
    const details = input.closest('details');
    if (details) { details.open = true; }
    return input;
  }
  return null;
}

// The filled-in fields of a form as the spec of a job: numbers are numbers, empty fields are left out.
export function specOf(form) {
  const spec = {};
  for (const input of form.elements) {
    if (!input.name || input.disabled || (input.type === 'radio' && !input.checked)) { continue; }
    const value = input.value.trim();
    if (value === '') { continue; }
    spec[input.name] = input.type === 'number' ? Number(value) : value;
  }
  const json = form.dataset.spec ? JSON.parse(form.dataset.spec) : {};
  return { ...json, ...spec };
}
