// A figure under one way of counting turned into another's, with the terms between, as the command does.

const [asked, converted, command] = byId('asked', 'converted', 'command');
const say = (/** @type {string} */ text) => [make('p', {}, text)];

/** @type {(link: string) => Promise<Way[]>} the reference, our conventions, the tools */
async function waysOf(link) {
  const {ways, answers} = await load(/** @type {`model/${string}`} */ (link.replace('.html', '')));
  return [...ways, ...answers.flatMap(({value, ...each}) => value === null ? [] : [/** @type {Way} */ (
    {...each, value, tool: each.counter, terms: each.steps.map(({term, amount}) => [term, amount])})])];
}

const namesOf = (/** @type {Fit[]} */ fits) => [...new Set(fits.map(({way}) => way.name))].join(', ');
/** @type {(line: string) => Promise<Made[]>} */
async function answerTo(line) {
  const {text, figure, from, to, words, odd, models: [model]} = await understood(line), units = await index();
  command.textContent = 'flop-harness convert';
  if (!model) return say(!words.length ? 'Name a model, such as resnet50.' : odd.length && odd.length < words.length
    ? `Not understood: ${odd.join(', ')}.` : `No model here is called ${words.join(' ')}.`);
  const every = await waysOf(model.link);
  const of = (/** @type {string[]} */ tools) => tools.flatMap(tool => every.filter(way => way.tool === tool));
  const sources = from.length ? of(from) : every;
  if (!sources.length) return say(`${from[0]} gives no figure for ${model.title}.`);
  const [fits, rest] = [sources, every].map(some => figure ? fitting(figure, some, units) : [{way: some[0], how: ''}]);
  if (figure && !fits.length) return say(refusal(text, model.title, from[0], figure, sources, rest));
  const [{way: source, how}] = fits;
  command.textContent = `flop-harness convert ${text ? `"${text}"` : source.value} --model ${model.title} `
    + `--from ${source.tool}${to.length ? ` --to ${to[0]}` : ''}`;
  const targets = (to.length ? of(to) : every.filter(way => way !== source))
    .filter(way => kindOf(way.unit) === kindOf(source.unit));
  if (!targets.length) return say(`${to[0]} says nothing of ${model.title} in what ${text || source.name} counts.`);
  const linkTo = (/** @type {Way} */ way, name = way.name) => make('a', {href: `${model.link}#${way.id}`}, name);
  const head = make('p', {class: 'lead'}, `${source.name} says ${grouped(source.value)} ${source.unit} of `,
    linkTo(source, model.title), how && `: ${text}, ${how}`, '.');
  const names = namesOf(fits.filter(fit => fit.how === how && fit.way.value !== source.value));
  const also = from.length || !names ? '' : make('p', {}, `${text} may also be of ${names}.`);
  if (to.length) return [head, also, ...targets.flatMap(target => one(source, target, linkTo(target)))];
  const parts = Map.groupBy(targets, way => way.id === 'who' ? 'Convention' : 'Counter');
  return [head, also, ...[...parts].reverse().map(([kind, some]) => tableOf(`By every other ${kind.toLowerCase()}`,
    [kind, 'Figure', 'Unit', 'Against yours'],
    some.map(way => [linkTo(way), grouped(way.value), way.unit, against(way, source)]), [1, 3]))];
}
/** @type {(text: string, model: string, from: string, figure: Figure, own: Way[], others: Fit[]) => string} */
function refusal(text, model, from, figure, own, others) {
  const alike = own.filter(way => !figure.base || kindOf(way.unit) === kindOf(figure.base));
  const is = [...new Set(alike.map(way => `${grouped(way.value)} ${way.unit}`))].join(' or ');
  const how = others[0]?.how, names = namesOf(others.filter(fit => fit.how === how));
  return `${model} is ${is || 'nothing of that kind'} by ${from || 'any way here'}, not ${text}; `
    + (names ? `it would be ${how && `${how} `}by ${names}.` : 'nor does any other way of counting here give it.');
}
/** @type {(source: Way, target: Way, link: Made) => Made[]} */
function one(source, target, link) {
  const head = make('p', {}, make('strong', {}, `${grouped(target.value)} ${target.unit}`), ' by ', link);
  const known = source.terms && target.terms, steps = between(source, target);
  return [head, known ? tableOf('Term by term', ['Term', 'Amount'], [[source.name, grouped(source.value)],
    ...steps.map(([term, amount]) => [term, signed(amount)]), [target.name, grouped(target.value)]])
    : make('p', {class: 'note'}, 'The command tells the terms of this convention.')];
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
function opened() {
  asked.value = new URLSearchParams(location.hash.slice(1)).get('q') || '';
  asked.value ? convert() : asked.focus();
}
asked.addEventListener('input', convert);
addEventListener('hashchange', opened);
opened();
