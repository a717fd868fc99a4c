// A figure under one way of counting a model, turned into another, with the terms between them.

const converter = document.getElementById('converter');
const [model, figure, from, to, converted] = ['model', 'figure', 'from', 'to', 'converted']
  .map(id => document.getElementById(id));
const SCALES = {'': 1, k: 1e3, m: 1e6, g: 1e9, b: 1e9, t: 1e12, p: 1e15};
const kindOf = unit => unit === 'MAC' || unit === 'FLOP' ? 'compute' : unit;
const number = text => {
  const plain = text.replaceAll(',', '').replace('−', '-').replace('+', '');
  return /^-?\d+$/.test(plain) ? BigInt(plain) : Number(plain);
};

// --------------------------------------------------------------------------- the ways of counting

function waysOf(told) {
  const conventions = told.figures.map(([name, amount, unit]) => ({name, amount, unit, terms: null}));
  const reference = Object.values(told.references).map(([amount, unit]) => ({name: 'reference', amount, unit, terms: new Map()}));
  const read = told.answers.filter(answer => answer.unit && answer.counter !== 'analytic');
  const asked = Map.groupBy ? Map.groupBy(read, keyOfWay) : groupBy(read, keyOfWay);
  const counters = [...asked.values()].flatMap(answers => {
    const alike = answers.every(answer => answer.amount === answers[0].amount);
    return (alike ? answers.slice(0, 1) : answers).map(answer => ({
      name: alike ? answer.counter : `${answer.counter} (${answer.context})`, id: answer.id, label: answer.label,
      ids: alike ? answers.map(each => each.id) : [answer.id], amount: answer.amount, unit: answer.unit, terms: termsOf(answer)}));
  });
  return [...reference, ...counters, ...conventions].map(way => ({...way, kind: kindOf(way.unit)}));
}
const keyOfWay = answer => `${answer.counter} ${answer.metric}`;
function groupBy(values, key) {
  const groups = new Map();
  for (const value of values) groups.set(key(value), [...(groups.get(key(value)) || []), value]);
  return groups;
}
function termsOf(answer) {
  if (!answer.bridge) return null;
  const terms = new Map();
  for (const line of answer.bridge) {
    if (line.term === 'reference' || line.term === 'reading') continue;
    terms.set(line.term, plus(terms.get(line.term) || 0n, number(line.amount)));
  }
  return terms;
}
const plus = (a, b) => typeof a === typeof b ? a + b : Number(a) + Number(b);
const minus = (a, b) => typeof a === typeof b ? a - b : Number(a) - Number(b);

// ------------------------------------------------------------------------------- what was printed

const FIGURE = /^(\d[\d,]*)(\.\d+)?(?:e\+?(\d+))?\s*([kmgtpb]?)\s*(macs?|flops?|params?|parameters?)?$/i;
function printed(text) {
  const parts = text.trim().replace(/(\d)[\s_](?=\d{3})/g, '$1,').match(FIGURE);
  if (!parts || !/^(\d+|\d{1,3}(,\d{3})+)$/.test(parts[1])) return null;
  const [, whole, decimals = '', power = 0, prefix, unit = ''] = parts;
  const scale = SCALES[prefix.toLowerCase()] * 10 ** Number(power);
  const base = /^mac/i.test(unit) ? 'MAC' : /^flop/i.test(unit) ? 'FLOP' : '';
  const step = scale * 10 ** -Math.max(decimals.length - 1, 0);
  return {value: Number(whole.replaceAll(',', '') + decimals) * scale, step, exact: scale === 1 && !decimals, base};
}
function isOf(asked, way) {
  let value = Number(number(way.amount));
  const called = (way.label || '').toUpperCase().startsWith(asked.base);
  if (asked.base && asked.base !== way.unit && !called) value *= asked.base === 'FLOP' ? 2 : 0.5;
  if (asked.exact) return value === asked.value;
  return Math.abs(value - asked.value) <= asked.step / 2 * (1 + 1e-9) || (value >= asked.value && value < asked.value + asked.step);
}

// --------------------------------------------------------------------------------------- the page

let ways = [];
async function choose() {
  const before = [from, to].map(select => ways[select.value] && ways[select.value]);
  ways = waysOf(await toldOf(document.getElementById(model.value)));
  for (const select of [from, to]) {
    select.replaceChildren(...ways.map((way, place) => make('option', {value: place}, `${way.name}, ${way.unit}`)));
  }
  const departs = ways.findIndex(way => way.terms && way.terms.size);
  [from, to].forEach((select, place) => {
    const same = before[place] ? likeness(before[place]) : -1;
    select.selectedIndex = same >= 0 ? same : place ? 0 : Math.max(departs, 0);
  });
  show();
}
// The same way of counting another model: in the same context, or in any.
function likeness(wanted) {
  const counter = name => name.split(' (')[0];
  const alike = way => way.kind === wanted.kind && counter(way.name) === counter(wanted.name);
  const exact = ways.findIndex(way => alike(way) && way.name === wanted.name);
  return exact >= 0 ? exact : ways.findIndex(alike);
}
const named = way => `${way.name}${way.label && !way.label.toUpperCase().startsWith(way.unit) ? ` (which calls them ${way.label})` : ''}`;
function show() {
  const [source, target] = [ways[from.value], ways[to.value]];
  if (!source || !target) return converted.replaceChildren();
  for (const option of to.options) option.disabled = ways[option.value].kind !== source.kind;
  const asked = figure.value.trim() && printed(figure.value);
  if (figure.value.trim() && !asked) return say('That is no figure: 1,234,567, 4.1 GMac or 4.1e9 would be. A comma groups thousands.');
  if (asked && !isOf(asked, source)) return refuse(asked, source);
  if (source.kind !== target.kind) return say(`${unitOf(source)} cannot be turned into ${unitOf(target)}.`);
  const words = make('p', {}, make('strong', {}, `${target.amount} ${unitOf(target)}`), ` by ${named(target)}, where ${named(source)} says ${source.amount} ${unitOf(source)}, for ${model.selectedOptions[0].text}.`);
  converted.replaceChildren(words, ...terms(source, target));
}
const unitOf = way => way.unit === 'MAC' || way.unit === 'FLOP' ? way.unit : `${way.unit}s`;
const say = text => converted.replaceChildren(make('p', {}, text));
function refuse(asked, source) {
  const others = ways.filter(way => isOf(asked, way)).map(named);
  const told = others.length ? `That is what ${others.join(', ')} would say.` : 'No way of counting here gives it.';
  say(`By ${named(source)} this model has ${source.amount} ${unitOf(source)}, not ${figure.value.trim()}. ${told}`);
}
function terms(source, target) {
  if (!source.terms || !target.terms) {
    return [make('p', {class: 'note'}, 'A convention is itemised by flop-harness convert and flop-harness count.')];
  }
  const changes = [...new Set([...source.terms.keys(), ...target.terms.keys()])]
    .map(term => [term, minus(target.terms.get(term) || 0n, source.terms.get(term) || 0n)])
    .filter(([, amount]) => Number(amount));
  changes.sort((a, b) => Math.abs(Number(b[1])) - Math.abs(Number(a[1])));
  const signed = amount => (amount > 0 ? '+' : '') + grouped(amount);
  const rows = [[source.name, source.amount], ...changes.map(([term, amount]) => [term, signed(amount)]), [target.name, target.amount]];
  return [plainTable('From the one to the other', ['term', 'amount'], rows)];
}
async function convertFrom(id) {
  const section = caseOf(id);
  model.value = section.id;
  await choose();
  const place = ways.findIndex(way => way.ids && way.ids.includes(id));
  figure.value = '';
  from.value = String(place);
  show();
  converter.scrollIntoView();
  to.focus();
}
converter.addEventListener('submit', event => event.preventDefault());
if (model.options.length) {
  converter.hidden = false;
  model.addEventListener('change', choose);
  for (const control of [figure, from, to]) control.addEventListener('input', show);
  choose();
}
