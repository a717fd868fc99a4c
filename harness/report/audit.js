'use strict';
// Filter the verdicts, sort a table by a column, open what a link points to.

const rows = [...document.querySelectorAll('.claims > tbody > tr')];
const texts = new Map(rows.map(row => [row, row.textContent.toLowerCase()]));
const [text, ruling, file, ambiguous] = ['text', 'ruling', 'file', 'ambiguous'].map(id => document.getElementById(id));
text.closest('p').hidden = false;
function choose() {
  const words = text.value.toLowerCase().split(/\s+/);
  let shown = 0;
  for (const row of rows) {
    row.hidden = !(words.every(word => texts.get(row).includes(word))
      && (!ruling.value || row.classList.contains(ruling.value))
      && (!file.value || row.dataset.file === file.value)
      && (!ambiguous.checked || 'ambiguous' in row.dataset));
    shown += !row.hidden;
  }
  document.getElementById('shown').textContent = `${shown} of ${rows.length} shown`;
}
for (const control of [text, ruling, file, ambiguous]) control.addEventListener('input', choose);
choose();

for (const table of document.querySelectorAll('table.sortable')) {
  [...table.tHead.rows[0].cells].forEach((head, column, heads) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const up = head.getAttribute('aria-sort') !== 'ascending';
      heads.forEach(other => other.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      const key = row => row.cells[column].textContent.trim().replaceAll(',', '');
      const order = (a, b) => key(a).localeCompare(key(b), undefined, {numeric: true});
      const sorted = [...table.tBodies[0].rows].sort((a, b) => up ? order(a, b) : order(b, a));
      table.tBodies[0].append(...sorted);
    });
  });
}

function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const evidence = target && target.querySelector('details');
  if (evidence) evidence.open = true;
}
addEventListener('hashchange', reveal);
addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(each => { each.open = true; }));
reveal();
