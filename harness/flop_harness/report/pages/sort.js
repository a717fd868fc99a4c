// Tables sorted by a click on a head.

const alphabet = new Intl.Collator('en', {numeric: true});
/** @returns {string} what a cell is sorted by; nothing where it has no figure */
function keyOf(/** @type {HTMLElement} */ cell) {
  const text = cell.classList.contains('silent') ? '' : cell.dataset.sort ?? cell.textContent ?? '';
  return text.replace(/[≈!,\s]/g, '').replace(/^(∞|inf)$/, 'Infinity');
}
/** Numbers by size, other texts by the alphabet. */
const order = (/** @type {string} */ a, /** @type {string} */ b) => Number(a) - Number(b) || alphabet.compare(a, b);

function sort(/** @type {HTMLTableElement} */ table, /** @type {HTMLTableCellElement} */ head) {
  const side = head.ariaSort === 'ascending' ? -1 : 1;
  table.querySelector('[aria-sort]')?.removeAttribute('aria-sort');
  head.ariaSort = side > 0 ? 'ascending' : 'descending';
  const rows = [...table.tBodies[0].rows].map(row => ({row, key: keyOf(row.cells[head.cellIndex])}));
  rows.sort((a, b) => Number(!a.key) - Number(!b.key) || side * order(a.key, b.key));
  table.tBodies[0].append(...rows.map(each => each.row));
}
for (const table of /** @type {NodeListOf<HTMLTableElement>} */ (document.querySelectorAll('table.sortable'))) {
  for (const head of table.tHead?.rows[0].cells || []) {
    const button = make('button', {type: 'button'}, ...head.childNodes);
    button.addEventListener('click', () => sort(table, head));
    head.append(button);
  }
}
