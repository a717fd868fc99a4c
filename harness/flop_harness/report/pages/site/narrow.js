// A field narrows rows to those that have its words, which stand in the address; a link to what is folded opens it.

/** @type {(text: string, wanted: string) => boolean} whether it has every word of a part between commas */
function fits(text, wanted) {
  const found = squashed(text), parts = wanted.split(',').filter(squashed);
  return !parts.length || parts.some(part => part.split(/\s+/).every(word => found.includes(squashed(word))));
}
const field = /** @type {HTMLInputElement | null} */ (document.querySelector('input[data-narrows]'));
/** @type {(field: HTMLInputElement) => void} shows the rows that have its words, and how many they are */
function narrow({value, dataset: {narrows = ''}}) {
  const rows = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(narrows)]);
  for (const row of rows) row.hidden = !fits(row.dataset.find ?? row.textContent ?? '', value);
  for (const part of document.querySelectorAll('details.fold')) {
    const found = part.querySelectorAll('tbody tr:not([hidden])').length;
    Object.assign(part, {open: found > 0, hidden: !found});
    part.querySelector('summary .found')?.replaceChildren(grouped(found));
  }
  const [shown, all] = [rows.filter(row => !row.hidden), rows]
    .map(some => grouped(new Set(some.map(row => row.dataset.find ?? row)).size));
  document.getElementById('told')?.replaceChildren(value.trim() ? `${shown} of ${all}` : '');
}
field?.addEventListener('input', () => { location.replace(`#${new URLSearchParams({q: field.value})}`); reach(); });

function reach() {
  const words = new URLSearchParams(location.hash.slice(1)).get('q');
  if (field && words !== null) narrow(Object.assign(field, {value: words}));
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (const fold of [target?.closest('details'), target?.querySelector('details')]) fold?.setAttribute('open', '');
  target?.scrollIntoView({block: target.matches('details, section, article') ? 'start' : 'center'});
}
addEventListener('hashchange', reach);
reach();
