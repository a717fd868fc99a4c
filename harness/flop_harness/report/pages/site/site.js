// What every page has: shards of data, the search box, copying.

const root = document.documentElement.dataset.root || '';

/** @type {Record<string, PromiseWithResolvers<any>>} */
const shards = {};

/** A shard of data says its name and its value; a page opened from a file may load scripts alone. */
function put(/** @type {string} */ name, /** @type {any} */ value) {
  shards[name]?.resolve(value);
}

/** @returns {Promise<any>} the shard of that name, loaded once */
function load(/** @type {string} */ name) {
  if (!shards[name]) {
    shards[name] = Promise.withResolvers();
    const script = make('script', {src: `${root}data/${name}.js`});
    script.addEventListener('error', () => shards[name].reject(new Error(`data/${name}.js cannot be read`)));
    document.head.append(script);
  }
  return shards[name].promise;
}

/** @returns {any} a chart as one picture, which its label and a table beside it tell */
function picture(/** @type {any} */ chart) {
  chart.setAttribute('role', 'img');
  for (const part of chart.querySelectorAll('[aria-label], [aria-description]')) for (const name of ['aria-label', 'aria-description']) part.removeAttribute(name);
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


async function copy(/** @type {HTMLElement} */ button) {
  const code = /** @type {HTMLElement} */ (button.parentElement?.querySelector('code'));
  getSelection()?.selectAllChildren(code);
  button.textContent = await navigator.clipboard.writeText(code.textContent || '').then(() => 'Copied', () => 'Selected');
}
document.addEventListener('click', event => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.matches('.copy')) copy(target);
});
const codeBlock = (/** @type {string} */ text) => make('div', {class: 'code'},
  make('button', {type: 'button', class: 'copy'}, 'Copy'), make('pre', {tabindex: 0}, make('code', {}, text)));
