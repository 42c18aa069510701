/* Renders openapi.json: every route with its parameters, body, answers, and a form to try it. */
'use strict';
const make = (name, facts = {}, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(facts)) node.setAttribute(key, value);
  node.append(...children);
  return node;
};

const resolve = (api, schema) =>
  schema && schema.$ref ? api.components.schemas[schema.$ref.split('/').pop()] : schema || {};

function typeName(api, schema) {
  if (schema && schema.$ref) return schema.$ref.split('/').pop();
  if (schema.enum) return schema.enum.join(' | ');
  for (const many of ['oneOf', 'anyOf'])
    if (schema[many]) return schema[many].map((one) => typeName(api, one)).join(' | ');
  if (schema.type === 'array') return `list of ${typeName(api, schema.items || {})}`;
  return [].concat(schema.type || 'any').join(' | ');
}

function table(heads, rows) {
  const line = (cells, tag) => make('tr', {}, ...cells.map((cell) => make(tag, {}, cell)));
  return make('table', {}, line(heads, 'th'), ...rows.map((row) => line(row, 'td')));
}

function fields(api, schema) {
  const found = resolve(api, schema);
  const one = found.oneOf ? resolve(api, found.oneOf[0]) : found;
  const required = new Set(one.required || []);
  return Object.entries(one.properties || {}).map(([name, part]) => [
    make('code', {}, name), typeName(api, part) + (required.has(name) ? ', required' : ''),
    part.description || '',
  ]);
}

const EXAMPLES = {
  post_events: { event_id: crypto.randomUUID ? crypto.randomUUID() : '1', kind: 'view_item',
    occurred_at: new Date().toISOString(), customer_id: 'c1', item_id: 'i1' },
  post_recommendations: { placement: 'home', limit: 10 },
  decide: { placement: 'trending', limit: 5 },
};

async function call(method, path, operation, form, out) {
  const query = new URLSearchParams();
  let address = path;
  for (const parameter of operation.parameters || []) {
    const value = form.elements[parameter.name].value.trim();
    if (!value) continue;
    if (parameter.in === 'path') address = address.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else for (const one of parameter.schema.type === 'array' ? value.split(',') : [value])
      query.append(parameter.name, one.trim());
  }
  const headers = {};
  const key = document.getElementById('key').value.trim();
  if (key) headers.Authorization = `Bearer ${key}`;
  const facts = { method: method.toUpperCase(), headers };
  if (form.elements.body) {
    facts.body = form.elements.body.value;
    headers['Content-Type'] = 'application/json';
  }
  const started = performance.now();
  const answer = await fetch(address + (query.size ? `?${query}` : ''), facts);
  const text = await answer.text();
  let shown = text;
  try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* plain text stays */ }
  out.textContent = `${answer.status} in ${(performance.now() - started).toFixed(1)} ms\n${shown}`;
}

function tryIt(method, path, operation) {
  const form = make('form');
  for (const parameter of operation.parameters || []) {
    form.append(make('p', {}, make('label', {}, `${parameter.name} `,
      make('input', { name: parameter.name, autocomplete: 'off' }))));
  }
  if (operation.requestBody) {
    const area = make('textarea', { name: 'body', 'aria-label': 'Body' });
    area.value = JSON.stringify(EXAMPLES[operation.operationId] || {}, null, 2);
    form.append(area);
  }
  const out = make('pre', { 'aria-live': 'polite' });
  form.append(make('button', { type: 'submit' }, 'Send'), out);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    call(method, path, operation, form, out).catch((problem) => { out.textContent = problem; });
  });
  return form;
}

function route(api, path, method, operation) {
  const scope = operation['x-scope'] || 'open';
  const inside = make('div', {}, make('p', {}, operation.description || ''));
  if (operation.parameters && operation.parameters.length) {
    inside.append(make('h4', {}, 'Parameters'), table(['name', 'type', 'what'],
      operation.parameters.map((one) => [make('code', {}, one.name),
        typeName(api, one.schema) + (one.required ? ', required' : ''), one.description || ''])));
  }
  const body = operation.requestBody && operation.requestBody.content['application/json'];
  if (body) inside.append(make('h4', {}, `Body: ${typeName(api, body.schema)}`),
    table(['field', 'type', 'what'], fields(api, body.schema)));
  inside.append(make('h4', {}, 'Answers'), table(['status', 'what'],
    Object.entries(operation.responses).map(([status, one]) => [status, one.description])));
  inside.append(make('h4', {}, 'Try it'), tryIt(method, path, operation));
  const id = operation.operationId;
  return make('details', { id }, make('summary', {}, make('span', { class: 'scope' }, scope),
    make('span', { class: 'method' }, method.toUpperCase()), make('code', {}, path),
    ` ${operation.summary || ''}`), inside);
}

async function show() {
  const api = await (await fetch('/openapi.json')).json();
  const groups = new Map();
  for (const [path, methods] of Object.entries(api.paths))
    for (const [method, operation] of Object.entries(methods)) {
      const name = (operation.tags || ['server'])[0];
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push([path, method, operation]);
    }
  const main = document.getElementById('routes');
  const list = make('ul');
  main.textContent = '';
  for (const [name, found] of groups) {
    main.append(make('h2', {}, name));
    for (const [path, method, operation] of found) {
      main.append(route(api, path, method, operation));
      const link = make('a', { href: `#${operation.operationId}` }, `${method.toUpperCase()} ${path}`);
      link.addEventListener('click', () => { document.getElementById(operation.operationId).open = true; });
      list.append(make('li', {}, link));
    }
  }
  document.getElementById('contents').append(list);
}

show().catch((problem) => { document.getElementById('routes').textContent = `Cannot load: ${problem}`; });
