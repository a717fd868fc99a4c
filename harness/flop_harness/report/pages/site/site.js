// What every page has: shards of data, numbers in few signs, and charts as pictures.

const root = document.documentElement.dataset.root || '';

/** @type {Record<string, PromiseWithResolvers<any>>} */
const shards = {};
/** @type {(name: string, value: unknown) => void}
 * what a shard calls: a page that is opened from a file may load scripts, and nothing else */
const put = (name, value) => shards[name]?.resolve(value);

/** @type {<Name extends keyof Shards>(name: Name) => Promise<Shards[Name]>} loaded once */
function load(name) {
  if (!shards[name]) {
    shards[name] = Promise.withResolvers();
    const src = `${root}data/${name}.js`, onerror = () => shards[name].reject(new Error(`${src} cannot be read`));
    document.head.append(Object.assign(make('script', {src}), {onerror}));
  }
  return shards[name].promise;
}

/** @type {(value: number) => string} 4133742592 -> 4.13 G */
const compact = value => value.toLocaleString('en-US', {notation: 'compact', maximumSignificantDigits: 3})
  .replace(/[KMBT]$/, letter => ` ${{K: 'k', B: 'G'}[letter] || letter}`).replace('-', '−');
