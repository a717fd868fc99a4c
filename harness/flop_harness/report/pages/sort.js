// Tables sorted by a click on a head, by what their cells show.

/** @type {(cell: HTMLElement) => string} nothing where it has no figure */
const keyOf = cell => (cell.matches('.silent, .lacking') ? '' : cell.dataset.sort ?? cell.innerText)
  .replace(/[≈!,\s]/g, '').replace(/^(∞|inf)$/, 'Infinity');
const alphabet = new Intl.Collator('en', {numeric: true});
/** @type {(a: string, b: string) => number} numbers by size, other texts by the alphabet */
const order = (a, b) => Number(a) - Number(b) || alphabet.compare(a, b);

/** @type {(body: HTMLTableSectionElement, head: HTMLTableCellElement) => void} */
function sort(body, head) {
  const side = head.ariaSort === 'ascending' ? -1 : 1;
  for (const each of head.parentElement?.children || []) each.ariaSort = null;
  head.ariaSort = side > 0 ? 'ascending' : 'descending';
  const rows = [...body.rows].map(row => ({row, key: keyOf(row.cells[head.cellIndex])}));
  rows.sort((a, b) => Number(!a.key) - Number(!b.key) || side * order(a.key, b.key));
  body.append(...rows.map(each => each.row));
}
for (const head of /** @type {NodeListOf<HTMLTableCellElement>} */ (document.querySelectorAll('.sortable>thead th'))) {
  const button = make('button', {type: 'button'}, ...head.childNodes);
  button.onclick = () => sort(/** @type {HTMLTableElement} */ (head.closest('table')).tBodies[0], head);
  head.append(button);
}
