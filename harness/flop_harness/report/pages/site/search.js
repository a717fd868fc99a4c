// The search box: models, counters, figures, claims, words and pages from one line of text.

/** @typedef {{id: number, kind: string, title: string, link: string, words: string, note: string}} Item */
/** @typedef {{search: any, items: Item[], counters: Item[], units: Units, conventions: string[]}} Index */
const terms = (/** @type {string} */ text) => text.toLowerCase().match(/[a-z]+|\d+/g) || [];
const squashed = (/** @type {string} */ text) => terms(text).join('');
const STOP = new Set('a an and are at by does for how in is its of on say says tell tells than that the this to was what which who why with wrong vs model'.split(' '));

const find = /** @type {HTMLInputElement} */ (document.getElementById('find'));
const list = /** @type {HTMLElement} */ (document.getElementById('found'));
/** @type {Promise<Index> | undefined} */
let searching;

function index() {
  searching ||= load('search').then(({rows, bases, prefixes, conventions}) => {
    /** @type {Item[]} */
    const items = rows.map((/** @type {string[]} */ [kind, title, link, words, note], /** @type {number} */ id) => ({id, kind, title, link, words, note}));
    const search = new MiniSearch({fields: ['title', 'words'], tokenize: terms, processTerm: term => term,
      searchOptions: {prefix: true, fuzzy: (/** @type {string} */ term) => term.length > 4 ? 0.2 : false, boost: {title: 3}, combineWith: 'AND'}});
    search.addAll(items);
    return {search, items, counters: items.filter(item => item.kind === 'counter'), units: {bases, prefixes}, conventions};
  });
  return searching;
}

/** @returns {Item[]} the counters that a word may stand for, the usual one first; thop.profile is thop */
const called = (/** @type {Item[]} */ counters, /** @type {string} */ word) => [word, word.split('.')[0]].map(squashed)
  .map(name => counters.filter(each => each.words.split(' ').includes(name))).find(named => named.length) || [];

/** @returns {Item[]} what the words of a query find; all of them, or else some of them unless that is refused */
function hits(/** @type {Index} */ {search, items}, /** @type {string} */ query, kind = '', all = false) {
  const filter = (/** @type {any} */ hit) => !kind || items[hit.id].kind === kind;
  const both = search.search(query, {filter});
  const same = (/** @type {Item} */ item) => Number(squashed(item.title) === squashed(query));
  return (both.length || all ? both : search.search(query, {filter, combineWith: 'OR'}))
    .map((/** @type {any} */ hit) => items[hit.id]).sort((/** @type {Item} */ a, /** @type {Item} */ b) => same(b) - same(a));
}

/** @returns {Promise<Item[]>} what answers the text, the best first */
async function found(/** @type {string} */ text) {
  const known = await index();
  const several = text.split(',').map(part => hits(known, part, 'model')[0]).filter(Boolean);
  if (text.includes(',') && several.length > 1) {
    const names = several.map(item => item.title);
    return [item('table', `A table of ${names.length}: ${names.join(', ')}`, `table.html#models=${encodeURIComponent(names.join(','))}`), ...several];
  }
  const asked = text.split(/\s+/).filter(word => word && !STOP.has(word.toLowerCase()));
  const tools = asked.flatMap(word => called(known.counters, word)[0] || []);
  const others = asked.filter(word => !called(known.counters, word).length);
  const figure = [3, 2, 1].map(count => printed(others.slice(0, count).join(' '), known.units)).find(Boolean);
  const models = others.length ? hits(known, others.join(' '), 'model', true) : [];
  const plain = [...hits(known, asked.join(' ')), ...tools, ...(tools.length ? models : [])];
  return [...joined(tools, models), ...(figure ? await figures(figure) : []), ...new Set(plain)].slice(0, 40);
}
const item = (/** @type {string} */ kind, /** @type {string} */ title, /** @type {string} */ link, note = '') => ({id: -1, kind, title, link, words: '', note});

/** @returns {Item[]} a model with one counter: why it says so; with two: from the one to the other */
function joined(/** @type {Item[]} */ [from, to], /** @type {Item[]} */ models) {
  if (!from) return [];
  return models.slice(0, 4).map(({title, link}) => to
    ? item('convert', `${title}: ${from.title} to ${to.title}`, `convert.html#${new URLSearchParams({q: `${from.title} ${title} to ${to.title}`})}`)
    : item('why', `${from.title} on ${title}`, `${link}#${from.title}`));
}

/** @returns {Promise<Item[]>} the models of which some counter says that figure, the nearest first */
async function figures(/** @type {Figure} */ figure) {
  const {models, rows} = await load('figures');
  /** @type {Map<string, Item>} */
  const near = new Map();
  const far = (/** @type {any[]} */ row) => Math.abs(row[0] - figure.value);
  const same = rows.filter((/** @type {any[]} */ [value, unit]) => within(figure, value) && (!figure.base || unit === figure.base));
  for (const [value, unit, place, id, counter] of same.sort((/** @type {any[]} */ a, /** @type {any[]} */ b) => far(a) - far(b))) {
    const [title, link] = models[place];
    const known = near.get(title);
    if (known) known.note += `, ${counter}`;
    else near.set(title, item('figure', `${title}: ${grouped(value)} ${unit}`, `${link}#${id}`, counter));
  }
  return [...near.values()].slice(0, 12);
}

async function answer() {
  const text = find.value.trim();
  const answers = text ? await found(text) : [];
  if (find.value.trim() !== text) return;
  const line = ({kind, title, link, note}) => make('li', {}, make('a', {href: root + link}, make('span', {}, title, make('small', {}, ` ${note.slice(0, 90)}`)), make('span', {class: 'kind'}, kind)));
  const nothing = make('li', {class: 'soft'}, 'Nothing is called so, and no counter says that figure.');
  list.replaceChildren(...(answers.length ? answers.map(line) : [nothing]));
  list.hidden = !text;
}
const form = /** @type {HTMLFormElement} */ (find.form);
form.addEventListener('submit', async event => {
  event.preventDefault();
  await answer();
  list.querySelector('a')?.click();
});
form.addEventListener('keydown', event => {
  const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
  const stops = /** @type {HTMLElement[]} */ ([find, ...list.querySelectorAll('a')]);
  if (step) { event.preventDefault(); stops[stops.indexOf(/** @type {HTMLElement} */ (document.activeElement)) + step]?.focus(); }
  if (event.key === 'Escape') list.hidden = true;
});
form.addEventListener('focusout', event => { list.hidden ||= !form.contains(/** @type {Node | null} */ (event.relatedTarget)); });
list.addEventListener('click', () => { list.hidden = true; });
find.addEventListener('focus', () => index().then(answer));
find.addEventListener('input', answer);
