// The search box: models, counters, figures, claims, words and pages from one line of text.

const termsOf = (/** @type {string} */ text) => text.toLowerCase().match(/\p{L}+|\p{N}+/gu) || [];
const STOP = new Set(('a an and are at by does for how in is its of on say says tell tells than that the '
  + 'this to was what which who why with wrong vs model').split(' ')), CLAIMS = 5;
const near = (/** @type {string} */ term) => /\p{L}{4}/u.test(term) && 0.25;
const [find, list] = byId('find', 'found');
/** @type {Promise<Index> | undefined} */
let searching;

/** @type {() => Promise<Index>} made once */
const index = () => searching ||= load('search').then(({rows, conventions, ...units}) => {
  const items = rows.map(([kind, title, link, words, note], id) => ({id, kind, title, link, words, note}));
  const search = new MiniSearch({fields: ['title', 'words'], tokenize: termsOf, processTerm: String,
    searchOptions: {prefix: true, boost: {title: 3}, combineWith: 'AND'}});
  search.addAll(items);
  return {search, items, counters: items.filter(each => each.kind === 'counter'), units, conventions};
});

/** @type {(counters: Item[], word: string) => Item[]} those that go by a name; thop.profile is thop */
const called = (counters, word) => [word, word.split('.')[0]].map(squashed)
  .map(name => counters.filter(each => each.words.split(' ').includes(name))).find(some => some.length) || [];

/** @type {(index: Index, query: string, kind?: string, all?: boolean) => Item[]}
 * what has all words of a query, else nearly all, or else, unless that is refused, some of them */
function hits({search, items}, query, kind, all) {
  const filter = (/** @type {Hit} */ hit) => !kind || items[hit.id].kind === kind;
  const ways = [{}, {fuzzy: near}, ...(all ? [] : [{fuzzy: near, combineWith: 'OR'}])];
  const hit = ways.values().map(way => search.search(query, {filter, ...way})).find(some => some.length) || [];
  /** @type {(item: Item) => number} what is called so first, claims last */
  const place = ({kind, title}) => kind === 'claim' ? 2 : Number(squashed(title) !== squashed(query));
  return hit.map(each => items[each.id]).sort((a, b) => place(a) - place(b));
}

/** @type {(text: string) => Promise<Item[]>} what answers the text, the best first */
async function found(text) {
  const known = await index();
  const several = text.split(',').flatMap(part => hits(known, part, 'model').slice(0, 1));
  const names = several.map(each => each.title).join(','), address = `table.html#models=${encodeURIComponent(names)}`;
  if (several.length > 1) return [item('table', `A table of ${several.length}: ${names}`, address), ...several];
  const asked = text.split(/\s+/).filter(word => word && !STOP.has(word.toLowerCase()));
  const tools = asked.flatMap(word => called(known.counters, word).slice(0, 1));
  const others = asked.filter(word => !called(known.counters, word).length);
  const {figure, rest} = leading(others, known.units), words = rest.join(' ');
  const models = words ? hits(known, words, 'model', true) : [];
  const same = figure ? await having(figure, models) : [], all = hits(known, same.length ? words : asked.join(' '));
  const claims = figure && words ? hits(known, words, 'claim', true)
    .filter(each => alike(leading(each.title.replace(/: [^:]*$/, '').split(' '), known.units).figure, figure)) : [];
  const most = all.filter(each => each.kind !== 'claim').length + (claims.length ? 0 : CLAIMS);
  const best = [...all.slice(0, most), ...tools, ...(tools.length ? models : [])];
  return [...new Set([...joined(tools, models), ...models.slice(0, figure ? 1 : 0), ...same,
    ...claims.slice(0, CLAIMS), ...best])].slice(0, 40);
}
/** @type {(kind: string, title: string, link: string, note?: string) => Item} */
const item = (kind, title, link, note = '') => ({id: -1, kind, title, link, words: '', note});

/** @type {(tools: Item[], models: Item[]) => Item[]} why the one says so, or from the one to the other */
const joined = ([from, to], models) => !from ? [] : models.slice(0, 4).map(({title, link}) => {
  const q = `${from.title} ${title} to ${to?.title}`;
  return to ? item('convert', q.replace(/(\S+) (\S+)/, '$2: $1'), `convert.html#${new URLSearchParams({q})}`)
    : item('why', `${from.title} on ${title}`, `${link}#${from.title}`);
});

/** @type {(figure: Figure, named: Item[]) => Promise<Item[]>} models of which counters say so, those of most
 * counters first, of those that are named; many call FLOPs what are MACs */
async function having(figure, named) {
  const {models, rows} = await load('figures');
  const isMeant = (/** @type {string} */ unit) => ['', unit, unit === 'MAC' && 'FLOP'].includes(figure.base);
  const same = rows.filter(([value, unit, place]) => within(figure, value) && isMeant(unit)
    && (!named.length || named.some(each => each.link === models[place][1])));
  same.sort(([a], [b]) => Math.abs(a - figure.value) - Math.abs(b - figure.value));
  const found = [...Map.groupBy(same, row => row[2])].sort(([, a], [, b]) => b.length - a.length);
  return found.slice(0, 12).map(([place, some]) => {
    const [title, link] = models[place], [value, unit, , id] = some[0], alike = some.filter(row => row[0] === value);
    return item('figure', `${title}: ${grouped(value)} ${unit}`, `${link}#${id}`, alike.map(row => row[4]).join(', '));
  });
}

async function answer() {
  const text = find.value.trim(), answers = text ? await found(text) : [];
  if (find.value.trim() !== text) return;
  const line = (/** @type {Item} */ {kind, title, link, note}) => make('li', {}, make('a', {href: root + link},
    make('span', {}, title, make('small', {}, ` ${note.slice(0, 90)}`)), make('span', {class: 'kind'}, kind)));
  const nothing = 'Nothing is called so, and no counter says that figure.';
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
  if (event.key === 'Escape') list.hidden = true;
  if (!step) return;
  event.preventDefault();
  stops[stops.indexOf(/** @type {any} */ (document.activeElement)) + step]?.focus();
});
list.addEventListener('click', () => { list.hidden = true; });
find.addEventListener('focus', () => index().then(answer));
find.addEventListener('input', answer);
