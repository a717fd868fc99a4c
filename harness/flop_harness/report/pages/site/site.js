// What every page has: shards of data, and charts as pictures.

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
