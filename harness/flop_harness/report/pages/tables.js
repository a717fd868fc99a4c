// What every page of ours can do: tables sorted by a click on a head.

function button(text, act, attributes = {}) {
  const made = make('button', {type: 'button', ...attributes}, text);
  made.addEventListener('click', act);
  return made;
}
const squeezed = text => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');
function fits(text, wanted) {
  const found = squeezed(text);
  return wanted.split(/\s+/).every(word => found.includes(squeezed(word)));
}
// The places of the texts that are wanted: of each part between commas those that are it, or have it
// in one piece (ViT-B/16 is vit_b_16), or else have all of its words. No part wants all.
function chosenAmong(texts, wanted) {
  const parts = wanted.split(',').map(part => part.trim()).filter(squeezed);
  if (!parts.length) return new Set(texts.keys());
  const places = test => [...texts.keys()].filter(place => test(texts[place]));
  return new Set(parts.flatMap(part => [
    text => text.split(' ')[0].toLowerCase() === part.toLowerCase(),
    text => squeezed(text).includes(squeezed(part)),
    text => fits(text, part),
  ].map(places).find(found => found.length) || []));
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
  rows.sort((a, b) => rankOf(a[1].cells[column]) - rankOf(b[1].cells[column]) || compare(a[0], b[0], up)).forEach(pair => table.tBodies[0].append(pair[1]));
}
const rankOf = cell => Number(cell.classList.contains('silent'));
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
