// A figure under one way of counting turned into another's, with the terms between, as the command does.

const [asked, converted, command] = byId('asked', 'converted', 'command');
const say = (/** @type {string} */ text) => [make('p', {}, text)];

/** @type {(line: string) => Promise<Question>} a figure, a way of counting, a model, a way after "to" */
async function understood(line) {
  const {counters, conventions, units} = await index();
  const toolsOf = (/** @type {string} */ word) => word.toLowerCase() === 'reference' || conventions.includes(word)
    ? [word.toLowerCase()] : called(counters, word).map(each => each.title);
  const [left, right = ''] = line.split(/\s+(?:to|in|as|->|→)\s+/i);
  const {text, figure, rest: words} = leading(left.split(/\s+/).filter(Boolean), units);
  const rest = words.filter(word => !/^(of|on|by|for|from|with)$/i.test(word));
  const name = rest.filter(word => !toolsOf(word).length).join(' ');
  const to = right.split(/\s+/).flatMap(toolsOf);
  return {text, name, units, figure, from: rest.map(toolsOf).find(some => some.length) || [],
    to: to.length || !right.trim() ? to : [right.trim()],
    model: name ? (await found(name)).find(each => each.kind === 'model') : undefined};
}

/** @type {(link: string) => Promise<Way[]>} the reference, our conventions, the tools */
async function waysOf(link) {
  const {ways, answers} = await load(/** @type {`model/${string}`} */ (link.replace('.html', '')));
  return [...ways, ...answers.flatMap(({value, ...each}) => value === null ? [] : [/** @type {Way} */ (
    {...each, value, tool: each.counter, terms: each.steps.map(({term, amount}) => [term, amount])})])];
}

/** @type {(line: string) => Promise<Made[]>} */
async function answerTo(line) {
  const {text, figure, from, to, model, name, units} = await understood(line);
  if (!model) return say(name ? `No model here is called ${name}.` : 'Name a model, such as resnet50.');
  const every = await waysOf(model.link);
  const of = (/** @type {string[]} */ tools) => tools.flatMap(tool => every.filter(way => way.tool === tool));
  const sources = from.length ? of(from) : every;
  if (!sources.length) return say(`${from[0]} gives no figure for ${model.title}.`);
  const fitting = (/** @type {Way[]} */ some) => !figure ? some
    : readings(figure).flatMap(read => some.filter(way => isOf(read, way, units)));
  const source = fitting(sources)[0] || (figure && sources.find(way => isMisnamed(figure, way)));
  command.textContent = `flop-harness convert ${text ? `"${text}"` : source?.value} --model ${model.title} `
    + `--from ${source?.tool || from[0]}${to.length ? ` --to ${to[0]}` : ''}`;
  if (!source) return say(refusal(text, model.title, from[0], figure, sources, fitting(every)));
  const isAlike = (/** @type {Way} */ way) => kindOf(way.unit) === kindOf(source.unit);
  const targets = (to.length ? of(to) : every.filter(way => way !== source)).filter(isAlike);
  if (!targets.length) return say(`${to[0]} says nothing of ${model.title} in what ${text || source.name} counts.`);
  const misnamed = figure && !fitting([source]).length ? ` What is called ${text} are ${source.unit}s.` : '';
  const linkTo = (/** @type {Way} */ way, name = way.name) => make('a', {href: `${model.link}#${way.id}`}, name);
  const head = make('p', {class: 'lead'}, `${source.name} says ${grouped(source.value)} ${source.unit} of `,
    linkTo(source, model.title), `.${misnamed}`);
  if (to.length) return [head, ...targets.flatMap(target => one(source, target, linkTo(target)))];
  const parts = Map.groupBy(targets, way => way.id === 'who' ? 'By convention' : 'By every other counter');
  return [head, ...[...parts].reverse().map(([caption, some]) => tableOf(caption,
    ['Counter or convention', 'Figure', 'Unit', 'Against yours'],
    some.map(way => [linkTo(way), grouped(way.value), way.unit, against(way, source)]), [1, 3]))];
}
/** @type {(text: string, model: string, from: string, figure: Figure | null, own: Way[], others: Way[]) => string} */
function refusal(text, model, from, figure, own, others) {
  const alike = own.filter(way => !figure?.base || kindOf(way.unit) === kindOf(figure.base));
  const is = [...new Set(alike.map(way => `${grouped(way.value)} ${way.unit}`))].join(' or ');
  const names = [...new Set(others.map(way => way.name))].join(', ');
  return `${model} is ${is || 'nothing of that kind'} by ${from || 'any way here'}, not ${text}; `
    + (names ? `it would be by ${names}.` : 'nor does any other way of counting here give it.');
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
  if (asked.value) convert();
  else asked.focus();
}
asked.addEventListener('input', convert);
addEventListener('hashchange', opened);
opened();
