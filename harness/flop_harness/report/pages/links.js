// A link to a figure opens its case first; to anything else that is folded, what holds it.

for (const section of document.querySelectorAll('details.case')) {
  section.addEventListener('toggle', () => fill(section), {once: true});
}
function caseOf(name) {
  const parts = name.split('--');
  if (parts[0] !== 'why') return null;
  for (let end = parts.length - 1; end > 2; end -= 1) {
    const section = document.getElementById(['case', ...parts.slice(2, end)].join('--'));
    if (section) return section;
  }
  return null;
}
async function reveal() {
  const name = decodeURIComponent(location.hash.slice(1));
  if (!name) return;
  const home = caseOf(name) || document.getElementById(name);
  const around = home && home.closest('details');
  if (!around) return;
  if (around.classList.contains('case')) await fill(around);
  around.hidden = false;
  around.open = true;
  const target = document.getElementById(name) || home;
  for (const old of document.querySelectorAll('.target')) old.classList.remove('target');
  target.classList.add('target');
  target.scrollIntoView();
  target.focus({preventScroll: true});
}
addEventListener('hashchange', reveal);
reveal();
