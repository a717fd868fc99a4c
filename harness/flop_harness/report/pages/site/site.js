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
