// Claims by their words; a link to one opens the part in which it stands.

const sought = /** @type {HTMLInputElement} */ (document.getElementById('claim'));
const audited = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('.audit tbody tr')]);

sought.addEventListener('input', () => {
  const words = sought.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of audited) row.hidden = !words.every(word => (row.textContent || '').toLowerCase().includes(word));
  for (const part of document.querySelectorAll('details.fold')) part.toggleAttribute('open', Boolean(part.querySelector('tbody tr:not([hidden])')));
  document.querySelector('#told')?.replaceChildren(words.length ? `${audited.filter(row => !row.hidden).length} of ${audited.length}` : '');
});
function reach() {
  const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  row?.closest('details')?.setAttribute('open', '');
  row?.scrollIntoView({block: row.matches('details') ? 'start' : 'center'});
}
addEventListener('hashchange', reach);
reach();
