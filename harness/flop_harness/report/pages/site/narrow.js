// A field narrows rows to those that have its words; a link to what is folded opens it.

/** @type {(text: string, wanted: string) => boolean} whether it has every word of a part between commas */
function fits(text, wanted) {
  const found = squashed(text), parts = wanted.split(',').filter(squashed);
  return !parts.length || parts.some(part => part.split(/\s+/).every(word => found.includes(squashed(word))));
}
const field = /** @type {HTMLInputElement | null} */ (document.querySelector('input[data-narrows]'));
field?.addEventListener('input', () => {
  const rows = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(field.dataset.narrows || '')]);
  for (const row of rows) row.hidden = !fits(row.dataset.find ?? row.textContent ?? '', field.value);
  for (const part of document.querySelectorAll('details.fold')) {
    const found = part.querySelectorAll('tbody tr:not([hidden])').length;
    Object.assign(part, {open: found > 0, hidden: !found});
    part.querySelector('summary .found')?.replaceChildren(grouped(found));
  }
  const [shown, all] = [rows.filter(row => !row.hidden), rows]
    .map(some => grouped(new Set(some.map(row => row.dataset.find ?? row)).size));
  document.getElementById('told')?.replaceChildren(field.value.trim() ? `${shown} of ${all}` : '');
});

function reach() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (const fold of [target?.closest('details'), target?.querySelector('details')]) fold?.setAttribute('open', '');
  target?.scrollIntoView({block: target.matches('details, section, article') ? 'start' : 'center'});
}
addEventListener('hashchange', reach);
reach();
