// A figure under one way of counting a model, turned into another, with the terms between them.

const converter = document.getElementById('converter');
const [model, figure, from, to, converted] = ['model', 'figure', 'from', 'to', 'converted']
  .map(id => document.getElementById(id));
/** A whole number that a script would round stays text. */
const amountOf = text => {
  const plain = text.replaceAll(',', '').replace('−', '-').replace('+', '');
  return /^-?\d+$/.test(plain) && !Number.isSafeInteger(Number(plain)) ? plain : Number(plain);
};

// --------------------------------------------------------------------------- the ways of counting

function waysOf(told) {
  const conventions = told.figures.map(([name, amount, unit]) => ({tool: name, name, amount, unit, terms: FREE.has(name) ? new Map() : null}));
  const reference = Object.values(told.references).map(([amount, unit]) => ({tool: 'reference', name: 'reference', amount, unit, terms: new Map()}));
  const read = told.answers.filter(answer => answer.unit && answer.counter !== 'analytic');
  const asked = Map.groupBy ? Map.groupBy(read, keyOfWay) : groupBy(read, keyOfWay);
  const counters = [...asked.values()].flatMap(answers => {
    const alike = answers.every(answer => answer.amount === answers[0].amount);
    return (alike ? answers.slice(0, 1) : answers).map(answer => ({
      tool: answer.counter, name: alike ? answer.counter : `${answer.counter} (${answer.context})`, id: answer.id, label: answer.label,
      ids: alike ? answers.map(each => each.id) : [answer.id], amount: answer.amount, unit: answer.unit, terms: termsOf(answer)}));
  });
  return [...reference, ...counters, ...conventions].map(way => ({...way, label: way.label || way.unit, kind: kindOf(way.unit), value: amountOf(way.amount)}));
}
/** Conventions that are the reference in another unit. */
const FREE = new Set(['macs', 'flops', 'params']);
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
    terms.set(line.term, less(amountOf(line.amount), less(0, terms.get(line.term) || 0)));
  }
  return terms;
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
const says = (asked, way) => readings(asked).some(read => isOf(read, way, UNITS));
const named = way => `${way.name}${way.label && !way.label.toUpperCase().startsWith(way.unit) ? ` (which calls them ${way.label})` : ''}`;
function show() {
  const [source, target] = [ways[from.value], ways[to.value]];
  if (!source || !target) return converted.replaceChildren();
  for (const option of to.options) option.disabled = ways[option.value].kind !== source.kind;
  const asked = figure.value.trim() ? printed(figure.value.trim().replace(/(\d)[\s_](?=\d{3})/g, '$1,'), UNITS) : null;
  const isKnown = asked && (!asked.base || ways.some(way => way.kind === kindOf(asked.base)));
  if (figure.value.trim() && !isKnown) return say('That is no figure: 1,234,567, 4.1 GMac or 4.1e9 would be. A comma groups thousands.');
  if (asked && !says(asked, source)) return refuse(asked, source);
  if (source.kind !== target.kind) return say(`${counted(source)} cannot be turned into ${counted(target)}.`);
  const words = make('p', {}, make('strong', {}, `${target.amount} ${counted(target)}`), ` by ${named(target)}, where ${named(source)} says ${source.amount} ${counted(source)}, for ${model.selectedOptions[0].text}.`);
  converted.replaceChildren(words, ...terms(source, target));
}
const counted = way => way.unit === 'MAC' || way.unit === 'FLOP' ? way.unit : `${way.unit}s`;
const say = text => converted.replaceChildren(make('p', {}, text));
function refuse(asked, source) {
  const others = ways.filter(way => says(asked, way)).map(named);
  const told = others.length ? `That is what ${others.join(', ')} would say.` : 'No way of counting here gives it.';
  say(`By ${named(source)} this model has ${source.amount} ${counted(source)}, not ${figure.value.trim()}. ${told}`);
}
function terms(source, target) {
  if (!source.terms || !target.terms) {
    return [make('p', {class: 'note'}, 'A convention is itemised by flop-harness convert and flop-harness count.')];
  }
  const rows = [[source.name, source.amount], ...between(source, target).map(([term, amount]) => [term, signed(amount)]), [target.name, target.amount]];
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
