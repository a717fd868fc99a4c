// A figure under one way of counting turned into another's, with the terms between, as the command does.

const [asked, converted, command] = /** @type {HTMLInputElement[]} */ (['asked', 'converted', 'command'].map(id => document.getElementById(id)));
const OURS = 'who';
const say = (/** @type {string} */ text) => [make('p', {}, text)];

/** What is asked in one line: a figure, a way of counting, a model, a way after "to". */
async function understood(/** @type {string} */ line) {
  const {counters, conventions, units} = await index();
  const [left, right = ''] = line.split(/\s+(?:to|in|as|->|→)\s+/i);
  const tools = (/** @type {string} */ word) => /^reference$/i.test(word) ? ['reference'] : conventions.includes(word) ? [word] : called(counters, word).map(each => each.title);
  const words = left.split(/\s+/).filter(Boolean);
  const size = [3, 2, 1].find(count => printed(words.slice(0, count).join(' '), units)) || 0;
  const text = words.slice(0, size).join(' ');
  const rest = words.slice(size).filter(word => !/^(of|on|by|for|from|with)$/i.test(word));
  const name = rest.filter(word => !tools(word).length).join(' ');
  const model = name ? (await found(name)).find(each => each.kind === 'model') : undefined;
  const to = right.split(/\s+/).flatMap(tools);
  return {text, figure: printed(text, units), from: rest.map(tools).find(each => each.length) || [], to: to.length || !right.trim() ? to : [right.trim()], model, name, units};
}

/** @returns {Promise<Way[]>} every way of counting a model: the reference, the tools, our conventions */
async function ways(/** @type {Item} */ model) {
  const {answers, conventions, macs, params} = await load(model.link.replace('.html', ''));
  const ours = (/** @type {string} */ tool, /** @type {Amount} */ value, /** @type {string} */ unit, /** @type {any} */ terms = null) => ({tool, name: tool, id: OURS, value, unit, label: unit, terms});
  const known = {macs: new Map(), flops: new Map(), params: new Map()};
  return [ours('reference', macs, 'MAC', new Map()), ours('reference', params, 'parameter', new Map()),
    ...answers.filter((/** @type {Answer} */ each) => each.value !== null).map((/** @type {any} */ each) => (
      {...each, tool: each.counter, terms: new Map(each.steps.map((/** @type {any} */ step) => [step.term, step.amount]))})),
    ...conventions.map((/** @type {any[]} */ [tool, value, unit]) => ours(tool, value, unit, known[tool]))].filter(way => way.value !== null);
}

async function convert() {
  const line = asked.value.trim();
  if (!line) return;
  history.replaceState(null, '', `#${new URLSearchParams({q: line})}`);
  const told = await answerTo(line);
  if (asked.value.trim() !== line) return;
  converted.replaceChildren(...told);
  converted.dataset.answers = line;
}

async function answerTo(/** @type {string} */ line) {
  const {text, figure, from, to, model, name, units} = await understood(line);
  if (!model) return say(name ? `No model here is called ${name}.` : 'Name a model, such as resnet50.');
  const every = await ways(model);
  const of = (/** @type {string[]} */ tools) => tools.flatMap(tool => every.filter(way => way.tool === tool));
  const sources = from.length ? of(from) : every;
  if (!sources.length) return say(`${from[0]} gives no figure for ${model.title}.`);
  const fitting = (/** @type {Way[]} */ some) => figure ? readings(figure).flatMap(read => some.filter(way => isOf(read, way, units))) : some;
  const source = fitting(sources)[0] || (figure && sources.find(way => isMisnamed(figure, way)));
  command.textContent = `flop-harness convert ${text ? `"${text}"` : source?.value} --model ${model.title} --from ${source?.tool || from[0]}${to.length ? ` --to ${to[0]}` : ''}`;
  if (!source) {
    const own = sources.filter(way => !figure?.base || kindOf(way.unit) === kindOf(figure.base)).map(way => `${grouped(way.value)} ${way.unit}`);
    const others = [...new Set(fitting(every).map(way => way.name))].join(', ');
    return say(`${model.title} is ${[...new Set(own)].join(' or ') || 'nothing of that kind'} by ${from[0] || 'any way here'}, not ${text}; ${others ? `it would be by ${others}` : 'nor does any other way of counting here give it'}.`);
  }
  const targets = (to.length ? of(to) : every.filter(way => way !== source)).filter(way => kindOf(way.unit) === kindOf(source.unit));
  if (!targets.length) return say(`${to[0]} says nothing of ${model.title} in what ${text || source.name} counts.`);
  const misnamed = figure && fitting([source]).length === 0 ? ` What is called ${text} are ${source.unit}s.` : '';
  const head = make('p', {class: 'lead'}, `${source.name} says ${grouped(source.value)} ${source.unit} of `, make('a', {href: `${model.link}#${source.id}`}, model.title), `.${misnamed}`);
  return [head, ...(to.length ? targets.flatMap(target => one(model, source, target)) : listed(model, 'By every other counter', targets.filter(way => way.id !== OURS)).concat(listed(model, 'By convention', targets.filter(way => way.id === OURS))))];
}
const lineOf = (/** @type {any} */ first, ...others) => make('tr', {class: others.length ? false : 'end'}, make('th', {scope: 'row'}, first), others.map(text => make('td', {class: 'num'}, text)));
const tableOf = (/** @type {string} */ caption, /** @type {any[]} */ rows) => make('div', {class: 'scroll'}, make('table', {class: 'terms'}, make('caption', {}, caption), make('tbody', {}, rows)));
const listed = (/** @type {Item} */ model, /** @type {string} */ caption, /** @type {Way[]} */ some) => some.length ? [tableOf(caption, some.map(way => lineOf(linkTo(model, way), grouped(way.value), way.unit)))] : [];
const linkTo = (/** @type {Item} */ model, /** @type {Way} */ way) => make('a', {href: `${model.link}#${way.id}`}, way.name);

function one(/** @type {Item} */ model, /** @type {Way} */ source, /** @type {Way} */ target) {
  const head = make('p', {}, make('strong', {}, `${grouped(target.value)} ${target.unit}`), ' by ', linkTo(model, target));
  if (!source.terms || !target.terms) return [head, make('p', {class: 'note'}, 'The command tells the terms of this convention.')];
  return [head, tableOf('Term by term', [lineOf(source.name, grouped(source.value)), ...between(source, target).map(([term, amount]) => lineOf(term, signed(amount))), lineOf(target.name, grouped(target.value))])];
}
asked.addEventListener('input', convert);
asked.form?.addEventListener('submit', event => { event.preventDefault(); convert(); });
function opened() {
  const line = new URLSearchParams(location.hash.slice(1)).get('q');
  if (line) { asked.value = line; convert(); } else asked.focus();
}
addEventListener('hashchange', opened);
opened();
