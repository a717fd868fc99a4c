// Elements made from data, and numbers as they are written: for the site and for the report of a suite.

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

/** Code with a button that copies it; the templates write the same. */
const codeBlock = (/** @type {string} */ text) => make('div', {class: 'code'},
  make('button', {type: 'button', class: 'copy'}, 'Copy'), make('pre', {tabindex: 0}, make('code', {}, text)));
document.addEventListener('click', async event => {
  const button = /** @type {HTMLElement} */ (event.target);
  const code = button.matches('.copy') && button.parentElement?.querySelector('code');
  if (!code) return;
  getSelection()?.selectAllChildren(code);
  button.textContent = await navigator.clipboard.writeText(code.textContent || '').then(() => 'Copied', () => 'Selected');
});
