// What a page keeps compressed until somebody opens it, and tables made of it.

async function unpacked(/** @type {string} */ data) {
  const bytes = Uint8Array.from(atob(data), sign => sign.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).json();
}
const SECOND = {class: 'num'};
const scrolled = (/** @type {any} */ table) => make('div', {class: 'scroll', tabindex: 0}, table);
const headed = (/** @type {string[]} */ names) => make('thead', {}, make('tr', {}, names.map((name, place) => make('th', {scope: 'col', ...(place === 1 && SECOND)}, name))));
function plainTable(/** @type {string} */ title, /** @type {string[]} */ names, /** @type {string[][]} */ rows) {
  const line = (/** @type {any} */ [first, second, ...others]) => make('tr', {}, make('th', {scope: 'row'}, first), make('td', SECOND, second), others.map(text => make('td', {}, text)));
  return scrolled(make('table', {}, make('caption', {}, title), headed(names), make('tbody', {}, rows.map(line))));
}
