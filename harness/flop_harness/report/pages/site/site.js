// @ts-check
// What every page has: shards of data, the search box, copying.

const root = document.documentElement.dataset.root || '';

/** @type {Map<string, {kept: Promise<any>, put: (value: any) => void}>} */
const shards = new Map();

/** A shard of data says its name and its value; a page opened from a file may load scripts alone. */
function put(/** @type {string} */ name, /** @type {any} */ value) {
  shards.get(name)?.put(value);
}

/** @returns {Promise<any>} the shard of that name, loaded once */
function load(/** @type {string} */ name) {
  const known = shards.get(name);
  if (known) return known.kept;
  /** @type {any} */
  const shard = {};
  shard.kept = new Promise((done, failed) => {
    shard.put = done;
    const script = make('script', {src: `${root}data/${name}.js`});
    script.addEventListener('error', () => failed(new Error(`data/${name}.js cannot be read`)));
    document.head.append(script);
  });
  shards.set(name, shard);
  return shard.kept;
}

/** @returns {any} a chart as one picture, which its label and a table beside it tell */
function picture(/** @type {any} */ chart) {
  chart.setAttribute('role', 'img');
  for (const part of chart.querySelectorAll('[aria-label], [aria-description]')) ['aria-label', 'aria-description'].forEach(name => part.removeAttribute(name));
  return chart;
}

/** @returns {any} an element; a false attribute is left out */
function make(/** @type {string} */ tag, /** @type {Record<string, any>} */ attributes = {}, /** @type {any[]} */ ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== false && value !== null) made.setAttribute(name, value);
  made.append(...children.flat().filter(child => child !== null && child !== ''));
  return made;
}

/** @typedef {number | string} Amount a whole number that a script would round is text */
const grouped = (/** @type {Amount} */ value) => (typeof value === 'string' ? BigInt(value) : value).toLocaleString('en-US', {maximumFractionDigits: 6}).replace('-', '−');
const signed = (/** @type {Amount} */ value) => (Number(value) > 0 ? '+' : '') + grouped(value);

/** @returns {string} 4133742592 -> 4.13 G */
function compact(/** @type {number} */ value) {
  const size = Math.abs(value);
  const [scale, letter] = [[1e12, ' T'], [1e9, ' G'], [1e6, ' M'], [1e3, ' k']].find(([least]) => size >= Number(least)) || [1, ''];
  return String(+(value / Number(scale)).toPrecision(3)).replace('-', '−') + letter;
}

/** @returns {string} a deviation as the pages say it */
function percent(/** @type {number | null} */ share) {
  if (share === null) return '';
  if (share === 0) return '=';
  const size = Math.abs(share * 100);
  const digits = size >= 100 ? 0 : Math.min(20, Math.max(0, 2 - Math.floor(Math.log10(size))));
  return `${share > 0 ? '+' : '−'}${size.toFixed(digits)} %`;
}

async function copy(/** @type {HTMLElement} */ button) {
  const text = button.parentElement?.querySelector('code')?.textContent || '';
  await navigator.clipboard.writeText(text).then(() => { button.textContent = 'Copied'; }, () => {
    const range = document.createRange();
    range.selectNodeContents(/** @type {Node} */ (button.parentElement?.querySelector('code')));
    getSelection()?.removeAllRanges();
    getSelection()?.addRange(range);
    button.textContent = 'Selected';
  });
}
document.addEventListener('click', event => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.matches('.copy')) copy(target);
});
const codeBlock = (/** @type {string} */ text) => make('div', {class: 'code'}, make('button', {type: 'button', class: 'copy'}, 'Copy'), make('pre', {tabindex: 0}, make('code', {}, text)));

// -------------------------------------------------------------------------------------- figures

const SCALES = /** @type {Record<string, number>} */ ({'': 1, k: 1e3, m: 1e6, g: 1e9, b: 1e9, t: 1e12, p: 1e15});
const FIGURE = /^(\d[\d,]*)(\.\d+)?(?:e\+?(\d+))?\s*([kmgtpb]?)\s*(macs?|flops?|params?|parameters?)?$/i;

/**
 * A figure as somebody wrote it: its value, the interval it may have been rounded from, its unit.
 * @returns {null | {value: number, low: number, high: number, base: string}}
 */
function printed(/** @type {string} */ text) {
  const parts = text.trim().match(FIGURE);
  if (!parts || !/^(\d+|\d{1,3}(,\d{3})+)$/.test(parts[1])) return null;
  const [, whole, decimals = '', power = 0, prefix, unit = ''] = parts;
  const scale = SCALES[prefix.toLowerCase()] * 10 ** Number(power);
  const base = /^mac/i.test(unit) ? 'MAC' : /^flop/i.test(unit) ? 'FLOP' : unit ? 'parameter' : '';
  const value = Number(whole.replaceAll(',', '') + decimals) * scale;
  const step = scale === 1 ? 0 : scale * 10 ** -Math.max(decimals.length - 1, 0);
  return {value, low: value - step / 2, high: value + step * (1 - 1e-9), base};
}

// --------------------------------------------------------------------------------------- search

/** @typedef {{id: number, kind: string, title: string, link: string, words: string, note: string}} Item */
const terms = (/** @type {string} */ text) => text.toLowerCase().match(/[a-z]+|\d+/g) || [];
const squashed = (/** @type {string} */ text) => terms(text).join('');
const STOP = new Set('a an and are at by does for how in is its of on say says tell tells than that the this to was what which who why with wrong vs model'.split(' '));

const find = /** @type {HTMLInputElement} */ (document.getElementById('find'));
const list = /** @type {HTMLElement} */ (document.getElementById('found'));
/** @type {Promise<{search: any, items: Item[], counters: Item[]}> | undefined} */
let searching;

function index() {
  searching ||= load('search').then(rows => {
    const items = rows.map((/** @type {string[]} */ [kind, title, link, words, note], /** @type {number} */ id) => ({id, kind, title, link, words, note}));
    const search = new MiniSearch({fields: ['title', 'words'], tokenize: terms, processTerm: term => term,
      searchOptions: {prefix: true, fuzzy: (/** @type {string} */ term) => term.length > 4 ? 0.2 : false, boost: {title: 3}, combineWith: 'AND'}});
    search.addAll(items);
    return {search, items, counters: items.filter((/** @type {Item} */ item) => item.kind === 'counter')};
  });
  return searching;
}

/** @returns {Promise<Item[]>} what answers the text, the best first */
async function found(/** @type {string} */ text) {
  const {search, items, counters} = await index();
  const hits = (/** @type {string} */ query, /** @type {string} */ kind, combineWith = 'AND') => search.search(query, {combineWith, filter: (/** @type {any} */ hit) => !kind || items[hit.id].kind === kind});
  const shown = (/** @type {string} */ query, /** @type {string} */ kind, strict = false) => (strict || hits(query, kind).length ? hits(query, kind) : hits(query, kind, 'OR'))
    .map((/** @type {any} */ hit) => items[hit.id])
    .sort((/** @type {Item} */ a, /** @type {Item} */ b) => Number(squashed(b.title) === squashed(query)) - Number(squashed(a.title) === squashed(query)));
  const several = text.split(',').map(part => shown(part, 'model')[0]).filter(Boolean);
  if (text.includes(',') && several.length > 1) {
    const names = several.map(item => item.title);
    return [item('table', `A table of ${names.length}: ${names.join(', ')}`, `table.html#models=${encodeURIComponent(names.join(','))}`), ...several];
  }
  const asked = text.split(/\s+/).filter(word => word && !STOP.has(word.toLowerCase()));
  const named = (/** @type {string} */ word) => counters.find(each => each.words.split(' ').includes(squashed(word)));
  const tools = asked.map(named).filter(tool => tool !== undefined);
  const rest = asked.filter(word => !named(word)).join(' ');
  const figure = printed(asked.filter(word => !named(word)).slice(0, 2).join(' ')) || printed(text);
  const models = rest ? shown(rest, 'model', true) : [];
  const joined = tools.length > 1
    ? models.slice(0, 3).map((/** @type {Item} */ model) => item('convert', `${model.title}: ${tools[0].title} to ${tools[1].title}`, `convert.html#model=${encodeURIComponent(model.title)}&from=${tools[0].title}&to=${tools[1].title}`))
    : tools.length ? models.slice(0, 4).map((/** @type {Item} */ model) => item('why', `${tools[0].title} on ${model.title}`, `${model.link}#${tools[0].title}`)) : [];
  const plain = [...shown(asked.join(' '), ''), ...tools, ...(tools.length ? models : [])];
  return [...joined, ...(figure ? await figures(figure) : []), ...new Set(plain)].slice(0, 40);
}
const item = (/** @type {string} */ kind, /** @type {string} */ title, /** @type {string} */ link, note = '') => ({id: -1, kind, title, link, words: '', note});

/** @returns {Promise<Item[]>} the models of which some counter says that figure */
async function figures(/** @type {{low: number, high: number, base: string}} */ {low, high, base}) {
  const {models, rows} = await load('figures');
  /** @type {Map<string, Item>} */
  const hits = new Map();
  for (const [value, unit, place, id, counter] of rows) {
    if (value < low || value > high || (base && unit !== base)) continue;
    const [title, link] = models[place];
    const known = hits.get(title);
    if (known) known.note += `, ${counter}`;
    else hits.set(title, item('figure', `${title}: ${grouped(value)} ${unit}`, `${link}#${id}`, counter));
  }
  return [...hits.values()].slice(0, 12);
}

let chosen = -1;
function choose(/** @type {number} */ place) {
  chosen = place;
  [...list.children].forEach((each, at) => each.setAttribute('aria-selected', String(at === place)));
  list.children[place]?.scrollIntoView({block: 'nearest'});
  find.setAttribute('aria-activedescendant', place < 0 ? '' : `found-${place}`);
}
function reveal(/** @type {boolean} */ shown) {
  list.hidden = !shown;
  find.setAttribute('aria-expanded', String(shown));
}
async function answer() {
  const text = find.value.trim();
  const hits = text ? await found(text) : [];
  if (find.value.trim() !== text) return;
  list.replaceChildren(...hits.map((hit, place) => make('li', {role: 'option', id: `found-${place}`, 'data-link': root + hit.link, 'aria-selected': 'false'},
    make('span', {}, hit.title, hit.note ? make('small', {class: 'soft'}, ` ${hit.note.slice(0, 90)}`) : ''), make('span', {class: 'kind'}, hit.kind))));
  if (text && !hits.length) list.replaceChildren(make('li', {role: 'option', 'aria-disabled': 'true'}, 'Nothing is called so, and no counter says that figure.'));
  reveal(Boolean(text));
  choose(hits.length ? 0 : -1);
}
const follow = (/** @type {Element | null | undefined} */ line) => {
  const link = /** @type {HTMLElement | null | undefined} */ (line)?.dataset.link;
  if (link) { reveal(false); location.href = link; }
};
find.addEventListener('focus', () => index());
find.addEventListener('input', answer);
find.addEventListener('keydown', event => {
  const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
  if (step) { event.preventDefault(); choose(Math.max(0, Math.min(list.children.length - 1, chosen + step))); }
  if (event.key === 'Escape') reveal(false);
});
list.addEventListener('mousedown', event => event.preventDefault());
list.addEventListener('click', event => follow(/** @type {Element} */ (event.target).closest('li')));
find.form?.addEventListener('submit', async event => {
  event.preventDefault();
  await answer();
  follow(list.children[Math.max(chosen, 0)]);
});
find.addEventListener('blur', () => reveal(false));
