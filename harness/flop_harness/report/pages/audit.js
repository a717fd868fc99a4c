// Filter the verdicts, open what a link points to.

const rows = [...document.querySelectorAll('.claims > tbody > tr')];
const texts = new Map(rows.map(row => [row, row.textContent]));
const [text, ruling, file, ambiguous] = ['text', 'ruling', 'file', 'ambiguous'].map(id => document.getElementById(id));
text.closest('p').hidden = false;
function choose() {
  let shown = 0;
  for (const row of rows) {
    row.hidden = !(fits(texts.get(row), text.value)
      && (!ruling.value || row.classList.contains(ruling.value))
      && (!file.value || row.dataset.file === file.value)
      && (!ambiguous.checked || 'ambiguous' in row.dataset));
    shown += !row.hidden;
  }
  document.getElementById('shown').textContent = `${shown} of ${rows.length} shown`;
}
for (const control of [text, ruling, file, ambiguous]) control.addEventListener('input', choose);
choose();

function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const evidence = target && target.querySelector('details');
  if (evidence) evidence.open = true;
}
addEventListener('hashchange', reveal);
addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(each => { each.open = true; }));
reveal();
