// The search box: models, counters, figures, claims, words and pages from one line of text.

const near = (/** @type {string} */ term) => /\p{L}{4}/u.test(term) && 0.25;
const MODELS = ['model', 'network'], CLAIMS = 5, [find, list] = byId('find', 'found');
/** @type {Promise<Index> | undefined} */
let searching;

/** @type {() => Promise<Index>} made once; quantised is quantized */
const index = () => searching ||= load('search').then(({rows, ...ways}) => {
  const items = rows.map(([kind, title, link, words, note], id) => ({id, kind, title, link, words, note}));
  const search = new MiniSearch({processTerm: (/** @type {string} */ term) => term.replace(/is(?=[aei])/g, 'iz'),
    tokenize: (/** @type {string} */ text) => text.toLowerCase().match(/\p{L}+|\p{N}+/gu) || [],
    fields: ['title', 'words'], searchOptions: {prefix: true, boost: {title: 3}, combineWith: 'AND'}});
  search.addAll(items);
  return {...ways, tools: new Map(Object.entries(ways.tools)), search, items};
});

/** @type {(line: string) => Promise<Question>} a figure, a way of counting, the one to turn it into, other words */
async function understood(line) {
  const known = await index(), {tools, stop} = known, spoken = line.split(/\s+/).filter(Boolean);
  const toolsOf = (/** @type {string} */ word) => known.conventions.includes(word) ? [word]
    : tools.get(squashed(word)) || tools.get(squashed(word.split('.')[0])) || [];
  const isSaid = (/** @type {string} */ word) => !stop.includes(word.toLowerCase());
  const first = leading(spoken, known), named = first.rest.filter(word => toolsOf(word).length).slice(0, 2);
  const others = first.rest.filter(word => isSaid(word) && !named.includes(word));
  const {text, figure, rest: words} = first.figure ? {...first, rest: others} : leading(others, known);
  const isTarget = named.length === 1 && /^(to|in|into|as|->|→)$/i.test(spoken[spoken.indexOf(named[0]) - 1]);
  const [from = [], to = []] = [...(isTarget ? [[]] : []), ...named.map(toolsOf)];
  const models = words.length ? hits(known, words.join(' '), MODELS, true) : [];
  const odd = models.length ? [] : words.filter(word => !hits(known, word, MODELS, true).length);
  return {text, figure, from, to, words, odd, models, asked: spoken.filter(isSaid)};
}

/** @type {(index: Index, query: string, only?: string[], all?: boolean) => Item[]} what has all words of a query, else
 * nearly all, or else, unless that is refused, some of them but for bare numbers; by kind, what is called so first */
function hits({search, items, kinds}, query, only, all) {
  const filter = (/** @type {Hit} */ hit) => !only || only.includes(items[hit.id].kind), name = squashed(query);
  const whole = [{}, {fuzzy: near}].values().map(way => search.search(query, {filter, ...way})).find(some => some[0]);
  const part = whole || all ? [] : search.search(query.replace(/\d+/g, ' '), {filter, fuzzy: near, combineWith: 'OR'});
  const place = (/** @type {Item} */ {kind, title}) => squashed(title) === name ? -1 : kinds.indexOf(kind)
    + (['network', 'claim'].includes(kind) || !squashed(title).includes(name) ? kinds.length : 0);
  return (whole || part).map(each => items[each.id]).sort((a, b) => place(a) - place(b)
    || (whole && a.kind === 'claim' ? a.id - b.id : 0));
}

/** @type {(text: string) => Promise<Item[]>} what answers the text, the best first */
async function found(text) {
  const known = await index();
  const parts = text.split(/,\s*(?=[a-z])/i), named = parts.flatMap(part => hits(known, part, MODELS).slice(0, 1));
  const names = named.map(each => each.title).join(','), address = `table.html#models=${encodeURIComponent(names)}`;
  if (parts[1] && named[1]) return [item('table', `A table of ${named.length}: ${names}`, address),
    item('table', `LaTeX of these ${named.length}`, `${address}&latex`), ...named];
  const {figure, from, to, words, models, asked} = await understood(text);
  const exact = known.items.filter(({title}) => squashed(title) === squashed(text));
  const tools = [from, to].flatMap(([id]) => known.items.filter(({kind, title}) => kind === 'counter' && title === id));
  const about = words.length ? hits(known, words.join(' '), ['claim'], true) : known.items;
  const [same, claims] = figure ? [await having(figure, models), (await published(figure)).map(id => known.items[id])
    .filter(each => about.includes(each)).slice(0, CLAIMS)] : [[], []];
  const all = hits(known, (same[0] || (figure?.scale ?? 1) !== 1 ? words : asked).join(' '), undefined, !!models[0]);
  const most = all.filter(each => each.kind !== 'claim').length + (claims.length ? 0 : CLAIMS);
  return [...new Set([...exact, ...joined(tools.map(each => each.title), models), ...models.slice(0, figure ? 1 : 0),
    ...same, ...claims, ...all.slice(0, most), ...tools, ...models])].slice(0, 40);
}
/** @type {(kind: string, title: string, link: string, note?: string) => Item} */
const item = (kind, title, link, note = '') => ({id: -1, kind, title, link, words: '', note});

/** @type {(tools: string[], models: Item[]) => Item[]} why the one says so, or from the one to the other */
const joined = ([from, to], models) => !from ? [] : models.slice(0, 4).map(({title, link}) => !to
  ? item('why', `${from} on ${title}`, `${link}#${from}`) : item('convert', `${title}: ${from} to ${to}`,
    `convert.html#${new URLSearchParams({q: `${from} ${title} to ${to}`})}`));

/** @type {(base: string, unit: string) => boolean} many call FLOPs what are MACs */
const isMeant = (base, unit) => ['', unit, unit === 'MAC' && 'FLOP'].includes(base);
/** @type {(asked: number) => (a: [number, ...any], b: [number, ...any]) => number} */
const byDistance = asked => ([a], [b]) => Math.abs(a - asked) - Math.abs(b - asked);
/** @type {(figure: Figure) => Promise<number[]>} rows of claims of which it is the rounded figure, the nearest first */
const published = async ({base, scale, value: asked, ranges}) => (await load('figures')).claims
  .filter(([value, unit]) => isMeant(base, unit) && within(ranges[0], value / scale))
  .sort(byDistance(asked)).map(([, , id]) => id);

/** @type {(figure: Figure, named: Item[]) => Promise<Item[]>} models of which counters say so, to the nearest or else
 * cut off, those of most counters first, of those that are named */
async function having({base, scale, value: asked, ranges}, named) {
  const {models, rows} = await load('figures');
  const meant = rows.filter(([, unit, place]) => isMeant(base, unit)
    && (!named.length || named.some(each => each.link === models[place][1])));
  const same = ranges.slice(0, 3).values().map(range => meant.filter(([value]) => within(range, value / scale)))
    .find(some => some.length)?.sort(byDistance(asked)) || [];
  const found = [...Map.groupBy(same, row => row[2])].sort(([, a], [, b]) => b.length - a.length);
  return found.slice(0, 12).map(([place, some]) => {
    const [title, link] = models[place], [value, unit, , id] = some[0], alike = some.filter(row => row[0] === value);
    const words = `${title}: ${grouped(value)} ${unit.replace('parameter', 'parameters')}`;
    return item('figure', words, `${link}#${id}`, alike.map(row => row[4]).join(', '));
  });
}

async function answer() {
  const text = find.value.trim(), answers = text ? await found(text) : [];
  if (find.value.trim() !== text) return;
  const line = (/** @type {Item} */ {kind, title, link, note}) => make('li', {}, make('a', {href: root + link},
    make('span', {}, title, make('small', {}, ` ${note.slice(0, 90)}`)), make('span', {class: 'kind'}, kind)));
  const nothing = /^\d/.test(text) ? `No figure near ${text}.` : 'Nothing is called so.';
  list.replaceChildren(...(answers.length ? answers.map(line) : [make('li', {class: 'soft'}, nothing)]));
  list.hidden = !text;
}
find.form.addEventListener('submit', async (/** @type {Event} */ event) => {
  event.preventDefault();
  await answer();
  list.querySelector('a')?.click();
});
find.form.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
  const {key} = event, step = key === 'ArrowDown' ? 1 : key === 'ArrowUp' ? -1 : 0;
  const stops = [find, ...list.querySelectorAll('a')];
  if (key === 'Escape') list.hidden = true;
  if (!step) return;
  event.preventDefault();
  stops[stops.indexOf(/** @type {any} */ (document.activeElement)) + step]?.focus();
});
list.addEventListener('click', () => { list.hidden = true; });
find.addEventListener('focus', () => index().then(answer));
find.addEventListener('input', answer);
