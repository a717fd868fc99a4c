'use strict';
// What every page of ours can do: elements made from data, tables sorted by a click on a head.

function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter(child => child !== null && child !== ''));
  return made;
}
function button(text, act, attributes = {}) {
  const made = make('button', {type: 'button', ...attributes}, text);
  made.addEventListener('click', act);
  return made;
}
function fits(text, wanted) {
  const found = text.toLowerCase();
  return wanted.toLowerCase().split(/\s+/).every(word => found.includes(word));
}

for (const table of document.querySelectorAll('table.sortable')) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const names = [...head.childNodes];
    head.append(button('', () => sort(table, heads, head, column)));
    head.lastChild.append(...names);
  });
}
function sort(table, heads, head, column) {
  const up = head.getAttribute('aria-sort') !== 'ascending';
  heads.forEach(other => other.removeAttribute('aria-sort'));
  head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
  const rows = [...table.tBodies[0].rows].map(row => [keyOf(row.cells[column]), row]);
  rows.sort((a, b) => compare(a[0], b[0], up)).forEach(pair => table.tBodies[0].append(pair[1]));
}
function keyOf(cell) {
  const text = 'sort' in cell.dataset ? cell.dataset.sort : cell.textContent.trim();
  const number = text === 'inf' || text === '∞' ? Infinity : Number(text.replace(/[≈!,\s]/g, ''));
  return text === '' ? NaN : isNaN(number) ? text : number;
}
function compare(a, b, up) {
  if (typeof a === 'number' && typeof b === 'number') {
    if (isNaN(a) || isNaN(b)) return isNaN(a) - isNaN(b);
    return up ? a - b : b - a;
  }
  const order = String(a).localeCompare(String(b), undefined, {numeric: true});
  return up ? order : -order;
}
