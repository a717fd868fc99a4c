// @ts-check
// A figure under one way of counting turned into another's, with the terms between them.

const asked = /** @type {HTMLInputElement} */ (document.getElementById('asked'));
const converted = /** @type {HTMLElement} */ (document.getElementById('converted'));
/** @typedef {{name: string, id: string, value: Amount, unit: string, label: string, terms: Map<string, Amount> | null}} Way */
const FLOPS = /** @type {Record<string, number>} */ ({MAC: 2, FLOP: 1});
const plain = (/** @type {string} */ text) => text.toLowerCase().replace(/[^a-z0-9]/g, '');

/** What is asked in one line: a figure, a tool, a model, a tool after "to". */
async function understood(/** @type {string} */ line) {
  const {counters} = await index();
  const [left, right = ''] = line.split(/\s+(?:to|in|as|->|→)\s+/i);
  const tool = (/** @type {string} */ word) => counters.find(each => each.words.split(' ').includes(plain(word)) || each.title === word)?.title || (plain(word) === 'reference' ? 'reference' : '');
  let rest = left.split(/\s+/).filter(Boolean);
  const figure = [2, 1].map(count => rest.slice(0, count).join(' ')).find(text => printed(text)) || '';
  rest = rest.slice(figure ? figure.split(' ').length : 0);
  const from = rest.map(tool).find(Boolean) || '';
  const name = rest.filter(word => !tool(word) && !/^(of|on|by|for|from|with)$/i.test(word)).join(' ');
  const model = name ? (await found(name)).find(each => each.kind === 'model') : undefined;
  return {figure, from, to: right.split(/\s+/).map(tool).find(Boolean) || (right ? right.trim() : ''), model, name};
}

/** @returns {Promise<Way[]>} every way of counting a model: the reference, the tools, our conventions */
async function ways(/** @type {Item} */ model) {
  const shard = await load(model.link.replace('.html', ''));
  const compute = shard.answers.filter((/** @type {any} */ each) => each.metric === 'compute' && each.value !== null);
  const steps = (/** @type {any} */ each) => new Map(each.steps.map((/** @type {any} */ step) => [step.term, step.amount]));
  return [{name: 'reference', id: 'who', value: shard.macs, unit: 'MAC', label: 'MAC', terms: new Map()},
    ...compute.map((/** @type {any} */ each) => ({name: each.name, id: each.id, value: each.value, unit: each.unit, label: each.label, terms: steps(each)})),
    ...shard.conventions.filter((/** @type {any[]} */ [, , unit]) => unit in FLOPS).map((/** @type {any[]} */ [name, value, unit]) => ({name, id: 'who', value, unit, label: unit, terms: null}))];
}

const within = (/** @type {any} */ figure, /** @type {number} */ value) => figure.low <= value * (1 + 1e-12) && value <= figure.high * (1 + 1e-12);
/** @returns {string} how a figure is what a way says: as it stands, or under the other name of its unit; empty if it is not */
function fits(/** @type {any} */ figure, /** @type {Way} */ way) {
  const base = figure.base;
  const label = way.label.toUpperCase();
  if (!base || base === way.unit || label.startsWith(base)) { if (within(figure, Number(way.value))) return 'as it stands'; }
  if (base && base in FLOPS && way.unit in FLOPS) {
    if (within(figure, Number(way.value) * FLOPS[way.unit] / FLOPS[base])) return 'as it stands';
    if (within(figure, Number(way.value))) return `${way.unit}s called ${base}s`;
  }
  return '';
}
const is = (/** @type {Way} */ way, /** @type {string} */ name) => way.name === name || way.name.startsWith(`${name} (`);

async function convert() {
  const line = asked.value.trim();
  if (!line) return;
  history.replaceState(null, '', `#${new URLSearchParams({q: line})}`);
  const {figure: text, from, to, model, name} = await understood(line);
  if (asked.value.trim() !== line) return;
  if (!model) return say(name ? `No model here is called ${name}.` : 'Name a model, such as resnet50.');
  const every = await ways(model);
  const figure = text ? printed(text) : null;
  const sources = every.filter(way => !from || is(way, from));
  if (!sources.length) return say(`${from} gives no figure for ${model.title}.`);
  const source = figure ? sources.find(way => fits(figure, way) === 'as it stands') || sources.find(way => fits(figure, way)) : sources[0];
  named('command').textContent = `flop-harness convert ${text ? `"${text}"` : source?.value} --model ${model.title}${source ? ` --from ${source.name.split(' ')[0]}` : ''}${to ? ` --to ${to}` : ''}`;
  if (!source) {
    const others = every.filter(way => fits(figure, way)).map(way => way.name);
    return say(`By ${from || 'any way here'} ${model.title} has ${sources.slice(0, 3).map(way => `${grouped(way.value)} ${way.unit}`).join(' or ')}, not ${text}. ${others.length ? `That is what ${others.join(', ')} would say.` : 'No way of counting here gives it.'}`);
  }
  const targets = to ? every.filter(way => is(way, to)) : every.filter(way => way !== source);
  if (!targets.length) return say(`${to} gives no figure for ${model.title}, or is not known here.`);
  const misnamed = figure && fits(figure, source) !== 'as it stands' ? ` What is called ${text} are ${fits(figure, source)}.` : '';
  const head = make('p', {class: 'lead'}, `${source.name} says ${grouped(source.value)} ${source.unit} of `, make('a', {href: `${model.link}#${source.id}`}, model.title), `.${misnamed}`);
  converted.replaceChildren(head, ...(to ? targets.flatMap(target => one(model, source, target)) : [list_(model, targets)]));
}
const named = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const say = (/** @type {string} */ text) => converted.replaceChildren(make('p', {}, text));
const row = (/** @type {any[]} */ [first, ...others], kind = '') => make('tr', {class: kind}, make('th', {scope: 'row'}, first), ...others.map(text => make('td', {class: 'num'}, text)));

function list_(/** @type {Item} */ model, /** @type {Way[]} */ targets) {
  return make('table', {}, make('caption', {}, 'By every other way of counting'), make('tbody', {}, targets.map(way => row([make('a', {href: `${model.link}#${way.id}`}, way.name), grouped(way.value), way.unit]))));
}
function one(/** @type {Item} */ model, /** @type {Way} */ source, /** @type {Way} */ target) {
  const head = make('p', {}, make('strong', {}, `${grouped(target.value)} ${target.unit}`), ' by ', make('a', {href: `${model.link}#${target.id}`}, target.name));
  if (!source.terms || !target.terms) return [head, make('p', {class: 'note'}, 'A convention is itemised by the command.')];
  return [head, make('div', {class: 'scroll'}, make('table', {class: 'terms'}, make('tbody', {}, row([source.name, grouped(source.value)], 'end'),
    ...between(source, target).map(([term, amount]) => row([term, signed(amount)])), row([target.name, grouped(target.value)], 'end'))))];
}
const minus = (/** @type {Amount} */ a, /** @type {Amount} */ b) => typeof a === 'string' || typeof b === 'string' ? String(BigInt(a) - BigInt(b)) : a - b;
/** @returns {[string, Amount][]} the terms that lead from one figure to the other, the largest first */
function between(/** @type {Way} */ source, /** @type {Way} */ target) {
  const [before, after] = [source.terms || new Map(), target.terms || new Map()];
  return [...new Set([...before.keys(), ...after.keys()])].map(term => /** @type {[string, Amount]} */ ([term, minus(after.get(term) || 0, before.get(term) || 0)]))
    .filter(([, amount]) => Number(amount)).sort((a, b) => Math.abs(Number(b[1])) - Math.abs(Number(a[1])));
}

asked.addEventListener('input', convert);
document.getElementById('converter')?.addEventListener('submit', event => { event.preventDefault(); convert(); });
function opened() {
  const state = new URLSearchParams(location.hash.slice(1));
  const line = state.get('q') || (state.get('model') ? [state.get('from'), state.get('model'), state.get('to') ? `to ${state.get('to')}` : ''].filter(Boolean).join(' ') : '');
  if (line) { asked.value = line; convert(); } else asked.focus();
}
addEventListener('hashchange', opened);
opened();
