'use strict';
// Sort by clicking a column's head, filter by typing, open what a link points into.
for (const table of document.querySelectorAll('table.sortable')) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => sort(table, heads, head, column));
  });
}
function sort(table, heads, head, column) {
  const up = head.getAttribute('aria-sort') !== 'ascending';
  heads.forEach(other => other.removeAttribute('aria-sort'));
  head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
  const key = row => {
    const cell = row.cells[column];
    if (!('sort' in cell.dataset)) return cell.textContent.trim();
    return cell.dataset.sort === '' ? NaN : cell.dataset.sort === 'inf' ? Infinity : Number(cell.dataset.sort);
  };
  const compare = (a, b) => {
    if (typeof a === 'number' && typeof b === 'number') {
      if (isNaN(a) || isNaN(b)) return isNaN(a) - isNaN(b);
      return up ? a - b : b - a;
    }
    const order = String(a).localeCompare(String(b), undefined, {numeric: true});
    return up ? order : -order;
  };
  const rows = [...table.tBodies[0].rows].map(row => [key(row), row]);
  rows.sort((a, b) => compare(a[0], b[0])).forEach(pair => table.tBodies[0].append(pair[1]));
}
const filter = document.getElementById('filter');
filter.closest('p').hidden = false;
filter.addEventListener('input', () => {
  const words = filter.value.toLowerCase().split(/\s+/);
  const fits = text => words.every(word => text.toLowerCase().includes(word));
  let shown = 0;
  for (const section of document.querySelectorAll('details.case')) {
    section.hidden = !fits(section.dataset.case);
    shown += !section.hidden;
  }
  for (const row of document.querySelectorAll('table.cases tbody tr')) {
    row.hidden = !fits(row.cells[0].textContent);
  }
  document.getElementById('shown').textContent = filter.value ? shown + ' shown' : '';
});
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const around = target && target.closest('details');
  if (around && !around.open) { around.open = true; target.scrollIntoView(); }
}
addEventListener('hashchange', reveal);
addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(d => { d.open = true; }));
reveal();
